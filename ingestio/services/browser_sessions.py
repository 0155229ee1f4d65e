"""Sessions of browsers: opened by a sign-in, looked up with each request, ended by a sign-out (R31)."""

from datetime import datetime

from ingestio.auth.sessions import LONGEST, session_hash
from ingestio.db import browser_sessions
from ingestio.db.session import ServiceSession
from ingestio.services.accounts import require_open


async def open_session(session: ServiceSession, user_id: str, session_id: str, now: datetime) -> None:
    """Open a session of a user who exists; it ends by itself a week later. Raises Unauthenticated when the account was closed."""
    await require_open(session, user_id)
    await browser_sessions.remove_expired(session, user_id, now)
    await browser_sessions.create(session, user_id, session_hash(session_id), now + LONGEST)


async def is_session_open(session: ServiceSession, user_id: str, session_id: str, now: datetime) -> bool:
    """Whether a session that a cookie names is still open."""
    return await browser_sessions.is_open(session, user_id, session_hash(session_id), now)


async def end_session(session: ServiceSession, user_id: str, session_id: str) -> None:
    """End a session: its cookie is worth nothing from now on. Repeating it changes nothing."""
    await browser_sessions.remove(session, user_id, session_hash(session_id))
