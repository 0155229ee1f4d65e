"""What is counted, against which limit, and how it is told: headers on every answer, and 429 with when to come back."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.rates.clients import client_address
from api.rates.counts import Count, Counts
from ingestio.config import Network
from ingestio.domain.plans import Membership, Plan, Rate
from ingestio.errors import RateLimited
from ingestio.services.accounts import PlanBook

# Signing in is counted by address, because nobody is known yet. Several people share one behind a router.
SIGN_INS_PER_MINUTE = 30
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands with one limit."""

    name: str
    limit: int
    window_seconds: int
    count: Count

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.count.spent)

    @property
    def resets_in_seconds(self) -> int:
        return max(1, ceil(self.count.resets_in))


class Meter:
    """Counts for one process what its users do."""

    def __init__(self, counts: Counts, book: PlanBook, *, sign_ins: bool, proxies: Sequence[Network] = ()) -> None:
        self._counts = counts
        self._book = book
        self._proxies = proxies
        self._sign_ins = sign_ins

    def counts(self, rate: Rate) -> bool:
        """Whether any plan limits this: otherwise nobody's plan has to be looked up for it."""
        return self._book.limits(rate)

    async def spend(
        self, request: Request, rate: Rate, user_id: str, membership: Membership, plan: Plan, cost: int = 1
    ) -> None:
        """Count so many of a kind against a user's plan. Raises RateLimited, and then nothing was counted."""
        limit = plan.rate(rate)
        if limit is None or cost == 0:
            return
        count = await self._counts.spend(f"{rate}:{user_id}", cost, limit, rate.window_seconds)
        standing = Standing(rate.noun, limit, rate.window_seconds, count)
        _remember(request, standing)
        if not count.fits:
            explained = self._book.explain(user_id, membership, rate.value)
            lifted = "" if explained.lifted_by is None else f" The {explained.lifted_by} plan allows more."
            asked = f", and this asks for {cost}" if cost > 1 else ""
            raise RateLimited(
                f"The {membership} plan allows {limit} {rate.noun} {rate.per}{asked}; "
                f"{standing.remaining} are left for now.{lifted}",
                retry_after_seconds=standing.resets_in_seconds,
                limit=explained,
            )

    async def spend_sign_in(self, request: Request) -> None:
        """Count an attempt to sign in from where it comes. Raises RateLimited."""
        if not self._sign_ins:
            return
        address = client_address(request, self._proxies)
        count = await self._counts.spend(f"sign-in:{address}", 1, SIGN_INS_PER_MINUTE, _MINUTE)
        standing = Standing("sign-ins", SIGN_INS_PER_MINUTE, _MINUTE, count)
        _remember(request, standing)
        if not count.fits:
            raise RateLimited(
                f"Too many attempts to sign in from this address; try again in {standing.resets_in_seconds} s.",
                retry_after_seconds=standing.resets_in_seconds,
            )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._counts.close()


class RateHeaders:
    """Puts on the answer where the caller stands with the limit that is nearest to being spent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_told(message: Message) -> None:
            standing: Standing | None = scope.get("state", {}).get("standing")
            if message["type"] == "http.response.start" and standing is not None:
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Limit"] = str(standing.limit)
                headers["RateLimit-Remaining"] = str(standing.remaining)
                headers["RateLimit-Reset"] = str(standing.resets_in_seconds)
                headers["RateLimit-Policy"] = f'"{standing.name}";q={standing.limit};w={standing.window_seconds}'
            await send(message)

        await self._app(scope, receive, send_told)


def _remember(request: Request, standing: Standing) -> None:
    """Keep the scarcest of what one request has counted; what was refused is the scarcest of all."""
    known: Standing | None = getattr(request.state, "standing", None)
    if known is None or not standing.count.fits or standing.remaining / standing.limit <= known.remaining / known.limit:
        request.state.standing = standing
