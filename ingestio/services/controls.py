"""What a person does to work that is under way or done: cancel, pause, resume, retry, delete, extract again (R64).

The intent is a column, committed here first; the caller then nudges the workflow, and the reconciler does so if that is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from ingestio.db import accounts, batches, documents, jobs
from ingestio.db.batches import RUNNING, BatchRow
from ingestio.db.documents import DocumentRow
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import BatchStatus, DocumentStatus, ExtractionStatus, PromptSource, final_status
from ingestio.errors import InvalidTransition, NotFound, QuotaExceeded, SubscriptionInactive
from ingestio.services.accounts import INACTIVE, PlanBook
from ingestio.services.usage import reserve_for_job

RETRYABLE = (BatchStatus.PARTIALLY_COMPLETED, BatchStatus.FAILED, BatchStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A lone document's new job, for starting its workflow."""

    job_id: UUID
    attempt: int


async def request_cancel(session: ServiceSession, user_id: str, batch_id: UUID) -> None:
    """Commit the wish to cancel a running batch; again is fine. Raises NotFound, InvalidTransition."""
    await _set_running(session, user_id, batch_id, "cancelled", cancel_requested=True)


async def set_paused(session: ServiceSession, user_id: str, batch_id: UUID, *, paused: bool) -> None:
    """Commit the wish to pause or to go on; again is fine. Raises NotFound, InvalidTransition."""
    await _set_running(session, user_id, batch_id, "paused" if paused else "resumed", paused=paused)


async def _set_running(session: ServiceSession, user_id: str, batch_id: UUID, action: str, **values: Any) -> None:
    if await batches.change(session, user_id, batch_id, RUNNING, **values):
        return
    batch = await _batch(session, user_id, batch_id)
    raise InvalidTransition(f"A batch that is {batch.status} cannot be {action}.", current=batch.status)


async def retry_batch(session: ServiceSession, user_id: str, batch_id: UUID, prompt: str | None) -> int:
    """Make new jobs for the failed and cancelled documents of a batch that has ended; answers how many.

    `prompt` replaces theirs. Pages are reserved anew when each one runs. Raises NotFound, InvalidTransition.
    """
    batch = await batches.lock(session, user_id, batch_id)
    if batch is None:
        raise NotFound("No such batch.")
    found = await documents.of_batch(session, user_id, batch_id)
    again = [item for item in found if item.status in (DocumentStatus.FAILED, DocumentStatus.CANCELLED)]
    if batch.status not in RETRYABLE or not again:
        raise InvalidTransition(
            f"The batch is {batch.status}; a retry needs a batch that ended with failed or cancelled documents.",
            current=batch.status,
        )
    await jobs.create(session, [_job(user_id, item, prompt, {}, batch_id=batch_id, job_id=uuid4()) for item in again])
    await documents.queue(session, user_id, [item.id for item in again])
    await batches.change(
        session,
        user_id,
        batch_id,
        RETRYABLE,
        status=BatchStatus.QUEUED,
        failed_count=await batches.count_refused(session, user_id, batch_id),
        cancelled_count=0,
        cancel_requested=False,
        paused=False,
        completed_at=None,
    )
    return len(again)


async def delete_batch(session: ServiceSession, user_id: str, batch_id: UUID) -> list[DocumentRow]:
    """Delete a draft with its documents, or a batch that has ended and whose documents stay; answers documents whose objects go."""
    batch = await batches.lock(session, user_id, batch_id)
    if batch is None:
        raise NotFound("No such batch.")
    if batch.status in RUNNING:
        raise InvalidTransition(f"The batch is {batch.status}; cancel it first.", current=batch.status)
    gone: list[DocumentRow] = []
    if batch.status is BatchStatus.PENDING_UPLOAD:
        gone = await documents.of_batch(session, user_id, batch_id)
        for item in gone:
            await documents.remove(session, user_id, item.id)
    await batches.remove(session, user_id, batch_id)
    return gone


async def extract_lone(
    session: ServiceSession,
    user_id: str,
    document_id: UUID,
    *,
    prompt: str | None,
    options: dict[str, Any],
    book: PlanBook,
    now: datetime,
) -> QueuedJob:
    """Queue one document by itself: reserve its pages, make its job. A completed one keeps status and result meanwhile (R65).

    Raises NotFound, QuotaExceeded, SubscriptionInactive, and InvalidTransition while it runs or belongs to an unfinished batch.
    """
    document = await documents.lock(session, user_id, document_id)
    if document is None:
        raise NotFound("No such document.")
    if await jobs.has_live(session, user_id, document_id):
        raise InvalidTransition("The document is being extracted already.", current=document.status)
    if document.batch_id is not None and document.status is not DocumentStatus.COMPLETED:
        raise InvalidTransition(
            "The document belongs to a batch; submit or retry the batch instead.", current=document.status
        )
    profile = await accounts.read_profile(session, user_id)
    if profile is None:
        raise NotFound("No such account.")
    if profile.subscription_status in INACTIVE:
        raise SubscriptionInactive(f"The subscription is {profile.subscription_status}. Settle it, then extract again.")
    job_id = uuid4()
    await jobs.create(session, [_job(user_id, document, prompt, options, batch_id=None, job_id=job_id)])
    if document.status is DocumentStatus.COMPLETED:
        await documents.next_attempt(session, user_id, document_id)
    else:
        await documents.queue(session, user_id, [document_id])
    plan = book.plan_of(user_id, profile.membership)
    if not await reserve_for_job(session, user_id, job_id, document_id, document.page_count, plan, now):
        raise QuotaExceeded(f"Page quota exceeded: the document has {document.page_count} pages, more than are left.")
    return QueuedJob(job_id, document.attempt + 1)


