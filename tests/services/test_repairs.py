"""Damage within the database, made by hand: each kind is found, mended, and then gone; what is right is never touched."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.repairs.base import Ground
from activities.repairs.registry import all_repairs
from activities.upkeep import make_round
from ingestio.db.invariants import violations
from ingestio.db.session import ServiceSession, service_session
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.findings import Finding, FindingKind, FoundPage
from ingestio.domain.plans import Membership
from ingestio.domain.submissions import BatchSpec, ReceivedFile
from ingestio.errors import FailureCode, ObjectMissing, Unavailable
from ingestio.services import drafts, jobs, submissions
from ingestio.services.documents import extract_lone, register_lone
from tests.services.conftest import NewTenant
from tests.services.test_jobs import commit, confirm, end, job_ids
from tests.tenant import Tenant

SPEC = BatchSpec(None, PromptStrategy.AUTO, None)


def ground(tenant: Tenant, later: timedelta = timedelta(0)) -> Ground:
    deps = tenant.deps
    return Ground(deps.engine, lambda: deps.clock() + later, deps.store)


async def findings(tenant: Tenant, later: timedelta = timedelta(0)) -> list[Finding]:
    """Everything there is to find, without Temporal."""
    found: list[Finding] = []
    for repair in all_repairs(ground(tenant, later)):
        found.extend((await repair.find(None)).findings)
    return found


async def mend(tenant: Tenant, later: timedelta = timedelta(0)) -> int:
    here = ground(tenant, later)
    return await make_round(here.engine, here.clock, all_repairs(here))


async def broken(tenant: Tenant) -> set[str]:
    async with service_session(tenant.deps.engine) as session:
        return {violation.invariant for violation in await violations(session)}


async def ended(tenant: Tenant, endings: dict[str, FailureCode | None], pages: int = 2) -> UUID:
    """A batch whose documents ended so; None completes."""
    batch_id = await tenant.accept(list(endings), pages=pages)
    for job_id, code in zip(job_ids(tenant, batch_id), endings.values(), strict=True):
        await confirm(tenant, job_id)
        await (commit(tenant, job_id) if code is None else end(tenant, job_id, code))
    async with service_session(tenant.deps.engine) as session:
        await jobs.settle_batch(session, tenant.user_id, batch_id, tenant.deps.clock())
    return batch_id


@pytest.fixture
async def tenant(new_tenant: NewTenant) -> Tenant:
    return await new_tenant(Membership.GROWTH)


async def test_a_house_in_order_has_no_findings_and_a_round_changes_nothing(tenant: Tenant) -> None:
    await ended(tenant, {"good": None, "bad": FailureCode.NO_TEXT, "stopped": FailureCode.CANCELLED})
    await tenant.accept(["waiting"])
    before = _everything(tenant)

    assert await findings(tenant) == []
    assert await mend(tenant) == 0

    assert _everything(tenant) == before


BREAKING = {
    "counters of a batch": (
        FindingKind.BATCH_DISAGREES,
        "UPDATE extraction_batches SET completed_count = completed_count + 3, total_pages = 1",
    ),
    "the status of an ended batch": (
        FindingKind.BATCH_DISAGREES,
        "UPDATE extraction_batches SET status = 'completed' WHERE completed_at IS NOT NULL",
    ),
    "a batch that ended before its document": (
        FindingKind.BATCH_DISAGREES,
        "UPDATE documents SET status = 'uploaded' WHERE status = 'failed'",
    ),
    "pages processed": (FindingKind.USAGE_DISAGREES, "UPDATE user_usage SET pages_processed = pages_processed + 5"),
    "pages reserved": (FindingKind.USAGE_DISAGREES, "UPDATE user_usage SET pages_reserved = 0"),
    "a reservation of an ended job": (
        FindingKind.PAGES_HELD_FOR_NOTHING,
        "UPDATE page_ledger SET state = 'reserved' WHERE state = 'released'",
    ),
    "a document whose job ended": (
        FindingKind.DOCUMENT_WITHOUT_JOB,
        "UPDATE documents SET status = 'processing' WHERE status IN ('completed', 'failed', 'cancelled')",
    ),
}


@pytest.mark.parametrize("name", sorted(BREAKING))
async def test_damage_is_found_and_mended_and_every_invariant_holds_again(tenant: Tenant, name: str) -> None:
    await ended(tenant, {"good": None, "bad": FailureCode.NO_TEXT, "stopped": FailureCode.CANCELLED})
    await tenant.accept(["waiting"])
    before = _everything(tenant)
    kind, statement = BREAKING[name]
    tenant.superuser.execute(statement.encode())
    assert await broken(tenant)

    found = await findings(tenant)
    assert kind in {finding.kind for finding in found}
    assert all(finding.user_id == tenant.user_id for finding in found)
    assert await mend(tenant) > 0

    assert await broken(tenant) == set()
    assert await findings(tenant) == []
    assert _everything(tenant) == before


async def test_a_reservation_whose_job_is_gone_is_given_back(tenant: Tenant) -> None:
    batch_id = await tenant.accept(["gone", "waiting"], pages=3)
    gone, _ = job_ids(tenant, batch_id)
    tenant.superuser.execute(
        "DELETE FROM documents WHERE id IN (SELECT document_id FROM extraction_jobs WHERE id = %s)", [gone]
    )
    assert tenant.usage() == (0, 6)

    assert await mend(tenant) == 2  # the pages, and the batch that counted two documents

    assert tenant.usage() == (0, 3)
    assert await broken(tenant) == set()


async def test_a_completed_job_whose_charge_was_lost_is_charged_once(tenant: Tenant) -> None:
    await ended(tenant, {"good": None})
    tenant.superuser.execute("UPDATE page_ledger SET state = 'reserved'")
    tenant.superuser.execute("UPDATE user_usage SET pages_processed = 0, pages_reserved = 2")
    tenant.superuser.execute("UPDATE documents SET pages_charged = 0")

    await mend(tenant)
    await mend(tenant)

    assert tenant.usage() == (2, 0)
    assert await broken(tenant) == set()


async def test_a_ledger_beyond_the_limit_raises_the_limit_as_a_downgrade_does(new_tenant: NewTenant) -> None:
    tenant = await new_tenant(Membership.PLUS, pages=10)
    await ended(tenant, {"good": None}, pages=8)
    tenant.superuser.execute("UPDATE user_usage SET pages_processed = 0, pages_limit = 5")

    await mend(tenant)

    assert tenant.one("SELECT pages_processed, pages_limit FROM user_usage") == {"pages_processed": 8, "pages_limit": 8}


async def test_a_lone_document_without_a_job_ends_as_its_last_attempt_did(tenant: Tenant) -> None:
    received = await tenant.store("alone", 1, 0, None)
    async with service_session(tenant.deps.engine) as session:
        await register_lone(session, tenant.user_id, received)
        queued = await extract_lone(
            session,
            tenant.user_id,
            UUID(received.document_id),
            prompt="the total",
            options={},
            book=tenant.deps.book,
            now=tenant.deps.clock(),
        )
    await confirm(tenant, queued.job_id)
    await end(tenant, queued.job_id, FailureCode.MODEL_BLOCKED)
    tenant.superuser.execute("UPDATE documents SET status = 'queued_for_processing', error_code = NULL")

    assert await mend(tenant) == 1

    assert tenant.one("SELECT status, error_code FROM documents") == {
        "status": "failed",
        "error_code": FailureCode.MODEL_BLOCKED,
    }


async def test_a_draft_goes_after_seven_idle_days_with_its_objects(tenant: Tenant) -> None:
    batch_id = await _draft(tenant)
    key = tenant.one("SELECT storage_path FROM documents")["storage_path"]

    assert await mend(tenant, timedelta(days=6, hours=23)) == 0
    assert await mend(tenant, timedelta(days=7, seconds=1)) == 1

    assert tenant.all("SELECT id FROM extraction_batches WHERE id = %s", batch_id) == []
    assert tenant.all("SELECT id FROM documents") == []
    with pytest.raises(ObjectMissing):
        await tenant.deps.store.size(key, tenant.user_id)


async def test_the_shell_of_a_dead_upload_goes_after_an_hour_and_an_empty_draft_stays(tenant: Tenant) -> None:
    shell = await _open(tenant, receiving=True)
    draft = await _open(tenant, receiving=False)

    assert await mend(tenant, timedelta(minutes=59)) == 0
    assert await mend(tenant, timedelta(minutes=61)) == 1

    left = [row["id"] for row in tenant.all("SELECT id FROM extraction_batches")]
    assert (shell in left, draft in left) == (False, True)


async def test_an_upload_that_still_sends_keeps_its_shell_and_one_that_lost_it_is_told(tenant: Tenant) -> None:
    slow, dead = await _open(tenant, receiving=True), await _open(tenant, receiving=True)
    tenant.superuser.execute("UPDATE extraction_batches SET receiving_at = now() - interval '2 hours'")
    async with service_session(tenant.deps.engine) as session:
        assert await submissions.keep_receiving(session, tenant.user_id, slow)

    assert await mend(tenant) == 1

    assert tenant.all("SELECT id FROM extraction_batches") == [{"id": slow}]
    file = await tenant.store("late", 1, 0, None)
    with pytest.raises(Unavailable, match="given up"):
        async with service_session(tenant.deps.engine) as session:
            await _accept(session, tenant, dead, file)
    async with service_session(tenant.deps.engine) as session:
        assert not await submissions.keep_receiving(session, tenant.user_id, dead)
        await _accept(session, tenant, slow, file)
    assert tenant.batch(slow)["receiving_at"] is None


async def test_idempotency_keys_are_forgotten_after_a_day(tenant: Tenant) -> None:
    tenant.superuser.execute(
        "INSERT INTO idempotency_keys (user_id, key, operation, fingerprint, resource_id) "
        "VALUES (%s, 'k', 'batches', 'f', gen_random_uuid())",
        [tenant.user_id],
    )

    assert await mend(tenant, timedelta(hours=23)) == 0
    (found,) = await findings(tenant, timedelta(hours=25))
    assert (found.kind, found.detail) == (FindingKind.EXPIRED_KEYS, "1 keys are older than a day")
    assert await mend(tenant, timedelta(hours=25)) == 1

    assert tenant.all("SELECT key FROM idempotency_keys") == []


async def test_one_bad_item_and_one_blind_look_stop_nothing_else(
    tenant: Tenant, engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    await ended(tenant, {"good": None})
    tenant.superuser.execute("UPDATE user_usage SET pages_processed = 77")
    here = ground(tenant)
    documents, pages, usage, *_ = all_repairs(here)

    async def blind(_after: str | None) -> FoundPage:
        raise ZeroDivisionError("no look")

    async def bad(finding: Finding) -> bool:
        if finding.subject == "bad":
            raise ZeroDivisionError("no mending")
        return await usage.mend(finding)

    async def with_a_bad_one(after: str | None) -> FoundPage:
        page = await usage.find(after)
        return FoundPage([replace(page.findings[0], subject="bad"), *page.findings])

    mended = await make_round(
        engine, here.clock, [replace(documents, find=blind), pages, replace(usage, find=with_a_bad_one, mend=bad)]
    )

    assert mended == 1
    assert tenant.usage() == (2, 0)
    said = [record.message for record in caplog.records]
    assert "upkeep could not look" in said
    assert "upkeep could not repair" in said
    repaired = next(record for record in caplog.records if record.message.startswith("upkeep repaired usage_disagrees"))
    assert (repaired.kind, repaired.user_id) == ("usage_disagrees", tenant.user_id)  # type: ignore[attr-defined]


async def test_a_long_walk_goes_on_where_the_last_round_stopped_and_rests_at_its_end(
    tenant: Tenant, engine: AsyncEngine
) -> None:
    here = ground(tenant)
    usage = all_repairs(here)[2]
    asked: list[str | None] = []

    async def three_pages(after: str | None) -> FoundPage:
        asked.append(after)
        return FoundPage((), {None: "a", "a": "b", "b": None}[after])

    walk = replace(usage, find=three_pages, rest=timedelta(minutes=10), pages=1)
    for _ in range(5):
        await make_round(engine, here.clock, [walk])
    assert asked == [None, "a", "b"]

    await make_round(engine, lambda: here.clock() + timedelta(minutes=11), [walk])
    assert asked == [None, "a", "b", None]


async def test_a_head_that_never_mends_does_not_hold_up_what_comes_behind(tenant: Tenant, engine: AsyncEngine) -> None:
    here = ground(tenant)
    usage = all_repairs(here)[2]
    tried: list[str] = []

    async def find(after: str | None) -> FoundPage:
        number = 0 if after is None else int(after)
        finding = Finding(FindingKind.USAGE_DISAGREES, str(number), "ann", "")
        return FoundPage([finding], str(number + 1) if number < 3 else None)

    async def mend_none(finding: Finding) -> bool:
        tried.append(finding.subject)
        raise Unavailable("away")

    for _ in range(2):
        await make_round(engine, here.clock, [replace(usage, find=find, mend=mend_none, rest=timedelta(0), pages=2)])
    assert tried == ["0", "1", "2", "3"]


async def _open(tenant: Tenant, *, receiving: bool) -> UUID:
    batch_id = uuid4()
    async with service_session(tenant.deps.engine) as session:
        await submissions.open_batch(session, tenant.user_id, batch_id, SPEC, tenant.deps.book, receiving=receiving)
    return batch_id


async def _accept(session: ServiceSession, tenant: Tenant, batch_id: UUID, file: ReceivedFile) -> None:
    deps = tenant.deps
    await submissions.accept_batch(
        session, tenant.user_id, batch_id, [file], [], claim=None, book=deps.book, now=deps.clock(), spec=SPEC
    )


async def _draft(tenant: Tenant) -> UUID:
    batch_id = await _open(tenant, receiving=False)
    file = await tenant.store("draft", 1, 0, None)
    async with service_session(tenant.deps.engine) as session:
        await drafts.register_file(session, tenant.user_id, batch_id, file, tenant.deps.book)
    return batch_id


def _everything(tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    """Every row that a repair may touch, without the times at which it was touched."""
    tables = ("extraction_batches", "documents", "extraction_jobs", "page_ledger", "user_usage", "extracted_data")
    return {
        table: [
            {name: value for name, value in row.items() if name != "updated_at"}
            for row in tenant.all(f"SELECT * FROM {table} ORDER BY id")
        ]
        for table in tables
    }
