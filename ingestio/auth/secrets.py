"""Keys for every purpose from the one secret, and small signed payloads that expire.

INGESTIO_SECRET_KEY is never used itself: each purpose derives its own key by a fixed label, so that a session can never pass as a file
link, and replicas that share the secret agree without storing anything.
"""

import base64
import binascii
import hmac
import json
import time
from collections.abc import Mapping

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ingestio.errors import ConfigurationError, Unauthenticated

_SHORTEST_SECRET = 16
_LONGEST_TOKEN = 4096

Payload = dict[str, str | int]


def derive(secret_key: str, label: str) -> bytes:
    """32 bytes that only this secret and this label give (HKDF-SHA256, RFC 5869). The same on every machine, for ever."""
    if len(secret_key) < _SHORTEST_SECRET:
        raise ConfigurationError(f"INGESTIO_SECRET_KEY: at least {_SHORTEST_SECRET} characters")
    return HKDF(algorithm=SHA256(), length=32, salt=b"ingestio", info=label.encode()).derive(secret_key.encode())


def sign(key: bytes, payload: Mapping[str, str | int], *, ttl_seconds: int, now: float | None = None) -> str:
    """A URL-safe text that `verify` turns back into `payload` for `ttl_seconds`. Signed, not encrypted: whoever holds it can read it.

    `now` is in seconds since the epoch, the clock's when None.
    """
    expires_at = int(time.time() if now is None else now) + ttl_seconds
    body = _encode(json.dumps([expires_at, dict(payload)], separators=(",", ":"), sort_keys=True).encode())
    return f"{body}.{_signature(key, body)}"


def verify(key: bytes, token: str, *, now: float | None = None) -> Payload:
    """What was signed with this key. Raises Unauthenticated when it was altered, signed with another key, malformed or is too old."""
    body, dot, signature = token.partition(".")
    if len(token) > _LONGEST_TOKEN or not token.isascii() or not dot:
        raise Unauthenticated("The link is not valid.")
    if not hmac.compare_digest(signature, _signature(key, body)):
        raise Unauthenticated("The link is not valid.")
    try:
        expires_at, payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, TypeError, binascii.Error):
        # Signed by us, but not by `sign`: another version, or a key used for two purposes.
        raise Unauthenticated("The link is not valid.") from None
    if not isinstance(expires_at, int) or not isinstance(payload, dict):
        raise Unauthenticated("The link is not valid.")
    if (time.time() if now is None else now) >= expires_at:
        raise Unauthenticated("The link has expired.")
    return payload


def _signature(key: bytes, body: str) -> str:
    return _encode(hmac.digest(key, body.encode(), "sha256"))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
