"""What Stripe says becomes what an account may do (R53, R54): events in, state over, periods opened by what was paid.

An event is a nudge. What it changes is read from Stripe afterwards and is a function of that state alone, so events may come late, twice
or in any order. Two of them at once are kept apart by a count: state read before the latest take-over is stale, and is read again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from ingestio.db import stripe_events, subscriptions, usage
from ingestio.db.session import ServiceSession
from ingestio.domain.billing import EVENT_TYPES, Event, PaidPeriod, Standing, StripeAccount, Subscription, standing_of
from ingestio.domain.plans import Membership
from ingestio.domain.usage import stored_limit
from ingestio.errors import Conflict, IngestioError
from ingestio.services.accounts import PlanBook
from ingestio.services.usage import initialize_usage

# A failed event is tried again after this, doubled each time; what the reason is may take somebody a day to mend.
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
_DOUBLINGS = 7


class Outrun(Conflict):
    """Something newer was taken over since this state was read: read again."""

    title = "Read again"


class UnknownPrice(IngestioError):
    """A subscription is on a price that is no plan of ours: STRIPE_PRICE_PLUS and STRIPE_PRICE_GROWTH say which are."""

    title = "Unknown price"


async def receive(session: ServiceSession, event: Event, now: datetime) -> bool:
    """Put a verified event into the inbox; True when there is something to do about it. A duplicate, or a type we do not know, is none.

    Nor is one of a customer who is nobody here: a stranger's, or a late one of an account that was erased. It is kept without saying whose.
    """
    if event.customer_id is not None and not await subscriptions.keep(session, event.customer_id):
        await stripe_events.insert_nobodys(session, event, now)
        return False
    inserted = await stripe_events.insert_once(session, event, now)
    return inserted and event.type in EVENT_TYPES


async def take_over(
    session: ServiceSession,
    user_id: str,
    version: int,
    seen: StripeAccount,
    plans: Mapping[str, Membership],
    *,
    book: PlanBook,
    now: datetime,
    event_id: str | None = None,
) -> bool:
    """Make an account what Stripe says it is, and mark the event that told us: one transaction. True when something changed.

    `version` is from before `seen` was read. Usage is never reset here: a paid period that is newer than the current one begins, and the
    pages of the old one stay in its row. An upgrade lifts the limit at once, a downgrade never lowers it below what is used and
    reserved. An account that Stripe knows no subscription of stays as its operator set it. Raises Outrun and UnknownPrice.
    """
    taken = await subscriptions.lock(session, user_id)
    changed = False
    if taken is not None:
        if taken.version != version:
            raise Outrun("The account was brought up to date by somebody else meanwhile.")
        if seen.subscription is not None:
            changed = await _follow(session, user_id, taken.standing, seen.subscription, seen.paid, plans, book, now)
    if event_id is not None:
        await stripe_events.mark_processed(session, event_id, now)
    return changed


async def note_failure(session: ServiceSession, event_id: str, error: str, now: datetime) -> None:
    """Leave a failed event in the inbox, to be tried again after a pause that grows."""
    event = await stripe_events.read(session, event_id)
    if event is not None:
        pause = min(FIRST_PAUSE * 2 ** min(event.attempts, _DOUBLINGS), LONGEST_PAUSE)
        await stripe_events.note_failure(session, event_id, error, now + pause)


async def remember_customer(session: ServiceSession, user_id: str, customer_id: str) -> str | None:
    """Write down which customer at Stripe a user is, unless one is; answers the one that counts. None when the account is gone."""
    await subscriptions.remember_customer(session, user_id, customer_id)
    customer = await subscriptions.customer_of(session, user_id)
    return None if customer is None else customer.customer_id


async def _follow(
    session: ServiceSession,
    user_id: str,
    before: Standing | None,
    subscription: Subscription,
    paid: PaidPeriod | None,
    plans: Mapping[str, Membership],
    book: PlanBook,
    now: datetime,
) -> bool:
    standing = standing_of(subscription, plans)
    if standing is None:
        raise UnknownPrice(
            f"The price {subscription.price_id} is no plan; see STRIPE_PRICE_PLUS and STRIPE_PRICE_GROWTH."
        )
    # The profile first: a period that is made below reads its plan from there.
    await subscriptions.take_over(session, user_id, standing)
    limit = stored_limit(book.plan_of(user_id, standing.membership).pages)
    opened = False
    if paid is not None and not subscription.has_ended:
        opened = await _begin(session, user_id, subscription, paid, limit)
    current = await initialize_usage(session, user_id, book, now)
    await usage.set_limit(session, user_id, UUID(current.id), limit)
    return opened or standing != before


async def _begin(
    session: ServiceSession, user_id: str, subscription: Subscription, paid: PaidPeriod, limit: int
) -> bool:
    """Let a paid period begin unless it has; True when it is new. Its end is what the subscription says: a trial may be extended.

    A subscription that is older than the account, or than a period of the account's own, drives at least the end of that one.
    """
    end = subscription.period_end if subscription.period_start == paid.start else paid.end
    latest = await usage.latest_start(session, user_id)
    if latest is None or paid.start > latest:
        await usage.open_period(session, user_id, paid.start, end, limit)
        return True
    if latest < end:
        await usage.move_end(session, user_id, latest, end)
    return False
