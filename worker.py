"""The worker: settings -> bootstrap -> Worker(workflows, activities). Start as many as you like; they share the work."""

import asyncio
import contextlib
import gc
import logging
import signal
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.service import RPCError
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.registry import long_steps, short_steps
from activities.upkeep import UpkeepActivities
from ingestio.bootstrap import WorkerDeps, back_room
from ingestio.config import Settings
from ingestio.errors import Unavailable
from ingestio.temporal import connect_patiently, ensure_search_attributes
from workflows import names
from workflows.batches import BatchWorkflow
from workflows.documents import DocumentWorkflow
from workflows.upkeep import UpkeepWorkflow

logger = logging.getLogger("ingestio.worker")

UPKEEP_INTERVAL = timedelta(seconds=30)
# Running activities get this long to finish after SIGTERM; what is left is handed back and repeated elsewhere.
DRAIN = timedelta(seconds=10)
# A cancel reaches a running model call with the answer to its next heartbeat, so heartbeats must not be saved up.
HEARTBEAT_THROTTLE = timedelta(seconds=2)
LOCAL_EXTRACTIONS = 4
MODEL_CALLS = 50


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop` is set, then drain. Raises Unavailable when Temporal stays away at the start."""
    async with back_room(settings) as deps:
        await serve(deps, stop)


async def serve(deps: WorkerDeps, stop: asyncio.Event) -> None:
    """The same on what is given; benchmarks bring a provider of their own."""
    client = await connect_patiently(deps.settings.temporal_address, deps.settings.temporal_namespace)
    tagged = await ensure_search_attributes(client)
    with contextlib.suppress(Unavailable):
        await UpkeepActivities(deps, client, tagged=tagged).start_what_waits(timedelta())
    await _schedule_upkeep(client)
    orchestration, extraction = build(client, deps, tagged=tagged)
    # Everything imported so far lives until the end; leaving it out of collections makes each one short.
    gc.freeze()
    async with orchestration, extraction:
        logger.info("worker ready")
        await stop.wait()


def build(client: Client, deps: WorkerDeps, *, tagged: bool) -> tuple[Worker, Worker]:
    """The two workers of a process: orchestration with its short steps, and extraction on a queue of its own."""
    # Re-importing our own pure modules for every run costs 8 ms of CPU a document and protects from nothing.
    restrictions = SandboxRestrictions.default.with_passthrough_modules("ingestio", "workflows")
    orchestration = Worker(
        client,
        task_queue=names.ORCHESTRATION_QUEUE,
        workflows=[BatchWorkflow, DocumentWorkflow, UpkeepWorkflow],
        activities=short_steps(deps, client, tagged=tagged),
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
        graceful_shutdown_timeout=DRAIN,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        max_cached_workflows=500,
    )
    extraction = Worker(
        client,
        task_queue=names.EXTRACTION_QUEUE,
        activities=long_steps(deps),
        # The offline engine is bound by cores; a model's service is waited for, not computed.
        max_concurrent_activities=LOCAL_EXTRACTIONS if deps.provider.name == "local" else MODEL_CALLS,
        graceful_shutdown_timeout=DRAIN,
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
    )
    return orchestration, extraction


async def _schedule_upkeep(client: Client) -> None:
    """One schedule for the whole namespace; a round that is still going is not doubled. Exists already: fine."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            UpkeepWorkflow.run, id=names.UPKEEP_ID, task_queue=names.ORCHESTRATION_QUEUE
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=UPKEEP_INTERVAL)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    try:
        await client.create_schedule(names.UPKEEP_ID, schedule)
    except ScheduleAlreadyRunningError:
        logger.debug("the upkeep schedule exists")
    except RPCError:
        logger.warning("the upkeep schedule could not be made; repairs wait for the next worker start", exc_info=True)


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run(settings, stop)

    asyncio.run(serve())


if __name__ == "__main__":
    main(Settings.load())
