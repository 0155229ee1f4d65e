"""Documents by themselves: registered, extracted, retried, cancelled, deleted; those of a batch go through the batch (R2, R65, R86)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from ingestio.db import accounts, batches, documents, exports, jobs, usage
from ingestio.db.batches import RUNNING
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import BatchStatus, DocumentStatus, PromptSource
from ingestio.domain.billing import is_withheld
from ingestio.domain.submissions import ReceivedFile
from ingestio.errors import FailureCode, InvalidTransition, NotFound, QuotaExceeded, SubscriptionInactive
from ingestio.services.accounts import PlanBook
from ingestio.services.controls import Removed, new_job, recount
from ingestio.services.jobs import end
from ingestio.services.submissions import Claim, as_document, count_draft, holder_of
from ingestio.services.usage import reserve_for_job


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A lone document's job: which run to start or to stop."""

    job_id: UUID
    attempt: int


async def register_lone(
    session: ServiceSession, user_id: str, item: ReceivedFile, claim: Claim | None = None
) -> tuple[UUID, bool]:
    """Insert a lone document; only counted files get here (R42). Answers its id, or with True the id that the claimed key made before.

    Raises IdempotencyConflict when the key stands for other content.
    """
    document_id = UUID(item.document_id)
    holder = await holder_of(session, user_id, "documents", claim, document_id)
    if holder != document_id:
        return holder, True
    await documents.create(session, [as_document(user_id, None, item)])
    return document_id, False


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
    if is_withheld(profile.subscription_status):
        raise SubscriptionInactive(f"The subscription is {profile.subscription_status}. Settle it, then extract again.")
    job_id = uuid4()
    await jobs.create(session, [new_job(user_id, document, prompt, options, batch_id=None, job_id=job_id)])
    if document.status is DocumentStatus.COMPLETED:
        await documents.next_attempt(session, user_id, document_id)
    else:
        await documents.queue(session, user_id, [document_id])
    if not await reserve_for_job(session, user_id, job_id, document_id, document.page_count, book, now):
        current = await usage.read_current(session, user_id, now)
        used = 0 if current is None else current.processed + current.reserved
        left = 0 if current is None else current.remaining
        raise QuotaExceeded(
            f"Page quota exceeded: the document has {document.page_count} pages, {left} are left in this period.",
            limit=book.explain(user_id, profile.membership, "pages", used + document.page_count),
        )
    return QueuedJob(job_id, document.attempt + 1)


async def extract_again(
    session: ServiceSession, user_id: str, document_id: UUID, *, book: PlanBook, now: datetime
) -> QueuedJob:
    """Queue one document by itself, asked as it was the last time and read anew. Raises as `extract_lone` does."""
    document = await documents.read(session, user_id, document_id)
    if document is None:
        raise NotFound("No such document.")
    # What its type asked for, its type asks for again: another reading may see another type.
    prompt = None if document.prompt_source is PromptSource.AUTO else document.prompt
    # Whoever asks again wants another reading, not the one that they have.
    options = {"reuse": False}
    return await extract_lone(session, user_id, document_id, prompt=prompt, options=options, book=book, now=now)


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


async def cancel_lone(session: ServiceSession, user_id: str, document_id: UUID) -> QueuedJob:
    """End the live job of a lone document as cancelled; the caller then tells its run to stop. Raises NotFound, InvalidTransition.

    The rows move here and now: a run that has not started yet, or that cannot be reached, finds its job ended and does nothing. A
    completed document that was being read again keeps its status and result.
    """
    document = await documents.read(session, user_id, document_id)
    if document is None:
        raise NotFound("No such document.")
    job = await jobs.newest(session, user_id, document_id)
    if job is None or not job.is_live:
        raise InvalidTransition(f"The document is {document.status}; nothing runs.", current=document.status)
    if job.batch_id is not None:
        raise InvalidTransition("The document runs in a batch; cancel the batch instead.", current=document.status)
    await end(session, user_id, job.id, FailureCode.CANCELLED)
    return QueuedJob(job.id, job.attempt)


async def delete_document(session: ServiceSession, user_id: str, document_id: UUID) -> Removed:
    """Delete a document's rows; the ledger keeps its pages, its ended batch is recounted. Answers what objects go (R86)."""
    document = await documents.lock(session, user_id, document_id)
    if document is None:
        raise NotFound("No such document.")
    if await jobs.has_live(session, user_id, document_id):
        raise InvalidTransition("The document is being extracted; cancel that first.", current=document.status)
    batch = None if document.batch_id is None else await batches.lock(session, user_id, document.batch_id)
    if batch is not None and batch.status in RUNNING:
        raise InvalidTransition(f"Its batch is {batch.status}; cancel it first.", current=batch.status)
    removed = Removed([document], await jobs.ids_of_document(session, user_id, document_id))
    await documents.remove(session, user_id, document_id)
    removed.export_ids.extend(await exports.remove_of_document(session, user_id, document_id))
    if batch is not None and batch.status is BatchStatus.PENDING_UPLOAD:
        await count_draft(session, user_id, batch.id)
    elif batch is not None:
        await recount(session, user_id, batch)
    return removed
