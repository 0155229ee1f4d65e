"""Queries on outgoing webhooks: endpoints with their secrets, and deliveries on their way."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, cast, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import WebhookDelivery, WebhookEndpoint
from ingestio.db.pages import Page, PageRequest, paginate
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.webhooks import Attempt, DisabledReason, WebhookEvent

LIVE = (ExtractionStatus.QUEUED, ExtractionStatus.PROCESSING)
ENDPOINTS_BY = {"created_at": WebhookEndpoint.created_at, "url": WebhookEndpoint.url}
DELIVERIES_BY = {"created_at": WebhookDelivery.created_at, "updated_at": WebhookDelivery.updated_at}


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """One endpoint as its owner sees it: without its secrets."""

    id: UUID
    url: str
    events: list[str]
    disabled_at: datetime | None
    disabled_reason: str | None
    failing_since: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One event on its way to one endpoint, with what was sent and what came back."""

    id: UUID
    endpoint_id: UUID
    event_type: str
    payload: dict[str, Any]
    status: ExtractionStatus
    attempts: int
    response_status: int | None
    log: list[Any]
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """A live delivery with all that sending it needs; `secrets` sign, the newest first."""

    delivery_id: UUID
    endpoint_id: UUID
    url: str
    secrets: list[str]
    is_disabled: bool
    payload: dict[str, Any]
    attempts: int
    next_attempt_at: datetime | None


async def count_endpoints(session: AsyncSession, user_id: str) -> int:
    """How many endpoints a user has."""
    statement = select(func.count()).select_from(WebhookEndpoint).where(WebhookEndpoint.user_id == user_id)
    return (await session.execute(statement)).scalar_one()


async def create_endpoint(
    session: ServiceSession, user_id: str, endpoint_id: UUID, url: str, events: Sequence[str], secret: str
) -> None:
    """Insert an endpoint; what happens from now on is told there."""
    await session.execute(
        insert(WebhookEndpoint).values(id=endpoint_id, user_id=user_id, url=url, events=list(events), secret=secret)
    )


async def read_endpoint(session: AsyncSession, user_id: str, endpoint_id: UUID) -> EndpointRow | None:
    """One endpoint, or None when it is not this user's."""
    row = (await session.execute(_endpoints(user_id).where(WebhookEndpoint.id == endpoint_id))).one_or_none()
    return None if row is None else _endpoint(row)


async def page_of_endpoints(session: AsyncSession, user_id: str, request: PageRequest) -> Page[EndpointRow]:
    """One page of a user's endpoints, newest first unless sorted."""
    return await paginate(
        session, _endpoints(user_id), request, columns=ENDPOINTS_BY, identity=WebhookEndpoint.id, read=_endpoint
    )


async def change_endpoint(session: ServiceSession, user_id: str, endpoint_id: UUID, **values: Any) -> bool:
    """Set columns of an endpoint; False when there is none."""
    changed = await session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.user_id == user_id)
        .values(**values)
        .returning(WebhookEndpoint.id)
    )
    return changed.one_or_none() is not None


async def rotate_secret(
    session: ServiceSession, user_id: str, endpoint_id: UUID, secret: str, previous_until: datetime
) -> bool:
    """A new secret; the one before signs too until then. False when there is no such endpoint."""
    return await change_endpoint(
        session,
        user_id,
        endpoint_id,
        secret=secret,
        previous_secret=WebhookEndpoint.secret,
        previous_secret_until=previous_until,
    )


async def remove_endpoint(session: ServiceSession, user_id: str, endpoint_id: UUID) -> bool:
    """Delete an endpoint with its deliveries; False when there is none."""
    gone = await session.execute(
        delete(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.user_id == user_id)
        .returning(WebhookEndpoint.id)
    )
    return gone.one_or_none() is not None


async def mark_failing(session: ServiceSession, user_id: str, endpoint_id: UUID, now: datetime) -> None:
    """Note since when everything fails, unless that is noted."""
    await session.execute(
        update(WebhookEndpoint)
        .where(
            WebhookEndpoint.id == endpoint_id,
            WebhookEndpoint.user_id == user_id,
            WebhookEndpoint.failing_since.is_(None),
        )
        .values(failing_since=now)
    )


async def mark_working(session: ServiceSession, user_id: str, endpoint_id: UUID) -> None:
    """Something arrived: forget since when everything fails."""
    await session.execute(
        update(WebhookEndpoint)
        .where(
            WebhookEndpoint.id == endpoint_id,
            WebhookEndpoint.user_id == user_id,
            WebhookEndpoint.failing_since.is_not(None),
        )
        .values(failing_since=None)
    )


