"""The worker: settings -> bootstrap -> Worker(workflows, activities). Start as many as you like; they share the work."""

import asyncio
import gc
import hashlib
import logging
import os
import signal
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import TypedDict

from temporalio.client import Client
from temporalio.worker import Worker, WorkflowRunner

from activities.dispatch import dispatching
from activities.registry import long_steps, short_steps
from activities.rounds import keep_up
from activities.upkeep import UpkeepActivities
from ingestio import tracing
from ingestio.bootstrap import WorkerDeps, back_room
from ingestio.config import Settings
from ingestio.leaving import leaving_at_once
from ingestio.temporal import connect_patiently, ensure_search_attributes
from workflows import names
from workflows.accounts import AccountErasureWorkflow
from workflows.batches import BatchWorkflow
from workflows.billing import StripeEventWorkflow
from workflows.documents import DocumentWorkflow
from workflows.exports import ExportWorkflow
from workflows.right_of_way import GivingWay, ReadingGivesWay, RightOfWay, Waiting
from workflows.sandbox import sandbox
from workflows.upkeep import UpkeepWorkflow
from workflows.webhooks import DeliveryWorkflow

logger = logging.getLogger("ingestio.worker")

WORKFLOWS: tuple[type, ...] = (
    BatchWorkflow,
    DocumentWorkflow,
    ExportWorkflow,
    DeliveryWorkflow,
    UpkeepWorkflow,
    AccountErasureWorkflow,
    StripeEventWorkflow,
)


class _Options(TypedDict, total=False):
    """Of a worker, as the SDK names them."""

    sticky_queue_schedule_to_start_timeout: timedelta
    max_cached_workflows: int
    max_concurrent_workflow_tasks: int
    max_concurrent_local_activities: int
    max_heartbeat_throttle_interval: timedelta
    default_heartbeat_throttle_interval: timedelta
    graceful_shutdown_timeout: timedelta
    build_id: str


