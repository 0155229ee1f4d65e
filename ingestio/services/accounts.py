"""Accounts: provisioning on the first sight of a verified identity, and the plan a user is on."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db import accounts, tombstones, usage
from ingestio.db.accounts import ProfileRow
from ingestio.db.session import ServiceConnection, ServiceSession
from ingestio.db.tombstones import Standing
from ingestio.domain.billing import is_inactive
from ingestio.domain.plans import LOCAL_OWNER_PLAN, Membership, Plan, PlanTable, Rate, explained
from ingestio.domain.usage import stored_limit
from ingestio.domain.users import LOCAL_OWNER
from ingestio.errors import (
    BatchTooLarge,
    PlanLimit,
    SubscriptionInactive,
    Unauthenticated,
    Unavailable,
    UpgradeRequired,
)
from ingestio.services.usage import initialize_usage


class PlanBook:
    """Which limits hold for whom. `local`: the machine's owner `me` is not metered. `enforced`: where that differs from what is listed."""

    def __init__(self, plans: PlanTable, *, local: bool, enforced: PlanTable | None = None) -> None:
        self._plans = plans
        self._local = local
        self._enforced = plans if enforced is None else enforced

    def plan_of(self, user_id: str, membership: Membership) -> Plan:
        """The limits of a user on `membership`."""
        if self._local and user_id == LOCAL_OWNER:
            return LOCAL_OWNER_PLAN
        return self._enforced[membership]

    def explain(self, user_id: str, membership: Membership, name: str, needed: int | None = None) -> PlanLimit:
        """A limit that stood in a user's way; `needed` is how much would have to be allowed."""
        if self._local and user_id == LOCAL_OWNER:
            return PlanLimit(name, getattr(LOCAL_OWNER_PLAN, name), "owner", None)
        return explained(self._enforced, membership, name, needed)

    @property
    def table(self) -> PlanTable:
        """All plans, for `GET /plans`."""
        return self._plans

    @property
    def forgets(self) -> bool:
        """Whether anybody's documents are deleted with time."""
        return any(plan.kept is not None for plan in self._enforced.values())

    def limits(self, rate: Rate) -> bool:
        """Whether anybody is limited in this."""
        return any(plan.rate(rate) is not None for plan in self._enforced.values())


async def read_profile(session: AsyncSession, user_id: str) -> ProfileRow | None:
    """The user's profile, None before provisioning."""
    return await accounts.read_profile(session, user_id)


async def kept(session: AsyncSession, user_id: str, book: PlanBook) -> timedelta | None:
    """How long a document of this user stays after its last change; None for ever."""
    profile = await accounts.read_profile(session, user_id) if book.forgets else None
    return None if profile is None else book.plan_of(user_id, profile.membership).kept


async def standing(connection: ServiceConnection, user_id: str, issued_at: datetime) -> Standing:
    """What the user of a token is to us; the token was made at `issued_at`."""
    return await tombstones.standing(connection, user_id, issued_at)


async def require_open(session: ServiceSession, user_id: str) -> None:
    """Raises Unauthenticated when the account was closed, and keeps it from being closed until the transaction ends.

    For what would outlive the closing: a new session, a new key.
    """
    await tombstones.serialize(session, user_id)
    if await tombstones.is_being_erased(session, user_id):
        raise Unauthenticated("This account was deleted.")


async def provision(
    session: ServiceSession,
    user_id: str,
    *,
    email: str | None,
    full_name: str | None,
    book: PlanBook,
    now: datetime,
    membership: Membership = Membership.STARTER,
    returns: bool = False,
) -> ProfileRow:
    """Make user, profile and current period where they are missing. Idempotent, and safe when two requests race.

    Raises Unauthenticated for an account that was deleted, unless the user `returns`: signs in anew in local mode, where no identity
    provider says who still exists. Then it begins with nothing, or raises Unavailable until the erasure is finished.
    """
    await tombstones.serialize(session, user_id)
    deleted = await tombstones.read(session, user_id)
    if deleted is not None and deleted.returned_at is None:
        if not returns:
            raise Unauthenticated("This account was deleted.")
        if not deleted.erased:
            raise Unavailable("This account is being deleted; try again in a moment.")
        await tombstones.welcome_back(session, user_id, now)
    first_plan = Membership.GROWTH if book.plan_of(user_id, membership) is LOCAL_OWNER_PLAN else membership
    await accounts.create(session, user_id, email=email, full_name=full_name, membership=first_plan, now=now)
    profile = await accounts.read_profile(session, user_id)
    if profile is None:
        raise LookupError("a profile that was just made is not there")
    await initialize_usage(session, user_id, book, now)
    return profile


async def change_plan(
    session: ServiceSession, user_id: str, membership: Membership, book: PlanBook, now: datetime
) -> None:
    """Put a provisioned user on another plan: the limit of the current period follows at once, usage is not reset (R53)."""
    await accounts.change_profile(session, user_id, membership=membership)
    current = await initialize_usage(session, user_id, book, now)
    limit = stored_limit(book.plan_of(user_id, membership).pages)
    await usage.set_limit(session, user_id, UUID(current.id), limit)


def require_batches(profile: ProfileRow, book: PlanBook) -> None:
    """Raises UpgradeRequired or SubscriptionInactive when this user may not submit batches (R41)."""
    if is_inactive(profile.subscription_status):
        raise SubscriptionInactive(
            f"The subscription is {profile.subscription_status}. Settle it under Usage and billing, then submit again."
        )
    if book.plan_of(profile.user_id, profile.membership).batch_documents == 0:
        limit = book.explain(profile.user_id, profile.membership, "batch_documents")
        lifted = "no plan allows it" if limit.lifted_by is None else f"batches come with the {limit.lifted_by} plan"
        raise UpgradeRequired(
            f"Upgrade required: the {profile.membership} plan takes single documents; {lifted}.", limit=limit
        )


def require_room(profile: ProfileRow, book: PlanBook, count: int) -> None:
    """Raises BatchTooLarge when a batch of this user cannot hold `count` documents."""
    most = book.plan_of(profile.user_id, profile.membership).batch_documents
    if most is not None and count > most:
        limit = book.explain(profile.user_id, profile.membership, "batch_documents", count)
        larger = "" if limit.lifted_by is None else f", or take the {limit.lifted_by} plan"
        raise BatchTooLarge(
            f"A batch holds at most {most} documents on the {profile.membership} plan, this one has {count}; "
            f"submit it in parts{larger}.",
            limit=limit,
        )
