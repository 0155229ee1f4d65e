"""The invariants notice what they are there to notice: each is broken by hand once, and only then speaks."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.db.invariants import queries, violations
from ingestio.db.session import ServiceSession, service_session
from ingestio.errors import FailureCode
from ingestio.services import jobs
from tests.conftest import Database
from tests.db.rows import insert_all
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
    "an_ended_batch_says_when_and_wants_nothing": "UPDATE extraction_batches SET completed_at = now() WHERE status = 'queued'",
    "held_pages_have_a_live_job": "UPDATE page_ledger SET job_id = gen_random_uuid() WHERE state = 'reserved'",
    "a_reused_result_costs_nothing": "UPDATE page_ledger SET reused_from = gen_random_uuid() WHERE state = 'committed'",
    "a_result_and_its_charge_agree": "UPDATE extracted_data SET reused_from = gen_random_uuid()",
    "an_ended_document_ended_as_its_last_attempt": "UPDATE documents SET status = 'cancelled' WHERE status = 'failed'",
    "a_document_counts_its_attempts": "UPDATE documents SET attempt = attempt + 1",
    "a_stored_file_is_its_owners": "UPDATE documents SET storage_path = 'somebody-else/documents/1/original'",
    "users_agree_across_tables": "UPDATE page_ledger SET user_id = 'somebody-else'",
    "a_job_and_its_document_name_one_batch": "UPDATE documents SET batch_id = NULL WHERE status = 'completed'",
}

# Every table that names two rows of which both have an owner, and how to make the owners differ.
OTHERS = {
    "page_ledger": "UPDATE page_ledger SET user_id = 'other'",
    "extraction_batches": "UPDATE extraction_batches SET user_id = 'other'",
    "documents": "UPDATE documents SET user_id = 'other'",
    "refused_files": "UPDATE refused_files SET user_id = 'other'",
    "extraction_jobs": "UPDATE extraction_jobs SET user_id = 'other'",
    "extracted_data": "UPDATE extracted_data SET user_id = 'other'",
    "field_revisions": "UPDATE field_revisions SET user_id = 'other'",
    "exports": "UPDATE exports SET user_id = 'other'",
    "webhook_deliveries": "UPDATE webhook_deliveries SET user_id = 'other'",
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


@pytest.mark.parametrize("table", sorted(OTHERS))
async def test_a_row_of_one_user_that_names_anothers_is_found(
    clean_database: Database, superuser: psycopg.Connection[Any], engine: AsyncEngine, table: str
) -> None:
    insert_all(superuser, "ann")
    async with service_session(engine) as session:
        assert await _names(session) & {"users_agree_across_tables"} == set()

    with superuser.transaction():
        # As a restore does: without foreign keys, which would not let it happen.
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute(OTHERS[table].encode())

    async with service_session(engine) as session:
        assert "users_agree_across_tables" in await _names(session)


async def _names(session: ServiceSession) -> set[str]:
    return {violation.invariant for violation in await violations(session)}


async def test_a_batch_that_ended_with_a_wish_left_is_found(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    await _house_with_everything(tenant)
    for wish in ("paused", "cancel_requested"):
        tenant.superuser.execute(
            f"UPDATE extraction_batches SET {wish} = true WHERE status = 'partially_completed'".encode()
        )
        async with service_session(tenant.deps.engine) as session:
            assert await _names(session) == {"an_ended_batch_says_when_and_wants_nothing"}
        tenant.superuser.execute(f"UPDATE extraction_batches SET {wish} = false".encode())


async def test_the_limit_itself_is_guarded_by_the_database(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    with pytest.raises(Exception, match="user_usage_within_limit"):
        tenant.superuser.execute("UPDATE user_usage SET pages_processed = pages_limit + 1")


def test_every_invariant_is_broken_here_or_guarded_by_the_database() -> None:
    assert set(queries()) == set(BREAKING) | {"never_over_the_limit"}
