"""What upkeep needs to know: committed work that should have an open run."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ingestio.db import batches, jobs
from ingestio.db.models import Profile
from ingestio.db.session import ServiceSession


@dataclass(frozen=True, slots=True)
class UnfinishedBatch:
    """A batch that is queued or processing."""

    batch_id: str
    user_id: str
    plan: str
    cancel_requested: bool
    paused: bool


@dataclass(frozen=True, slots=True)
class UnfinishedDocument:
    """A lone document whose job is queued or processing."""

    job_id: str
    document_id: str
    user_id: str
    plan: str
    attempt: int


async def unfinished_batches(session: ServiceSession, before: datetime, limit: int) -> list[UnfinishedBatch]:
    """Batches of every user that should run and have not moved since `before`, longest first."""
    found = await batches.running(session, before, limit)
    plans = await _plans(session, {row.user_id for row in found})
    return [
        UnfinishedBatch(str(row.id), row.user_id, plans[row.user_id], row.cancel_requested, row.paused) for row in found
    ]


async def unfinished_documents(session: ServiceSession, before: datetime, limit: int) -> list[UnfinishedDocument]:
    """Lone jobs of every user that should run and have not moved since `before`, longest first."""
    found = await jobs.live_alone(session, before, limit)
    plans = await _plans(session, {user_id for user_id, _ in found})
    return [
        UnfinishedDocument(str(job.id), str(job.document_id), user_id, plans[user_id], job.attempt)
        for user_id, job in found
    ]


async def _plans(session: ServiceSession, user_ids: set[str]) -> dict[str, str]:
    rows = await session.execute(select(Profile.user_id, Profile.membership).where(Profile.user_id.in_(user_ids)))
    return {row.user_id: row.membership.value for row in rows}
