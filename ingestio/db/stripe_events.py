"""Queries on the inbox of Stripe's webhooks: what came, what became of it, and what is to be tried again.

An event of a type that we do not act on stays where it is, unprocessed: it is parked, and a later version that knows the type takes it up.
Of a customer who has no account here, or none any more, an event's own id is all that is kept: it is what makes a repeat harmless.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ingestio.db.models import StripeEvent
from ingestio.db.session import ServiceSession
from ingestio.domain.billing import Event

_NOBODYS = "no account of ours"


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as it lies in the inbox."""

    event_id: str
    type: str
    customer_id: str | None
    processed_at: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many events wait, how many of them failed, since when the oldest waits, and why the latest attempt failed."""

    events: int
    failed: int
    since: datetime | None
    last_error: str | None
    parked: int


async def insert_once(session: ServiceSession, event: Event, now: datetime) -> bool:
    """Put an event in; False when it is there already."""
    return await _insert_once(session, event.id, type=event.type, customer_id=event.customer_id, received_at=now)


async def insert_nobodys(session: ServiceSession, event: Event, now: datetime) -> bool:
    """Put in an event that is done with as it comes, and no word of whom; False when it is there already."""
    return await _insert_once(session, event.id, type=event.type, received_at=now, processed_at=now, error=_NOBODYS)


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


async def mark_processed(session: ServiceSession, event_id: str, now: datetime) -> None:
    """Say that an event has had its effect; an earlier mark stays."""
    await session.execute(
        update(StripeEvent)
        .where(StripeEvent.event_id == event_id, StripeEvent.processed_at.is_(None))
        .values(processed_at=now, error=None)
    )


async def forget_customer(session: ServiceSession, customer_id: str, now: datetime) -> None:
    """Leave a customer's events as nobody's; what waited, or was parked, is done with. Call it once no new one can name them."""
    await session.execute(
        update(StripeEvent)
        .where(StripeEvent.customer_id == customer_id)
        .values(
            customer_id=None,
            processed_at=func.coalesce(StripeEvent.processed_at, now),
            error=_NOBODYS,
            try_after=None,
        )
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


async def count_waiting(session: ServiceSession, types: Collection[str], before: datetime) -> Waiting:
    """What came `before` and has had no effect yet, and how many events of other types are parked."""
    is_open, is_known = StripeEvent.processed_at.is_(None), StripeEvent.type.in_(types)
    waits = is_known & (StripeEvent.received_at < before)
    counted = (
        await session.execute(
            select(
                func.count().filter(waits).label("events"),
                func.count().filter(waits, StripeEvent.attempts > 0).label("failed"),
                func.min(StripeEvent.received_at).filter(waits).label("since"),
                func.count().filter(~is_known).label("parked"),
            ).where(is_open)
        )
    ).one()
    last = await session.execute(
        select(StripeEvent.error)
        .where(is_open, waits, StripeEvent.attempts > 0)
        .order_by(StripeEvent.try_after.desc())
        .limit(1)
    )
    return Waiting(counted.events, counted.failed, counted.since, last.scalar_one_or_none(), counted.parked)


async def _insert_once(session: ServiceSession, event_id: str, **values: Any) -> bool:
    inserted = await session.execute(
        upsert(StripeEvent)
        .values(event_id=event_id, **values)
        .on_conflict_do_nothing(index_elements=["event_id"])
        .returning(StripeEvent.event_id)
    )
    return inserted.one_or_none() is not None
