"""Accounts: provisioning on the first sight of a verified identity, and the plan a user is on."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db import accounts, usage
from ingestio.db.accounts import ProfileRow
from ingestio.db.session import ServiceSession
from ingestio.domain.plans import LOCAL_OWNER_PLAN, Membership, Plan, PlanTable
from ingestio.domain.usage import stored_limit
from ingestio.domain.users import LOCAL_OWNER
from ingestio.errors import SubscriptionInactive, UpgradeRequired
from ingestio.services.usage import initialize_usage

INACTIVE = frozenset({"past_due", "unpaid", "canceled", "incomplete", "incomplete_expired", "paused"})


class PlanBook:
    """Which limits hold for whom. `local`: the machine's owner `me` is not metered."""

    def __init__(self, plans: PlanTable, *, local: bool) -> None:
        self._plans = plans
        self._local = local

    def plan_of(self, user_id: str, membership: Membership) -> Plan:
        """The limits of a user on `membership`."""
        if self._local and user_id == LOCAL_OWNER:
            return LOCAL_OWNER_PLAN
        return self._plans[membership]

    @property
    def table(self) -> PlanTable:
        """All plans, for `GET /plans`."""
        return self._plans


async def read_profile(session: AsyncSession, user_id: str) -> ProfileRow | None:
    """The user's profile, None before provisioning."""
    return await accounts.read_profile(session, user_id)


async def provision(
    session: ServiceSession,
    user_id: str,
    *,
    email: str | None,
    full_name: str | None,
    book: PlanBook,
    now: datetime,
    membership: Membership = Membership.STARTER,
) -> ProfileRow:
    """Make user, profile and current period where they are missing. Idempotent, and safe when two requests race."""
    first_plan = Membership.GROWTH if book.plan_of(user_id, membership) is LOCAL_OWNER_PLAN else membership
    await accounts.create(session, user_id, email=email, full_name=full_name, membership=first_plan, now=now)
    profile = await accounts.read_profile(session, user_id)
    if profile is None:
        raise LookupError("a profile that was just made is not there")
    await initialize_usage(session, user_id, book.plan_of(user_id, profile.membership), now)
    return profile


async def change_plan(
    session: ServiceSession, user_id: str, membership: Membership, book: PlanBook, now: datetime
) -> None:
    """Put a provisioned user on another plan: the limit of the current period follows at once, usage is not reset (R53)."""
    await accounts.change_profile(session, user_id, membership=membership)
    plan = book.plan_of(user_id, membership)
    current = await initialize_usage(session, user_id, plan, now)
    await usage.set_limit(session, user_id, UUID(current.id), stored_limit(plan.pages))


def require_batches(profile: ProfileRow, plan: Plan) -> None:
    """Raises UpgradeRequired or SubscriptionInactive when this user may not submit batches (R41)."""
    if profile.subscription_status in INACTIVE:
        raise SubscriptionInactive(
            f"The subscription is {profile.subscription_status}. Settle it under Usage and billing, then submit again."
        )
    if plan.batch_documents == 0:
        raise UpgradeRequired(
            "Upgrade required: the starter plan takes single documents; batches come with plus and growth."
        )
