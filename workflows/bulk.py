"""Reading a document in the bulk lane: send -> wait -> look, until it is read, or the deadline has come and the live lane takes over.

Waiting is a timer and holds no place of a worker. Whatever goes wrong with the lane, the live one still knows how to read, and says what
is wrong with the document.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from ingestio.domain.messages import BulkSeen, BulkState, JobRequest
    from workflows import options, ports
    from workflows.steps import long_step

Step = Callable[[JobRequest], Awaitable[BulkSeen]]


class Bulk:
    """The bulk lane for one job's document."""

    def __init__(self, job: JobRequest, *, queue: str, timeout: timedelta, priority: Priority) -> None:
        self._job = job
        self._queue = queue
        self._timeout = timeout
        self._priority = priority

    async def read(self) -> bool:
        """True when the answer lies where a live one would; False when the live lane is to read. Raises what cancels the run."""
        try:
            if await self._read():
                return True
        except (asyncio.CancelledError, ActivityError) as error:
            await self._give_up()
            if is_cancelled_exception(error):
                raise
            return False
        await self._give_up()
        return False

    async def _read(self) -> bool:
        sent = await self._step(ports.send_to_bulk, "send to the bulk lane")
        deadline = workflow.now() + timedelta(seconds=sent.deadline_seconds)
        state, pause = sent.state, timedelta(seconds=sent.poll_seconds)
        longest = pause * options.BULK_PAUSES_AT_MOST
        while state is BulkState.WAITING and (left := deadline - workflow.now()) > timedelta():
            workflow.set_current_details(f"In the bulk lane until {deadline:%Y-%m-%d %H:%M} UTC at the latest")
            await workflow.sleep(min(pause, left))
            state = (await self._step(ports.look_at_bulk, "look into the bulk lane")).state
            pause = min(pause * options.BULK_PAUSE_GROWS, longest)
        return state is BulkState.DONE

    async def _step(self, port: Step, summary: str) -> BulkSeen:
        return await long_step(
            port, self._job, queue=self._queue, timeout=self._timeout, priority=self._priority, summary=summary
        )

    async def _give_up(self) -> None:
        """Also after a cancel: a run that was cancelled may still have something done."""
        workflow.set_current_details("Leaving the bulk lane")
        try:
            await workflow.execute_activity(
                ports.give_up_bulk,
                self._job,
                task_queue=self._queue,
                start_to_close_timeout=options.GIVE_UP_BULK_TIMEOUT,
                heartbeat_timeout=options.HEARTBEAT_TIMEOUT,
                retry_policy=options.GIVE_UP_BULK_RETRY,
                priority=self._priority,
                summary="leave the bulk lane",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("a batch job may go on in vain", extra={"job_id": self._job.job_id})
