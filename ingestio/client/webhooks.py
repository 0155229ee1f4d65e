"""Webhooks: endpoints and what became of their deliveries; and, on the other side, reading a message that was received."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from ingestio.client.asking import Core, given, part
from ingestio.client.errors import InvalidSignature
from ingestio.client.models import Delivery, Endpoint, EndpointWithSecret, WebhookMessage
from ingestio.client.plans import Call, Doing, Finding
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.webhooks import WebhookEvent


def create(core: Core, url: str, *, events: Sequence[WebhookEvent | str] = ()) -> Doing[EndpointWithSecret]:
    """Have events sent to an address, all unless some are named. The secret that signs them is shown here and never again."""
    body = {"url": url, "events": list(events)}
    return core.read(EndpointWithSecret, Call("POST", "/webhook-endpoints", json=body, repeatable=False))


def get(core: Core, endpoint_id: str) -> Doing[Endpoint]:
    """One endpoint."""
    return core.read(Endpoint, Call("GET", _path(endpoint_id)))


def list_all(core: Core, *, sort: str = "-created_at") -> Finding[Endpoint]:
    """All endpoints, newest first unless sorted."""
    return core.pages(Endpoint, "/webhook-endpoints", {"sort": sort})


def change(
    core: Core,
    endpoint_id: str,
    *,
    url: str | None = None,
    events: Sequence[WebhookEvent | str] | None = None,
    enabled: bool | None = None,
) -> Doing[Endpoint]:
    """Change what is given. `enabled=True` also switches on what was disabled for failing."""
    body: dict[str, Any] = {"url": url, "events": None if events is None else list(events), "enabled": enabled}
    return core.read(Endpoint, Call("PATCH", _path(endpoint_id), json=given(body)))


def delete(core: Core, endpoint_id: str) -> Doing[None]:
    """Delete an endpoint with its deliveries; what is on its way is not sent."""
    return core.done(Call("DELETE", _path(endpoint_id)))


def rotate(core: Core, endpoint_id: str) -> Doing[EndpointWithSecret]:
    """Make a new secret. For 24 hours the earlier one signs too."""
    return core.read(EndpointWithSecret, Call("POST", _path(endpoint_id, "rotate"), repeatable=False))


def deliveries(
    core: Core, endpoint_id: str, *, status: ExtractionStatus | str | None = None, sort: str = "-created_at"
) -> Finding[Delivery]:
    """What was sent to an endpoint and what came back, newest first unless sorted."""
    return core.pages(Delivery, _path(endpoint_id, "deliveries"), {"status": status, "sort": sort})


def replay(core: Core, endpoint_id: str, delivery_id: str) -> Doing[Delivery]:
    """Send an event once more, under the same message id."""
    call = Call("POST", _path(endpoint_id, "deliveries", part(delivery_id), "replay"), repeatable=False)
    return core.read(Delivery, call)


def read_webhook(body: bytes, headers: Mapping[str, str], secret: str) -> WebhookMessage:
    """A message that an endpoint received. `body` must be its bytes as they came; names of headers may be in any case.

    Raises InvalidSignature when it was not signed with this secret, or more than five minutes ago. One message may come more than once:
    its `id` tells. No service is asked.
    """
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        # ValueError: a header or a body that is not even well-formed; the library does not say so in its own terms.
        raise InvalidSignature("the signature does not verify, or the message is not fresh") from None
    message_id = {name.lower(): value for name, value in headers.items()}["webhook-id"]
    try:
        return WebhookMessage.model_validate(json.loads(body) | {"id": message_id})
    except (ValidationError, TypeError):
        raise InvalidSignature("it is signed, and no message of this service") from None


def _path(endpoint_id: str, *more: str) -> str:
    return "/".join(["/webhook-endpoints", part(endpoint_id), *more])