async def disable(
    session: ServiceSession,
    user_id: str,
    endpoint_id: UUID,
    reason: DisabledReason,
    now: datetime,
    *,
    failing_before: datetime | None = None,
) -> bool:
    """Send nothing more there; with `failing_before` only if everything has failed since before then. False when that is not so."""
    statement = update(WebhookEndpoint).where(
        WebhookEndpoint.id == endpoint_id, WebhookEndpoint.user_id == user_id, WebhookEndpoint.disabled_at.is_(None)
    )
    if failing_before is not None:
        statement = statement.where(WebhookEndpoint.failing_since <= failing_before)
    changed = await session.execute(
        statement.values(disabled_at=now, disabled_reason=reason).returning(WebhookEndpoint.id)
    )
    return changed.one_or_none() is not None


async def page_of_deliveries(
    session: AsyncSession,
    user_id: str,
    endpoint_id: UUID,
    request: PageRequest,
    *,
    status: ExtractionStatus | None = None,
    event: WebhookEvent | None = None,
    search: str | None = None,
) -> Page[DeliveryRow]:
    """One page of what was sent to an endpoint, newest first unless sorted; `search` looks into the bodies, whatever the case."""
    statement = _deliveries(user_id).where(WebhookDelivery.endpoint_id == endpoint_id)
    if status is not None:
        statement = statement.where(WebhookDelivery.status == status)
    if event is not None:
        statement = statement.where(WebhookDelivery.event_type == event)
    if search:
        # One endpoint's deliveries of a month: few enough to be read through.
        statement = statement.where(cast(WebhookDelivery.payload, Text).icontains(search, autoescape=True))
    return await paginate(
        session, statement, request, columns=DELIVERIES_BY, identity=WebhookDelivery.id, read=_delivery
    )


async def read_delivery(
    session: AsyncSession, user_id: str, endpoint_id: UUID, delivery_id: UUID
) -> DeliveryRow | None:
    """One delivery of an endpoint, or None when it is not this user's."""
    statement = _deliveries(user_id).where(
        WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.id == delivery_id
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else _delivery(row)


async def replay(session: ServiceSession, user_id: str, endpoint_id: UUID, delivery_id: UUID) -> bool:
    """ended -> queued, from its first attempt; what was sent before stays in the log. False when it is live, or there is none."""
    changed = await session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.id == delivery_id,
            WebhookDelivery.endpoint_id == endpoint_id,
            WebhookDelivery.user_id == user_id,
            WebhookDelivery.status.not_in(LIVE),
        )
        .values(status=ExtractionStatus.QUEUED, attempts=0, next_attempt_at=None)
        .returning(WebhookDelivery.id)
    )
    return changed.one_or_none() is not None


async def take_queued(session: ServiceSession, limit: int) -> list[tuple[UUID, str]]:
    """queued -> processing for the oldest deliveries of all users; answers (delivery, user). Two that take get different ones."""
    oldest = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.status == ExtractionStatus.QUEUED)
        .order_by(WebhookDelivery.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(oldest))
        .values(status=ExtractionStatus.PROCESSING)
        .returning(WebhookDelivery.id, WebhookDelivery.user_id)
    )
    return [(row.id, row.user_id) for row in rows]


async def put_back(session: ServiceSession, delivery_ids: Sequence[UUID]) -> None:
    """processing -> queued for deliveries of all users that were taken and not started."""
    await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(delivery_ids), WebhookDelivery.status == ExtractionStatus.PROCESSING)
        .values(status=ExtractionStatus.QUEUED)
    )


async def due(session: ServiceSession, user_id: str, delivery_id: UUID, now: datetime) -> Due | None:
    """A live delivery; None when it has ended or is gone."""
    row = (
        await session.execute(
            select(
                WebhookDelivery.id,
                WebhookDelivery.payload,
                WebhookDelivery.attempts,
                WebhookDelivery.next_attempt_at,
                WebhookEndpoint.id.label("endpoint_id"),
                WebhookEndpoint.url,
                WebhookEndpoint.secret,
                WebhookEndpoint.previous_secret,
                WebhookEndpoint.previous_secret_until,
                WebhookEndpoint.disabled_at,
            )
            .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
            .where(
                WebhookDelivery.id == delivery_id,
                WebhookDelivery.user_id == user_id,
                WebhookEndpoint.user_id == user_id,
                WebhookDelivery.status.in_(LIVE),
            )
        )
    ).one_or_none()
    if row is None:
        return None
    previous = row.previous_secret if row.previous_secret_until and now < row.previous_secret_until else None
    return Due(
        delivery_id=row.id,
        endpoint_id=row.endpoint_id,
        url=row.url,
        secrets=[each for each in (row.secret, previous) if each],
        is_disabled=row.disabled_at is not None,
        payload=row.payload,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
    )


