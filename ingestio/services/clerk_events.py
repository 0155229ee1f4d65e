"""What follows from a message of Clerk: a user is made, renamed or deleted, once, whatever order messages come in (R33)."""

from datetime import datetime

from ingestio.auth.clerk import ClerkEvent
from ingestio.db import accounts, clerk_events
from ingestio.db.session import ServiceSession
from ingestio.errors import Unauthenticated
from ingestio.services.accounts import PlanBook, provision
from ingestio.services.erasures import close_account


async def receive(session: ServiceSession, event: ClerkEvent, book: PlanBook, now: datetime) -> bool:
    """Take a message in and do what it says, in the caller's transaction; True when it closed an account that is now to be erased.

    A message that was taken in before changes nothing, nor does one of a deleted user, nor one that is older than what we know.
    """
    if not await clerk_events.take_in(session, event.message_id, event.type, now):
        return False
    user = event.user
    if user is None:
        return False
    if event.type == "user.deleted":
        await close_account(session, user.user_id, now)
        return True
    try:
        await provision(session, user.user_id, email=user.email, full_name=user.full_name, book=book, now=now)
    except Unauthenticated:
        return False  # deleted here: late news of them brings nobody back
    await accounts.follow_provider(
        session,
        user.user_id,
        email=user.email,
        full_name=user.full_name,
        avatar_url=user.avatar_url,
        version=user.version,
    )
    return False
