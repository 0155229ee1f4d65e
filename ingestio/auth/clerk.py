"""What Clerk tells us of its users, once the signature says that it was Clerk (R33).

Clerk delivers through Svix: the Standard Webhooks scheme under header names of its own. A message is signed together with its id and
time, and one that is older or newer than five minutes is refused, so what somebody recorded cannot be sent again later; within the five
minutes the inbox knows its id.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from ingestio.domain.users import is_user_id
from ingestio.errors import ConfigurationError, FieldError, InvalidRequest, Unauthenticated

_SHORTEST_SECRET = 22  # characters of base64: 16 bytes
_LONGEST_ID = 200
_LONGEST_EMAIL = 320
_LONGEST_NAME = 200
_LONGEST_ADDRESS = 2000
_LARGEST_VERSION = 2**62


@dataclass(frozen=True, slots=True)
class ClerkUser:
    """A user as Clerk knows them; `version` grows with each change, in milliseconds since the epoch."""

    user_id: str
    email: str | None
    full_name: str | None
    avatar_url: str | None
    version: int


@dataclass(frozen=True, slots=True)
class ClerkEvent:
    """One message. `user` is None for the kinds that we take no notice of."""

    message_id: str
    type: str
    user: ClerkUser | None


class ClerkWebhook:
    """Reads messages of one endpoint's secret (`whsec_...`)."""

    def __init__(self, secret: str) -> None:
        wrong = ConfigurationError("CLERK_WEBHOOK_SECRET: must be the endpoint's signing secret, whsec_...")
        if len(secret.removeprefix("whsec_")) < _SHORTEST_SECRET:
            raise wrong
        try:
            self._webhook = Webhook(secret)
        except (EmptyWebhookSecretError, ValueError):
            raise wrong from None

    def read(self, headers: Mapping[str, str], body: bytes) -> ClerkEvent:
        """The message in a request. Raises Unauthenticated when it is not Clerk's or not fresh, InvalidRequest when it is no message."""
        names = ("id", "timestamp", "signature")
        given = {f"webhook-{name}": headers.get(f"svix-{name}", "") for name in names}
        try:
            self._webhook.verify(body, given, json_parse=False)
        except (WebhookVerificationError, ValueError):
            # ValueError: a header or a body that is not even well-formed; the library does not say so in its own terms.
            raise Unauthenticated("The webhook's signature does not verify.") from None
        return _event(given["webhook-id"][:_LONGEST_ID], body)


def _event(message_id: str, body: bytes) -> ClerkEvent:
    try:
        message = json.loads(body)
        kind, data = _text(message["type"], _LONGEST_ID), message["data"]
        if kind is None:
            raise ValueError("not a type")
        if kind not in {"user.created", "user.updated", "user.deleted"}:
            return ClerkEvent(message_id, kind, None)
        user_id = data["id"]
        if not is_user_id(user_id):
            raise ValueError("not a user id")
        name = " ".join(part for part in (data.get("first_name"), data.get("last_name")) if isinstance(part, str))
        version = data.get("updated_at")
        user = ClerkUser(
            user_id=user_id,
            email=_text(_primary_address(data), _LONGEST_EMAIL),
            full_name=_text(name.strip(), _LONGEST_NAME),
            avatar_url=_text(data.get("image_url"), _LONGEST_ADDRESS),
            version=version if isinstance(version, int) and 0 <= version < _LARGEST_VERSION else 0,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InvalidRequest("The message is not one of Clerk's.", [FieldError("body", "unknown shape")]) from None
    return ClerkEvent(message_id, kind, user)


def _primary_address(data: Mapping[str, Any]) -> object:
    """The e-mail address that the user chose as the first one, None without one."""
    chosen = data.get("primary_email_address_id")
    listed = data.get("email_addresses") or []
    return next((each["email_address"] for each in listed if chosen is not None and each["id"] == chosen), None)


def _text(value: object, longest: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= longest and value.isprintable() else None