# Twice a minute: work whose run was lost is taken up within one.
UPKEEP_INTERVAL = timedelta(seconds=30)
# Running activities get this long to finish after SIGTERM; what is left is handed back as a failure that is tried again within a second,
# by another worker or after the next start. Nothing of it looks like a cancel to the workflow.
DRAIN = timedelta(seconds=10)
# A cancel reaches a running model call with the answer to its next heartbeat, so heartbeats must not be saved up.
HEARTBEAT_THROTTLE = timedelta(seconds=2)
# What a worker takes runs against a clock (WORKFLOW_TASK_TIMEOUT), what it leaves waits in the server's queue without one. Taking a
# hundred at once, as the SDK does, on a machine that is short of cores makes most of them time out and start over: a collapse, where
# taking few is only a slow-down. The steps inside them wait for the database, so more of those than connections would only wait too.
WORKFLOW_TASKS = 16
# Beyond those, tasks of later documents that wait while other users' first ones pass.
GIVING_WAY = 12
# One more than the cores, so that one that waits for its file leaves none idle.
LOCAL_EXTRACTIONS = (os.cpu_count() or 1) + 1
MODEL_CALLS = 50
# Requests for work that wait at a queue of theirs, as many as the SDK has of its own accord.
ASKING = 5
# Writing a file is work for one core, and a person waits for each.
EXPORTS = 2
# Most of the time of a request is waiting for somebody's server.
WEBHOOKS = 20
# Runs whose state a worker keeps between two of their tasks; any other is rebuilt from its history.
CACHED_RUNS = 500


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Wait for Temporal as long as it takes, work until `stop` is set, then drain."""
    async with back_room(settings) as deps:
        await serve(deps, stop)


async def serve(deps: WorkerDeps, stop: asyncio.Event) -> None:
    """The same on what is given; benchmarks bring a provider of their own."""
    client = await connect_patiently(deps.settings.temporal_address, deps.settings.temporal_namespace, stop)
    if client is None:
        return
    tagged = await ensure_search_attributes(client)
    workers = build(client, deps, tagged=tagged)
    # Everything imported so far lives until the end; leaving it out of collections makes each one short.
    gc.freeze()
    async with AsyncExitStack() as running:
        for each in workers:
            await running.enter_async_context(each)
        upkeep = keep_up(UpkeepActivities(deps, client, tagged=tagged), client, UPKEEP_INTERVAL)
        async with upkeep, dispatching(deps, client):
            logger.info("worker ready")
            await stop.wait()
        # All at the same time: one after the other, each would take the whole time to drain.
        await asyncio.gather(*(each.shutdown() for each in workers))


def build(
    client: Client,
    deps: WorkerDeps,
    *,
    tagged: bool,
    cached_runs: int = CACHED_RUNS,
    drain: timedelta = DRAIN,
    way: RightOfWay | None = None,
) -> list[Worker]:
    """The workers of a process: orchestration with its short steps, and one for each queue of long ones, so that none starves another.

    Every process serves every queue: documents that were queued before the provider was changed are read by the new one.
    """
    short, long = short_steps(deps, client, tagged=tagged), long_steps(deps)
    way = way or RightOfWay()
    # Without a cache the SDK loses a task that it takes while another is worked on, until the server gives it away again.
    tasks, giving_way = (WORKFLOW_TASKS, GIVING_WAY) if cached_runs else (1, 0)
    orchestrating: _Options = {
        "sticky_queue_schedule_to_start_timeout": timedelta(seconds=2),
        "max_cached_workflows": cached_runs,
        "max_concurrent_workflow_tasks": tasks + giving_way,
        "max_concurrent_local_activities": deps.settings.database_pool_size,
        "graceful_shutdown_timeout": drain,
        "build_id": build_id(),
    }
    working: _Options = {
        "max_heartbeat_throttle_interval": HEARTBEAT_THROTTLE,
        "default_heartbeat_throttle_interval": HEARTBEAT_THROTTLE,
        "graceful_shutdown_timeout": drain,
        "build_id": build_id(),
    }

    def runner() -> WorkflowRunner:
        return GivingWay(sandbox(client.data_converter), Waiting(way, giving_way))

    def reading(queue: str, at_once: int, per_second: float | None = None) -> Worker:
        """Documents and their steps. One that asks for its reading while a place is free gets it with the answer, and nothing is queued;
        otherwise it waits its turn, as always where the server holds the steps to a rate."""
        return Worker(
            client,
            task_queue=queue,
            workflows=[DocumentWorkflow],
            workflow_runner=runner(),
            activities=short + long,
            # Who waits for a model's service takes no core from anybody meanwhile.
            interceptors=[ReadingGivesWay(Waiting(way, at_once // 2))] if queue == names.PARSING_QUEUE else [],
            max_concurrent_activities=at_once,
            # Who asks the queue for work holds a place while it waits for an answer.
            max_concurrent_activity_task_polls=min(ASKING, at_once // 2),
            max_task_queue_activities_per_second=per_second,
            disable_eager_activity_execution=per_second is not None,
            **orchestrating | working,
        )

    def working_on(queue: str, at_once: int) -> Worker:
        return Worker(client, task_queue=queue, activities=long, max_concurrent_activities=at_once, **working)

    return [
        Worker(
            client,
            task_queue=names.ORCHESTRATION_QUEUE,
            workflows=WORKFLOWS,
            workflow_runner=runner(),
            activities=short,
            **orchestrating,
        ),
        reading(names.PARSING_QUEUE, LOCAL_EXTRACTIONS),
        reading(names.MODEL_QUEUE, MODEL_CALLS, deps.settings.model_calls_per_second),
        working_on(names.EXPORT_QUEUE, EXPORTS),
        working_on(names.WEBHOOK_QUEUE, WEBHOOKS),
    ]


def build_id() -> str:
    """What a history says about the code that wrote it: a digest of the workflows' own files.

    Left alone, the SDK reads every module that is loaded for it: a third of a second of a start's CPU.
    """
    code = hashlib.sha256()
    for path in sorted(Path(names.__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    return code.hexdigest()[:16]


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run(settings, stop)

    tracing.start(settings.otlp_endpoint, "ingestio-worker")
    try:
        asyncio.run(serve())
    finally:
        tracing.stop()


if __name__ == "__main__":
    leaving_at_once(lambda: main(Settings.load()))
