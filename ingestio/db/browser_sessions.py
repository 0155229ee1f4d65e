"""Queries on browser sessions: a row is a session that is open."""

from datetime import datetime

from sqlalchemy import delete, insert, select

from ingestio.db.models import BrowserSession
from ingestio.db.session import ServiceSession


async def create(session: ServiceSession, user_id: str, token_hash: str, expires_at: datetime) -> None:
    """Open a session."""
    await session.execute(insert(BrowserSession).values(user_id=user_id, token_hash=token_hash, expires_at=expires_at))


async def is_open(session: ServiceSession, user_id: str, token_hash: str, now: datetime) -> bool:
    """Whether this user's session is neither ended nor too old."""
    found = await session.execute(
        select(BrowserSession.id).where(
            BrowserSession.token_hash == token_hash,
            BrowserSession.user_id == user_id,
            BrowserSession.expires_at > now,
        )
    )
    return found.one_or_none() is not None


async def remove(session: ServiceSession, user_id: str, token_hash: str) -> None:
    """End a session; ending it again changes nothing."""
    await session.execute(
        delete(BrowserSession).where(BrowserSession.token_hash == token_hash, BrowserSession.user_id == user_id)
    )


async def remove_expired(session: ServiceSession, user_id: str, now: datetime) -> None:
    """Tidy what this user left behind."""
    await session.execute(
        delete(BrowserSession).where(BrowserSession.user_id == user_id, BrowserSession.expires_at <= now)
    )


async def remove_all(session: ServiceSession, user_id: str) -> None:
    """Sign this user out everywhere."""
    await session.execute(delete(BrowserSession).where(BrowserSession.user_id == user_id))
