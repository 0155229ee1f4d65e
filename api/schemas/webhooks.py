"""Webhook endpoints and deliveries on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from ingestio.db.webhooks import DeliveryRow, EndpointRow
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.webhooks import WebhookEvent


class NewEndpoint(BaseModel):
    """Where to send events."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, max_length=2000, description="https, on the public internet.")
    events: list[WebhookEvent] = Field([], max_length=20, description="What to be told of; empty: everything.")


class EndpointPatch(BaseModel):
    """What to change of an endpoint. Absent fields stay."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(None, min_length=1, max_length=2000)
    events: list[WebhookEvent] | None = Field(None, max_length=20)
    enabled: bool | None = Field(None, description="True switches it on again, also after it was disabled for failing.")


class Endpoint(BaseModel):
    """A place that is told of events."""

    id: UUID
    url: str
    events: list[str] = Field(description="Empty: everything.")
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: str | None = Field(description="`failing`, `gone` (it answered 410) or `by_owner`.")
    failing_since: datetime | None = Field(description="Nothing got through since then; null after the next success.")
    previous_secret_until: datetime | None = Field(description="Until then the secret before the rotation signs too.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: EndpointRow) -> "Endpoint":
        return cls(**_of(row))


class EndpointWithSecret(Endpoint):
    """An endpoint with the secret that signs what it gets: shown here and never again."""

    secret: str

    @classmethod
    def made(cls, row: EndpointRow, secret: str) -> "EndpointWithSecret":
        return cls(**_of(row), secret=secret)


class DeliveryAttempt(BaseModel):
    """One request, and what came back."""

    at: datetime
    milliseconds: int
    request: dict[str, str] = Field(description="The headers that were sent.")
    status: int | None
    response: dict[str, str] | None = Field(description="The headers of the answer.")
    error: str | None = Field(description="Why there was no answer.")


class Delivery(BaseModel):
    """One event on its way to one endpoint."""

    id: UUID
    endpoint_id: UUID
    event_type: str
    payload: dict[str, Any] = Field(description="The body as it is sent.")
    status: ExtractionStatus = Field(
        description="`completed`: delivered; `failed`: given up; `cancelled`: the endpoint was disabled before."
    )
    attempts: int = Field(description="Since it was queued or replayed.")
    response_status: int | None = Field(description="Of the latest attempt.")
    log: list[DeliveryAttempt] = Field(description="Every attempt, oldest first.")
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: DeliveryRow) -> "Delivery":
        return cls(
            id=row.id,
            endpoint_id=row.endpoint_id,
            event_type=row.event_type,
            payload=row.payload,
            status=row.status,
            attempts=row.attempts,
            response_status=row.response_status,
            log=[DeliveryAttempt.model_validate(each) for each in row.log],
            next_attempt_at=row.next_attempt_at,
            delivered_at=row.delivered_at,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


def _of(row: EndpointRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "events": row.events,
        "enabled": row.disabled_at is None,
        "disabled_at": row.disabled_at,
        "disabled_reason": row.disabled_reason,
        "failing_since": row.failing_since,
        "previous_secret_until": row.previous_secret_until,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
