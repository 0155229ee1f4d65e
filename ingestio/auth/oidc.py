"""Sign-in of browsers at an OIDC issuer: authorization code with PKCE, any issuer by discovery (R31).

An attempt to sign in belongs to one browser: it keeps the `state`, `nonce` and code verifier, and what the issuer sends back must fit
all three. The ID token is verified as every token is; the code is worth nothing without the verifier, and the verifier never leaves.
"""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ingestio.auth.asking import FAILURES, ask, is_web_address
from ingestio.auth.attempts import Attempt
from ingestio.auth.http_jwks import HttpJwks
from ingestio.auth.tokens import Identity, TokenVerifier
from ingestio.errors import ConfigurationError, Unauthenticated, Unavailable

_TIMEOUT_SECONDS = 5.0
# What an issuer says of itself changes seldom; who cannot reach it is not asked again at once.
_FRESH_SECONDS = 3600.0
_COOLDOWN_SECONDS = 5.0
_SCOPES = "openid profile email"
_AWAY = "The sign-in service cannot be reached. Try again in a moment."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in; `id_token` is what the issuer recognises at sign-out."""

    identity: Identity
    id_token: str


@dataclass(frozen=True, slots=True)
class _Issuer:
    """What discovery says."""

    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None
    takes_basic: bool
    verifier: TokenVerifier


class OidcClient:
    """This service as a client of one issuer. Nothing is contacted before the first sign-in. One instance belongs to one event loop."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        jwks_url: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not is_web_address(issuer):
            raise ConfigurationError("INGESTIO_OIDC_ISSUER: must be an https:// address")
        self.name = urlsplit(issuer).hostname or issuer
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._jwks_url = jwks_url
        self._clock = clock
        self._found: _Issuer | None = None
        self._found_at = 0.0
        self._next_attempt_at = clock()

    async def way_in(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where to send the browser. Raises Unavailable."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": _SCOPES,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return _with_query((await self._discover()).authorization_endpoint, query)

    async def finish(self, attempt: Attempt, answer: Mapping[str, str], redirect_uri: str) -> SignedIn:
        """Who came back with this answer in the address. Raises Unauthenticated, for whatever does not fit the attempt, and Unavailable."""
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise Unauthenticated("This sign-in was not begun on this browser, or another one was begun since.")
        if answer.get("iss", self._issuer) != self._issuer:
            raise Unauthenticated("The answer comes from another sign-in service.")
        if "error" in answer:
            # The text that may come with it is anybody's, so it is neither shown nor logged.
            denied = answer["error"] == "access_denied"
            raise Unauthenticated(
                "Signing in was cancelled." if denied else "The sign-in service refused to sign you in."
            )
        code = answer.get("code", "")
        if not code:
            raise Unauthenticated("The sign-in service sent no answer that we understand.")
        issuer = await self._discover()
        id_token = await self._redeem(issuer, code, attempt.verifier, redirect_uri)
        claims = await issuer.verifier.claims(id_token)
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), attempt.nonce.encode()):
            raise Unauthenticated("The answer belongs to another sign-in.")
        return SignedIn(issuer.verifier.identity(claims), id_token)

    async def way_out(self, id_token: str | None, back_to: str) -> str | None:
        """Where the browser ends its session at the issuer too, None where the issuer offers no such thing or is away."""
        try:
            endpoint = (await self._discover()).end_session_endpoint
        except Unavailable:
            return None
        if endpoint is None:
            return None
        hint = {} if id_token is None else {"id_token_hint": id_token}
        return _with_query(endpoint, {"client_id": self._client_id, "post_logout_redirect_uri": back_to} | hint)

    async def _redeem(self, issuer: _Issuer, code: str, verifier: str, redirect_uri: str) -> str:
        """The ID token for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        basic = None
        if self._client_secret is not None and issuer.takes_basic:
            basic = (quote(self._client_id, safe=""), quote(self._client_secret, safe=""))
        else:
            form["client_id"] = self._client_id
            if self._client_secret is not None:
                form["client_secret"] = self._client_secret
        try:
            answer = await ask(issuer.token_endpoint, timeout_seconds=_TIMEOUT_SECONDS, form=form, basic=basic)
            said = json.loads(answer.body) if answer.status < 500 else None
        except (*FAILURES, RecursionError) as error:
            _log.warning("the sign-in service did not take a code: %s", type(error).__name__)
            raise Unavailable(_AWAY) from None
        if answer.status >= 500:
            raise Unavailable(_AWAY)
        id_token = said.get("id_token") if isinstance(said, dict) else None
        if answer.status != 200 or not isinstance(id_token, str):
            reason = said.get("error") if isinstance(said, dict) else None
            _log.warning("the sign-in service refused a code: %s", _REASONS.get(str(reason), "for another reason"))
            raise Unauthenticated("The sign-in service did not confirm who you are. Sign in again.")
        return id_token

    async def _discover(self) -> _Issuer:
        """What the issuer says of itself, asked at most once an hour while it answers."""
        now = self._clock()
        if self._found is not None and now - self._found_at < _FRESH_SECONDS:
            return self._found
        if now >= self._next_attempt_at:
            self._next_attempt_at = now + _COOLDOWN_SECONDS
            address = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
            try:
                answer = await ask(address, timeout_seconds=_TIMEOUT_SECONDS)
                if answer.status != 200:
                    raise ValueError(f"status {answer.status}")
                self._found, self._found_at = self._read(json.loads(answer.body)), now
            except (*FAILURES, RecursionError) as error:
                _log.warning("the issuer could not be discovered: %s", type(error).__name__)
        if self._found is None:
            raise Unavailable(_AWAY)
        return self._found

    def _read(self, said: Any) -> _Issuer:
        """Raises ValueError for a document that is not this issuer's, or that sends browsers or codes over an open line."""
        if not isinstance(said, dict) or said.get("issuer") != self._issuer:
            raise ValueError("another issuer's document")
        # Only an issuer that is itself reached in the clear, on a developer's machine, may have such addresses.
        schemes = frozenset({"https", urlsplit(self._issuer).scheme})
        addresses = [
            said.get("authorization_endpoint"),
            said.get("token_endpoint"),
            self._jwks_url or said.get("jwks_uri"),
        ]
        found = [address for address in addresses if is_web_address(address, schemes)]
        if len(found) != len(addresses):
            raise ValueError("an address is missing")
        authorization_endpoint, token_endpoint, jwks_url = found
        end_session = said.get("end_session_endpoint")
        methods = said.get("token_endpoint_auth_methods_supported")
        return _Issuer(
            authorization_endpoint=authorization_endpoint,
            token_endpoint=token_endpoint,
            end_session_endpoint=end_session if is_web_address(end_session, schemes) else None,
            takes_basic=not isinstance(methods, list) or "client_secret_basic" in methods,
            verifier=TokenVerifier(
                self._issuer, HttpJwks(jwks_url), audience=self._client_id, authorized_parties=(self._client_id,)
            ),
        )


_REASONS = {
    name: name
    for name in ("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type")
}
"""The standard's words, which may be logged; another one could hold anything."""


def _with_query(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"
