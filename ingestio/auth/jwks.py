"""An issuer's public keys: which of them may verify, and how a token names one. `http_jwks` fetches them."""

from collections.abc import Mapping
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""What a token may be signed with. Never `none`, and nothing symmetric: a public key would be its own forging tool."""

_MOST_KEYS = 100
_SMALLEST_RSA_BITS = 2048


class JwksSource(Protocol):
    """Where the verifier gets keys from."""

    async def key(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """The key of this id for this algorithm, None when the issuer has none. Without an id: the only key of that algorithm.

        Raises Unavailable when the issuer's keys cannot be had.
        """


class KeySet:
    """The usable keys of one JWKS document. What we could not or should not verify with is left out."""

    def __init__(self, keys: list[PyJWK]) -> None:
        self._keys = keys

    @classmethod
    def parse(cls, document: object) -> "KeySet":
        """Raises ValueError unless it is a JWKS with at least one usable key."""
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise ValueError("not a JWKS document")
        keys = [key for data in listed[:_MOST_KEYS] if (key := _usable(data)) is not None]
        if not keys:
            raise ValueError("no usable key")
        return cls(keys)

    def find(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """See JwksSource.key."""
        fitting = [key for key in self._keys if key.algorithm_name == algorithm and kid in {None, key.key_id}]
        return fitting[0] if len(fitting) == 1 or (fitting and kid is not None) else None


class StaticJwks:
    """Keys that are known: the local issuer's own."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._keys = KeySet.parse(dict(document))

    async def key(self, kid: str | None, algorithm: str) -> PyJWK | None:
        return self._keys.find(kid, algorithm)


def _usable(data: Any) -> PyJWK | None:
    """The key, unless it is of another kind, for another use, too weak, symmetric or carries its private part."""
    if not isinstance(data, dict) or data.get("kty") not in {"RSA", "EC", "OKP"} or "d" in data:
        return None
    if data.get("use", "sig") != "sig" or not isinstance(data.get("kid", ""), str):
        return None
    try:
        key = PyJWK(data)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if key.algorithm_name not in ALGORITHMS:
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < _SMALLEST_RSA_BITS:
        return None
    return key
