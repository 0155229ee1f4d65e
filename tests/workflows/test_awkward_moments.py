"""Steering at awkward moments: before the start, while paused, right after a cancel, and of a document by itself."""

import asyncio
from uuid import UUID

import pytest

from ingestio.db.session import service_session
from ingestio.domain.fields import Extraction
from ingestio.domain.messages import DocumentInput
from ingestio.domain.plans import Membership
from ingestio.errors import DocumentFailed, FailureCode
from ingestio.extraction.base import ExtractRequest
from ingestio.services import accounts, controls, documents
from ingestio.services.documents import QueuedJob
from tests.workflows.conftest import House
from tests.workflows.scripted import answer
from workflows import client as workflows


async def hang(_request: ExtractRequest, _call: int) -> Extraction:
    await asyncio.sleep(600)
    return answer()


async def begun(house: House, name: str, calls: int = 1) -> None:
    async with asyncio.timeout(60):
        while house.provider.calls[name] < calls:
            await asyncio.sleep(0.05)


async def idle(house: House, seconds: float = 60) -> None:
    """Wait until no model call runs any more."""
    async with asyncio.timeout(seconds):
        while house.provider.running:
            await asyncio.sleep(0.05)


async def cancel(house: House, batch_id: UUID) -> None:
    async with service_session(house.deps.engine) as session:
        await controls.request_cancel(session, house.user_id, batch_id)
    await workflows.nudge_batch(house.client, str(batch_id))


async def pause(house: House, batch_id: UUID, *, paused: bool) -> None:
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=paused)
    await workflows.nudge_batch(house.client, str(batch_id))


async def retry(house: House, batch_id: UUID, prompt: str | None = None) -> None:
    async with service_session(house.deps.engine) as session:
        await controls.retry_batch(session, house.user_id, batch_id, prompt)
    await house.start(batch_id)


async def test_a_cancel_before_the_start_lets_nothing_run(house: House) -> None:
    batch_id = await house.accept(["one", "two"], pages=3)
    assert house.usage() == (0, 6)
    await cancel(house, batch_id)
    await house.start(batch_id)

    batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["cancelled_count"]) == ("cancelled", 2)
    assert not house.provider.requests
    assert house.usage() == (0, 0)


async def test_a_cancel_right_after_the_start_wins(house: House) -> None:
    house.provider.plays.update(one=hang, two=hang)
    batch_id = await house.submit(["one", "two"])
    await cancel(house, batch_id)

    batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["cancelled_count"]) == ("cancelled", 2)
    assert house.usage() == (0, 0)
    await idle(house)


async def test_a_pause_before_the_start_and_a_cancel_while_paused(house: House) -> None:
    batch_id = await house.accept(["one", "two"])
    await pause(house, batch_id, paused=True)
    await house.start(batch_id)
    await asyncio.sleep(0.5)
    assert not house.provider.requests

    await cancel(house, batch_id)
    batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["cancelled_count"], batch["paused"]) == ("cancelled", 2, False)
    assert not house.provider.requests
    assert house.usage() == (0, 0)


async def test_pausing_lets_running_documents_finish_and_starts_no_other(house: House) -> None:
    go = asyncio.Event()

    async def wait(_request: ExtractRequest, _call: int) -> Extraction:
        await go.wait()
        return answer()

    names = [f"document {index}" for index in range(60)]
    house.provider.plays.update(dict.fromkeys(names, wait))
    batch_id = await house.submit(names)
    async with asyncio.timeout(60):
        while not house.provider.running:
            await asyncio.sleep(0.05)
    await pause(house, batch_id, paused=True)
    go.set()
    # Not the rows: a document that was started a moment before the pause is shown as waiting until its first step is done.
    async with asyncio.timeout(60):
        while (
            (progress := await workflows.ask_progress(house.client, str(batch_id))) is None
            or not progress.paused
            or progress.running
        ):
            await asyncio.sleep(0.1)
    done = house.batch(batch_id)["completed_count"]
    await asyncio.sleep(1)

    assert 0 < done < len(names)
    assert house.batch(batch_id)["completed_count"] == house.provider.calls.total() == done
    assert house.usage() == (done, len(names) - done)  # pausing keeps the reservations
    await pause(house, batch_id, paused=False)
    assert (await asyncio.wait_for(house.finished(batch_id), 60))["status"] == "completed"
    assert house.usage() == (len(names), 0)


async def test_a_retry_right_after_a_cancel_is_not_hurt_by_what_still_winds_down(house: House) -> None:
    late = asyncio.Event()

    async def reluctant_once(_request: ExtractRequest, call: int) -> Extraction:
        if call > 1:
            return answer(number="second")
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            # Deaf to the cancel for a while, and then it even brings a result.
            await late.wait()
        return answer(number="first")

    house.provider.plays["slow"] = reluctant_once
    batch_id = await house.submit(["slow", "other"], pages=2)
    await begun(house, "slow")
    async with asyncio.timeout(60):
        while house.batch(batch_id)["completed_count"] < 1:
            await asyncio.sleep(0.05)
    await cancel(house, batch_id)
    assert (await asyncio.wait_for(house.finished(batch_id), 60))["status"] == "cancelled"

    await retry(house, batch_id)
    batch = await asyncio.wait_for(house.finished(batch_id), 60)
    late.set()
    await idle(house)

    assert (batch["status"], batch["completed_count"], batch["cancelled_count"]) == ("completed", 2, 0)
    assert house.provider.calls == {"slow": 2, "other": 1}
    document = house.documents(batch_id)[0]
    assert (document["status"], document["attempt"], document["pages_charged"]) == ("completed", 2, 2)
    [result] = house.all("SELECT data FROM extracted_data WHERE document_id = %s", document["id"])
    assert result["data"] == {"invoice_number": "second"}
    assert house.usage() == (4, 0)


