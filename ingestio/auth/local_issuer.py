"""The issuer of local mode (R32): its tokens go through the same verification as everybody's.

The signing key follows from INGESTIO_SECRET_KEY, so the API, its replicas and `ingestio token` agree without a stored key, and a new
secret ends every token.
"""

import base64
import hashlib
import json
import time
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ingestio.auth.secrets import derive
from ingestio.domain.users import USER_ID_RULE, is_user_id
from ingestio.errors import InvalidRequest

LOCAL_ISSUER = "ingestio-local"
LOCAL_AUDIENCE = "ingestio"
TWELVE_HOURS = 12 * 3600


class LocalIssuer:
    """Issues and publishes: `TokenVerifier(LOCAL_ISSUER, StaticJwks(issuer.jwks()), LOCAL_AUDIENCE, ())` accepts what it issues."""

    def __init__(self, secret_key: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(derive(secret_key, "local issuer, Ed25519"))
        x = base64.urlsafe_b64encode(self._key.public_key().public_bytes_raw()).rstrip(b"=").decode()
        self._public = {"crv": "Ed25519", "kty": "OKP", "x": x}
        self._kid = thumbprint(self._public)

    def issue(
        self, user_id: str, ttl_seconds: int = TWELVE_HOURS, email: str | None = None, full_name: str | None = None
    ) -> str:
        """A bearer token for this user, who need not exist yet. Raises InvalidRequest for a name that cannot be a user id."""
        if not is_user_id(user_id):
            raise InvalidRequest(USER_ID_RULE)
        if ttl_seconds < 1:
            raise InvalidRequest("A token lives for at least one second.")
        now = int(time.time())
        claims: dict[str, str | int] = {
            "iss": LOCAL_ISSUER,
            "aud": LOCAL_AUDIENCE,
            "sub": user_id,
            "iat": now,
            "exp": now + ttl_seconds,
            "jti": uuid4().hex,
        }
        if email is not None:
            claims["email"] = email
        if full_name is not None:
            claims["name"] = full_name
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._kid})

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public key as a JWKS document, for /.well-known/jwks.json and for `StaticJwks`."""
        return {"keys": [{**self._public, "alg": "EdDSA", "use": "sig", "kid": self._kid}]}


def thumbprint(public_jwk: dict[str, str]) -> str:
    """The key id that follows from the key itself (RFC 7638), given exactly its required members."""
    canonical = json.dumps(public_jwk, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
