"""A signer of webhooks, written from Svix's own description and not from any library: what Clerk's deliveries look like on the wire."""

import base64
import hashlib
import hmac
import time

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def signature(message_id: str, timestamp: int, body: bytes, secret: str = SECRET) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over id, time and body, joined by full stops, under what follows `whsec_`, decoded."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(message_id: str, body: bytes, *, age_seconds: int = 0, secret: str = SECRET) -> dict[str, str]:
    """The headers of a delivery that was signed so long ago."""
    timestamp = int(time.time()) - age_seconds
    return {
        "svix-id": message_id,
        "svix-timestamp": str(timestamp),
        "svix-signature": signature(message_id, timestamp, body, secret),
    }
