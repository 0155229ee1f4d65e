"""The steps of a job: each harmless when repeated, none able to undo another's end, the books balanced after every one."""

import asyncio
import json
import random
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from ingestio.db.invariants import violations
from ingestio.db.session import service_connection, service_session
from ingestio.domain.batches import DocumentStatus, PromptStrategy
from ingestio.domain.messages import DocumentOutcome, QuotaConfirmed
from ingestio.errors import DocumentFailed, FailureCode, InvalidTransition
from ingestio.services import controls, jobs
from tests.services.conftest import NewTenant
from tests.tenant import Tenant

ANSWER: dict[str, Any] = {
    "document_type": "invoice",
    "provider": "scripted",
    "model": "scripted-1",
    "schema_version": "1",
    "data": {"invoice_number": "INV-1"},
    "fields": [],
    "flags": [],
    "input_tokens": 1,
    "output_tokens": 2,
}


async def confirm(tenant: Tenant, job_id: UUID) -> QuotaConfirmed:
    async with service_connection(tenant.deps.engine) as connection:
        return await jobs.confirm(
            connection,
            tenant.user_id,
            job_id,
            book=tenant.deps.book,
            now=tenant.deps.clock(),
            model_timeout_seconds=1,
        )


async def commit(tenant: Tenant, job_id: UUID) -> DocumentOutcome:
    async with service_connection(tenant.deps.engine) as connection:
        return await jobs.commit(connection, tenant.user_id, job_id, json.dumps(ANSWER))


async def end(tenant: Tenant, job_id: UUID, code: FailureCode) -> DocumentOutcome:
    async with service_session(tenant.deps.engine) as session:
        return await jobs.end(session, tenant.user_id, job_id, code)


async def balanced(tenant: Tenant) -> None:
    async with service_session(tenant.deps.engine) as session:
        assert await violations(session) == []


def job_ids(tenant: Tenant, batch_id: UUID) -> list[UUID]:
    rows = tenant.all("SELECT id FROM extraction_jobs WHERE batch_id = %s ORDER BY position", batch_id)
    return [row["id"] for row in rows]


