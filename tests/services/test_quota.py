"""Never one page over, whatever runs at once (R44, R50)."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestio.db.engine import create_engine
from ingestio.db.invariants import violations
from ingestio.db.session import service_session
from ingestio.domain.plans import Membership
from ingestio.domain.usage import add_months, first_fit, monthly_period
from ingestio.errors import QuotaExceeded, Unavailable
from ingestio.services import documents, submissions
from ingestio.services.accounts import change_plan
from ingestio.services.usage import check_user_quota
from tests.conftest import Database
from tests.services.conftest import NewTenant
from tests.services.quota_race import race
from tests.tenant import Tenant


def use(tenant: Tenant, pages: int) -> None:
    """Put a period where `pages` are used, with the ledger row that says so."""
    usage = tenant.one("SELECT id FROM user_usage WHERE user_id = %s", tenant.user_id)
    tenant.superuser.execute(
        "INSERT INTO page_ledger (user_id, job_id, document_id, usage_id, pages, state) "
        "VALUES (%s, gen_random_uuid(), gen_random_uuid(), %s, %s, 'committed')",
        (tenant.user_id, usage["id"], pages),
    )
    tenant.superuser.execute("UPDATE user_usage SET pages_processed = %s WHERE id = %s", (pages, usage["id"]))


async def upload(tenant: Tenant, pages: int) -> UUID:
    item = await tenant.store(f"lone {uuid4()}", pages, 0, None)
    async with service_session(tenant.deps.engine) as session:
        return (await documents.register_lone(session, tenant.user_id, item))[0]


async def extract(tenant: Tenant, document_id: UUID) -> bool:
    """Whether the document got in; asked again while so many wait for a connection that the pool gives up on some."""
    while True:
        with suppress(Unavailable):
            return await extract_once(tenant, document_id)


async def extract_once(tenant: Tenant, document_id: UUID) -> bool:
    try:
        async with service_session(tenant.deps.engine) as session:
            await documents.extract_lone(
                session,
                tenant.user_id,
                document_id,
                prompt=None,
                options={},
                book=tenant.deps.book,
                now=tenant.deps.clock(),
            )
    except QuotaExceeded:
        return False
    return True


@pytest.mark.parametrize(("pages", "allowed"), [(5, True), (12, False), (10, True)])
async def test_the_worked_examples_of_the_notes(new_tenant: NewTenant, pages: int, allowed: bool) -> None:
    tenant = await new_tenant(pages=250)
    use(tenant, 240)
    document_id = await upload(tenant, pages)

    assert await extract(tenant, document_id) is allowed

    assert tenant.usage() == (240, pages if allowed else 0)


async def test_two_hundred_documents_at_once_against_the_last_ten_pages(new_tenant: NewTenant) -> None:
    tenant = await new_tenant(pages=250)
    use(tenant, 240)
    document_ids = [await upload(tenant, 1) for _ in range(200)]

    taken = await asyncio.gather(*(extract(tenant, document_id) for document_id in document_ids))

    assert sum(taken) == 10
    assert tenant.usage() == (240, 10)
    async with service_session(tenant.deps.engine) as session:
        assert await violations(session) == []


async def test_the_race_for_the_last_pages_and_again_for_what_failures_gave_back(
    clean_database: Database, superuser: psycopg.Connection[Any]
) -> None:
    """More rounds, with a figure: `python -m benchmarks quota --rounds 100`."""
    engine = create_engine(clean_database.app_url, patience_seconds=200)
    try:
        outcome = await race(engine, superuser)
        async with service_session(engine) as session:
            broken = await violations(session)
    finally:
        await engine.dispose()

    assert outcome.is_right, outcome
    assert broken == []


async def test_batches_and_lone_documents_at_once_never_go_over(new_tenant: NewTenant) -> None:
    tenant = await new_tenant(Membership.GROWTH, pages=30)
    lone = [await upload(tenant, 3) for _ in range(20)]

    async def batch(number: int) -> int:
        try:
            batch_id = await tenant.accept([f"{number}-{index}" for index in range(5)], pages=2)
        except QuotaExceeded:
            return 0
        queued = [row for row in tenant.documents(batch_id) if row["status"] == "queued_for_processing"]
        return 2 * len(queued)

    taken = await asyncio.gather(*(batch(number) for number in range(10)), *(extract(tenant, one) for one in lone))

    assert sum(taken[:10]) + 3 * sum(taken[10:]) == tenant.usage()[1] <= 30
    async with service_session(tenant.deps.engine) as session:
        assert await violations(session) == []


async def test_first_fit_passes_over_what_does_not_fit_and_fails_it_at_once(new_tenant: NewTenant) -> None:
    tenant = await new_tenant(pages=10)
    use(tenant, 5)
    batch_id = await tenant.accept(["a", "b", "c"], pages=3)

    assert [row["status"] for row in tenant.documents(batch_id)] == [
        "queued_for_processing",
        "failed",
        "failed",
    ]
    assert [row["error_code"] for row in tenant.documents(batch_id)] == [None, "quota_exceeded", "quota_exceeded"]
    batch = tenant.batch(batch_id)
    assert (batch["status"], batch["document_count"], batch["failed_count"]) == ("queued", 3, 2)
    assert tenant.usage() == (5, 3)


async def test_nothing_fits_leaves_a_draft_that_an_upgrade_lets_through(new_tenant: NewTenant) -> None:
    tenant = await new_tenant(pages=2)
    batch_id = await tenant.accept(["a"], pages=5)
    assert tenant.batch(batch_id)["status"] == "pending_upload"
    assert tenant.usage() == (0, 0)

    async with service_session(tenant.deps.engine) as session:
        await change_plan(session, tenant.user_id, Membership.GROWTH, tenant.deps.book, tenant.deps.clock())
    async with service_session(tenant.deps.engine) as session:
        await submissions.submit(
            session,
            tenant.user_id,
            batch_id,
            all_or_nothing=None,
            book=tenant.deps.book,
            now=tenant.deps.clock(),
        )

    assert tenant.batch(batch_id)["status"] == "queued"
    assert tenant.usage() == (0, 5)


async def test_a_downgrade_never_makes_the_numbers_negative(new_tenant: NewTenant) -> None:
    tenant = await new_tenant(Membership.GROWTH)
    use(tenant, 600)

    async with service_session(tenant.deps.engine) as session:
        await change_plan(session, tenant.user_id, Membership.PLUS, tenant.deps.book, tenant.deps.clock())
        check = await check_user_quota(session, tenant.user_id, 1, tenant.deps.clock())

    assert tenant.one("SELECT pages_limit FROM user_usage WHERE user_id = %s", tenant.user_id)["pages_limit"] == 600
    assert (check.has_quota, check.remaining) == (False, 0)


@given(st.lists(st.integers(1, 50), max_size=30), st.none() | st.integers(0, 300))
def test_first_fit_never_takes_more_than_there_is_and_never_skips_what_fits(
    pages: list[int], remaining: int | None
) -> None:
    fits = first_fit(pages, remaining)

    left = remaining
    for count, fit in zip(pages, fits, strict=True):
        assert fit == (left is None or count <= left)
        if fit and left is not None:
            left -= count
    assert left is None or left >= 0


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone is given beside
    st.integers(0, 3000),
    st.integers(0, 86399),
)
def test_every_moment_lies_in_exactly_one_period(anchor: datetime, days: int, seconds: int) -> None:
    now = anchor + timedelta(days=days, seconds=seconds)
    start, end = monthly_period(anchor, now)

    assert start <= now < end
    assert monthly_period(anchor, end)[0] == end
    assert 28 <= (end - start).days <= 31


def test_periods_are_anchored_at_the_day_of_sign_up() -> None:
    anchor = datetime(2026, 1, 31, 12, tzinfo=UTC)

    assert [add_months(anchor, months).day for months in range(4)] == [31, 28, 31, 30]
