"""Batches: the manifest, the cancel, the settling."""

from dataclasses import replace
from uuid import UUID

from temporalio import activity

from activities.failures import database_step
from ingestio.bootstrap import WorkerDeps
from ingestio.db.session import service_session
from ingestio.domain.messages import BatchRef, BatchSettled, JobsCancelled, ManifestPage, ManifestRequest, PauseWish
from ingestio.errors import InvalidTransition, NotFound
from ingestio.observability import Event, tell
from ingestio.services import controls, jobs


class BatchActivities:
    """Implements `ports.read_manifest`, `request_cancel`, `request_paused`, `cancel_jobs` and `settle_batch`."""

    def __init__(self, deps: WorkerDeps) -> None:
        self._deps = deps

    @activity.defn
    @database_step
    async def read_manifest(self, request: ManifestRequest) -> ManifestPage:
        async with service_session(self._deps.engine) as session:
            page = await jobs.manifest(
                session, request.user_id, UUID(request.batch_id), request.after_position, request.limit
            )
        return replace(page, reader=self._deps.reader)

    @activity.defn
    @database_step
    async def request_cancel(self, request: BatchRef) -> None:
        async with service_session(self._deps.engine) as session:
            try:
                await controls.request_cancel(session, request.user_id, UUID(request.batch_id))
            except (InvalidTransition, NotFound):
                # It ended, or went away, before the cancel arrived: there is nothing left to wish for.
                activity.logger.info("cancel came after the end", extra={"batch_id": request.batch_id})

    @activity.defn
    @database_step
    async def request_paused(self, request: PauseWish) -> None:
        async with service_session(self._deps.engine) as session:
            try:
                await controls.set_paused(session, request.user_id, UUID(request.batch_id), paused=request.paused)
            except (InvalidTransition, NotFound):
                activity.logger.info("pause or resume came after the end", extra={"batch_id": request.batch_id})

    @activity.defn
    @database_step
    async def cancel_jobs(self, request: BatchRef) -> JobsCancelled:
        async with service_session(self._deps.engine) as session:
            return JobsCancelled(await jobs.cancel_live(session, request.user_id, UUID(request.batch_id)))

    @activity.defn
    @database_step
    async def settle_batch(self, request: BatchRef) -> BatchSettled:
        async with service_session(self._deps.engine) as session:
            settled = await jobs.settle_batch(session, request.user_id, UUID(request.batch_id), self._deps.clock())
        if not settled.open_jobs:
            ends = {"completed": settled.completed, "failed": settled.failed, "cancelled": settled.cancelled}
            tell(
                Event.BATCH_COMPLETED, user_id=request.user_id, batch_id=request.batch_id, status=settled.status, **ends
            )
        return settled
