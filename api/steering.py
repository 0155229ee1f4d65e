"""What people do to a batch, as routes and pages do it: the intent is committed, then the run is nudged (R64)."""

from uuid import UUID

from api.deps import Caller
from api.removal import remove_objects, remove_stored
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
    """Run failed and cancelled documents again; `prompt`, already checked, replaces theirs. Raises NotFound, InvalidTransition."""
    account = await caller.account()
    async with caller.acting() as session:
        await privileged.retry_batch(session, caller.user_id, batch_id, prompt)
    await caller.runs.start_batch(caller.user_id, batch_id, account.profile.membership.value)


async def submit(caller: Caller, batch_id: UUID, *, all_or_nothing: bool | None) -> None:
    """Queue a draft and start it. Raises NotFound, InvalidTransition, InvalidRequest, QuotaExceeded, and what a plan refuses."""
    account = await caller.account()
    async with caller.acting() as session:
        await privileged.submit(
            session, caller.user_id, batch_id, all_or_nothing=all_or_nothing, book=caller.book, now=caller.now()
        )
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
