"""Who a bearer token speaks for (R31): one verification for Clerk, any other OIDC issuer and the local one.

Audience and authorized party. A token must be bound to us, or one that was made for another application of the same issuer would open
this one. So:

- an audience is configured: `aud` must name it;
- authorized parties are configured: an `azp` must be one of them;
- only authorized parties are configured: `azp` must also be there (Clerk's session tokens have no `aud`; they carry the origin of the
  page as `azp`). A client whose tokens have neither needs an audience, which Clerk adds through a JWT template.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidSignatureError,
    MissingRequiredClaimError,
    PyJWTError,
)

from ingestio.auth.jwks import ALGORITHMS, JwksSource
from ingestio.domain.users import is_user_id
from ingestio.errors import ConfigurationError, Unauthenticated

_LONGEST_TOKEN = 8192
_LONGEST_EMAIL = 320
_LONGEST_TEXT = 200

_REASONS: tuple[tuple[type[PyJWTError], str], ...] = (
    (ExpiredSignatureError, "The token has expired."),
    (ImmatureSignatureError, "The token is not valid yet."),
    (InvalidIssuerError, "The token comes from another issuer."),
    (InvalidAudienceError, "The token is meant for another audience."),
    (MissingRequiredClaimError, "The token lacks a claim that is needed."),
    (InvalidSignatureError, "The token's signature does not verify."),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a verified token speaks for, since when and until when. `token_id` is its `jti`; name and email are None unless they are
    usable text."""

    user_id: str
    email: str | None
    full_name: str | None
    issued_at: datetime
    expires_at: datetime
    token_id: str | None


class TokenVerifier:
    """Verifies the tokens of one issuer. The token's own header chooses nothing but a key among the issuer's."""

    def __init__(
        self,
        issuer: str,
        jwks: JwksSource,
        audience: str | None,
        authorized_parties: tuple[str, ...],
        leeway_seconds: float = 30,
    ) -> None:
        if audience is None and not authorized_parties:
            raise ConfigurationError("INGESTIO_OIDC_AUDIENCE: needed, unless INGESTIO_OIDC_AUTHORIZED_PARTIES is set")
        self._issuer = issuer
        self._jwks = jwks
        self._audience = audience
        self._authorized_parties = frozenset(authorized_parties)
        self._leeway_seconds = leeway_seconds

    async def verify(self, token: str) -> Identity:
        """The identity in a token. Raises Unauthenticated with a reason that is safe to show, and Unavailable while the issuer's keys
        cannot be had."""
        return self.identity(await self.claims(token))

    async def claims(self, token: str) -> dict[str, Any]:
        """What a token says, once it is known to be the issuer's, meant for us and fresh. Raises as `verify` does."""
        if len(token) > _LONGEST_TOKEN:
            raise Unauthenticated("The token is too long.")
        kid, algorithm = _key_named_in(token)
        key = await self._jwks.key(kid, algorithm)
        if key is None:
            raise Unauthenticated("The token's key is unknown.")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=self._leeway_seconds,
                options={
                    "require": ["exp", "iat", "sub", "iss"],
                    "verify_aud": self._audience is not None,
                    # Ours to judge, below: an odd one is no reason to refuse the token.
                    "verify_jti": False,
                },
            )
        except PyJWTError as error:
            raise Unauthenticated(
                next((text for kind, text in _REASONS if isinstance(error, kind)), "The token is not valid.")
            ) from None
        return claims

    def identity(self, claims: dict[str, Any]) -> Identity:
        """The identity in verified claims. Raises Unauthenticated for one that is not ours to let in."""
        party = claims.get("azp")
        counts = bool(self._authorized_parties) and (party is not None or self._audience is None)
        if counts and not (isinstance(party, str) and party in self._authorized_parties):
            raise Unauthenticated("The token was made for another application.")
        if not is_user_id(claims["sub"]):
            raise Unauthenticated("The token's subject cannot be a user id.")
        return Identity(
            user_id=claims["sub"],
            email=_text(claims.get("email"), _LONGEST_EMAIL),
            full_name=_text(claims.get("name"), _LONGEST_TEXT),
            issued_at=_moment(claims["iat"]),
            expires_at=_moment(claims["exp"]),
            token_id=_text(claims.get("jti"), _LONGEST_TEXT),
        )


def _key_named_in(token: str) -> tuple[str | None, str]:
    """Key id and algorithm from the header. Everything else there (`jku`, `jwk`, `x5u`, ...) is an offer we do not take."""
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError):
        raise Unauthenticated("The token is not valid.") from None
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise Unauthenticated("The token's algorithm is not allowed.")
    return header.get("kid"), algorithm


def _moment(seconds: object) -> datetime:
    if isinstance(seconds, int | float):
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            pass  # a year beyond the calendar
    raise Unauthenticated("The token's times are not moments in time.")


def _text(value: object, longest: int) -> str | None:
    """Text that a database and a page can hold: a control character or an endless name is as good as none."""
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        return None
    return value
