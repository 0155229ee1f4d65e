"""The bulk lane: a document is sent, looked at now and then, and read where the live lane would have put its answer.

What is sent lies in the file store, which therefore is the bucket that the model's service reads: below the job, so that it goes with it.
"""

import dataclasses
import json
from typing import Any
from uuid import UUID

from temporalio import activity

from activities.extraction import BULK, request_for, serialise
from activities.failures import long_step
from activities.files import stored_file
from activities.heartbeats import heartbeating
from activities.outages import Outage
from activities.reuse import taken_over
from activities.spending import keep_spent
from activities.watching import asking
from ingestio.bootstrap import WorkerDeps
from ingestio.db.session import service_connection
from ingestio.db.steps import Work
from ingestio.domain.fields import ModelUsage
from ingestio.domain.messages import BulkSeen, BulkState, JobRequest
from ingestio.errors import ModelError, ObjectMissing
from ingestio.extraction.base import BulkLane, ReadsInBulk
from ingestio.services import jobs
from ingestio.storage.keys import bulk_prefix, extraction_key


def bulk_lane(deps: WorkerDeps) -> BulkLane | None:
    """The lane, where the provider has one and can read the file store."""
    reads_store = deps.settings.resolved_storage_url.startswith("gs://")
    return deps.provider.bulk if reads_store and isinstance(deps.provider, ReadsInBulk) else None


class BulkActivities:
    """Implements `ports.send_to_bulk`, `ports.look_at_bulk` and `ports.give_up_bulk`."""

    def __init__(self, deps: WorkerDeps) -> None:
        self._deps = deps

    @activity.defn
    @long_step
    async def send_to_bulk(self, request: JobRequest) -> BulkSeen:
        lane = bulk_lane(self._deps)
        if lane is None:
            # Another worker, set up otherwise, confirmed the job.
            return BulkSeen(BulkState.ENDED)
        outage = Outage(self._deps.settings.model_wait_seconds, self._deps.clock)
        async with heartbeating(*outage.details):
            work = await self._work(request)
            if await taken_over(self._deps, request, work) is not None:
                return BulkSeen(BulkState.DONE)
            try:
                with outage.watched(), asking(self._deps.provider, "send_to_bulk") as asked:
                    if await self._get(_prepared(request), request) is None:
                        asked.spent(await self._prepare(lane, request, work))
                    await lane.send(_name(request), self._url(_line(request)), self._url(_answer(request)))
            except ModelError as error:
                if error.can_retry:
                    raise
                return BulkSeen(BulkState.ENDED)
        settings = self._deps.settings
        return BulkSeen(BulkState.WAITING, settings.bulk_deadline_seconds, settings.bulk_poll_seconds)

    @activity.defn
    @long_step
    async def look_at_bulk(self, request: JobRequest) -> BulkSeen:
        lane = bulk_lane(self._deps)
        if lane is None:
            return BulkSeen(BulkState.ENDED)
        outage = Outage(self._deps.settings.model_wait_seconds, self._deps.clock)
        async with heartbeating(*outage.details):
            work = await self._work(request)
            if await self._get(extraction_key(request.user_id, request.job_id), request) is not None:
                return BulkSeen(BulkState.DONE)
            with outage.watched():
                state = await lane.state(_name(request))
            if state is BulkState.DONE:
                with asking(self._deps.provider, "read_bulk") as asked:
                    state, usage = await self._read(lane, request, work)
                    asked.spent(usage)
        return BulkSeen(state)

    @activity.defn
    @long_step
    async def give_up_bulk(self, request: JobRequest) -> None:
        lane = bulk_lane(self._deps)
        async with heartbeating():
            if lane is not None:
                await lane.cancel(_name(request))
            await self._forget(request)

    async def _prepare(self, lane: BulkLane, job: JobRequest, work: Work) -> ModelUsage:
        """Puts into the store what is sent, the note of it last. What was spent for that stays spent, whoever reads the document."""
        async with stored_file(self._deps, work) as path:
            prepared = await lane.prepare(request_for(work, path), self._url(_document(job)))
        await keep_spent(self._deps, job, prepared.usage)
        note = {"document_type": prepared.document_type, "usage": dataclasses.asdict(prepared.usage)}
        for key, content in (
            (_document(job), prepared.document),
            (_line(job), prepared.line),
            (_prepared(job), json.dumps(note).encode()),
        ):
            await self._deps.store.put_bytes(key, job.user_id, content)
        return prepared.usage

    async def _read(self, lane: BulkLane, job: JobRequest, work: Work) -> tuple[BulkState, ModelUsage]:
        """The answer where a live one would lie; `ended` when it is none that can be used, and what it cost is kept for the live one."""
        line, note = await self._answer_line(job), await self._get(_prepared(job), job)
        if line is None or note is None:
            return BulkState.ENDED, ModelUsage()
        before = ModelUsage(**note["usage"])
        async with stored_file(self._deps, work) as path:
            asked = dataclasses.replace(request_for(work, path), document_type=note["document_type"])
            found = await lane.read(asked, line)
        if isinstance(found, ModelUsage):
            await keep_spent(self._deps, job, before + found)
            return BulkState.ENDED, found
        extraction = dataclasses.replace(found, usage=before + found.usage)
        content = serialise(extraction, work, self._deps.provider, BULK)
        await self._deps.store.put_bytes(extraction_key(job.user_id, job.job_id), job.user_id, content)
        await self._forget(job)
        return BulkState.DONE, found.usage

    async def _answer_line(self, job: JobRequest) -> bytes | None:
        """The first line of what the service wrote, into a folder that it named."""
        async for stored in self._deps.store.list(_answer(job)):
            if stored.key.endswith(".jsonl"):
                content = await self._deps.store.get_bytes(stored.key, job.user_id)
                return next(iter(content.splitlines()), None)
        return None

    async def _forget(self, job: JobRequest) -> None:
        await self._deps.store.delete_prefix(bulk_prefix(job.user_id, job.job_id), job.user_id)

    async def _work(self, job: JobRequest) -> Work:
        async with service_connection(self._deps.engine) as connection:
            return await jobs.load(connection, job.user_id, UUID(job.job_id))

    async def _get(self, key: str, job: JobRequest) -> dict[str, Any] | None:
        try:
            stored: dict[str, Any] = json.loads(await self._deps.store.get_bytes(key, job.user_id))
        except ObjectMissing:
            return None
        return stored

    def _url(self, key: str) -> str:
        return f"{self._deps.settings.resolved_storage_url.rstrip('/')}/{key}"


def _name(job: JobRequest) -> str:
    return f"ingestio-{job.job_id}"


def _document(job: JobRequest) -> str:
    return f"{bulk_prefix(job.user_id, job.job_id)}/document"


def _line(job: JobRequest) -> str:
    return f"{bulk_prefix(job.user_id, job.job_id)}/request.jsonl"


def _prepared(job: JobRequest) -> str:
    return f"{bulk_prefix(job.user_id, job.job_id)}/prepared.json"


def _answer(job: JobRequest) -> str:
    return f"{bulk_prefix(job.user_id, job.job_id)}/answer"
