"""Queries on everything of one user that is under way, for ending it."""

from uuid import UUID

from sqlalchemy import select, update

from ingestio.db.batches import RUNNING
from ingestio.db.jobs import LIVE
from ingestio.db.models import Batch, Job
from ingestio.db.session import ServiceSession


async def wish_all_cancelled(session: ServiceSession, user_id: str) -> list[UUID]:
    """Commit the wish to cancel on every running batch of a user; answers which run."""
    running = (Batch.user_id == user_id, Batch.status.in_(RUNNING))
    await session.execute(update(Batch).where(*running, ~Batch.cancel_requested).values(cancel_requested=True))
    return list(await session.scalars(select(Batch.id).where(*running)))


async def live_jobs(session: ServiceSession, user_id: str) -> list[tuple[UUID, UUID, int, UUID | None]]:
    """(job, document, attempt, batch) of every live job of a user."""
    rows = await session.execute(
        select(Job.id, Job.document_id, Job.attempt, Job.batch_id).where(Job.user_id == user_id, Job.status.in_(LIVE))
    )
    return [(row.id, row.document_id, row.attempt, row.batch_id) for row in rows]