async def record(
    session: ServiceSession,
    user_id: str,
    delivery_id: UUID,
    attempt: Attempt,
    *,
    status: ExtractionStatus,
    next_attempt_at: datetime | None,
    delivered_at: datetime | None,
) -> bool:
    """Write one attempt into the log of a live delivery, and what follows from it; False when it has ended meanwhile."""
    changed = await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.user_id == user_id, WebhookDelivery.status.in_(LIVE))
        .values(
            status=status,
            attempts=WebhookDelivery.attempts + 1,
            response_status=attempt.status,
            log=WebhookDelivery.log.op("||")(literal([asdict(attempt)], JSONB())),
            next_attempt_at=next_attempt_at,
            delivered_at=delivered_at,
        )
        .returning(WebhookDelivery.id)
    )
    return changed.one_or_none() is not None


async def end(session: ServiceSession, user_id: str, delivery_id: UUID, status: ExtractionStatus) -> bool:
    """live -> an end without another attempt; False when it has ended or is gone."""
    changed = await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.user_id == user_id, WebhookDelivery.status.in_(LIVE))
        .values(status=status, next_attempt_at=None)
        .returning(WebhookDelivery.id)
    )
    return changed.one_or_none() is not None


async def started(session: ServiceSession, after: UUID, limit: int, before: datetime) -> list[tuple[UUID, str]]:
    """(delivery, user) of those that are under way and have not moved since `before`, of all users."""
    rows = await session.execute(
        select(WebhookDelivery.id, WebhookDelivery.user_id)
        .where(
            WebhookDelivery.status == ExtractionStatus.PROCESSING,
            WebhookDelivery.updated_at < before,
            WebhookDelivery.id > after,
        )
        .order_by(WebhookDelivery.id)
        .limit(limit)
    )
    return [(row.id, row.user_id) for row in rows]


async def is_live(session: ServiceSession, user_id: str, delivery_id: UUID) -> bool:
    """Whether a delivery is queued or under way."""
    statement = select(WebhookDelivery.id).where(
        WebhookDelivery.id == delivery_id, WebhookDelivery.user_id == user_id, WebhookDelivery.status.in_(LIVE)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def count_old(session: ServiceSession, before: datetime, most: int) -> int:
    """How many deliveries are older than that and have ended, up to `most`."""
    old = select(WebhookDelivery.id).where(WebhookDelivery.created_at < before, WebhookDelivery.status.not_in(LIVE))
    return (await session.execute(select(func.count()).select_from(old.limit(most).subquery()))).scalar_one()


async def forget_old(session: ServiceSession, before: datetime, most: int) -> int:
    """Delete deliveries of all users that are older than that and have ended, at most so many; answers how many went."""
    old = select(WebhookDelivery.id).where(WebhookDelivery.created_at < before, WebhookDelivery.status.not_in(LIVE))
    gone = await session.execute(
        delete(WebhookDelivery).where(WebhookDelivery.id.in_(old.limit(most))).returning(WebhookDelivery.id)
    )
    return len(gone.all())


def _endpoints(user_id: str) -> Select[*tuple[Any, ...]]:
    return select(
        WebhookEndpoint.id,
        WebhookEndpoint.url,
        WebhookEndpoint.events,
        WebhookEndpoint.disabled_at,
        WebhookEndpoint.disabled_reason,
        WebhookEndpoint.failing_since,
        WebhookEndpoint.previous_secret_until,
        WebhookEndpoint.created_at,
        WebhookEndpoint.updated_at,
    ).where(WebhookEndpoint.user_id == user_id)


def _endpoint(row: Any) -> EndpointRow:
    return EndpointRow(
        id=row.id,
        url=row.url,
        events=row.events,
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,
        failing_since=row.failing_since,
        previous_secret_until=row.previous_secret_until,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _deliveries(user_id: str) -> Select[*tuple[Any, ...]]:
    return select(
        WebhookDelivery.id,
        WebhookDelivery.endpoint_id,
        WebhookDelivery.event_type,
        WebhookDelivery.payload,
        WebhookDelivery.status,
        WebhookDelivery.attempts,
        WebhookDelivery.response_status,
        WebhookDelivery.log,
        WebhookDelivery.next_attempt_at,
        WebhookDelivery.delivered_at,
        WebhookDelivery.created_at,
        WebhookDelivery.updated_at,
    ).where(WebhookDelivery.user_id == user_id)


def _delivery(row: Any) -> DeliveryRow:
    return DeliveryRow(
        id=row.id,
        endpoint_id=row.endpoint_id,
        event_type=row.event_type,
        payload=row.payload,
        status=row.status,
        attempts=row.attempts,
        response_status=row.response_status,
        log=row.log,
        next_attempt_at=row.next_attempt_at,
        delivered_at=row.delivered_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
