"""Months of one's own, counted from the day of sign-up (R51, R53); those that Stripe drives are in tests/api/billing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from activities.repairs.base import Ground
from activities.repairs.billing import period_repair
from activities.upkeep import make_round
from ingestio.db.invariants import violations
from ingestio.db.session import service_session
from ingestio.domain.plans import Membership
from ingestio.services.accounts import change_plan
from ingestio.services.usage import initialize_usage
from tests.services.conftest import NewTenant
from tests.tenant import Tenant

SIGN_UP = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Watch:
    """A clock that a test sets."""

    now: datetime = SIGN_UP

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


NewSubject = Callable[..., Awaitable[Tenant]]


@pytest.fixture
def new_subject(new_tenant: NewTenant, watch: Watch) -> NewSubject:
    """Makes a user who signed up when the watch says."""

    async def make(membership: Membership = Membership.PLUS) -> Tenant:
        other = await new_tenant()
        subject = Tenant(replace(other.deps, clock=watch), other.superuser, f"subject-{uuid4().hex[:8]}")
        await subject.open(membership)
        return subject

    return make


def periods(tenant: Tenant) -> list[dict[str, Any]]:
    return tenant.all("SELECT * FROM user_usage WHERE user_id = %s ORDER BY billing_period_start", tenant.user_id)


async def test_the_first_reservation_of_a_month_begins_it_on_the_day_of_sign_up_or_the_months_last(
    new_subject: NewSubject, watch: Watch
) -> None:
    tenant = await new_subject()
    for now in (datetime(2026, 2, 28, 13, tzinfo=UTC), datetime(2026, 3, 31, 13, tzinfo=UTC)):
        watch.now = now
        await tenant.accept(["a"], pages=2)

    starts = [row["billing_period_start"] for row in periods(tenant)]
    assert starts == [SIGN_UP, SIGN_UP.replace(month=2, day=28), SIGN_UP.replace(month=3)]
    assert [row["billing_period_end"] for row in periods(tenant)] == [*starts[1:], SIGN_UP.replace(month=4, day=30)]
    assert [row["pages_reserved"] for row in periods(tenant)] == [0, 2, 2]


async def test_a_batch_that_crosses_the_boundary_is_charged_to_the_period_of_its_reservation(
    new_subject: NewSubject, watch: Watch
) -> None:
    tenant = await new_subject()
    watch.now = datetime(2026, 2, 28, 11, 59, 59, tzinfo=UTC)
    before = await tenant.accept(["a", "b"], pages=3)
    watch.now = datetime(2026, 2, 28, 12, tzinfo=UTC)
    after = await tenant.accept(["c"], pages=4)

    await tenant.complete(before)
    await tenant.complete(after)

    assert [(row["pages_processed"], row["pages_reserved"]) for row in periods(tenant)] == [(6, 0), (4, 0)]
    async with service_session(tenant.deps.engine) as session:
        assert await violations(session) == []


async def test_many_who_begin_a_period_at_once_begin_one(new_subject: NewSubject, watch: Watch) -> None:
    tenant = await new_subject()
    watch.now = datetime(2026, 5, 2, tzinfo=UTC)

    async def begin() -> str:
        async with service_session(tenant.deps.engine) as session:
            return (await initialize_usage(session, tenant.user_id, tenant.deps.book, watch())).id

    ids = await asyncio.gather(*(begin() for _ in range(24)))

    assert len(set(ids)) == 1
    assert len(periods(tenant)) == 2


async def test_an_account_is_opened_by_two_hosts_whose_clocks_differ_and_has_one_period(
    new_subject: NewSubject, watch: Watch
) -> None:
    tenant = await new_subject()
    watch.now = SIGN_UP - timedelta(seconds=2)
    await tenant.open(Membership.PLUS)
    await tenant.accept(["a"], pages=2)

    assert [(row["billing_period_start"], row["pages_reserved"]) for row in periods(tenant)] == [(SIGN_UP, 2)]


async def test_a_plan_that_changes_while_a_period_begins_is_the_plan_of_that_period(
    new_subject: NewSubject, watch: Watch
) -> None:
    for _ in range(8):
        watch.now = SIGN_UP
        tenant = await new_subject(Membership.STARTER)
        watch.now = SIGN_UP + timedelta(days=100)

        async def begin(tenant: Tenant = tenant) -> None:
            async with service_session(tenant.deps.engine) as session:
                await initialize_usage(session, tenant.user_id, tenant.deps.book, watch())

        async def upgrade(tenant: Tenant = tenant) -> None:
            async with service_session(tenant.deps.engine) as session:
                await change_plan(session, tenant.user_id, Membership.GROWTH, tenant.deps.book, watch())

        await asyncio.gather(begin(), upgrade(), begin())

        assert periods(tenant)[-1]["pages_limit"] == 5000


async def test_upkeep_begins_the_present_period_however_many_were_missed(new_subject: NewSubject, watch: Watch) -> None:
    idle, lately, paying = await new_subject(), await new_subject(), await new_subject()
    paying.superuser.execute(
        "UPDATE profiles SET stripe_subscription_id = %s WHERE user_id = %s", [f"sub_{paying.user_id}", paying.user_id]
    )
    watch.now = datetime(2026, 6, 15, tzinfo=UTC)
    await lately.accept(["a"])
    ground = Ground(idle.deps.engine, watch, book=idle.deps.book)
    repair = replace(period_repair(ground, idle.deps.book), rest=timedelta(0))

    for _ in range(2):
        await make_round(idle.deps.engine, watch, [repair])

    present = datetime(2026, 5, 31, 12, tzinfo=UTC)
    assert [row["billing_period_start"] for row in periods(idle)] == [SIGN_UP, present]
    assert [row["billing_period_start"] for row in periods(lately)] == [SIGN_UP, present]
    # What is paid for begins with the payment, however late that is.
    assert [row["billing_period_start"] for row in periods(paying)] == [SIGN_UP]