async def retry_lone(
    session: ServiceSession, user_id: str, document_id: UUID, *, prompt: str | None, book: PlanBook, now: datetime
) -> QueuedJob:
    """Queue a lone document that failed or was cancelled once more. Raises as `extract_lone` does."""
    document = await documents.read(session, user_id, document_id)
    if document is None:
        raise NotFound("No such document.")
    if document.status not in (DocumentStatus.FAILED, DocumentStatus.CANCELLED):
        raise InvalidTransition(
            f"The document is {document.status}; there is nothing to retry.", current=document.status
        )
    last = await jobs.newest(session, user_id, document_id)
    options = dict(last.options) if last is not None else {}
    requested = options.get("prompt_source") == PromptSource.REQUEST
    kept = last.prompt if last is not None and requested else None
    return await extract_lone(session, user_id, document_id, prompt=prompt or kept, options=options, book=book, now=now)


async def find_lone_job(session: ServiceSession, user_id: str, document_id: UUID) -> QueuedJob:
    """The live job of a lone document, for cancelling it. Raises NotFound, InvalidTransition."""
    document = await documents.read(session, user_id, document_id)
    if document is None:
        raise NotFound("No such document.")
    job = await jobs.newest(session, user_id, document_id)
    if job is None or not job.is_live:
        raise InvalidTransition(f"The document is {document.status}; nothing runs.", current=document.status)
    if job.batch_id is not None:
        raise InvalidTransition("The document runs in a batch; cancel the batch instead.", current=document.status)
    return QueuedJob(job.id, job.attempt)


async def delete_document(session: ServiceSession, user_id: str, document_id: UUID) -> DocumentRow:
    """Delete a document's rows; the ledger keeps its pages, its ended batch is recounted. Answers what objects go (R86)."""
    document = await documents.lock(session, user_id, document_id)
    if document is None:
        raise NotFound("No such document.")
    if await jobs.has_live(session, user_id, document_id):
        raise InvalidTransition("The document is being extracted; cancel that first.", current=document.status)
    batch = None if document.batch_id is None else await batches.lock(session, user_id, document.batch_id)
    if batch is not None and batch.status in RUNNING:
        raise InvalidTransition(f"Its batch is {batch.status}; cancel it first.", current=batch.status)
    await documents.remove(session, user_id, document_id)
    if batch is not None and batch.status.is_terminal:
        await _recount(session, user_id, batch)
    return document


async def _recount(session: ServiceSession, user_id: str, batch: BatchRow) -> None:
    found: Sequence[DocumentRow] = await documents.of_batch(session, user_id, batch.id)
    refused = await batches.count_refused(session, user_id, batch.id)
    completed = sum(item.status is DocumentStatus.COMPLETED for item in found)
    cancelled = sum(item.status is DocumentStatus.CANCELLED for item in found)
    failed = sum(item.status is DocumentStatus.FAILED for item in found) + refused
    left = bool(found or refused)
    await batches.change(
        session,
        user_id,
        batch.id,
        [batch.status],
        status=final_status(completed=completed, failed=failed, cancelled=cancelled) if left else batch.status,
        document_count=len(found),
        completed_count=completed,
        failed_count=failed,
        cancelled_count=cancelled,
        total_pages=sum(item.page_count for item in found),
    )


async def _batch(session: ServiceSession, user_id: str, batch_id: UUID) -> BatchRow:
    batch = await batches.read(session, user_id, batch_id)
    if batch is None:
        raise NotFound("No such batch.")
    return batch


def _job(
    user_id: str,
    document: DocumentRow,
    prompt: str | None,
    options: dict[str, Any],
    *,
    batch_id: UUID | None,
    job_id: UUID,
) -> dict[str, Any]:
    if prompt is not None:
        options = options | {"prompt_source": PromptSource.REQUEST.value}
    return {
        "id": job_id,
        "user_id": user_id,
        "document_id": document.id,
        "batch_id": batch_id,
        "attempt": document.attempt + 1,
        "position": document.position,
        "status": ExtractionStatus.QUEUED,
        "extraction_prompt": prompt,
        "extraction_options": options,
    }


async def forget_shell(session: ServiceSession, user_id: str, batch_id: UUID) -> None:
    """Delete the empty shell of a one-shot upload that lost to its twin or was never finished."""
    batch = await batches.lock(session, user_id, batch_id)
    if batch is not None and batch.status is BatchStatus.PENDING_UPLOAD:
        await batches.remove(session, user_id, batch_id)
