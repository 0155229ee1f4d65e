"""Subscriptions as Stripe has them, and what follows from them for an account (R41, R53, R54)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingestio.domain.plans import Membership

# Stripe's own words. An account without a subscription has none of them.
PAID_FOR = frozenset({"active", "trialing"})
ENDED = frozenset({"canceled", "incomplete_expired"})
# Never in force: the first payment is still to come, so there is no plan to hold on to.
NOT_YET = frozenset({"incomplete"})

# What our webhook acts on. Each is only a nudge: the state is read again from Stripe, so neither order nor number matters.
EVENT_TYPES = frozenset(
    {
        "checkout.session.completed",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "invoice.paid",
        "invoice.payment_failed",
    }
)

# An invoice for a period: the first one, and each renewal. Others charge for a change in the middle and begin nothing.
PERIOD_REASONS = frozenset({"subscription_create", "subscription_cycle"})


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook's event: what happened, and to which customer (None when it names none)."""

    id: str
    type: str
    customer_id: str | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription. `cancel_at`: when it ends if nobody changes their mind."""

    id: str
    status: str
    price_id: str
    created_at: datetime
    period_start: datetime
    period_end: datetime
    cancel_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class PaidPeriod:
    """A period of service that an invoice paid for: start inclusive, end exclusive."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class StripeAccount:
    """All that counts of a customer at Stripe: the one subscription, and the newest period that was paid for it."""

    subscription: Subscription | None = None
    paid: PaidPeriod | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a profile says of a subscription. `subscription_id` None: Stripe drives this account no more."""

    membership: Membership
    status: str
    subscription_id: str | None
    period_end: datetime | None
    cancel_at: datetime | None


def is_inactive(status: str | None) -> bool:
    """Whether batches are refused: a subscription that is not paid for, whatever Stripe calls that one day. None: there is none."""
    return status is not None and status not in PAID_FOR


def is_withheld(status: str | None) -> bool:
    """Whether even single documents are refused: a plan that is kept but not paid for. Who has ended is on starter like anybody."""
    return is_inactive(status) and status not in ENDED | NOT_YET


def the_one_that_counts(subscriptions: Sequence[Subscription]) -> Subscription | None:
    """Of several subscriptions the best standing one, of those the newest; the order in which they come does not matter."""
    return max(subscriptions, key=lambda each: (_rank(each.status), each.created_at, each.id), default=None)


def standing_of(subscription: Subscription, plans: Mapping[str, Membership]) -> Standing | None:
    """What follows for the account; `plans` by price id. None when the price is no plan of ours.

    A plan that is not paid for is kept, and its work refused, until Stripe ends it; what has ended falls back to starter.
    """
    if subscription.has_ended:
        return Standing(Membership.STARTER, subscription.status, None, None, None)
    if subscription.status in NOT_YET:
        membership: Membership | None = Membership.STARTER
    else:
        membership = plans.get(subscription.price_id)
    if membership is None:
        return None
    return Standing(membership, subscription.status, subscription.id, subscription.period_end, subscription.cancel_at)


def _rank(status: str) -> int:
    if status in PAID_FOR:
        return 3
    if status in ENDED:
        return 0
    return 1 if status in NOT_YET else 2
