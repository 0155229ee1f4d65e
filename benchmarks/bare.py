"""The floor: the same shape of parent and child with activities that do nothing."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

WINDOW = 50
STEP = timedelta(seconds=10)


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
    async def run(self, count: int) -> int:
        free = asyncio.Semaphore(WINDOW)

        async def one(number: int) -> None:
            try:
                await workflow.execute_child_workflow(
                    BareChild.run, number, id=f"{workflow.info().workflow_id}/{number}"
                )
            finally:
                free.release()

        tasks = []
        for number in range(count):
            await free.acquire()
            tasks.append(asyncio.create_task(one(number)))
        await asyncio.gather(*tasks)
        return count
