"""What mends the findings in the rows. Each takes the locks in the house's order, looks again, and changes nothing that is right by then.

So a repair may run beside live work, beside another repair, and twice.
"""

from datetime import datetime
from uuid import UUID

from ingestio.db import batches, documents, exports, idempotency, jobs, upkeep, webhooks
from ingestio.db.documents import DocumentRow
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import DocumentStatus, ExtractionStatus, LedgerState, final_status
from ingestio.errors import FailureCode
from ingestio.services.controls import Removed, delete_batch
from ingestio.services.findings import DRAFT_LIFETIME, LOG_LIFETIME, SHELL_LIFETIME

_DELIVERIES_AT_ONCE = 5000


async def end_document(session: ServiceSession, user_id: str, document_id: UUID) -> bool:
    """End a document that has no live job, and count its batch anew."""
    document = await _end_document(session, user_id, document_id)
    if document is None:
        return False
    if document.batch_id is not None:
        await recount_batch(session, user_id, document.batch_id)
    return True


async def _end_document(session: ServiceSession, user_id: str, document_id: UUID) -> DocumentRow | None:
    """End it the way its last attempt ended, as `internal` when there is none to go by; None when it is not like that."""
    document = await documents.lock(session, user_id, document_id)
    if document is None:
        return None
    last = await jobs.newest(session, user_id, document_id)
    status: DocumentStatus = DocumentStatus.FAILED
    code: str | None = FailureCode.INTERNAL
    if last is not None and last.status is ExtractionStatus.CANCELLED:
        status, code = DocumentStatus.CANCELLED, FailureCode.CANCELLED
    elif last is not None and last.status is ExtractionStatus.FAILED:
        code = last.error_code or code
    elif last is not None and await upkeep.has_result(session, user_id, document_id):
        status, code = DocumentStatus.COMPLETED, None
    return document if await upkeep.end_document(session, user_id, document_id, status, code) else None


async def settle_pages(session: ServiceSession, user_id: str, job_id: UUID) -> bool:
    """Settle a reservation whose job has ended: a completed job is charged, any other end gives the pages back (R50)."""
    job = await jobs.lock(session, user_id, job_id)
    if job is not None and job.is_live:
        return False
    completed = job is not None and job.status is ExtractionStatus.COMPLETED
    usage_id = await upkeep.move_held(
        session, user_id, job_id, LedgerState.COMMITTED if completed else LedgerState.RELEASED
    )
    if usage_id is None:
        return False
    if job is not None and completed:
        await upkeep.recharge_document(session, user_id, job.document_id)
    await upkeep.recount_period(session, user_id, usage_id)
    return True


async def recount_period(session: ServiceSession, user_id: str, usage_id: UUID) -> bool:
    """Set a period's counters to what the ledger says."""
    return await upkeep.recount_period(session, user_id, usage_id)


async def recount_batch(session: ServiceSession, user_id: str, batch_id: UUID) -> bool:
    """Set a batch's counters, and an ended batch's status, to what its rows say; in an ended batch, end what nothing else would."""
    ended = False
    for document_id in await upkeep.stranded_in_ended_batch(session, user_id, batch_id):
        ended = await _end_document(session, user_id, document_id) is not None or ended
    if await batches.lock(session, user_id, batch_id) is None:
        return ended
    counted = await upkeep.count_batch(session, user_id, batch_id)
    if counted is None:
        return ended
    total, completed, failed, cancelled, pages = counted.counted
    status = counted.status
    if status.is_terminal and completed + failed + cancelled:
        status = final_status(completed=completed, failed=failed, cancelled=cancelled)
    if counted.counted == counted.stored and status is counted.status:
        return ended
    return await batches.change(
        session,
        user_id,
        batch_id,
        [counted.status],
        status=status,
        document_count=total,
        completed_count=completed,
        failed_count=failed,
        cancelled_count=cancelled,
        total_pages=pages,
    )


async def expire_draft(session: ServiceSession, user_id: str, batch_id: UUID, now: datetime) -> Removed | None:
    """Delete a draft or shell that is past its time, with its documents; answers what objects go, None when it moved meanwhile."""
    if not await upkeep.lock_idle_draft(session, user_id, batch_id, now - DRAFT_LIFETIME, now - SHELL_LIFETIME):
        return None
    return await delete_batch(session, user_id, batch_id)


async def expire_export(session: ServiceSession, user_id: str, export_id: UUID, now: datetime) -> str | None:
    """Forget the file of an export past its time; answers the object that goes, None when there is none."""
    return await exports.expire(session, user_id, export_id, now)


async def expire_deliveries(session: ServiceSession, now: datetime) -> int:
    """Forget deliveries past their month, some at a time; answers how many."""
    return await webhooks.forget_old(session, now - LOG_LIFETIME, _DELIVERIES_AT_ONCE)


async def expire_keys(session: ServiceSession, now: datetime) -> int:
    """Forget idempotency keys past their day; answers how many."""
    return await idempotency.expire(session, now - idempotency.LIFETIME)
