"""Who a bearer credential speaks for, a token's user or an API key's, and what that key may do (R31, R33, R34)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from api.browser import READING
from ingestio.auth.api_keys import is_api_key
from ingestio.auth.tokens import Identity
from ingestio.bootstrap import Deps
from ingestio.db.session import service_connection, service_session
from ingestio.domain.api_keys import Scope
from ingestio.domain.plans import Membership
from ingestio.errors import InsufficientScope, Unauthenticated
from ingestio.services import privileged

# A key has no end of its own, but what it opened has: a stream is asked for it again.
_KEY_IS_GOOD_FOR = timedelta(minutes=15)
_BILLING = "/api/v1/billing/"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whom a credential speaks for, on which plan, and until when; `scopes` None for a person, who may do everything."""

    user_id: str
    membership: Membership
    expires_at: datetime
    scopes: frozenset[Scope] | None = None

    def require_scope(self, method: str, path: str) -> None:
        """Raises InsufficientScope unless the key, if it is one, was made for requests like this."""
        needed = Scope.BILLING if path.startswith(_BILLING) else Scope.READ if method in READING else Scope.WRITE
        if self.scopes is not None and needed not in self.scopes:
            raise InsufficientScope(f"This API key lacks the scope `{needed}`. Make one that has it, under Settings.")


class SignIn:
    """Turns a bearer credential into a user who exists: the first request of an identity makes account and period."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def identify(self, authorization: str | None) -> SignedIn:
        """Who an Authorization header speaks for. Raises Unauthenticated, and Unavailable while the issuer's keys cannot be had."""
        scheme, _, credential = (authorization or "").partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential:
            raise Unauthenticated("Send `Authorization: Bearer <token or API key>`.")
        if is_api_key(credential):
            return await self._holder_of(credential)
        identity = await self._deps.verifier.verify(credential)
        return SignedIn(identity.user_id, await self._stand(identity), identity.expires_at)

    async def _holder_of(self, key: str) -> SignedIn:
        """Asked anew with each request, so that a revoked key is worth nothing at once, whichever process is asked."""
        now = self._deps.clock()
        async with service_session(self._deps.engine) as session:
            holder = await privileged.use_key(session, key, now)
        if holder is None:
            raise Unauthenticated("The API key is unknown or was revoked.")
        return SignedIn(holder.user_id, holder.membership, now + _KEY_IS_GOOD_FOR, holder.scopes)

    async def _stand(self, identity: Identity) -> Membership:
        """Make the account of somebody new; refuse whose account was deleted. Asked anew with each request, as of a key.

        One statement says it all, the plan too. It stays a transaction of its own beside what the request then reads: a transaction has
        one role, this one's is `service_role`, and nothing that a route does may inherit that (R28).
        """
        async with service_connection(self._deps.engine) as connection:
            standing = await privileged.standing(connection, identity.user_id, identity.issued_at)
        if standing.gone:
            raise Unauthenticated("This account was deleted.")
        if standing.membership is not None:
            return standing.membership
        async with service_session(self._deps.engine) as session:
            profile = await privileged.provision(
                session,
                identity.user_id,
                email=identity.email,
                full_name=identity.full_name,
                book=self._deps.book,
                now=self._deps.clock(),
            )
        return profile.membership
