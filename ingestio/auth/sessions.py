"""Browser sessions: a signed cookie with the claims of a token, and the token that a form must carry to write in its name.

The cookie lives for two hours and is renewed while it is used, so a copied one ages quickly; the session itself lies in a row, which
sign-out deletes. Whoever wants to write must also know the form's token: it follows from the session, so nothing is stored for it, and
another site can neither read nor guess it.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ingestio.auth.secrets import Payload, derive, sign, verify
from ingestio.auth.tokens import Identity
from ingestio.domain.users import is_user_id
from ingestio.errors import Unauthenticated

IDLE = timedelta(hours=2)
LONGEST = timedelta(days=7)
ATTEMPT = timedelta(minutes=10)
_RENEWED_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class BrowserIdentity:
    """Whom a cookie speaks for. `session_id` names the row; `stale` asks for a fresh cookie."""

    identity: Identity
    session_id: str
    stale: bool


class CookieSigner:
    """Makes and reads the cookies of one secret. `cookie_name` differs between secrets: browsers do not keep ports apart, and two
    instances on one machine would sign each other out."""

    def __init__(self, secret_key: str) -> None:
        self._key = derive(secret_key, "browser session")
        self._form_key = derive(secret_key, "form token")
        self._attempt_key = derive(secret_key, "sign-in attempt")
        self.cookie_name = f"ingestio_{derive(secret_key, 'cookie name').hex()[:8]}"

    def issue(self, user_id: str, session_id: str, *, email: str | None, full_name: str | None, now: datetime) -> str:
        """The cookie's value for a session that is open."""
        claims: Payload = {"sub": user_id, "jti": session_id, "iat": int(now.timestamp())}
        if email is not None:
            claims["email"] = email
        if full_name is not None:
            claims["name"] = full_name
        return sign(self._key, claims, ttl_seconds=int(IDLE.total_seconds()), now=now.timestamp())

    def read(self, cookie: str, now: datetime) -> BrowserIdentity:
        """Whom a cookie speaks for, if its session is still open. Raises Unauthenticated when it is not ours, or too old."""
        try:
            claims = verify(self._key, cookie, now=now.timestamp())
        except Unauthenticated:
            raise Unauthenticated("The session has ended. Sign in again.") from None
        user_id, session_id, issued = claims.get("sub"), claims.get("jti"), claims.get("iat")
        if not is_user_id(user_id) or not isinstance(session_id, str) or not isinstance(issued, int):
            raise Unauthenticated("The session has ended. Sign in again.")
        issued_at = datetime.fromtimestamp(issued, UTC)
        email, name = claims.get("email"), claims.get("name")
        identity = Identity(
            user_id=str(user_id),
            email=email if isinstance(email, str) else None,
            full_name=name if isinstance(name, str) else None,
            issued_at=issued_at,
            expires_at=issued_at + IDLE,
            token_id=session_id,
        )
        return BrowserIdentity(identity, session_id, stale=now - issued_at > _RENEWED_AFTER)

    def keep(self, attempt: Payload) -> str:
        """What a browser keeps of a sign-in that it began elsewhere, for ten minutes."""
        return sign(self._attempt_key, attempt, ttl_seconds=int(ATTEMPT.total_seconds()))

    def kept(self, cookie: str) -> Payload | None:
        """The same, when the browser comes back; None when there is none, or it is too old or not ours."""
        try:
            return verify(self._attempt_key, cookie)
        except Unauthenticated:
            return None

    def form_token(self, session_id: str) -> str:
        """What every form of this session carries, and every script sends, with a write."""
        return hmac.new(self._form_key, session_id.encode(), "sha256").hexdigest()

    def is_form_token(self, session_id: str, sent: str) -> bool:
        """Whether a write carries the token of its own session."""
        return hmac.compare_digest(self.form_token(session_id).encode(), sent.encode(errors="replace"))


def session_hash(session_id: str) -> str:
    """How a session's row names it: who reads the table cannot sign in with what is there."""
    return hashlib.sha256(session_id.encode()).hexdigest()
