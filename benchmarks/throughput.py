"""Documents per second through the whole pipeline, beside a bare Temporal parent and child on the same server, rounds interleaved.

Twice: with a provider that answers at once (what the orchestration, the ledger and the storage cost) and with the offline engine reading
one-page invoices (what a user of this machine gets).
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from uuid import uuid4

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import worker
from benchmarks.bare import BareChild, BareParent, nothing
from benchmarks.figures import Figure
from benchmarks.pipeline import accept, completed, laboratory, start
from ingestio.bootstrap import WorkerDeps

ROUNDS = 3
DOCUMENTS = 200


def measure() -> Iterator[Figure]:
    """Medians over interleaved rounds."""
    bare, instant, local = asyncio.run(_measure())
    floor = statistics.median(bare)
    yield Figure(
        "documents through the pipeline, instant provider; floor: bare",
        statistics.median(instant),
        floor,
        "docs/s",
        "higher",
    )
    yield Figure(
        "documents read by the offline engine; floor: bare", statistics.median(local), floor, "docs/s", "higher"
    )


async def _measure() -> tuple[list[float], list[float], list[float]]:
    async with laboratory() as place:
        bare, instant, local = [], [], []
        for _ in range(ROUNDS):
            bare.append(await _bare(place.client))
            instant.append(await _ours(place.client, place.instant))
            local.append(await _ours(place.client, place.deps))
        return bare, instant, local


async def _bare(client: Client) -> float:
    async with Worker(
        client,
        task_queue="bare",
        workflows=[BareParent, BareChild],
        activities=[nothing],
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules("benchmarks")
        ),
    ):
        begun = time.perf_counter()
        await client.execute_workflow(BareParent.run, DOCUMENTS, id=f"bare-{uuid4()}", task_queue="bare")
        return DOCUMENTS / (time.perf_counter() - begun)


async def _ours(client: Client, deps: WorkerDeps) -> float:
    batch_id = await accept(deps, DOCUMENTS)
    async with AsyncExitStack() as stack:
        for part in worker.build(client, deps, tagged=True):
            await stack.enter_async_context(part)
        begun = time.perf_counter()
        await start(client, batch_id)
        await completed(client, batch_id)
        return DOCUMENTS / (time.perf_counter() - begun)
