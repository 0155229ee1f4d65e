"""Stripe's webhook: is it really Stripe, and what does it say?

Stripe's library would do the same and costs a second of start-up and tens of megabytes in the front door; a test holds this to the
library's verdict. https://docs.stripe.com/webhooks#verify-manually
"""

import hashlib
import hmac
import json
from datetime import datetime

from ingestio.domain.billing import Event
from ingestio.errors import InvalidRequest, Unauthenticated

TOLERANCE_SECONDS = 300
_LONGEST_ID = 255


def verify(payload: bytes, header: str, secret: str, now: datetime) -> None:
    """Raises Unauthenticated unless `header` signs exactly these bytes with our secret, within five minutes of now."""
    sent_at, signatures = _parts(header)
    if sent_at is None or not signatures:
        raise Unauthenticated("The Stripe-Signature header is missing or malformed.")
    expected = hmac.new(secret.encode(), str(sent_at).encode() + b"." + payload, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(expected.encode(), each.encode()) for each in signatures):
        raise Unauthenticated("The signature does not fit the body.")
    if abs(now.timestamp() - sent_at) > TOLERANCE_SECONDS:
        raise Unauthenticated("The signature is too old; a repeated delivery carries a new one.")


def parse_event(payload: bytes) -> Event:
    """The event of a verified body. Raises InvalidRequest when it is none."""
    try:
        body = json.loads(payload)
        event_id, kind = body["id"], body["type"]
        customer = body["data"]["object"].get("customer")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise InvalidRequest("The body is no event of Stripe's.") from None
    if isinstance(customer, dict):
        customer = customer.get("id")
    if not (_is_id(event_id) and _is_id(kind) and (customer is None or _is_id(customer))):
        raise InvalidRequest("The body is no event of Stripe's.")
    return Event(event_id, kind, customer)


def _parts(header: str) -> tuple[int | None, list[str]]:
    """`t=1,v1=a,v1=b,v0=c` as the time and the signatures of the scheme that counts."""
    parts = [part.partition("=") for part in header.split(",")]
    if any(name in ("t", "v1") and not sign for name, sign, _ in parts):
        return None, []
    times = [
        value for name, _, value in parts if name == "t" and value.isascii() and value.isdigit() and len(value) < 16
    ]
    return (int(times[0]) if times else None), [value for name, _, value in parts if name == "v1"]


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isascii() and value.isprintable()
