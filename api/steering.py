"""What people do to a batch, as routes and pages do it: the intent is committed, then the run is nudged (R64)."""

from uuid import UUID

from api.deps import Account, Caller
from api.removal import remove_objects, remove_stored
from ingestio.db import documents
from ingestio.domain.batches import DocumentStatus
from ingestio.domain.plans import Rate
from ingestio.observability import Event, tell
from ingestio.services import privileged


async def cancel(caller: Caller, batch_id: UUID) -> None:
    """Stop a batch. Raises NotFound, InvalidTransition."""
    async with caller.acting() as session:
        await privileged.request_cancel(session, caller.user_id, batch_id)
    await caller.runs.nudge_batch(batch_id)


async def set_paused(caller: Caller, batch_id: UUID, *, paused: bool) -> None:
    """Start no further document, or go on. Raises NotFound, InvalidTransition."""
    async with caller.acting() as session:
        await privileged.set_paused(session, caller.user_id, batch_id, paused=paused)
    await caller.runs.nudge_batch(batch_id)


async def retry(caller: Caller, batch_id: UUID, prompt: str | None) -> None:
    """Run failed and cancelled documents again; `prompt`, already checked, replaces theirs.

    Raises NotFound, InvalidTransition, SubscriptionInactive, RateLimited.
    """
    account = await caller.account()
    await _count_extractions(caller, account, batch_id, DocumentStatus.FAILED, DocumentStatus.CANCELLED)
    async with caller.acting() as session:
        await privileged.retry_batch(session, caller.user_id, batch_id, prompt)
    await caller.runs.start_batch(caller.user_id, batch_id, account.profile.membership.value)


async def submit(caller: Caller, batch_id: UUID, *, all_or_nothing: bool | None) -> None:
    """Queue a draft and start it.

    Raises NotFound, InvalidTransition, InvalidRequest, QuotaExceeded, RateLimited, and what a plan refuses.
    """
    account = await caller.account()
    await _count_extractions(caller, account, batch_id, DocumentStatus.UPLOADED)
    async with caller.acting() as session:
        await privileged.submit(
            session, caller.user_id, batch_id, all_or_nothing=all_or_nothing, book=caller.book, now=caller.now()
        )
    tell(Event.BATCH_CREATED, user_id=caller.user_id, batch_id=str(batch_id))
    await caller.runs.start_batch(caller.user_id, batch_id, account.profile.membership.value)


async def remove_file(caller: Caller, batch_id: UUID, client_id: str) -> None:
    """Take a file, or a refusal, out of a draft. Raises NotFound, InvalidTransition."""
    async with caller.acting() as session:
        gone = await privileged.remove_file(session, caller.user_id, batch_id, client_id)
    if gone is not None:
        await remove_objects(caller.store, caller.user_id, [gone.storage_path])


async def delete(caller: Caller, batch_id: UUID) -> None:
    """Delete a draft with its documents, or an ended batch whose documents stay. Raises NotFound, InvalidTransition."""
    async with caller.acting() as session:
        removed = await privileged.delete_batch(session, caller.user_id, batch_id)
    await remove_stored(caller.store, caller.user_id, removed)


async def _count_extractions(caller: Caller, account: Account, batch_id: UUID, *statuses: DocumentStatus) -> None:
    """Count as many extractions as a batch has documents in these statuses. Raises RateLimited."""
    if caller.counts(Rate.EXTRACTIONS):
        async with caller.reading() as session:
            found = await documents.count_by_status(session, caller.user_id, batch_id)
        await caller.spend(Rate.EXTRACTIONS, sum(found.get(status, 0) for status in statuses), account=account)
