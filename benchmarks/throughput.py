"""What a document costs in the whole pipeline, beside a bare Temporal parent and child on the same server, rounds interleaved.

Twice: with a provider that answers at once (what the orchestration, the ledger and the storage cost) and with the offline engine reading
one-page invoices (what a user of this machine gets). Wall time, and the CPU of worker, Temporal and PostgreSQL together.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from temporalio.client import Client

import worker
from benchmarks import bare
from benchmarks.costs import Cost, measured
from benchmarks.figures import Figure
from benchmarks.pipeline import Laboratory, accept, completed, laboratory, start
from ingestio.bootstrap import WorkerDeps

ROUNDS = 5
DOCUMENTS = 300
WARM_UP_DOCUMENTS = 30


@dataclass(slots=True)
class Rounds:
    """The costs of every round; those at one index are neighbours in time."""

    floor: list[Cost] = field(default_factory=list)
    instant: list[Cost] = field(default_factory=list)
    engine: list[Cost] = field(default_factory=list)


def measure(documents: int = DOCUMENTS, rounds: int = ROUNDS, *, engine: bool = True) -> Iterator[Figure]:
    """Medians over interleaved rounds; without the offline engine when only the cost of orchestration is asked for."""
    found = asyncio.run(_measure(documents, rounds, engine=engine))
    yield from _figures("pipeline, instant provider; floor: bare", found.instant, found.floor)
    if engine:
        yield from _figures("pipeline, offline engine; floor: bare", found.engine, found.floor)
    print(f"CPU ms a document, instant provider: {_parts(found.instant)}; floor: {_parts(found.floor)}")


async def run(client: Client, deps: WorkerDeps, documents: int) -> Cost:
    """One accepted batch of so many documents, from the start of its workflow to its end."""
    batch_id = await accept(deps, documents)
    async with AsyncExitStack() as stack:
        for part in worker.build(client, deps, tagged=True):
            await stack.enter_async_context(part)
        with measured(documents) as cost:
            await start(client, batch_id)
            await completed(client, batch_id)
    return cost


async def _measure(documents: int, rounds: int, *, engine: bool) -> Rounds:
    async with laboratory() as place:
        await _round(place, Rounds(), WARM_UP_DOCUMENTS, engine=engine)
        gc.freeze()  # as the worker does once it is set up
        found = Rounds()
        for _ in range(rounds):
            await _round(place, found, documents, engine=engine)
        return found


async def _round(place: Laboratory, found: Rounds, documents: int, *, engine: bool) -> None:
    found.floor.append(await bare.run(place.client, documents))
    found.instant.append(await run(place.client, place.instant, documents))
    if engine:
        found.engine.append(await run(place.client, place.deps, documents))


def _figures(what: str, ours: list[Cost], floors: list[Cost]) -> Iterator[Figure]:
    yield Figure.of_rounds(
        what,
        [cost.documents_per_second for cost in ours],
        [cost.documents_per_second for cost in floors],
        "docs/s",
        "higher",
    )
    yield Figure.of_rounds(
        what,
        [cost.cpu_ms_per_document for cost in ours],
        [cost.cpu_ms_per_document for cost in floors],
        "CPU ms",
        "lower",
    )


def _parts(costs: list[Cost]) -> str:
    """CPU milliseconds a document by process, over all rounds."""
    documents = sum(cost.documents for cost in costs)
    used = sum((cost.cpu for cost in costs), Counter())
    return ", ".join(f"{part} {1000 * seconds / documents:.1f}" for part, seconds in used.most_common())
