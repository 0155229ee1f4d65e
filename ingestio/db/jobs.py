"""Queries on jobs: the guarded, one-way transitions of one attempt (R66)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, cast, extract, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import Job
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import ExtractionStatus

LIVE = (ExtractionStatus.QUEUED, ExtractionStatus.PROCESSING)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as its steps need it."""

    id: UUID
    document_id: UUID
    batch_id: UUID | None
    attempt: int
    position: int
    status: ExtractionStatus
    prompt: str | None
    options: dict[str, Any]
    document_type: str | None
    error_code: str | None

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt as the history of a document shows it."""

    attempt: int
    status: ExtractionStatus
    error_code: str | None
    provider: str | None
    model: str | None
    input_tokens: int
    output_tokens: int
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Span:
    """From the first start of a batch's jobs to the last end there is."""

    begun_at: datetime
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class EndedJobs:
    """How many jobs of a batch ended as what, in one part of its time (from 0)."""

    part: int
    status: ExtractionStatus
    jobs: int


@dataclass(frozen=True, slots=True)
class CancelledJob:
    """A job that was cancelled, and whether it had started."""

    id: UUID
    document_id: UUID
    attempt: int
    position: int
    has_started: bool


async def create(session: ServiceSession, rows: Sequence[dict[str, Any]]) -> None:
    """Insert jobs; each row names id, user_id, document_id, attempt, status and what else differs from the defaults."""
    if rows:
        await session.execute(insert(Job), list(rows))


async def lock(session: ServiceSession, user_id: str, job_id: UUID) -> JobRow | None:
    """The same, locked: two runs of one step happen one after the other, and the second sees what the first did."""
    return _row((await session.execute(_select(user_id, job_id).with_for_update())).one_or_none())


async def newest(session: AsyncSession, user_id: str, document_id: UUID) -> JobRow | None:
    """The last attempt at a document."""
    statement = _columns().where(Job.document_id == document_id, Job.user_id == user_id)
    return _row((await session.execute(statement.order_by(Job.attempt.desc()).limit(1))).one_or_none())


async def attempts(session: AsyncSession, user_id: str, document_id: UUID, limit: int) -> list[AttemptRow]:
    """The latest attempts at a document, the newest first."""
    rows = await session.execute(
        select(
            Job.attempt,
            Job.status,
            Job.error_code,
            Job.provider,
            Job.model,
            Job.input_tokens,
            Job.output_tokens,
            Job.created_at,
            Job.finished_at,
        )
        .where(Job.document_id == document_id, Job.user_id == user_id)
        .order_by(Job.attempt.desc())
        .limit(limit)
    )
    return [AttemptRow(**row._mapping) for row in rows]


async def has_live(session: AsyncSession, user_id: str, document_id: UUID) -> bool:
    """Whether an attempt at a document is queued or running."""
    statement = select(Job.id).where(Job.document_id == document_id, Job.user_id == user_id, Job.status.in_(LIVE))
    return (await session.execute(statement)).one_or_none() is not None


async def ids_of_document(session: ServiceSession, user_id: str, document_id: UUID) -> list[UUID]:
    """Every attempt at a document, for the stored answers that go with it."""
    rows = await session.scalars(select(Job.id).where(Job.document_id == document_id, Job.user_id == user_id))
    return list(rows)


async def ids_of_batch(session: ServiceSession, user_id: str, batch_id: UUID) -> list[UUID]:
    """Every attempt that a batch made, for the stored answers that go with it."""
    rows = await session.scalars(select(Job.id).where(Job.batch_id == batch_id, Job.user_id == user_id))
    return list(rows)


async def end(session: ServiceSession, user_id: str, job_id: UUID, status: ExtractionStatus, **values: Any) -> bool:
    """live -> an end; False when it had ended before. `values`: further columns, such as error_code."""
    ended = await session.execute(
        update(Job)
        .where(Job.id == job_id, Job.user_id == user_id, Job.status.in_(LIVE))
        .values(status=status, finished_at=func.now(), **values)
        .returning(Job.id)
    )
    return ended.one_or_none() is not None


