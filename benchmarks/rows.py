"""What PostgreSQL says of a batch while it runs and afterwards; moments are seconds since 1970 on the clock of this machine."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from benchmarks.pipeline import Laboratory
from benchmarks.stalls import Span
from ingestio.db.invariants import Violation, violations
from ingestio.db.session import service_session

_SPANS = text(
    "SELECT id, attempt, status, extract(epoch FROM started_at)::float8 AS started, "
    "extract(epoch FROM finished_at)::float8 AS ended "
    "FROM extraction_jobs WHERE batch_id = :batch_id ORDER BY position, attempt"
)
_COUNTS = text(
    "SELECT count(*) FILTER (WHERE status = 'queued') AS waiting, count(*) FILTER (WHERE status = 'processing') AS running, "
    "count(*) FILTER (WHERE status NOT IN ('queued', 'processing')) AS ended "
    "FROM extraction_jobs WHERE batch_id = :batch_id"
)
_RESERVED = text("SELECT coalesce(sum(pages_reserved), 0) AS pages FROM user_usage WHERE user_id = :user_id")


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt; None for what has not happened."""

    id: UUID
    attempt: int
    status: str
    started: float | None
    ended: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Jobs of a batch by what becomes of them."""

    waiting: int
    running: int
    ended: int


async def jobs(place: Laboratory, batch_id: UUID) -> list[Job]:
    """Every attempt at every document of a batch, in document order."""
    async with service_session(place.deps.engine) as session:
        rows = await session.execute(_SPANS, {"batch_id": batch_id})
        return [Job(row.id, row.attempt, row.status, row.started, row.ended) for row in rows]


async def spans(place: Laboratory, batch_id: UUID) -> list[Span]:
    """When each job ran; jobs that never started or have not ended are left out."""
    found = await jobs(place, batch_id)
    return [Span(job.started, job.ended) for job in found if job.started is not None and job.ended is not None]


async def counts(place: Laboratory, batch_id: UUID) -> Counts:
    """How many jobs wait, run and have ended."""
    async with service_session(place.deps.engine) as session:
        row = (await session.execute(_COUNTS, {"batch_id": batch_id})).one()
        return Counts(row.waiting, row.running, row.ended)


async def reserved_pages(place: Laboratory, user_id: str) -> int:
    """Pages that a user's live jobs hold."""
    async with service_session(place.deps.engine) as session:
        return int((await session.execute(_RESERVED, {"user_id": user_id})).scalar_one())


async def require_truth(place: Laboratory) -> None:
    """Raises RuntimeError when an invariant is broken: a fast wrong answer is no figure."""
    async with service_session(place.deps.engine) as session:
        broken: list[Violation] = await violations(session)
    if broken:
        raise RuntimeError(f"invariants are broken: {broken}")
