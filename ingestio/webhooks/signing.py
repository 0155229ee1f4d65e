"""Standard Webhooks signatures: an HMAC over id, time and body, so that a receiver knows who sent it, when, and that it is whole."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A secret in the form that receivers' libraries take."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(message_id: str, now: datetime, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """The three headers of a message; while a secret is being replaced there is a signature for each of `keys`."""
    seconds = str(int(now.timestamp()))
    content = f"{message_id}.{seconds}.".encode() + body
    signatures = [hmac.digest(base64.b64decode(key.removeprefix(_PREFIX)), content, "sha256") for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(each).decode()}" for each in signatures),
    }