async def live_of_batch(
    session: AsyncSession, user_id: str, batch_id: UUID, after_position: int, limit: int
) -> list[JobRow]:
    """Live jobs of a batch in document order, after a position."""
    rows = await session.execute(
        _columns()
        .where(Job.batch_id == batch_id, Job.user_id == user_id, Job.status.in_(LIVE), Job.position > after_position)
        .order_by(Job.position)
        .limit(limit)
    )
    return [found for row in rows if (found := _row(row)) is not None]


async def count_live_of_batch(session: AsyncSession, user_id: str, batch_id: UUID, after_position: int = -1) -> int:
    """How many jobs of a batch are live after a position."""
    return (
        await session.execute(
            select(func.count()).where(
                Job.batch_id == batch_id, Job.user_id == user_id, Job.status.in_(LIVE), Job.position > after_position
            )
        )
    ).scalar_one()


async def span_of_batch(session: AsyncSession, user_id: str, batch_id: UUID) -> Span | None:
    """When a batch was worked on; None before anything of it has begun or ended."""
    statement = select(
        func.least(func.min(Job.started_at), func.min(Job.finished_at)).label("begun_at"),
        func.max(Job.finished_at).label("last_at"),
    ).where(Job.batch_id == batch_id, Job.user_id == user_id)
    row = (await session.execute(statement)).one()
    return None if row.begun_at is None else Span(row.begun_at, row.last_at)


async def ended_of_batch(
    session: AsyncSession, user_id: str, batch_id: UUID, begun_at: datetime, part_seconds: int
) -> list[EndedJobs]:
    """What ended in each part of a batch's time; parts in which nothing ended are left out."""
    part = cast(func.floor(extract("epoch", Job.finished_at - begun_at) / part_seconds), Integer).label("part")
    rows = await session.execute(
        select(part, Job.status, func.count().label("jobs"))
        .where(Job.batch_id == batch_id, Job.user_id == user_id, Job.finished_at.is_not(None))
        .group_by("part", Job.status)
        .order_by("part")
    )
    return [EndedJobs(**row._mapping) for row in rows]


async def cancel_live_of_batch(
    session: ServiceSession, user_id: str, batch_id: UUID, code: str, message: str
) -> list[CancelledJob]:
    """live -> cancelled for every job of a batch that has not ended."""
    rows = await session.execute(
        update(Job)
        .where(Job.batch_id == batch_id, Job.user_id == user_id, Job.status.in_(LIVE))
        .values(status=ExtractionStatus.CANCELLED, finished_at=func.now(), error_code=code, error_message=message)
        .returning(Job.id, Job.document_id, Job.attempt, Job.position, Job.started_at.is_not(None).label("has_started"))
    )
    return [CancelledJob(row.id, row.document_id, row.attempt, row.position, row.has_started) for row in rows]


def _columns() -> Select[*tuple[Any, ...]]:
    return select(
        Job.id,
        Job.document_id,
        Job.batch_id,
        Job.attempt,
        Job.position,
        Job.status,
        Job.extraction_prompt,
        Job.extraction_options,
        Job.document_type,
        Job.error_code,
    )


def _select(user_id: str, job_id: UUID) -> Select[*tuple[Any, ...]]:
    return _columns().where(Job.id == job_id, Job.user_id == user_id)


def _row(row: Any) -> JobRow | None:
    if row is None:
        return None
    return JobRow(
        id=row.id,
        document_id=row.document_id,
        batch_id=row.batch_id,
        attempt=row.attempt,
        position=row.position,
        status=row.status,
        prompt=row.extraction_prompt,
        options=row.extraction_options,
        document_type=row.document_type,
        error_code=row.error_code,
    )
