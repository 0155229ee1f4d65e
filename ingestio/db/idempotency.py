"""Queries on idempotency keys (R63)."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from ingestio.db.models import IdempotencyKey
from ingestio.db.session import ServiceSession
from ingestio.errors import Unavailable

LIFETIME = timedelta(hours=24)


async def claim(
    session: ServiceSession, user_id: str, operation: str, key: str, fingerprint: str, resource_id: UUID
) -> tuple[str, str, UUID]:
    """Take the key for `resource_id`, or learn who has it: answers the operation, fingerprint and resource that hold it now.

    A key is one request of its user's, so whatever else it comes with, another operation too, finds it taken.
    Of two that claim at once the second waits for the first's transaction; if that rolls back, the second wins. A key that is older
    than it lives is free, whether or not upkeep has swept it already. Raises Unavailable when the key's holder goes at this very moment.
    """
    insert = upsert(IdempotencyKey).values(
        user_id=user_id, operation=operation, key=key, fingerprint=fingerprint, resource_id=resource_id
    )
    taken = await session.execute(
        insert.on_conflict_do_update(
            index_elements=["user_id", "key"],
            set_={
                "operation": operation,
                "fingerprint": fingerprint,
                "resource_id": resource_id,
                "created_at": func.now(),
            },
            where=IdempotencyKey.created_at < func.now() - LIFETIME,
        ).returning(IdempotencyKey.resource_id)
    )
    if taken.one_or_none() is not None:
        return operation, fingerprint, resource_id
    row = (
        await session.execute(
            select(IdempotencyKey.operation, IdempotencyKey.fingerprint, IdempotencyKey.resource_id).where(
                IdempotencyKey.user_id == user_id, IdempotencyKey.key == key
            )
        )
    ).one_or_none()
    if row is None:
        raise Unavailable("The Idempotency-Key is being let go by another request; try again.", retry_after_seconds=1)
    return row.operation, row.fingerprint, row.resource_id


async def release(session: ServiceSession, user_id: str, key: str) -> None:
    """Let go of a key whose request changed nothing that a repeat should answer."""
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key))


async def expire(session: ServiceSession, before: datetime) -> int:
    """Forget keys made before a moment, of every user; answers how many. For upkeep only."""
    gone = await session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.created_at < before).returning(IdempotencyKey.key)
    )
    return len(gone.all())
