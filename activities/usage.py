"""Usage: the end of a document, where result and charge become one fact."""

from uuid import UUID

from temporalio import activity

from activities.failures import database_step
from ingestio.bootstrap import WorkerDeps
from ingestio.db.session import service_connection, service_session
from ingestio.domain.batches import DocumentStatus
from ingestio.domain.messages import DocumentOutcome, JobEnding, JobRequest
from ingestio.errors import DocumentFailed, FailureCode, ObjectMissing
from ingestio.metrics import COUNTS
from ingestio.observability import Event, tell
from ingestio.services import jobs
from ingestio.storage.keys import extraction_key


class UsageActivities:
    """Implements `ports.commit_result` and `ports.end_without_result`."""

    def __init__(self, deps: WorkerDeps) -> None:
        self._deps = deps

    @activity.defn
    @database_step
    async def commit_result(self, request: JobRequest) -> DocumentOutcome:
        try:
            answer = await self._deps.store.get_bytes(extraction_key(request.user_id, request.job_id), request.user_id)
        except ObjectMissing:
            raise DocumentFailed(FailureCode.INTERNAL) from None
        return await commit(self._deps, request, answer)

    @activity.defn
    @database_step
    async def end_without_result(self, request: JobEnding) -> DocumentOutcome:
        code = FailureCode(request.code) if request.code in FailureCode._value2member_map_ else FailureCode.INTERNAL
        async with service_session(self._deps.engine) as session:
            outcome = await jobs.end(session, request.user_id, UUID(request.job_id), code)
        return _told(outcome, request)


async def commit(deps: WorkerDeps, request: JobRequest, answer: bytes) -> DocumentOutcome:
    """Make a stored answer the job's result and charge its pages, in one transaction; a job that has ended keeps its end."""
    async with service_connection(deps.engine) as connection:
        outcome = await jobs.commit(
            connection, request.user_id, UUID(request.job_id), answer.decode(), deps.settings.review_rules
        )
    return _told(outcome, request)


_EVENTS = {
    DocumentStatus.COMPLETED: Event.DOCUMENT_COMPLETED,
    DocumentStatus.FAILED: Event.DOCUMENT_FAILED,
    DocumentStatus.CANCELLED: Event.DOCUMENT_CANCELLED,
}


def _told(outcome: DocumentOutcome, request: JobRequest | JobEnding) -> DocumentOutcome:
    if outcome.status in _EVENTS:
        COUNTS.add("ingestio_documents_total", status=outcome.status, code=outcome.code or "")
        tell(_EVENTS[outcome.status], user_id=request.user_id, job_id=request.job_id, code=outcome.code)
    return outcome
