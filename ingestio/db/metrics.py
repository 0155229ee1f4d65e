"""What a dashboard counts, in two set-based queries that an index bounds to the period."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, and_, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.batches import RUNNING
from ingestio.db.models import Batch, Job, PageLedger
from ingestio.domain.batches import ExtractionStatus, LedgerState


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """Attempts alike: submitted on the same day (UTC), with the same outcome. `last_at` is when the last of them ended."""

    day: date
    status: ExtractionStatus
    document_type: str | None
    error_code: str | None
    documents: int
    pages: int
    last_at: datetime | None


async def count_attempts(session: AsyncSession, user_id: str, since: datetime) -> list[AttemptCount]:
    """Attempts submitted from `since` on, and the pages that they were charged."""
    day = cast(func.timezone("UTC", Job.created_at), Date)
    charged = and_(
        PageLedger.job_id == Job.id, PageLedger.user_id == user_id, PageLedger.state == LedgerState.COMMITTED
    )
    kind = (day, Job.status, Job.document_type, Job.error_code)
    rows = await session.execute(
        select(
            day.label("day"),
            Job.status,
            Job.document_type,
            Job.error_code,
            func.count().label("documents"),
            func.coalesce(func.sum(PageLedger.pages), 0).label("pages"),
            func.max(Job.finished_at).label("last_at"),
        )
        .outerjoin(PageLedger, charged)
        .where(Job.user_id == user_id, Job.created_at >= since)
        .group_by(*kind)
    )
    return [_count(row) for row in rows]


async def count_running_batches(session: AsyncSession, user_id: str) -> int:
    """Batches that are queued or processing now."""
    statement = select(func.count()).where(Batch.user_id == user_id, Batch.status.in_(RUNNING))
    return (await session.execute(statement)).scalar_one()


def _count(row: Any) -> AttemptCount:
    return AttemptCount(
        row.day, row.status, row.document_type, row.error_code, row.documents, int(row.pages), row.last_at
    )
