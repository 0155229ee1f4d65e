"""One round on a site: the script of a seed is played, then everybody comes back and the books and the store are audited."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

from tests.chaos import audit
from tests.chaos.orders import follow
from tests.chaos.script import Break, Order, Script, Steer, Strike, draw
from tests.chaos.site import Site
from tests.chaos.visitor import Unanswered

STARTING = tuple(f"start:{edge}" for edge in ("commit", "committing", "committed"))
"""A worker that starts in the middle of a round looks for what to repair; it opens a run only where one is missing."""

DEADLY_SECONDS = 120.0
"""Nobody dies later than that in a round, unless it says otherwise: one on a slow machine ends too."""


@dataclass(frozen=True)
class Round:
    """What happened and what was found wrong."""

    seed: int
    mode: str
    seconds: float
    batches: int
    documents: int
    victims: Counter[str] = field(default_factory=Counter)
    """Deaths, by who died: worker, api, temporal, postgres, supervisor, everything."""
    boundaries: Counter[str] = field(default_factory=Counter)
    """Deaths, by the boundary they happened at; the others happened at a random moment."""
    faults: Counter[str] = field(default_factory=Counter)
    """Faults of lines, by kind."""
    orphans: int = 0
    problems: tuple[str, ...] = ()

    @property
    def crashes(self) -> int:
        return self.victims.total()


def calm_round(site: Site) -> list[str]:
    """A round in which nobody dies; answers every boundary that it crosses, in order of name. Raises AssertionError when it fails."""
    orders = (
        Order("a", (1,) * 8, "auto", 1, Steer.NOTHING, 0, 0),
        Order("b", (1,) * 8, "global", 0, Steer.RETRY, 0.1, 0),
        Order("b", (1,) * 8, "per_document", 0, Steer.PAUSE, 0.1, 0),
    )
    played = play_script(site, Script(0, orders, (), (), ()), keep_crossings=True)
    assert played.problems == (), played.problems
    return sorted({*site.referee.crossed, *STARTING})


def play(site: Site, seed: int, known: Sequence[str]) -> Round:
    """Play the round of a seed; `known` are the boundaries of a calm round."""
    return play_script(site, draw(seed, known))


def play_script(
    site: Site, script: Script, *, keep_crossings: bool = False, deadly_seconds: float = DEADLY_SECONDS
) -> Round:
    """Play a script to its end and audit; nobody dies later than `deadly_seconds` after its begin."""
    begun = time.monotonic()
    site.referee.arm(script.deaths)
    struck: list[str] = []
    over = threading.Event()
    quiet = threading.Timer(deadly_seconds, site.referee.disarm)
    quiet.start()
    with ThreadPoolExecutor(len(script.orders) + 2) as threads:
        strikes = threads.submit(_strike, site, script.strikes, begun, over, struck)
        breaks = threads.submit(_break, site, script.breaks, begun, over)
        followed = [threads.submit(_guarded, site, script, index, order) for index, order in enumerate(script.orders)]
        lived = [future.result() for future in followed]
        over.set()
        strikes.result()
        faults = breaks.result()
    for link in site.proxies:
        site.heal(link)
    quiet.cancel()
    site.referee.disarm()
    problems = [problem for _, found in lived for problem in found]
    batch_ids = [batch_id for batch_id, _ in lived if batch_id]
    orphans = 0
    try:
        site.await_everybody()
        found, orphans = _audit(site, script, batch_ids)
        problems += found
    except AssertionError as error:
        problems.append(str(error))
    fired = list(site.referee.fired)
    if not keep_crossings:
        site.referee.arm(())
    return Round(
        seed=script.seed,
        mode="boundaries",
        seconds=time.monotonic() - begun,
        batches=len(script.orders),
        documents=sum(len(order.pages) for order in script.orders),
        victims=Counter(_part(name) for _, name in fired) + Counter(struck),
        boundaries=Counter(death.boundary for death, _ in fired),
        faults=faults,
        orphans=orphans,
        problems=tuple(problems),
    )


def user_of(script: Script, order: Order) -> str:
    """Each round has users of its own, so that its books are small."""
    return f"round-{script.seed}-{order.user}"


def _guarded(site: Site, script: Script, index: int, order: Order) -> tuple[str, list[str]]:
    """Live through a batch; what its user cannot get done is a finding like any other."""
    try:
        visitor = site.visitor(user_of(script, order))
        return follow(site, order, visitor, f"round-{script.seed}-{index}", script.seed * 100 + index * 20)
    except (Unanswered, AssertionError, httpx.HTTPError) as error:
        return "", [f"{type(error).__name__}: {error}"]


def _strike(site: Site, strikes: Sequence[Strike], begun: float, over: threading.Event, struck: list[str]) -> None:
    for strike in sorted(strikes, key=lambda strike: strike.after_seconds):
        if over.wait(max(0.0, begun + strike.after_seconds - time.monotonic())):
            return
        site.kill(strike.victim)
        struck.append(_part(strike.victim))


def _break(site: Site, breaks: Sequence[Break], begun: float, over: threading.Event) -> Counter[str]:
    """Lay each fault at its moment and heal it at its end; the last ones are healed when the batches are over."""
    events = sorted(
        [(fault.after_seconds, index, True) for index, fault in enumerate(breaks)]
        + [(fault.after_seconds + fault.for_seconds, index, False) for index, fault in enumerate(breaks)]
    )
    laid: Counter[str] = Counter()
    for moment, index, begins in events:
        if over.wait(max(0.0, begun + moment - time.monotonic())):
            break
        fault = breaks[index]
        if begins:
            site.lay_fault(fault.link, fault.fault, fault.how)
            laid[fault.fault.kind] += 1
        else:
            site.heal(fault.link, reset_held=fault.reset_held)
    return laid


def _part(name: str) -> str:
    return name.partition("-")[0]


def _audit(site: Site, script: Script, batch_ids: Sequence[str]) -> tuple[list[str], int]:
    users = sorted({user_of(script, order) for order in script.orders})
    with site.superuser() as connection:
        documents = [
            str(row[0])
            for row in connection.execute(
                "SELECT id FROM documents WHERE batch_id = ANY(%s::uuid[])", [list(batch_ids)]
            ).fetchall()
        ]
        problems = audit.open_runs(site, batch_ids, documents)
        problems += audit.broken_invariants(connection)
        for user_id in users:
            problems += audit.wrong_books(connection, user_id)
        found, orphans = audit.wrong_objects(site, connection, users)
    return problems + found, orphans
