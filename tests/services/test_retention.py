"""Documents go when the days of their plan are over, and with the last one its batch; what is under way or others' stays (R86)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from activities.repairs.base import Ground
from activities.repairs.registry import all_repairs
from activities.repairs.retention import retention_repairs
from activities.upkeep import make_round
from ingestio.db.invariants import violations
from ingestio.db.session import service_session
from ingestio.domain.plans import BUILT_IN_PLANS, Membership, overridden
from ingestio.domain.users import LOCAL_OWNER
from ingestio.errors import FailureCode
from ingestio.services import controls, documents
from ingestio.services.accounts import PlanBook
from ingestio.storage.keys import extraction_key
from tests.services.conftest import NewTenant
from tests.services.test_repairs import ended
from tests.tenant import Tenant

MONTH: Mapping[str, Any] = {"growth": {"retention_days": 30}}
OVER = timedelta(days=30, seconds=1)


async def pass_time(tenant: Tenant, later: timedelta, plans: Mapping[str, Any] = MONTH) -> int:
    """A round of upkeep as if so much later; answers how much it deleted or mended."""
    deps = tenant.deps
    book = PlanBook(overridden(BUILT_IN_PLANS, plans), local=True)
    ground = Ground(deps.engine, lambda: deps.clock() + later, deps.store, book=book)
    forgetting = retention_repairs(ground, book)
    assert {repair.kind for repair in forgetting} <= {repair.kind for repair in all_repairs(ground)}
    return await make_round(deps.engine, ground.clock, forgetting)


def kept(tenant: Tenant) -> tuple[int, int]:
    """How many documents and batches the user has."""
    counted = tenant.one(
        "SELECT (SELECT count(*) FROM documents WHERE user_id = %s) AS documents, "
        "(SELECT count(*) FROM extraction_batches WHERE user_id = %s) AS batches",
        tenant.user_id,
        tenant.user_id,
    )
    return counted["documents"], counted["batches"]


async def objects(tenant: Tenant) -> list[str]:
    return [stored.key async for stored in tenant.deps.store.list(tenant.user_id)]


async def test_a_batch_goes_with_its_documents_when_its_days_are_over_and_what_was_charged_stays(
    new_tenant: NewTenant,
) -> None:
    tenant = await new_tenant(Membership.GROWTH)
    await ended(tenant, {"good": None, "bad": FailureCode.NO_TEXT})
    for job in tenant.all("SELECT id FROM extraction_jobs"):
        await tenant.deps.store.put_bytes(extraction_key(tenant.user_id, job["id"]), tenant.user_id, b"{}")
    assert len(await objects(tenant)) == 4

    assert await pass_time(tenant, timedelta(days=29)) == 0
    assert kept(tenant) == (2, 1)
    assert await pass_time(tenant, OVER) == 3

    assert kept(tenant) == (0, 0)
    assert await objects(tenant) == []
    assert tenant.usage() == (2, 0)
    assert tenant.one("SELECT sum(pages) AS n FROM page_ledger WHERE state = 'committed'")["n"] == 2
    async with service_session(tenant.deps.engine) as session:
        assert await violations(session) == []


async def test_a_change_begins_the_time_anew_and_the_batch_waits_for_its_last_document(new_tenant: NewTenant) -> None:
    tenant = await new_tenant(Membership.GROWTH)
    batch_id = await ended(tenant, {"old": None, "touched": None})
    with tenant.superuser.transaction():
        tenant.superuser.execute("SET LOCAL session_replication_role = replica")  # no trigger moves `updated_at`
        tenant.superuser.execute("UPDATE documents SET updated_at = now() - interval '40 days' WHERE position = 0")
        tenant.superuser.execute("UPDATE extraction_batches SET completed_at = now() - interval '40 days'")

    assert await pass_time(tenant, timedelta(0)) == 1

    assert kept(tenant) == (1, 1)
    assert tenant.batch(batch_id)["document_count"] == 1, "an ended batch is counted anew"


async def test_what_is_under_way_is_left_however_old_it_is(new_tenant: NewTenant) -> None:
    tenant = await new_tenant(Membership.GROWTH)
    await ended(tenant, {"read again": None})
    (again,) = tenant.all("SELECT id FROM documents")
    async with service_session(tenant.deps.engine) as session:
        await documents.extract_again(
            session, tenant.user_id, again["id"], book=tenant.deps.book, now=tenant.deps.clock()
        )
    paused = await tenant.accept(["waiting"])
    async with service_session(tenant.deps.engine) as session:
        await controls.set_paused(session, tenant.user_id, paused, paused=True)

    assert await pass_time(tenant, timedelta(days=400)) == 0

    assert kept(tenant) == (2, 2)


@pytest.mark.parametrize(
    ("user_id", "plans"),
    [
        (None, {}),
        (None, {"starter": {"retention_days": 1}, "plus": {"retention_days": 1}}),
        (LOCAL_OWNER, MONTH),
    ],
    ids=["by default", "another plan's days", "the machine's owner"],
)
async def test_it_stays_for_ever(new_tenant: NewTenant, user_id: str | None, plans: Mapping[str, Any]) -> None:
    tenant = await new_tenant(Membership.GROWTH)
    if user_id is not None:
        tenant.user_id = user_id
        await tenant.open()
    await ended(tenant, {"good": None})

    assert await pass_time(tenant, timedelta(days=4000), plans) == 0

    assert kept(tenant) == (1, 1)
