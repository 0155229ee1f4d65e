"""Queries on the inbox of Stripe's webhooks: what came, what became of it, and what is to be tried again.

An event of a type that we do not act on stays where it is, unprocessed: it is parked, and a later version that knows the type takes it up.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ingestio.db.models import StripeEvent
from ingestio.db.session import ServiceSession
from ingestio.domain.billing import Event


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as it lies in the inbox."""

    event_id: str
    type: str
    customer_id: str | None
    processed_at: datetime | None
    attempts: int


async def insert_once(session: ServiceSession, event: Event, now: datetime) -> bool:
    """Put an event in; False when it is there already."""
    inserted = await session.execute(
        upsert(StripeEvent)
        .values(event_id=event.id, type=event.type, customer_id=event.customer_id, received_at=now)
        .on_conflict_do_nothing(index_elements=["event_id"])
        .returning(StripeEvent.event_id)
    )
    return inserted.one_or_none() is not None


async def read(session: ServiceSession, event_id: str) -> EventRow | None:
    """One event."""
    columns = (
        StripeEvent.event_id,
        StripeEvent.type,
        StripeEvent.customer_id,
        StripeEvent.processed_at,
        StripeEvent.attempts,
    )
    row = (await session.execute(select(*columns).where(StripeEvent.event_id == event_id))).one_or_none()
    return None if row is None else EventRow(**row._mapping)


async def mark_processed(session: ServiceSession, event_id: str, now: datetime, note: str | None = None) -> None:
    """Say that an event has had its effect, or none (`note` says why); an earlier mark stays."""
    await session.execute(
        update(StripeEvent)
        .where(StripeEvent.event_id == event_id, StripeEvent.processed_at.is_(None))
        .values(processed_at=now, error=note)
    )


async def note_failure(session: ServiceSession, event_id: str, error: str, try_after: datetime) -> None:
    """Say why an event had no effect yet, and when it is worth another try."""
    await session.execute(
        update(StripeEvent)
        .where(StripeEvent.event_id == event_id, StripeEvent.processed_at.is_(None))
        .values(error=error, attempts=StripeEvent.attempts + 1, try_after=try_after)
    )


async def due(
    session: ServiceSession, types: Collection[str], after: str, limit: int, now: datetime, before: datetime
) -> list[str]:
    """Events of these types without effect whose time has come: those that failed, and those that came `before` and were never tried."""
    rows = await session.execute(
        select(StripeEvent.event_id)
        .where(
            StripeEvent.processed_at.is_(None),
            StripeEvent.type.in_(types),
            StripeEvent.event_id > after,
            or_(StripeEvent.try_after <= now, StripeEvent.try_after.is_(None) & (StripeEvent.received_at < before)),
        )
        .order_by(StripeEvent.event_id)
        .limit(limit)
    )
    return list(rows.scalars())


async def count_parked(session: ServiceSession, types: Collection[str]) -> int:
    """How many events of other types lie there."""
    counted = await session.execute(
        select(func.count()).where(StripeEvent.processed_at.is_(None), StripeEvent.type.not_in(types))
    )
    return counted.scalar_one()
