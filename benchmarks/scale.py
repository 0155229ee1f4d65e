"""One large batch: it completes, histories and processes stay small, it never stands still, a document costs what it does in a small one.

The provider answers at once, so that everything that is measured is ours. `--documents 10000` is the promise; up to 1,000 documents there
is no smaller batch to compare with.
"""

import asyncio
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import psutil

from benchmarks.complaints import complaints
from benchmarks.costs import Cost, measured
from benchmarks.figures import Figure
from benchmarks.pipeline import Laboratory, accept, completed, laboratory, start
from benchmarks.rows import require_truth, spans
from benchmarks.stalls import Stall, longest_stall
from benchmarks.watch import MemoryWatch, lone
from workflows import options

DOCUMENTS = 1000
PEER_DOCUMENTS = 1000
WARM_UP_DOCUMENTS = 50
COST_LIMIT = 1.1
EVENTS_LIMIT = 10_000
STALL_LIMIT_SECONDS = 0.5
MEMORY_LIMIT_MB = 300.0
VISIBILITY_SECONDS = 30.0

KNOWN_NOISE = "TrailerToContextMetadataInterceptor"
"""Temporal 1.32 warns, at most once in 30 s, that an inner call of its own (a child's end told to its parent) carries metadata which nobody
reads. Any parent with a child brings it, the bare floor too; it is listed like all others, and counted apart."""


@dataclass(frozen=True, slots=True)
class Histories:
    """Events in the runs of one batch."""

    longest: int
    total: int
    batch_runs: int


@dataclass(frozen=True, slots=True)
class Run:
    """One batch from its start to its end."""

    cost: Cost
    stall: Stall
    histories: Histories


def measure(documents: int = DOCUMENTS) -> Iterator[Figure]:
    """The batch of `documents`, between two of 1,000 when it is larger."""
    yield from asyncio.run(_measure(documents))


async def _measure(documents: int) -> list[Figure]:
    async with laboratory() as place:
        worker = psutil.Process(await asyncio.to_thread(place.add_worker, seconds=0.0))
        temporal = psutil.Process(place.instance.pids()["temporal"])
        await _run(place, WARM_UP_DOCUMENTS)
        compared = documents > PEER_DOCUMENTS
        peers = [(await _run(place, PEER_DOCUMENTS)).cost] if compared else []
        with MemoryWatch({"worker": lone(worker), "temporal": lone(temporal)}) as watch:
            run = await _run(place, documents)
        if compared:
            peers.append((await _run(place, PEER_DOCUMENTS)).cost)
        await require_truth(place)
        found = {part: complaints(place.log(part)) for part in ("temporal", "worker")}
    for part, lines in found.items():
        for message, count in lines.items():
            print(f"{part}.log, {count} times: {message}")
    noise = sum(count for message, count in found["temporal"].items() if message.startswith(KNOWN_NOISE))
    warnings = sum(lines.total() for lines in found.values()) - noise
    what = f"{documents} documents"
    figures = [
        Figure(f"{what}, longest history; bound", run.histories.longest, EVENTS_LIMIT, "events", "lower"),
        Figure(f"{what}, longest stall; bound", run.stall.seconds, STALL_LIMIT_SECONDS, "s", "lower"),
        Figure(f"{what}, worker's peak memory; bound", watch.peak_mb("worker"), MEMORY_LIMIT_MB, "MB", "lower"),
        *(_growth(what, watch, part) for part in ("worker", "temporal")),
        Figure(f"{what}, warnings in the logs; bound: none", warnings, 0, "lines", "lower"),
    ]
    if peers:
        wall = statistics.mean(1000 / cost.documents_per_second for cost in peers)
        cpu = statistics.mean(cost.cpu_ms_per_document for cost in peers)
        figures += [
            Figure(f"{what}, a document; floor: of 1,000", 1000 / run.cost.documents_per_second, wall, "ms", "lower"),
            Figure(f"{what}, a document; floor: of 1,000", run.cost.cpu_ms_per_document, cpu, "CPU ms", "lower"),
        ]
    return figures


def _growth(what: str, watch: MemoryWatch, part: str) -> Figure:
    return Figure(
        f"{what}, {part}'s peak; floor: of the first half",
        watch.peak_mb(part),
        watch.first_half_peak_mb(part),
        "MB",
        "lower",
    )


async def _run(place: Laboratory, documents: int) -> Run:
    batch_id = await accept(place.deps, documents)
    with measured(documents) as cost:
        await start(place.client, batch_id)
        await completed(place.client, batch_id)
    stall = longest_stall(await spans(place, batch_id), options.WINDOW)
    histories = await _histories(place, batch_id, documents)
    # At once, because ten thousand take long and whoever loses patience has seen something.
    print(
        f"{documents} documents: {cost.documents_per_second:.1f} a second, {cost.cpu_ms_per_document:.1f} CPU ms each, "
        f"longest stall {stall.seconds:.2f} s, longest history {histories.longest} events; "
        f"{histories.batch_runs} runs of the batch, {histories.total / documents:.1f} events a document in all histories",
        flush=True,
    )
    return Run(cost, stall, histories)


async def _histories(place: Laboratory, batch_id: UUID, documents: int) -> Histories:
    """Of the batch's own runs and its documents', once the server lists them all as closed."""
    async with asyncio.timeout(VISIBILITY_SECONDS):
        while True:
            batch_runs, lengths, open_runs = 0, [], 0
            async for run in place.client.list_workflows(f"IngestioBatch = '{batch_id}'"):
                batch_runs += run.workflow_type == "BatchWorkflow"
                open_runs += run.close_time is None
                lengths.append(run.history_length)
            if not open_runs and len(lengths) >= documents + batch_runs:
                return Histories(max(lengths), sum(lengths), batch_runs)
            await asyncio.sleep(0.5)
