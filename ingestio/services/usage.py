"""Quota and periods: who may use how many pages, read fresh each time (R52, R53)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db import accounts, subscriptions, usage
from ingestio.db.accounts import ProfileRow
from ingestio.db.session import ServiceSession
from ingestio.domain.plans import Membership, Plan
from ingestio.domain.usage import Usage, monthly_period, stored_limit


class Limits(Protocol):
    """Knows which limits hold for whom: `services.accounts.PlanBook`."""

    def plan_of(self, user_id: str, membership: Membership) -> Plan: ...


@dataclass(frozen=True, slots=True)
class QuotaCheck:
    """The answer to "may these pages be processed now?". `remaining` None is unlimited."""

    has_quota: bool
    remaining: int | None
    usage: Usage | None


async def initialize_usage(session: ServiceSession, user_id: str, book: Limits, now: datetime) -> Usage:
    """Make the current period where it is missing and answer it. Idempotent, and safe when two callers race.

    A period stays open past its end while a subscription drives it: only the paid invoice begins the next. Without one the periods
    are monthly, counted from the day the account was made. The plan is held still meanwhile: a change of plan at the same moment finds
    the new period, or the new period has the new plan's limit.
    """
    current = await usage.read_current(session, user_id, now)
    if current is not None and now < current.period_end:
        return current
    await subscriptions.hold(session, user_id)
    profile = await accounts.read_profile(session, user_id)
    if profile is None:
        raise LookupError("usage before the profile exists")
    if _begins_anew(current, profile):
        plan = book.plan_of(user_id, profile.membership)
        start, end = _month_of(profile, now)
        await usage.open_period(session, user_id, start, end, stored_limit(plan.pages))
        current = await usage.read_current(session, user_id, now)
    if current is None:
        raise LookupError("a period that was just made is not there")
    return current


async def begin_missing_period(session: ServiceSession, user_id: str, book: Limits, now: datetime) -> bool:
    """Begin the present period of a user whose last one has ended; False when there was nothing to begin. Safe to repeat."""
    last = await usage.read_current(session, user_id, now)
    present = await initialize_usage(session, user_id, book, now)
    return last is None or present.id != last.id


async def foresee_usage(session: AsyncSession, profile: ProfileRow, plan: Plan, now: datetime) -> Usage:
    """The period that a reservation made now would be charged to, without making it: what `initialize_usage` would answer."""
    current = await usage.read_current(session, profile.user_id, now)
    if current is not None and (now < current.period_end or not _begins_anew(current, profile)):
        return current
    start, end = _month_of(profile, now)
    return Usage(id="", period_start=start, period_end=end, limit=plan.pages, processed=0, reserved=0)


async def get_current_usage(session: AsyncSession, user_id: str, now: datetime) -> Usage | None:
    """The current period's counters, None for a user who was never provisioned."""
    return await usage.read_current(session, user_id, now)


async def check_user_quota(session: AsyncSession, user_id: str, pages: int, now: datetime) -> QuotaCheck:
    """Whether `pages` more would fit now. It reserves nothing; only a reservation decides."""
    current = await usage.read_current(session, user_id, now)
    remaining = 0 if current is None else current.remaining
    return QuotaCheck(remaining is None or pages <= remaining, remaining, current)


def _month_of(profile: ProfileRow, now: datetime) -> tuple[datetime, datetime]:
    """The month of the account in which `now` lies; the first one for a host whose clock is behind that of the one that made it."""
    return monthly_period(profile.created_at, max(profile.created_at, now))


def _begins_anew(current: Usage | None, profile: ProfileRow) -> bool:
    """Whether a period that has ended, or was never there, is followed by a monthly one of our own."""
    return current is None or profile.stripe_subscription_id is None


async def reserve_for_job(
    session: ServiceSession, user_id: str, job_id: UUID, document_id: UUID, pages: int, book: Limits, now: datetime
) -> bool:
    """Reserve a document's pages for one job; False when they do not fit. The caller holds the job's lock."""
    current = await initialize_usage(session, user_id, book, now)
    period = UUID(current.id)
    if not await usage.take(session, user_id, period, pages):
        return False
    await usage.write_reservations(session, user_id, period, [(job_id, document_id, pages)])
    return True
