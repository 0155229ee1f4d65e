"""Calls to Stripe, and nothing else of ours makes any. Amounts, cards and invoices stay there: we ask who is on which price, until when.

The library is imported with the first call, off the event loop: it costs a second that a process without billing need not pay.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ingestio.domain.billing import PERIOD_REASONS, PaidPeriod, StripeAccount, Subscription, the_one_that_counts
from ingestio.domain.plans import Membership
from ingestio.errors import Unavailable

if TYPE_CHECKING:
    from stripe import HTTPClient, StripeClient, StripeError

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 8.0
_RETRIES = 1
_PAGE = 100


class StripeGateway:
    """One account at Stripe. `prices`: what each plan that is sold costs, as a price id."""

    def __init__(self, secret_key: str, prices: Mapping[Membership, str], *, api_base: str | None = None) -> None:
        self.prices = prices
        self.plans = {price: membership for membership, price in prices.items()}
        self._secret_key = secret_key
        self._api_base = api_base
        self._opening = asyncio.Lock()
        self._opened: _Opened | None = None

    async def create_customer(self, user_id: str, email: str | None) -> str:
        """The customer of a user; asking again within a day answers the same one."""
        params: Any = {"metadata": {"user_id": user_id}}
        if email:
            params["email"] = email
        key = f"ingestio-customer-{sha256(user_id.encode()).hexdigest()}"
        async with self._calling("create a customer") as client:
            customer = await client.v1.customers.create_async(params, {"idempotency_key": key})
        return str(customer.id)

    async def read(self, customer_id: str) -> StripeAccount:
        """What Stripe says now of a customer. Raises Unavailable."""
        async with self._calling("read subscriptions") as client:
            params: Any = {"customer": customer_id, "status": "all", "limit": _PAGE}
            found = await client.v1.subscriptions.list_async(params)
            all_of_them = [_subscription(each.to_dict(), self.plans) for each in found.data]
            subscription = the_one_that_counts(all_of_them)
            if sum(not each.has_ended for each in all_of_them) > 1:
                logger.error("a customer has more than one live subscription", extra={"customer_id": customer_id})
            if subscription is None:
                return StripeAccount()
            params = {"subscription": subscription.id, "status": "paid", "limit": _PAGE}
            invoices = await client.v1.invoices.list_async(params)
        return StripeAccount(subscription, _newest_paid([each.to_dict() for each in invoices.data]))

    async def checkout(self, customer_id: str, user_id: str, price_id: str, *, back_to: str) -> str:
        """The address of a checkout page. Earlier ones that are still open are closed: nobody subscribes twice by two tabs."""
        async with self._calling("open a checkout") as client:
            params: Any = {"customer": customer_id, "status": "open", "limit": _PAGE}
            for earlier in (await client.v1.checkout.sessions.list_async(params)).data:
                await client.v1.checkout.sessions.expire_async(earlier.id)
            params = {
                "mode": "subscription",
                "customer": customer_id,
                "client_reference_id": user_id,
                "line_items": [{"price": price_id, "quantity": 1}],
                "subscription_data": {"metadata": {"user_id": user_id}},
                "success_url": f"{back_to}?said=subscribed",
                "cancel_url": back_to,
            }
            session = await client.v1.checkout.sessions.create_async(params)
        return str(session.url)

    async def portal(self, customer_id: str, *, back_to: str) -> str:
        """The address of Stripe's own page for plan, card and invoices."""
        async with self._calling("open the portal") as client:
            params: Any = {"customer": customer_id, "return_url": back_to}
            session = await client.v1.billing_portal.sessions.create_async(params)
        return str(session.url)

    async def cancel_all(self, customer_id: str) -> int:
        """End every subscription of a customer now; answers how many there were to end. Safe to repeat."""
        async with self._calling("cancel subscriptions") as client:
            params: Any = {"customer": customer_id, "limit": _PAGE}  # without those that have ended
            found = (await client.v1.subscriptions.list_async(params)).data
            for each in found:
                await client.v1.subscriptions.cancel_async(each.id)
        return len(found)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.http.close_async()  # type: ignore[no-untyped-call]

    @asynccontextmanager
    async def _calling(self, what: str) -> AsyncIterator["StripeClient"]:
        """The client, with its errors translated: whatever Stripe says, the caller may try again and the log has the kind."""
        async with self._opening:
            if self._opened is None:
                self._opened = await asyncio.to_thread(_open, self._secret_key, self._api_base)
            opened = self._opened
        try:
            yield opened.client
        except opened.error as error:
            # The message may quote what was sent; kind, status and request id are enough to find it in Stripe's own log.
            logger.warning(
                "Stripe did not %s: %s", what, type(error).__name__,
                extra={"stripe_code": error.code, "status": error.http_status, "request_id": error.request_id},
            )  # fmt: skip
            raise Unavailable("The payment service did not answer as it should; try again in a moment.") from None


@dataclass(frozen=True, slots=True)
class _Opened:
    """The library, ready for calls."""

    client: "StripeClient"
    http: "HTTPClient"
    error: "type[StripeError]"


def _open(secret_key: str, api_base: str | None) -> _Opened:
    import stripe

    http = stripe.HTTPXClient(timeout=TIMEOUT_SECONDS)
    bases: Any = {} if api_base is None else {"api": api_base.rstrip("/")}
    client = stripe.StripeClient(secret_key, base_addresses=bases, max_network_retries=_RETRIES, http_client=http)
    return _Opened(client, http, stripe.StripeError)


def _subscription(found: Mapping[str, Any], plans: Mapping[str, Membership]) -> Subscription:
    # Since the API of 2025 the period is the item's. What was sold beside a plan is another item.
    items = found["items"]["data"]
    item = next((each for each in items if each["price"]["id"] in plans), items[0])
    cancel_at = found.get("cancel_at")
    if cancel_at is None and found.get("cancel_at_period_end"):
        cancel_at = item["current_period_end"]
    return Subscription(
        id=found["id"],
        status=found["status"],
        price_id=item["price"]["id"],
        created_at=_moment(found["created"]),
        period_start=_moment(item["current_period_start"]),
        period_end=_moment(item["current_period_end"]),
        cancel_at=None if cancel_at is None else _moment(cancel_at),
    )


def _newest_paid(invoices: list[dict[str, Any]]) -> PaidPeriod | None:
    """The latest period of service among paid invoices. The invoice's own period lies before it; its lines have the one it pays for."""
    periods = [
        PaidPeriod(_moment(line["period"]["start"]), _moment(line["period"]["end"]))
        for invoice in invoices
        if invoice["billing_reason"] in PERIOD_REASONS
        for line in invoice["lines"]["data"]
        if not _is_proration(line) and line["period"]["end"] > line["period"]["start"]
    ]
    return max(periods, key=lambda period: (period.start, period.end), default=None)


def _is_proration(line: Mapping[str, Any]) -> bool:
    details = (line.get("parent") or {}).get("subscription_item_details") or {}
    return bool(details.get("proration"))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
