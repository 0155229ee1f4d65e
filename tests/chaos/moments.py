"""One round on `ingestio up` as people run it: a batch, a death or two at random moments, the batch's end, and the books."""

import random
import threading
import time
from collections import Counter

from tests.chaos import audit
from tests.chaos.instance import TARGETS, ChaosInstance
from tests.chaos.rounds import Round
from tests.chaos.visitor import Unanswered
from tests.data.make_many import make_invoice_pdf

DOCUMENTS = 24
WITHIN_SECONDS = 3.0


def play(instance: ChaosInstance, seed: int, targets: tuple[str, ...] = TARGETS) -> Round:
    """Submit a batch while one or two parts are killed at random moments, wait for its end, audit."""
    dice = random.Random(seed)
    chosen = [dice.choice(targets) for _ in range(dice.choice((1, 1, 2)))]
    moments = sorted(dice.uniform(0.0, WITHIN_SECONDS) for _ in chosen)
    pages = [dice.choice((1, 1, 2, 3)) for _ in range(DOCUMENTS)]
    files = [
        (f"invoice-{index}.pdf", make_invoice_pdf(seed * 100 + index, pages=pages[index])) for index in range(DOCUMENTS)
    ]
    begun = time.monotonic()

    def strike() -> None:
        for target, moment in zip(chosen, moments, strict=True):
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            instance.kill(target)

    killer = threading.Thread(target=strike)
    killer.start()
    problems: list[str] = []
    try:
        batch_id = instance.visitor.submit(
            files,
            f"round-{seed}",
            prompt_strategy="global",
            global_prompt="Extract the invoice number and the total",
        )
        killer.join()
        batch = instance.visitor.finished(batch_id)
        if (batch["status"], batch["completed_count"]) != ("completed", DOCUMENTS):
            problems.append(f"the batch ended {batch['status']} with {batch['completed_count']} of {DOCUMENTS}")
    except Unanswered as error:
        problems.append(str(error))
    killer.join()
    with instance.superuser() as connection:
        problems += audit.broken_invariants(connection) + audit.wrong_books(connection, instance.user_id)
    return Round(
        seed=seed,
        mode="moments",
        seconds=time.monotonic() - begun,
        batches=1,
        documents=DOCUMENTS,
        victims=Counter(chosen),
        problems=tuple(problems),
    )
