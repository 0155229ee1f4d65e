"""One round: a batch, a death at a random moment, the batch's end, and the books."""

import random
import threading
import time
from dataclasses import dataclass

from tests.chaos.instance import TARGETS, ChaosInstance
from tests.data.make_many import make_invoice_pdf

DOCUMENTS = 24


@dataclass(frozen=True)
class Round:
    """What happened: who was killed, how long after the first byte of the upload, and what was found wrong."""

    number: int
    targets: tuple[str, ...]
    after_seconds: tuple[float, ...]
    seconds: float
    problems: tuple[str, ...]


def play(instance: ChaosInstance, number: int, dice: random.Random, targets: tuple[str, ...] = TARGETS) -> Round:
    """Submit a batch while one or two parts are killed at random moments, wait for its end, audit."""
    count = dice.choice((1, 1, 2))
    chosen = tuple(dice.choice(targets) for _ in range(count))
    moments = tuple(sorted(dice.uniform(0.0, 3.0) for _ in range(count)))
    pages = [dice.choice((1, 1, 2, 3)) for _ in range(DOCUMENTS)]
    files = [
        (f"invoice-{index}.pdf", make_invoice_pdf(number * 1000 + index, pages=pages[index]))
        for index in range(DOCUMENTS)
    ]
    charged_before = processed(instance)
    begun = time.monotonic()

    def strike() -> None:
        for target, moment in zip(chosen, moments, strict=True):
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            instance.kill(target)

    killer = threading.Thread(target=strike)
    killer.start()
    batch_id = instance.submit(files, key=f"round-{number}")
    killer.join()
    batch = instance.finished(batch_id)
    problems = [*instance.violations()]
    if (batch["status"], batch["completed_count"]) != ("completed", DOCUMENTS):
        problems.append(f"the batch ended {batch['status']} with {batch['completed_count']} of {DOCUMENTS}")
    if (charged := processed(instance) - charged_before) != sum(pages):
        problems.append(f"{charged} pages charged for {sum(pages)}")
    return Round(number, chosen, moments, time.monotonic() - begun, tuple(problems))


def processed(instance: ChaosInstance) -> int:
    """Pages charged to the user so far; nothing may stay reserved between rounds."""
    usage = instance.request("GET", "/usage").json()
    assert usage["pages_reserved"] == 0, usage
    return int(usage["pages_processed"])
