"""Billing: the account follows what Stripe says, event by event and now and then without one (R53, R54)."""

import logging
from datetime import datetime

from temporalio import activity

from activities.failures import step_after
from ingestio.bootstrap import WorkerDeps
from ingestio.db import stripe_events, subscriptions
from ingestio.db.session import service_session
from ingestio.db.subscriptions import Customer
from ingestio.domain.billing import EVENT_TYPES
from ingestio.domain.messages import StripeEventRef
from ingestio.errors import IngestioError, Unavailable
from ingestio.services import billing
from ingestio.services.billing import Outrun
from workflows import options

logger = logging.getLogger(__name__)

# How often state may be outrun by a newer one before this gives way; each time somebody else has made the account newer.
_READS = 5


class BillingActivities:
    """Implements `ports.apply_stripe_event`."""

    def __init__(self, deps: WorkerDeps) -> None:
        self._deps = deps

    @activity.defn
    @step_after(options.STRIPE_EVENT_RETRY)
    async def apply_stripe_event(self, request: StripeEventRef) -> None:
        await self.apply(request.event_id)

    async def apply(self, event_id: str) -> bool:
        """The same outside an activity: True when something changed. A failure is noted in the inbox and raised."""
        try:
            return await self._apply(event_id)
        except IngestioError as error:
            async with service_session(self._deps.engine) as session:
                await billing.note_failure(session, event_id, f"{type(error).__name__}: {error.detail}", self._now())
            raise

    async def follow(self, user_id: str) -> bool:
        """Make one account what Stripe says now, without any event: what was lost on its way is made up for. True when it changed."""
        async with service_session(self._deps.engine) as session:
            customer = await subscriptions.customer_of(session, user_id)
        return customer is not None and await self._take_over(customer, None)

    async def cancel_all(self, user_id: str) -> int:
        """End all that a user pays for, now, because their account goes (R86); answers how much there was to end. Safe to repeat."""
        async with service_session(self._deps.engine) as session:
            customer = await subscriptions.customer_of(session, user_id)
        if customer is None:
            return 0
        if self._deps.billing is None:
            logger.error("a customer of Stripe's goes, and there is no key to end what they pay for")
            return 0
        return await self._deps.billing.cancel_all(customer.customer_id)

    async def _apply(self, event_id: str) -> bool:
        async with service_session(self._deps.engine) as session:
            event = await stripe_events.read(session, event_id)
            if event is None or event.processed_at is not None or event.type not in EVENT_TYPES:
                return False
            if event.customer_id is None:
                await stripe_events.mark_processed(session, event_id, self._now())
                return False
            customer = await subscriptions.user_of(session, event.customer_id)
            if customer is None:
                # Taken in before its account went, or by an earlier version: late events bring nobody back.
                await stripe_events.forget_customer(session, event.customer_id, self._now())
                return False
        return await self._take_over(customer, event_id)

    async def _take_over(self, customer: Customer, event_id: str | None) -> bool:
        gateway = self._deps.billing
        if gateway is None:
            raise Unavailable("STRIPE_SECRET_KEY is not set on this worker, so Stripe cannot be asked.")
        for _ in range(_READS):
            seen = await gateway.read(customer.customer_id)
            try:
                async with service_session(self._deps.engine) as session:
                    return await billing.take_over(
                        session, customer.user_id, customer.version, seen, gateway.plans,
                        book=self._deps.book, now=self._now(), event_id=event_id,
                    )  # fmt: skip
            except Outrun:
                async with service_session(self._deps.engine) as session:
                    again = await subscriptions.customer_of(session, customer.user_id)
                if again is None:
                    return False
                customer = again
        raise Unavailable("The account kept changing while Stripe was asked.")

    def _now(self) -> datetime:
        return self._deps.clock()
