"""Leaving, as the route and the page do it: closed with one commit, then erased by a run (R86)."""

from api.deps import Caller
from ingestio.observability import Event, tell
from ingestio.services import privileged


async def close_account(caller: Caller) -> None:
    """Delete the caller's account: from now on nothing opens it, and all of it goes."""
    async with caller.acting() as session:
        await privileged.close_account(session, caller.user_id, caller.now())
    tell(Event.ACCOUNT_DELETED)
    await caller.runs.erase_account(caller.user_id)