async def test_what_the_quota_left_out_is_retried_after_an_upgrade_and_nothing_else(house: House) -> None:
    async with service_session(house.deps.engine) as session:
        await accounts.change_plan(session, house.user_id, Membership.PLUS, house.deps.book, house.deps.clock())
    batch_id = await house.accept(["one", "two", "three"], pages=100)
    assert [row["error_code"] for row in house.documents(batch_id)] == [None, None, "quota_exceeded"]
    await house.start(batch_id)
    assert (await asyncio.wait_for(house.finished(batch_id), 60))["status"] == "partially_completed"
    async with service_session(house.deps.engine) as session:
        await accounts.change_plan(session, house.user_id, Membership.GROWTH, house.deps.book, house.deps.clock())
    await retry(house, batch_id)
    batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["completed_count"], batch["failed_count"]) == ("completed", 3, 0)
    assert house.provider.calls == {"one": 1, "two": 1, "three": 1}
    assert house.usage() == (300, 0)


async def lone(house: House, name: str, pages: int = 2) -> UUID:
    """A lone document, uploaded and not extracted."""
    async with service_session(house.deps.engine) as session:
        document_id, _ = await documents.register_lone(session, house.user_id, await house.store(name, pages, 0, None))
    return document_id


async def extract(house: House, document_id: UUID, prompt: str = "Extract the number") -> QueuedJob:
    async with service_session(house.deps.engine) as session:
        job = await documents.extract_lone(
            session,
            house.user_id,
            document_id,
            prompt=prompt,
            options={},
            book=house.deps.book,
            now=house.deps.clock(),
        )
    await workflows.ensure_document(
        house.client, DocumentInput(str(job.job_id), str(document_id), house.user_id, job.attempt)
    )
    return job


async def ended(house: House, document_id: UUID, job: QueuedJob) -> dict[str, object]:
    handle = house.client.get_workflow_handle(f"document/{document_id}/{job.attempt}")
    await asyncio.wait_for(handle.result(), 60)
    return house.one("SELECT * FROM documents WHERE id = %s", document_id)


async def test_cancelling_a_lone_document_interrupts_its_model_call_and_releases_its_pages(house: House) -> None:
    house.provider.plays["slow"] = hang
    document_id = await lone(house, "slow")
    job = await extract(house, document_id)
    await begun(house, "slow")
    assert house.usage() == (0, 2)

    async with service_session(house.deps.engine) as session:
        await documents.cancel_lone(session, house.user_id, document_id)
    assert house.usage() == (0, 0)
    await workflows.cancel_document(house.client, str(document_id), job.attempt)

    await idle(house)
    assert (await ended(house, document_id, job))["status"] == "cancelled"


async def test_a_lone_document_is_retried_and_its_cancelled_attempt_stays_cancelled(house: House) -> None:
    async def hang_once(_request: ExtractRequest, call: int) -> Extraction:
        if call == 1:
            await asyncio.sleep(600)
        return answer()

    house.provider.plays["slow"] = hang_once
    document_id = await lone(house, "slow")
    first = await extract(house, document_id)
    await begun(house, "slow")
    async with service_session(house.deps.engine) as session:
        await documents.cancel_lone(session, house.user_id, document_id)
    async with service_session(house.deps.engine) as session:
        again = await documents.retry_lone(
            session, house.user_id, document_id, prompt=None, book=house.deps.book, now=house.deps.clock()
        )
    second = DocumentInput(str(again.job_id), str(document_id), house.user_id, again.attempt)
    await workflows.ensure_document(house.client, second)
    await workflows.cancel_document(house.client, str(document_id), first.attempt)

    document = await ended(house, document_id, again)
    await ended(house, document_id, first)

    assert (document["status"], document["attempt"]) == ("completed", 2)
    jobs = house.all("SELECT status FROM extraction_jobs WHERE document_id = %s ORDER BY attempt", document_id)
    assert [row["status"] for row in jobs] == ["cancelled", "completed"]
    assert house.usage() == (2, 0)


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
async def test_a_completed_document_keeps_status_and_result_when_reading_it_again_does_not_end_well(
    house: House, how: str
) -> None:
    async def well_once(_request: ExtractRequest, call: int) -> Extraction:
        if call == 1:
            return answer()
        if how == "fails":
            raise DocumentFailed(FailureCode.NO_TEXT)
        return await hang(_request, call)

    house.provider.plays["one"] = well_once
    document_id = await lone(house, "one")
    before = await ended(house, document_id, await extract(house, document_id))
    again = await extract(house, document_id, "Extract something else")
    await begun(house, "one", calls=2)
    if how == "is cancelled":
        async with service_session(house.deps.engine) as session:
            await documents.cancel_lone(session, house.user_id, document_id)
        await workflows.cancel_document(house.client, str(document_id), again.attempt)
    after = await ended(house, document_id, again)

    kept = ("status", "document_type", "error_code", "pages_charged")
    assert [after[name] for name in kept] == [before[name] for name in kept] == ["completed", "invoice", None, 2]
    [result] = house.all("SELECT data FROM extracted_data WHERE document_id = %s", document_id)
    assert result["data"] == {"invoice_number": "INV-1"}
    assert house.usage() == (2, 0)
    await idle(house)
