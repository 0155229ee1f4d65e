"""What billing leaves to upkeep: events that failed or were never taken up, accounts that Stripe changed without our hearing of it, and
periods that nobody has begun."""

from datetime import timedelta

from activities.billing import BillingActivities
from activities.repairs.base import Ground, Repair
from ingestio.db import stripe_events, subscriptions, usage
from ingestio.db.session import service_session
from ingestio.domain.billing import EVENT_TYPES
from ingestio.domain.findings import Finding, FindingKind, FoundPage
from ingestio.services.accounts import PlanBook
from ingestio.services.usage import begin_missing_period

_PAGE = 200
# Each account is two reads at Stripe, and its webhooks have told us all but ever: a quarter of a day is soon enough for the rest.
FOLLOW_REST = timedelta(hours=6)
_FOLLOWED = 25
# Whoever reserves pages begins their own period; this is for those who only look.
PERIODS_REST = timedelta(hours=1)


def billing_repairs(ground: Ground, billing: BillingActivities) -> list[Repair]:
    """With a key to Stripe alone."""

    async def find_waiting(after: str | None) -> FoundPage:
        now = ground.clock()
        async with service_session(ground.engine) as session:
            due = await stripe_events.due(session, EVENT_TYPES, after or "", _PAGE, now, now - ground.grace)
        kind, detail = FindingKind.STRIPE_EVENT_WAITING, "came from Stripe and has had no effect yet"
        return FoundPage([Finding(kind, each, "", detail) for each in due], due[-1] if len(due) == _PAGE else None)

    async def apply(finding: Finding) -> bool:
        await billing.apply(finding.subject)
        return True

    async def find_customers(after: str | None) -> FoundPage:
        async with service_session(ground.engine) as session:
            found = await subscriptions.customers(session, after or "", _FOLLOWED)
        kind, detail = FindingKind.SUBSCRIPTION_DISAGREES, "was not what Stripe says"
        return FoundPage(
            [Finding(kind, each, each, detail) for each in found],
            found[-1] if len(found) == _FOLLOWED else None,
        )

    async def follow(finding: Finding) -> bool:
        return await billing.follow(finding.user_id)

    return [
        Repair(FindingKind.STRIPE_EVENT_WAITING, "events of Stripe", find_waiting, apply, rest=timedelta(0), pages=1),
        Repair(FindingKind.SUBSCRIPTION_DISAGREES, "subscriptions", find_customers, follow, rest=FOLLOW_REST, pages=1),
    ]


def period_repair(ground: Ground, book: PlanBook) -> Repair:
    """Begin the present period of everybody whose last one has ended: one step, however many were missed."""

    async def find(after: str | None) -> FoundPage:
        async with service_session(ground.engine) as session:
            users = await usage.users_without_period(session, after or "", _PAGE, ground.clock())
        kind, detail = FindingKind.PERIOD_ENDED, "has no present period"
        return FoundPage(
            [Finding(kind, each, each, detail) for each in users], users[-1] if len(users) == _PAGE else None
        )

    async def begin(finding: Finding) -> bool:
        async with service_session(ground.engine) as session:
            return await begin_missing_period(session, finding.user_id, book, ground.clock())

    return Repair(FindingKind.PERIOD_ENDED, "periods", find, begin, rest=PERIODS_REST, pages=5, is_routine=True)
