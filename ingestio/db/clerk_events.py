"""The inbox of Clerk's webhooks: a message is taken in once, with its effect in the same transaction."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert as upsert

from ingestio.db.models import ClerkEvent
from ingestio.db.session import ServiceSession


async def take_in(session: ServiceSession, message_id: str, kind: str, now: datetime) -> bool:
    """Note a message as done; False when it was noted before. A twin on its way at the same time waits for our end."""
    noted = await session.execute(
        upsert(ClerkEvent)
        .values(message_id=message_id, type=kind, processed_at=now)
        .on_conflict_do_nothing(index_elements=["message_id"])
        .returning(ClerkEvent.message_id)
    )
    return noted.one_or_none() is not None
