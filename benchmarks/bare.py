"""The floor: the same shape of parent and child with activities that do nothing, under the same options of the SDK."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from benchmarks.costs import Cost, measured
from worker import WORKFLOW_TASKS

WINDOW = 50
STEP = timedelta(seconds=10)
TASK_TIMEOUT = timedelta(seconds=10)
STICKY_TIMEOUT = timedelta(seconds=2)
CACHED_WORKFLOWS = 500
# A history of 10,000 children would be terminated, so the floor too continues as new.
DOCUMENTS_PER_RUN = 1500


@dataclass(frozen=True, slots=True)
class Span:
    """Which children are still to be run."""

    first: int
    end: int


@activity.defn
async def nothing(_number: int) -> int:
    """Does nothing, as a normal and as a local activity."""
    return 0


@workflow.defn
class BareChild:
    """One normal and three local activities."""

    @workflow.run
    async def run(self, number: int) -> int:
        for _ in range(2):
            await workflow.execute_local_activity(nothing, number, start_to_close_timeout=STEP)
        await workflow.execute_activity(nothing, number, start_to_close_timeout=STEP)
        return await workflow.execute_local_activity(nothing, number, start_to_close_timeout=STEP)


@workflow.defn
class BareParent:
    """A window of children."""

    @workflow.run
    async def run(self, span: Span) -> int:
        free = asyncio.Semaphore(WINDOW)

        async def one(number: int) -> None:
            try:
                await workflow.execute_child_workflow(
                    BareChild.run,
                    number,
                    id=f"{workflow.info().workflow_id}/{number}",
                    task_timeout=TASK_TIMEOUT,
                    parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                )
            finally:
                free.release()

        tasks = []
        end = min(span.first + DOCUMENTS_PER_RUN, span.end)
        for number in range(span.first, end):
            await free.acquire()
            tasks.append(asyncio.create_task(one(number)))
        await asyncio.gather(*tasks)
        if end < span.end:
            workflow.continue_as_new(Span(end, span.end))
        return span.end


async def run(client: Client, documents: int) -> Cost:
    """One parent with so many children, from start to result."""
    queue = f"bare-{uuid4()}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[BareParent, BareChild],
        activities=[nothing],
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules("benchmarks")
        ),
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS,
    ):
        with measured(documents) as cost:
            await client.execute_workflow(
                BareParent.run, Span(0, documents), id=f"bare-{uuid4()}", task_queue=queue, task_timeout=TASK_TIMEOUT
            )
    return cost
