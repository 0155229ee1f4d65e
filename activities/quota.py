"""Quota: the first step of a document."""

from dataclasses import replace
from uuid import UUID

from temporalio import activity

from activities.bulk import bulk_lane
from activities.failures import database_step
from ingestio.bootstrap import WorkerDeps
from ingestio.db.session import service_connection
from ingestio.domain.messages import JobRequest, QuotaConfirmed
from ingestio.errors import FailureCode
from ingestio.extraction.base import ReadsInParts
from ingestio.observability import Event, tell
from ingestio.services import jobs


class QuotaActivities:
    """Implements `ports.confirm_quota`."""

    def __init__(self, deps: WorkerDeps) -> None:
        self._deps = deps

    @activity.defn
    @database_step
    async def confirm_quota(self, request: JobRequest) -> QuotaConfirmed:
        async with service_connection(self._deps.engine) as connection:
            confirmed = await jobs.confirm(
                connection,
                request.user_id,
                UUID(request.job_id),
                book=self._deps.book,
                now=self._deps.clock(),
                model_timeout_seconds=self._deps.settings.model_timeout_seconds,
            )
        if confirmed.code == FailureCode.QUOTA_EXCEEDED:
            tell(Event.QUOTA_EXCEEDED, user_id=request.user_id, job_id=request.job_id)
        provider = self._deps.provider
        return replace(
            confirmed,
            reader=self._deps.reader,
            whole_pages=provider.whole_pages if isinstance(provider, ReadsInParts) else None,
            bulk=confirmed.bulk and bulk_lane(self._deps) is not None,
        )