async def test_each_step_may_run_twice_and_charges_once(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    batch_id = await tenant.accept(["one"], pages=3)
    [job_id] = job_ids(tenant, batch_id)

    assert await confirm(tenant, job_id) == await confirm(tenant, job_id)
    assert await commit(tenant, job_id) == await commit(tenant, job_id) == DocumentOutcome(DocumentStatus.COMPLETED)

    assert tenant.usage() == (3, 0)
    assert tenant.batch(batch_id)["completed_count"] == 1
    assert len(tenant.all("SELECT id FROM extracted_data")) == 1


async def test_commits_that_race_charge_once(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    batch_id = await tenant.accept(["one"], pages=3)
    [job_id] = job_ids(tenant, batch_id)
    await confirm(tenant, job_id)

    outcomes = await asyncio.gather(*(commit(tenant, job_id) for _ in range(20)))

    assert {outcome.status for outcome in outcomes} == {DocumentStatus.COMPLETED}
    assert tenant.usage() == (3, 0)
    assert tenant.batch(batch_id)["completed_count"] == 1
    await balanced(tenant)


@pytest.mark.parametrize("code", [FailureCode.CANCELLED, FailureCode.NO_TEXT])
async def test_a_late_commit_does_not_overwrite_an_end(new_tenant: NewTenant, code: FailureCode) -> None:
    tenant = await new_tenant()
    batch_id = await tenant.accept(["one"], pages=3)
    [job_id] = job_ids(tenant, batch_id)
    await confirm(tenant, job_id)
    ended = await end(tenant, job_id, code)

    assert await commit(tenant, job_id) == ended

    assert tenant.usage() == (0, 0)
    assert tenant.documents(batch_id)[0]["status"] in {"cancelled", "failed"}
    assert tenant.all("SELECT id FROM extracted_data") == []
    await balanced(tenant)


async def test_a_late_failure_does_not_overwrite_a_completion(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    batch_id = await tenant.accept(["one"], pages=3)
    [job_id] = job_ids(tenant, batch_id)
    await confirm(tenant, job_id)
    done = await commit(tenant, job_id)

    assert await end(tenant, job_id, FailureCode.CANCELLED) == done

    assert tenant.usage() == (3, 0)
    assert tenant.documents(batch_id)[0]["status"] == "completed"


async def test_a_result_without_a_reservation_is_neither_charged_nor_delivered(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    batch_id = await tenant.accept(["one"])
    [job_id] = job_ids(tenant, batch_id)
    tenant.superuser.execute("UPDATE page_ledger SET state = 'released' WHERE job_id = %s", (job_id,))

    with pytest.raises(DocumentFailed):
        await commit(tenant, job_id)

    assert tenant.all("SELECT id FROM extracted_data") == []
    assert tenant.documents(batch_id)[0]["status"] == "queued_for_processing"


async def resolve(tenant: Tenant, job_id: UUID) -> bool:
    async with service_connection(tenant.deps.engine) as connection:
        return await jobs.resolve_prompt(connection, tenant.user_id, job_id)


async def classify(tenant: Tenant, job_id: UUID) -> None:
    async with service_connection(tenant.deps.engine) as connection:
        await jobs.save_classification(connection, tenant.user_id, job_id, "receipt", "the total")


def rows(tenant: Tenant) -> list[list[dict[str, Any]]]:
    """Everything that a step may change, with the time of its last change."""
    tables = ("extraction_jobs", "documents", "extraction_batches", "page_ledger", "user_usage", "extracted_data")
    return [tenant.all(f"SELECT * FROM {table} ORDER BY id") for table in tables]


async def test_a_repeat_of_a_step_changes_no_row(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    batch_id = await tenant.accept(["one"], pages=3)
    [job_id] = job_ids(tenant, batch_id)

    for step in (confirm, resolve, commit):
        first = await step(tenant, job_id)
        after = rows(tenant)
        assert await step(tenant, job_id) == first
        assert rows(tenant) == after


async def test_an_ended_job_keeps_everything_whatever_comes_late(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    batch_id = await tenant.accept(["one"], strategy=PromptStrategy.AUTO, prompt=None)
    [job_id] = job_ids(tenant, batch_id)
    await confirm(tenant, job_id)
    assert await resolve(tenant, job_id)
    await end(tenant, job_id, FailureCode.NO_TEXT)
    after = rows(tenant)

    await confirm(tenant, job_id)
    with pytest.raises(DocumentFailed) as late:
        await resolve(tenant, job_id)
    await classify(tenant, job_id)
    await commit(tenant, job_id)

    assert late.value.reason is FailureCode.CANCELLED
    assert rows(tenant) == after


async def test_a_classification_puts_type_and_prompt_on_job_and_document(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    batch_id = await tenant.accept(["one"], strategy=PromptStrategy.AUTO, prompt=None)
    [job_id] = job_ids(tenant, batch_id)
    await confirm(tenant, job_id)
    await classify(tenant, job_id)

    [job] = tenant.all("SELECT extraction_prompt, document_type FROM extraction_jobs")
    [document] = tenant.documents(batch_id)
    assert job == {"extraction_prompt": "the total", "document_type": "receipt"}
    assert (document["extraction_prompt"], document["document_type"]) == ("the total", "receipt")
    assert document["prompt_source"] == "auto"
    assert not await resolve(tenant, job_id)
    assert tenant.documents(batch_id) == [document]


async def test_commits_of_one_batch_at_once_are_all_counted(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    batch_id = await tenant.accept([str(number) for number in range(25)], pages=2)
    ids = job_ids(tenant, batch_id)
    await asyncio.gather(*(confirm(tenant, job_id) for job_id in ids))

    await asyncio.gather(*(commit(tenant, job_id) for job_id in ids for _ in range(2)))

    assert tenant.usage() == (50, 0)
    assert tenant.batch(batch_id)["completed_count"] == 25
    await balanced(tenant)


async def test_confirming_without_a_reservation_reserves_once(new_tenant: NewTenant) -> None:
    tenant = await new_tenant(pages=3)
    batch_id = await tenant.accept(["one"], pages=3)
    [job_id] = job_ids(tenant, batch_id)
    tenant.superuser.execute("DELETE FROM page_ledger")
    tenant.superuser.execute("UPDATE user_usage SET pages_reserved = 0")

    answers = await asyncio.gather(*(confirm(tenant, job_id) for _ in range(10)))

    assert {answer.may_run for answer in answers} == {True}
    assert tenant.usage() == (0, 3)
    await balanced(tenant)


async def test_an_empty_own_prompt_is_a_failure_under_per_document(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    batch_id = await tenant.accept(["one"], strategy=PromptStrategy.PER_DOCUMENT, prompt=None, prompts=["x"])
    tenant.superuser.execute("UPDATE documents SET extraction_prompt = ' ' WHERE batch_id = %s", (batch_id,))
    [job_id] = job_ids(tenant, batch_id)
    before = rows(tenant)

    for step in (confirm, resolve):
        with pytest.raises(DocumentFailed) as failed:
            await step(tenant, job_id)
        assert failed.value.reason is FailureCode.PROMPT_MISSING
    assert rows(tenant) == before

    assert (await end(tenant, job_id, FailureCode.PROMPT_MISSING)).status is DocumentStatus.FAILED
    await balanced(tenant)


async def test_another_users_job_does_not_exist(new_tenant: NewTenant) -> None:
    mine, theirs = await new_tenant(), await new_tenant()
    batch_id = await theirs.accept(["one"])
    [job_id] = job_ids(theirs, batch_id)

    assert (await confirm(mine, job_id)).finished is DocumentStatus.CANCELLED
    assert (await commit(mine, job_id)).status is DocumentStatus.CANCELLED

    assert theirs.documents(batch_id)[0]["status"] == "queued_for_processing"
    assert mine.usage() == (0, 0)


@pytest.mark.parametrize("seed", range(6))
async def test_any_interleaving_of_steps_keeps_the_books(new_tenant: NewTenant, seed: int) -> None:
    dice = random.Random(seed)
    tenant = await new_tenant(pages=40)
    batch_ids = [
        await tenant.accept([f"{batch}-{index}" for index in range(4)], pages=dice.randint(1, 4)) for batch in range(3)
    ]

    async def act() -> None:
        batch_id = dice.choice(batch_ids)
        job_id = dice.choice(job_ids(tenant, batch_id))
        step = dice.choice(("confirm", "commit", "end", "cancel", "settle"))
        if step == "confirm":
            await confirm(tenant, job_id)
        elif step == "commit":
            await commit(tenant, job_id)
        elif step == "end":
            await end(tenant, job_id, dice.choice((FailureCode.NO_TEXT, FailureCode.CANCELLED)))
        if step == "cancel" and dice.random() < 0.3:
            with suppress(InvalidTransition):  # it has ended
                async with service_session(tenant.deps.engine) as session:
                    await controls.request_cancel(session, tenant.user_id, batch_id)
            async with service_session(tenant.deps.engine) as session:
                await jobs.cancel_live(session, tenant.user_id, batch_id)
        elif step == "settle":
            async with service_session(tenant.deps.engine) as session:
                await jobs.settle_batch(session, tenant.user_id, batch_id, tenant.deps.clock())

    for _ in range(12):
        await asyncio.gather(*(act() for _ in range(6)))
        await balanced(tenant)


async def test_how_sure_the_classifier_was_is_kept_with_the_job(new_tenant: NewTenant) -> None:
    tenant = await new_tenant()
    batch_id = await tenant.accept(["one"])
    [job_id] = job_ids(tenant, batch_id)
    found = {"confidence": 0.61, "runner_up": "invoice", "usage": {"input_tokens": 258}}
    async with service_connection(tenant.deps.engine) as connection:
        await jobs.save_classification(connection, tenant.user_id, job_id, "receipt", "the total", found)
        work = await jobs.load(connection, tenant.user_id, job_id)
    assert work.options["classification"] == found
