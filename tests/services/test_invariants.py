"""The invariants notice what they are there to notice: each is broken by hand once, and only then speaks."""

from uuid import UUID

import pytest

from ingestio.db.invariants import queries, violations
from ingestio.db.session import service_session
from ingestio.errors import FailureCode
from ingestio.services import jobs
from tests.services.conftest import NewTenant
from tests.services.test_jobs import commit, confirm, end, job_ids
from tests.tenant import Tenant

BREAKING = {
    "usage_is_the_sum_of_committed_pages": "UPDATE user_usage SET pages_processed = pages_processed + 1",
    "reserved_is_the_sum_of_held_pages": "UPDATE user_usage SET pages_reserved = pages_reserved + 1",
    "a_completed_job_is_charged_its_pages_once": "UPDATE page_ledger SET pages = pages + 1 WHERE state = 'committed'",
    "a_completed_job_has_one_result": "DELETE FROM extracted_data",
    "a_job_that_did_not_complete_has_no_result": (
        "UPDATE extracted_data SET extraction_job_id = (SELECT id FROM extraction_jobs WHERE status = 'failed')"
    ),
    "an_ended_job_holds_no_pages": "UPDATE page_ledger SET state = 'reserved' WHERE state = 'released'",
    "a_live_job_that_holds_pages_holds_its_documents": (
        "UPDATE page_ledger SET pages = pages + 1 WHERE state = 'reserved'"
    ),
    "a_document_is_charged_what_the_ledger_says": "UPDATE documents SET pages_charged = pages_charged + 1",
    "an_open_document_has_a_live_job": "UPDATE documents SET status = 'processing' WHERE status = 'failed'",
    "a_completed_document_has_a_result": "DELETE FROM extracted_data",
    "batch_counters_are_what_its_rows_say": "UPDATE extraction_batches SET completed_count = completed_count + 1",
    "an_ended_batch_has_the_status_of_its_rows": (
        "UPDATE extraction_batches SET status = 'completed' WHERE status = 'partially_completed'"
    ),
    "an_ended_batch_has_no_open_document": (
        "UPDATE documents SET status = 'processing' WHERE batch_id IN "
        "(SELECT id FROM extraction_batches WHERE status = 'partially_completed')"
    ),
    "users_agree_across_tables": "UPDATE page_ledger SET user_id = 'somebody-else'",
}


async def _house_with_everything(tenant: Tenant) -> UUID:
    """One batch that ended partially, one still queued."""
    batch_id = await tenant.accept(["good", "bad"], pages=2)
    good, bad = job_ids(tenant, batch_id)
    await confirm(tenant, good)
    await commit(tenant, good)
    await confirm(tenant, bad)
    await end(tenant, bad, FailureCode.NO_TEXT)
    async with service_session(tenant.deps.engine) as session:
        await jobs.settle_batch(session, tenant.user_id, batch_id, tenant.deps.clock())
    await tenant.accept(["waiting"])
    return batch_id


@pytest.mark.parametrize("name", sorted(BREAKING))
async def test_a_broken_invariant_is_found(new_tenant: NewTenant, name: str) -> None:
    tenant = await new_tenant()
    await _house_with_everything(tenant)
    async with service_session(tenant.deps.engine) as session:
        assert await violations(session) == []

    tenant.superuser.execute(BREAKING[name].encode())

    async with service_session(tenant.deps.engine) as session:
        assert name in {violation.invariant for violation in await violations(session)}


async def test_the_limit_itself_is_guarded_by_the_database(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    with pytest.raises(Exception, match="user_usage_within_limit"):
        tenant.superuser.execute("UPDATE user_usage SET pages_processed = pages_limit + 1")


def test_every_invariant_is_broken_here_or_guarded_by_the_database() -> None:
    assert set(queries()) == set(BREAKING) | {"never_over_the_limit"}
