"""What a round does, drawn from its seed before it begins: who uploads what and steers how, who dies where, which line breaks when."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.chaos.proxy import Direction, Fault, Kind
from tests.chaos.referee import ITSELF, Death
from tests.chaos.site import API, EVERYTHING, SERVERS, VISITORS, WORKERS, Link

USERS = ("a", "b", "c")
DOCUMENTS = (4, 6, 8, 10, 12)
FIRST_SECONDS = 6.0
"""Faults and deaths at random moments fall into so much of the round's beginning."""

_ONCE_A_BATCH = (
    "read_manifest",
    "settle_batch",
    "cancel_jobs",
    "request_paused",
    "request_cancel",
    "reconcile",
    "start",
)


class Steer(StrEnum):
    """What the user does to a batch while it runs."""

    NOTHING = "let run"
    CANCEL = "cancel"
    PAUSE = "pause and resume"
    RETRY = "cancel and retry"


@dataclass(frozen=True, slots=True)
class Order:
    """One batch: whose, what, how it is steered and when (a part of its documents has ended)."""

    user: str
    pages: tuple[int, ...]
    strategy: str
    broken_files: int
    steer: Steer
    after_part: float
    delay_seconds: float


@dataclass(frozen=True, slots=True)
class Strike:
    """A death at a moment instead of a boundary."""

    victim: str
    after_seconds: float


@dataclass(frozen=True, slots=True)
class Break:
    """A fault on a line, at a moment, for a while."""

    link: Link
    fault: Fault
    how: str
    after_seconds: float
    for_seconds: float
    reset_held: bool

    def __str__(self) -> str:
        return f"{'-'.join(self.link)}: {self.fault} ({self.how})"


@dataclass(frozen=True, slots=True)
class Script:
    """One round."""

    seed: int
    orders: tuple[Order, ...]
    deaths: tuple[Death, ...]
    strikes: tuple[Strike, ...]
    breaks: tuple[Break, ...]


def draw(seed: int, known: Sequence[str]) -> Script:
    """The script of a seed; `known` are the boundaries that a calm round crosses, in the same order each time."""
    dice = random.Random(seed)
    orders = tuple(_order(dice) for _ in range(dice.choice((3, 4, 5))))
    documents = sum(len(order.pages) for order in orders)
    crossed = [name for name in known if _comes_up(name, orders)]
    deaths = tuple(_death(dice, crossed, documents, len(orders)) for _ in range(dice.randint(40, 80)))
    strikes = tuple(
        Strike(dice.choice((*SERVERS, "worker", API)), dice.uniform(0, FIRST_SECONDS))
        for _ in range(dice.choice((0, 0, 1, 2)))
    )
    breaks = tuple(_break(dice) for _ in range(dice.choice((0, 1, 2, 3))))
    return Script(seed, orders, deaths, strikes, breaks)


def _order(dice: random.Random) -> Order:
    return Order(
        user=dice.choice(USERS),
        pages=tuple(dice.choice((1, 1, 2, 3)) for _ in range(dice.choice(DOCUMENTS))),
        strategy=dice.choice(("auto", "global", "per_document")),
        broken_files=dice.choice((0, 0, 0, 1)),
        steer=dice.choices(list(Steer), weights=(6, 2, 2, 2))[0],
        after_part=dice.uniform(0, 0.8),
        delay_seconds=dice.uniform(0, 1.5),
    )


def _death(dice: random.Random, known: Sequence[str], documents: int, batches: int) -> Death:
    steps = sorted({boundary.partition(":")[0] for boundary in known})
    step = dice.choice(steps)
    boundary = dice.choice([name for name in known if name.partition(":")[0] == step])
    nth = 1 + int(dice.random() * _crossings(boundary, documents, batches))
    others = ("api", *SERVERS) if " /" not in step else ("worker", *SERVERS)
    victim = ITSELF if dice.random() < 0.6 else dice.choice((*others, *others, EVERYTHING))
    return Death(boundary, nth, victim)


def _comes_up(boundary: str, orders: Sequence[Order]) -> bool:
    """Whether these orders can lead there at all."""
    steers = {order.steer for order in orders}
    if "/pause" in boundary or "/resume" in boundary:
        return Steer.PAUSE in steers
    if "/retry" in boundary:
        return Steer.RETRY in steers
    if "/cancel" in boundary or boundary.startswith(("cancel_", "end_")):
        return bool(steers & {Steer.CANCEL, Steer.RETRY})
    if boundary.startswith("classify"):
        return any(order.strategy == "auto" for order in orders)
    return "delet" not in boundary or any(order.broken_files for order in orders)


def _crossings(boundary: str, documents: int, batches: int) -> int:
    """About how often a round crosses it."""
    step, _, edge = boundary.partition(":")
    if step == "workflow task":
        return 4 * documents
    if " /" in step:
        return documents if edge in ("storing", "stored") else batches
    return batches if step in _ONCE_A_BATCH else documents


def _break(dice: random.Random) -> Break:
    link = dice.choice(links())
    kind = dice.choice(list(Kind))
    how = dice.choice(("next", "open", "lasting"))
    direction = dice.choice(list(Direction))
    if kind is Kind.LATENCY:
        fault = Fault(kind, direction=direction, seconds=dice.uniform(0.02, 0.3))
    elif link[1] == "postgres" and dice.random() < 0.4:
        fault = Fault(kind, direction=Direction.TO_SERVER, after_text=b"COMMIT")
    else:
        fault = Fault(kind, after_bytes=dice.choice((0, 0, 1, 100, 1000, 10_000)), direction=direction)
    return Break(
        link,
        fault,
        how,
        after_seconds=dice.uniform(0, FIRST_SECONDS),
        for_seconds=dice.uniform(0.3, 5.0),
        reset_held=dice.random() < 0.5,
    )


def links() -> list[Link]:
    """Every line between two parts."""
    servers = [(name, server) for name in (*WORKERS, API) for server in ("postgres", "temporal", "storage")]
    return [*servers, *((name, "model") for name in WORKERS), (VISITORS, API)]
