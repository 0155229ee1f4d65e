"""Queries on idempotency keys (R63)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from ingestio.db.models import IdempotencyKey
from ingestio.db.session import ServiceSession


async def claim(
    session: ServiceSession, user_id: str, operation: str, key: str, fingerprint: str, resource_id: UUID
) -> tuple[str, UUID]:
    """Take the key for `resource_id`, or learn who has it: answers the fingerprint and resource that hold it now.

    Of two that claim at once the second waits for the first's transaction; if that rolls back, the second wins.
    """
    taken = await session.execute(
        upsert(IdempotencyKey)
        .values(user_id=user_id, operation=operation, key=key, fingerprint=fingerprint, resource_id=resource_id)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.resource_id)
    )
    if taken.one_or_none() is not None:
        return fingerprint, resource_id
    row = (
        await session.execute(
            select(IdempotencyKey.fingerprint, IdempotencyKey.resource_id).where(
                IdempotencyKey.user_id == user_id, IdempotencyKey.operation == operation, IdempotencyKey.key == key
            )
        )
    ).one()
    return row.fingerprint, row.resource_id


async def release(session: ServiceSession, user_id: str, operation: str, key: str) -> None:
    """Let go of a key whose request changed nothing that a repeat should answer."""
    await session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.user_id == user_id, IdempotencyKey.operation == operation, IdempotencyKey.key == key
        )
    )


async def expire(session: ServiceSession, before: datetime) -> int:
    """Forget keys made before a moment, of every user; answers how many. For upkeep only."""
    gone = await session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.created_at < before).returning(IdempotencyKey.key)
    )
    return len(gone.all())
