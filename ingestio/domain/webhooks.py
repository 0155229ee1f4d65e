"""Outgoing webhooks: what is told, and how one attempt at telling it went."""

from dataclasses import dataclass
from enum import StrEnum


class WebhookEvent(StrEnum):
    """What an endpoint can be told of."""

    BATCH_COMPLETED = "batch.completed"
    """A batch has ended, however: its status is in the data."""
    DOCUMENT_COMPLETED = "document.completed"
    DOCUMENT_FAILED = "document.failed"
    EXPORT_COMPLETED = "export.completed"
    ENDPOINT_DISABLED = "webhook_endpoint.disabled"
    """Another endpoint was disabled because everything that was sent to it failed."""


class DisabledReason(StrEnum):
    """Why an endpoint gets nothing any more."""

    FAILING = "failing"
    GONE = "gone"
    """It answered 410."""
    BY_OWNER = "by_owner"


DISABLED_MESSAGES = {
    DisabledReason.FAILING: "Everything that was sent to it failed for three days.",
    DisabledReason.GONE: "It answered 410 Gone, which asks to be sent nothing more.",
    DisabledReason.BY_OWNER: "Switched off by you.",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and what came back; without an answer `error` says why, in our own words."""

    at: str
    milliseconds: int
    request: dict[str, str]
    status: int | None = None
    response: dict[str, str] | None = None
    error: str | None = None
    retry_after_seconds: int | None = None

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300
