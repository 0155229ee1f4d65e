"""Long documents: windows are planned, read and merged, each step's answer in storage before the history hears of it (R79)."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from temporalio import activity

from activities.extraction import request_for, serialise
from activities.failures import long_step
from activities.files import stored_file
from activities.heartbeats import heartbeating
from activities.outages import Outage
from activities.reuse import reuse_key, taken_over
from activities.spending import spent_before
from activities.watching import asking
from ingestio.bootstrap import WorkerDeps
from ingestio.db import steps
from ingestio.db.session import service_connection
from ingestio.db.steps import Work
from ingestio.domain.fields import ModelUsage
from ingestio.domain.messages import (
    JobRequest,
    MergeWanted,
    PartRead,
    PartsMerged,
    PartsPlanned,
    PartsWanted,
    PartWanted,
)
from ingestio.domain.windows import PageWindow
from ingestio.errors import DocumentFailed, FailureCode, ObjectMissing
from ingestio.extraction.base import ExtractRequest, Part, PartsPlan, ReadsInParts
from ingestio.services import jobs
from ingestio.storage.keys import extraction_key, part_key, parts_plan_key


@dataclass(frozen=True, slots=True)
class _KeptPlan:
    """A plan as it lies in storage. `question`: what it was made for; `earlier`: failed attempts whose parts answer the same question."""

    plan: PartsPlan
    question: str
    earlier: list[str]


class PartActivities:
    """Implements `ports.plan_parts`, `ports.read_part` and `ports.merge_parts`."""

    def __init__(self, deps: WorkerDeps) -> None:
        self._deps = deps

    @activity.defn
    @long_step
    async def plan_parts(self, request: PartsWanted) -> PartsPlanned:
        job = JobRequest(request.job_id, request.user_id)
        outage = Outage(self._deps.settings.model_wait_seconds, self._deps.clock)
        async with heartbeating(*outage.details):
            kept = await self._kept_plan(job)
            if kept is None:
                work, before = await self._work_and_attempt_before(job)
                if await taken_over(self._deps, job, work) is not None:
                    return PartsPlanned([])
                kept = await self._plan_of_attempt(job.user_id, before, reuse_key(work, self._deps.provider))
                if kept is None:
                    async with stored_file(self._deps, work) as path:
                        with outage.watched(), asking(self._deps.provider, "plan") as asked:
                            plan = await self._reader.plan(request_for(work, path), request.window_pages)
                            asked.spent(plan.usage)
                    kept = _KeptPlan(plan, reuse_key(work, self._deps.provider), [])
                await self._put(parts_plan_key(job.user_id, job.job_id), job.user_id, dataclasses.asdict(kept))
        return PartsPlanned(list(kept.plan.windows), kept.plan.overlap)

    @activity.defn
    @long_step
    async def read_part(self, request: PartWanted) -> PartRead:
        job = JobRequest(request.job_id, request.user_id)
        outage = Outage(self._deps.settings.model_wait_seconds, self._deps.clock)
        async with heartbeating(*outage.details):
            work, kept = await self._work(job), await self._plan_of(job)
            part = await self._kept_part(job, request.window, kept.earlier)
            if part is None:
                async with stored_file(self._deps, work) as path:
                    with outage.watched(), asking(self._deps.provider, "read_part") as asked:
                        part = await self._reader.read_part(_wanted(work, path, kept.plan), request.window)
                        asked.spent(part.usage)
                await self._put(part_key(job.user_id, job.job_id, part.window), job.user_id, dataclasses.asdict(part))
        return PartRead(part.data is None, **dataclasses.asdict(part.usage))

    @activity.defn
    @long_step
    async def merge_parts(self, request: MergeWanted) -> PartsMerged:
        job = JobRequest(request.job_id, request.user_id)
        key = extraction_key(job.user_id, job.job_id)
        async with heartbeating():
            work, kept = await self._work(job), await self._plan_of(job)
            if await self._get(key, job.user_id) is not None:
                return PartsMerged()
            parts = [await self._kept_part(job, window, kept.earlier) for window in request.windows]
            whole = [part for part in parts if part is not None and part.data is not None]
            if len(whole) != len(parts):
                raise DocumentFailed(FailureCode.INTERNAL, "A part that is to be merged is not in storage.")
            async with stored_file(self._deps, work) as path:
                merged = await self._reader.merge(_wanted(work, path, kept.plan), whole)
            if not merged.incomplete_pages:
                spent = await spent_before(self._deps, job) + kept.plan.usage + request.usage
                extraction = dataclasses.replace(merged.extraction, usage=spent)
                await self._deps.store.put_bytes(key, job.user_id, serialise(extraction, work, self._deps.provider))
        return PartsMerged(list(merged.incomplete_pages))

    @property
    def _reader(self) -> ReadsInParts:
        provider = self._deps.provider
        if not isinstance(provider, ReadsInParts):
            # Another worker confirmed the job, with another provider; this one cannot go on with what that one began.
            raise DocumentFailed(FailureCode.INTERNAL, f"The provider {provider.name} does not read in parts.")
        return provider

    async def _work(self, job: JobRequest) -> Work:
        async with service_connection(self._deps.engine) as connection:
            return await jobs.load(connection, job.user_id, UUID(job.job_id))

    async def _work_and_attempt_before(self, job: JobRequest) -> tuple[Work, UUID | None]:
        async with service_connection(self._deps.engine) as connection:
            work = await jobs.load(connection, job.user_id, UUID(job.job_id))
            return work, await steps.attempt_before(connection, job.user_id, UUID(job.job_id))

    async def _plan_of(self, job: JobRequest) -> _KeptPlan:
        kept = await self._kept_plan(job)
        if kept is None:
            raise DocumentFailed(FailureCode.INTERNAL, "The plan of the parts is not in storage.")
        return kept

    async def _plan_of_attempt(self, user_id: str, before: UUID | None, question: str) -> _KeptPlan | None:
        """What an attempt that did not complete had planned and read for the same question, as the plan of this one."""
        if before is None:
            return None
        kept = await self._kept_plan(JobRequest(str(before), user_id))
        if kept is None or kept.question != question:
            return None
        free = dataclasses.replace(kept.plan, usage=ModelUsage())
        return _KeptPlan(free, question, [str(before), *kept.earlier])

    async def _kept_plan(self, job: JobRequest) -> _KeptPlan | None:
        stored = await self._get(parts_plan_key(job.user_id, job.job_id), job.user_id)
        if stored is None:
            return None
        plan = stored["plan"]
        windows = tuple(PageWindow(**window) for window in plan["windows"])
        usage = ModelUsage(**plan["usage"])
        return _KeptPlan(
            PartsPlan(windows, plan["overlap"], plan["document_type"], usage), stored["question"], stored["earlier"]
        )

    async def _kept_part(self, job: JobRequest, window: PageWindow, earlier: Sequence[str]) -> Part | None:
        """The stored answer for a window; one of an earlier attempt costs nothing now."""
        for job_id in (job.job_id, *earlier):
            stored = await self._get(part_key(job.user_id, job_id, window), job.user_id)
            if stored is not None:
                usage = ModelUsage(**stored["usage"]) if job_id == job.job_id else ModelUsage()
                return Part(window, stored["data"], stored["document_type"], stored["model"], usage)
        return None

    async def _get(self, key: str, user_id: str) -> dict[str, Any] | None:
        try:
            stored: dict[str, Any] = json.loads(await self._deps.store.get_bytes(key, user_id))
        except ObjectMissing:
            return None
        return stored

    async def _put(self, key: str, user_id: str, content: dict[str, Any]) -> None:
        await self._deps.store.put_bytes(key, user_id, json.dumps(content, ensure_ascii=False).encode())


def _wanted(work: Work, path: Path, plan: PartsPlan) -> ExtractRequest:
    return dataclasses.replace(request_for(work, path), document_type=plan.document_type)
