"""Queries of retention, of every user: since when nothing has happened to documents, and to batches that have lost all of theirs.

A page holds the next rows by id, old or young, so that each look is short and no index is paid for with every document.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from ingestio.db.session import ServiceSession
from ingestio.domain.plans import Membership


@dataclass(frozen=True, slots=True)
class Resting:
    """A row, whose it is and on which plan, and since when it has rested; None while something is still to happen to it."""

    id: UUID
    user_id: str
    membership: Membership
    since: datetime | None


async def documents(session: ServiceSession, after: UUID, limit: int) -> list[Resting]:
    """The next documents. One that is being extracted, or whose batch runs, does not rest."""
    return await _resting(
        session,
        """
        SELECT d.id, d.user_id, p.membership::text AS membership, CASE
                   WHEN b.status IN ('queued', 'processing') THEN NULL
                   WHEN EXISTS (SELECT FROM extraction_jobs j WHERE j.document_id = d.id AND j.status IN ('queued', 'processing')) THEN NULL
                   ELSE d.updated_at
               END AS since
        FROM (SELECT id, user_id, batch_id, updated_at FROM documents WHERE id > :after ORDER BY id LIMIT :limit) d
        JOIN profiles p ON p.user_id = d.user_id LEFT JOIN extraction_batches b ON b.id = d.batch_id
        ORDER BY d.id
        """,
        after=after,
        limit=limit,
    )


async def batches(session: ServiceSession, after: UUID, limit: int) -> list[Resting]:
    """The next batches. One that has not ended, or that has documents left, does not rest."""
    return await _resting(
        session, _BATCHES.format(which="id > :after ORDER BY id LIMIT :limit"), after=after, limit=limit
    )


async def batch(session: ServiceSession, user_id: str, batch_id: UUID) -> Resting | None:
    """One batch. Lock it before."""
    which = "id = :id AND user_id = :user_id"
    found = await _resting(session, _BATCHES.format(which=which), id=batch_id, user_id=user_id)
    return found[0] if found else None


_BATCHES = """
    SELECT b.id, b.user_id, p.membership::text AS membership, CASE
               WHEN b.status IN ('pending_upload', 'queued', 'processing') THEN NULL
               WHEN EXISTS (SELECT FROM documents d WHERE d.batch_id = b.id) THEN NULL
               ELSE coalesce(b.completed_at, b.created_at)
           END AS since
    FROM (SELECT id, user_id, status, completed_at, created_at FROM extraction_batches WHERE {which}) b
    JOIN profiles p ON p.user_id = b.user_id
    ORDER BY b.id
    """


async def _resting(session: ServiceSession, statement: str, **values: Any) -> list[Resting]:
    rows = await session.execute(text(statement), values)
    return [Resting(row.id, row.user_id, Membership(row.membership), row.since) for row in rows]
