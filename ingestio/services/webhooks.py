"""Outgoing webhooks: endpoints made and changed by their owner, and what follows from each attempt to reach one (R89)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from ingestio.db import webhooks
from ingestio.db.session import ServiceSession
from ingestio.db.webhooks import Due
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.webhooks import Attempt, DisabledReason, WebhookEvent
from ingestio.errors import FieldError, InvalidRequest, InvalidTransition, NotFound
from ingestio.webhooks.signing import new_secret, signed_headers

MOST_ENDPOINTS = 20
SECRET_OVERLAP = timedelta(hours=24)
"""How long the secret before a rotation still signs."""
PATIENCE = timedelta(days=3)
"""An endpoint to which nothing got through for so long is disabled when the next event is given up."""
_GONE = 410


@dataclass(frozen=True, slots=True)
class Made:
    """A new endpoint or a new secret: the only time that the secret is shown."""

    endpoint_id: UUID
    secret: str


async def create_endpoint(session: ServiceSession, user_id: str, url: str, events: Sequence[WebhookEvent]) -> Made:
    """Make an endpoint whose address has been judged; no events is all of them. Raises InvalidRequest when there are enough."""
    if await webhooks.count_endpoints(session, user_id) >= MOST_ENDPOINTS:
        raise InvalidRequest(
            "There are enough endpoints.", [FieldError("url", f"at most {MOST_ENDPOINTS}; delete one first")]
        )
    made = Made(uuid4(), new_secret())
    await webhooks.create_endpoint(session, user_id, made.endpoint_id, url, _sorted(events), made.secret)
    return made


async def change_endpoint(
    session: ServiceSession,
    user_id: str,
    endpoint_id: UUID,
    *,
    url: str | None,
    events: Sequence[WebhookEvent] | None,
    enabled: bool | None,
    now: datetime,
) -> None:
    """Change what is given of an endpoint; switching it on forgets that it failed. Raises NotFound."""
    values: dict[str, Any] = {}
    if url is not None:
        values["url"] = url
    if events is not None:
        values["events"] = _sorted(events)
    if enabled is True:
        values |= {"disabled_at": None, "disabled_reason": None, "failing_since": None}
    if enabled is False:
        values |= {"disabled_at": now, "disabled_reason": DisabledReason.BY_OWNER}
    if await webhooks.read_endpoint(session, user_id, endpoint_id) is None:
        raise NotFound("No such webhook endpoint.")
    if values:
        await webhooks.change_endpoint(session, user_id, endpoint_id, **values)


async def rotate_secret(session: ServiceSession, user_id: str, endpoint_id: UUID, now: datetime) -> Made:
    """Give an endpoint a new secret; for a day the earlier one signs too. Raises NotFound."""
    made = Made(endpoint_id, new_secret())
    if not await webhooks.rotate_secret(session, user_id, endpoint_id, made.secret, now + SECRET_OVERLAP):
        raise NotFound("No such webhook endpoint.")
    return made


async def delete_endpoint(session: ServiceSession, user_id: str, endpoint_id: UUID) -> None:
    """Delete an endpoint with its deliveries; what is on its way finds nothing to send. Raises NotFound."""
    if not await webhooks.remove_endpoint(session, user_id, endpoint_id):
        raise NotFound("No such webhook endpoint.")


async def replay_delivery(session: ServiceSession, user_id: str, endpoint_id: UUID, delivery_id: UUID) -> None:
    """Send an event that was delivered, or given up, once more under its own id. Raises NotFound, InvalidTransition."""
    delivery = await webhooks.read_delivery(session, user_id, endpoint_id, delivery_id)
    endpoint = await webhooks.read_endpoint(session, user_id, endpoint_id)
    if delivery is None or endpoint is None:
        raise NotFound("No such delivery.")
    if endpoint.disabled_at is not None:
        raise InvalidTransition("The endpoint is disabled; switch it on first.", current="disabled")
    if not await webhooks.replay(session, user_id, endpoint_id, delivery_id):
        raise InvalidTransition("The delivery is on its way already.", current=delivery.status)


def message_of(due: Due, now: datetime) -> tuple[bytes, dict[str, str]]:
    """The body of a delivery, the same at every attempt, and its signed headers. The id is the delivery's, so receivers know a repeat."""
    body = json.dumps(due.payload, ensure_ascii=False, separators=(",", ":")).encode()
    return body, signed_headers(f"msg_{due.delivery_id.hex}", now, body, due.secrets)


async def conclude(
    session: ServiceSession, user_id: str, due: Due, attempt: Attempt, now: datetime, pause: timedelta | None
) -> ExtractionStatus:
    """Record an attempt and what follows: delivered, another one after `pause`, or given up when there is none (None).

    An endpoint to which nothing got through for three days is disabled, and at once when it says that it is gone.
    """
    status = ExtractionStatus.PROCESSING
    if attempt.succeeded:
        status = ExtractionStatus.COMPLETED
        await webhooks.mark_working(session, user_id, due.endpoint_id)
    else:
        await webhooks.mark_failing(session, user_id, due.endpoint_id, now)
        if attempt.status == _GONE:
            status = ExtractionStatus.FAILED
            await webhooks.disable(session, user_id, due.endpoint_id, DisabledReason.GONE, now)
        elif pause is None:
            status = ExtractionStatus.FAILED
            await webhooks.disable(
                session, user_id, due.endpoint_id, DisabledReason.FAILING, now, failing_before=now - PATIENCE
            )
    await webhooks.record(
        session,
        user_id,
        due.delivery_id,
        attempt,
        status=status,
        next_attempt_at=now + pause if pause is not None and status is ExtractionStatus.PROCESSING else None,
        delivered_at=now if attempt.succeeded else None,
    )
    return status


def _sorted(events: Sequence[WebhookEvent]) -> list[str]:
    return sorted({event.value for event in events})
