"""Reading a long document in parts: plan windows -> read them side by side -> merge, with narrower windows where something was cut off.

Every answer is in storage under its job and window, so a repeated step asks the model for nothing that it has answered before. A window
is at most halved until it is a single page, which bounds the calls; what is incomplete even then fails the document.
"""

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from ingestio.domain.fields import ModelUsage
    from ingestio.domain.messages import JobRequest, MergeWanted, PartRead, PartsWanted, PartWanted
    from ingestio.domain.windows import PageWindow, in_order, narrowed
    from ingestio.errors import FAILURE_MESSAGES, FailureCode
    from workflows import options, ports
    from workflows.steps import long_step


class Parts:
    """The parts of one job's document. Answers nothing: the merged answer lies where a whole one would."""

    def __init__(self, job: JobRequest, *, queue: str, timeout: timedelta, priority: Priority) -> None:
        self._job = job
        self._queue = queue
        self._timeout = timeout
        self._priority = priority
        self._read: dict[PageWindow, PartRead] = {}

    async def read(self, window_pages: int | None = None) -> None:
        """Raises ActivityError as a whole reading does, and ApplicationError(model_output_truncated) for what stays incomplete."""
        job_id, user_id = self._job.job_id, self._job.user_id
        planned = await long_step(
            ports.plan_parts,
            PartsWanted(job_id, user_id, window_pages),
            queue=self._queue,
            timeout=self._timeout,
            priority=self._priority,
            summary="choose the pages of each part",
        )
        if not planned.windows:
            return
        windows, overlap = in_order(planned.windows), planned.overlap
        while True:
            windows = await self._read_all(windows, overlap)
            workflow.set_current_details(f"Putting {len(windows)} parts together")
            merged = await long_step(
                ports.merge_parts,
                self._to_merge(windows),
                queue=self._queue,
                timeout=self._timeout,
                priority=self._priority,
                summary=f"merge {len(windows)} parts",
            )
            if not merged.incomplete_pages:
                return
            windows = _narrower(windows, merged.incomplete_pages, overlap)

    def _to_merge(self, windows: tuple[PageWindow, ...]) -> MergeWanted:
        spent = sum((part.usage for part in self._read.values()), ModelUsage())
        return MergeWanted(self._job.job_id, self._job.user_id, list(windows), **dataclasses.asdict(spent))

    async def _read_all(self, windows: tuple[PageWindow, ...], overlap: bool) -> tuple[PageWindow, ...]:
        """Reads what was not read yet; whatever is cut off is read again in halves. Answers the windows that have whole answers."""
        while True:
            workflow.set_current_details(f"Reading {len(windows)} parts")
            await self._side_by_side([window for window in windows if window not in self._read])
            halves = {window: window.halves(overlap=overlap) for window in windows if self._read[window].cut_off}
            if not halves:
                return windows
            if not all(halves.values()):
                raise _incomplete()
            windows = in_order([part for window in windows for part in halves.get(window, (window,))])

    async def _side_by_side(self, windows: Sequence[PageWindow]) -> None:
        """A bounded number at once. One that fails, or a cancel, ends the others too."""
        turns = asyncio.Semaphore(options.PARTS_AT_ONCE)
        tasks = [asyncio.create_task(self._read_one(window, turns)) for window in windows]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                if not task.done():
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read_one(self, window: PageWindow, turns: asyncio.Semaphore) -> None:
        async with turns:
            self._read[window] = await long_step(
                ports.read_part,
                PartWanted(self._job.job_id, self._job.user_id, window),
                queue=self._queue,
                timeout=self._timeout,
                priority=self._priority,
                summary=f"read pages {window.first_page} to {window.last_page}",
            )


def _narrower(windows: tuple[PageWindow, ...], pages: Sequence[int], overlap: bool) -> tuple[PageWindow, ...]:
    narrower = narrowed(windows, pages, overlap=overlap)
    if narrower is None:
        raise _incomplete()
    return narrower


def _incomplete() -> ApplicationError:
    code = FailureCode.MODEL_OUTPUT_TRUNCATED
    return ApplicationError(FAILURE_MESSAGES[code], type=code, non_retryable=True)
