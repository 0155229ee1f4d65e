"""What a person does to a batch that is under way or done: cancel, pause, resume, retry, delete (R64).

The intent is a column, committed here first; the caller then nudges the workflow, and the reconciler does so if that is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from ingestio.db import accounts, batches, documents, jobs
from ingestio.db.batches import RUNNING, BatchRow
from ingestio.db.documents import DocumentRow
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import BatchStatus, DocumentStatus, ExtractionStatus, PromptSource, final_status
from ingestio.domain.billing import is_withheld
from ingestio.errors import InvalidTransition, NotFound, SubscriptionInactive

RETRYABLE = (BatchStatus.PARTIALLY_COMPLETED, BatchStatus.FAILED, BatchStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Removed:
    """Rows that are gone, and so the objects that must go: everything below these documents, the answers of these jobs, and the files of
    the exports that held one of these documents."""

    documents: list[DocumentRow]
    job_ids: list[UUID]
    export_ids: list[UUID] = field(default_factory=list)


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

    `prompt` replaces theirs. Pages are reserved anew when each one runs. Raises NotFound, InvalidTransition, SubscriptionInactive.
    """
    profile = await accounts.read_profile(session, user_id)
    if profile is not None and is_withheld(profile.subscription_status):
        raise SubscriptionInactive(f"The subscription is {profile.subscription_status}. Settle it, then retry.")
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
    await jobs.create(
        session, [new_job(user_id, item, prompt, {}, batch_id=batch_id, job_id=uuid4()) for item in again]
    )
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


async def delete_batch(session: ServiceSession, user_id: str, batch_id: UUID) -> Removed:
    """Delete a draft with its documents, or a batch that has ended and whose documents stay; answers what objects go.

    The raw answers of a batch's jobs go with the jobs; results stay with their documents.
    """
    batch = await batches.lock(session, user_id, batch_id)
    if batch is None:
        raise NotFound("No such batch.")
    if batch.status in RUNNING:
        raise InvalidTransition(f"The batch is {batch.status}; cancel it first.", current=batch.status)
    removed = Removed([], await jobs.ids_of_batch(session, user_id, batch_id))
    if batch.status is BatchStatus.PENDING_UPLOAD:
        removed.documents.extend(await documents.of_batch(session, user_id, batch_id))
        for item in removed.documents:
            await documents.remove(session, user_id, item.id)
    await batches.remove(session, user_id, batch_id)
    return removed


async def recount(session: ServiceSession, user_id: str, batch: BatchRow) -> None:
    """Count an ended batch anew from its rows, because one of its documents was deleted; the caller holds its lock."""
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


def new_job(
    user_id: str,
    document: DocumentRow,
    prompt: str | None,
    options: dict[str, Any],
    *,
    batch_id: UUID | None,
    job_id: UUID,
) -> dict[str, Any]:
    """The next attempt at a document, as a row for `jobs.create`. `prompt` None: resolved when it runs. What an earlier attempt's
    classifier said is not carried over."""
    options = {name: value for name, value in options.items() if name != "classification"}
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
