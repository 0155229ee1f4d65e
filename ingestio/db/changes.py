"""Which rows changed since somebody last looked: by the transactions that wrote them, so that no commit order loses one.

`updated_at` is the time a transaction began, and the younger of two may commit first: a cursor made of times would pass the older by.
A row's `xmin` is the id of the transaction that wrote it, and every transaction that is still open has an id at or above the
snapshot's own xmin, its savepoints included. So whoever keeps that number, the horizon, and later asks for rows at or above it misses
nothing; they may be told a row twice, which they can see from its id.
"""

from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import Batch, Document

EVERYTHING = 0

_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
# In a row the id has 32 bits and begins anew after four thousand million transactions; PostgreSQL compares within half a circle, too.
_CIRCLE = 1 << 32
_HALF = 1 << 31


async def read_horizon(session: AsyncSession) -> int:
    """The number below which every transaction has ended. Read it before the rows that it shall stand for."""
    return int((await session.execute(_HORIZON)).scalar_one())


async def changed_documents(
    session: AsyncSession, user_id: str, batch_id: UUID, since: int, horizon: int
) -> dict[UUID, int]:
    """Documents of a batch written at or above `since`, in document order, each with its transaction. Reads the batch's index."""
    statement = select(Document.id, _written_by("documents")).where(
        Document.batch_id == batch_id, Document.user_id == user_id
    )
    return await _changed(session, statement.order_by(Document.position, Document.id), "documents", since, horizon)


async def changed_batches(session: AsyncSession, user_id: str, since: int, horizon: int) -> dict[UUID, int]:
    """A user's batches written at or above `since`, newest first, each with its transaction. Reads the user's index."""
    statement = select(Batch.id, _written_by("extraction_batches")).where(Batch.user_id == user_id)
    newest_first = statement.order_by(Batch.created_at.desc(), Batch.id.desc())
    return await _changed(session, newest_first, "extraction_batches", since, horizon)


async def _changed(
    session: AsyncSession, statement: Select[UUID, int], table: str, since: int, horizon: int
) -> dict[UUID, int]:
    if since != EVERYTHING:
        ahead = (_written_by(table) - since).op("&")(_CIRCLE - 1)
        statement = statement.where(ahead < _HALF)
    return {row[0]: _whole(row[1], horizon) for row in await session.execute(statement)}


def _written_by(table: str) -> ColumnElement[int]:
    return literal_column(f"{table}.xmin::text::bigint", BigInteger)


def _whole(written_by: int, horizon: int) -> int:
    """All 64 bits of a row's transaction: the one nearest to the horizon that ends in these 32."""
    return horizon + (written_by - horizon + _HALF) % _CIRCLE - _HALF
