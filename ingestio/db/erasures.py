"""Statements that erase an account. What hangs on a row goes with it; the ledger alone hangs on nothing and stays (R14, R86)."""

from typing import Any

from sqlalchemy import CursorResult, delete, select, update

from ingestio.db.models import Batch, Document, PageLedger
from ingestio.db.session import ServiceSession
from ingestio.domain.users import ERASED


async def remove_a_batch(session: ServiceSession, user_id: str) -> bool:
    """Delete one of a user's batches with its documents; False when there is none."""
    batch_id = await session.scalar(select(Batch.id).where(Batch.user_id == user_id).limit(1).with_for_update())
    if batch_id is None:
        return False
    await session.execute(delete(Document).where(Document.batch_id == batch_id, Document.user_id == user_id))
    await session.execute(delete(Batch).where(Batch.id == batch_id, Batch.user_id == user_id))
    return True


async def remove_documents(session: ServiceSession, user_id: str, most: int) -> int:
    """Delete at most so many of a user's documents; answers how many."""
    some = select(Document.id).where(Document.user_id == user_id).limit(most)
    removed = await session.execute(delete(Document).where(Document.user_id == user_id, Document.id.in_(some)))
    assert isinstance(removed, CursorResult)
    return removed.rowcount


async def disown_ledger(session: ServiceSession, user_id: str) -> None:
    """Keep what was charged, and no word of whom."""
    values: dict[str, Any] = {"user_id": ERASED}
    await session.execute(update(PageLedger).where(PageLedger.user_id == user_id).values(values))
