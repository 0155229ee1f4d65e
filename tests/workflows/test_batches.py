"""A batch runs through, whatever its documents do."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from activities.upkeep import UpkeepActivities
from ingestio.db.session import service_session
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.fields import Extraction
from ingestio.domain.messages import BatchInput, DocumentInput
from ingestio.errors import DocumentFailed, FailureCode, FileRefused, ModelError, RefusalCode
from ingestio.extraction.base import ExtractRequest
from ingestio.services import controls
from tests.workflows.conftest import House
from tests.workflows.scripted import answer
from workflows import client as workflows
from workflows import options


async def test_a_batch_completes_and_charges_each_page_once(house: House) -> None:
    batch_id = await house.submit(["one", "two", "three"], pages=4)

    batch = await house.finished(batch_id)

    assert (batch["status"], batch["completed_count"], batch["failed_count"]) == ("completed", 3, 0)
    assert batch["completed_at"] is not None
    assert house.usage() == (12, 0)
    assert {row["status"] for row in house.documents(batch_id)} == {"completed"}
    assert [row["pages_charged"] for row in house.documents(batch_id)] == [4, 4, 4]
    stored = house.all("SELECT data, fields, pages FROM extracted_data WHERE user_id = %s", house.user_id)
    assert [row["data"] for row in stored] == [{"invoice_number": "INV-1"}] * 3
    assert stored[0]["fields"][0]["evidence"] == [{"page": 1, "quote": "INV-1", "box": [10.0, 20.0, 60.0, 32.0]}]


async def test_a_window_bounds_what_runs_at_once(house: House) -> None:
    count = options.WINDOW + 20
    batch_id = await house.submit([f"document {index}" for index in range(count)])

    batch = await house.finished(batch_id)

    assert batch["completed_count"] == count
    assert house.provider.most_at_once <= options.WINDOW


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DocumentFailed(FailureCode.NO_TEXT), "no_text"),
        (FileRefused(RefusalCode.CORRUPT, "no reader opens it"), "no_text"),
        (ModelError(FailureCode.MODEL_BLOCKED), "model_blocked"),
        (ModelError(FailureCode.MODEL_OUTPUT_TRUNCATED), "model_output_truncated"),
        (ZeroDivisionError("a defect"), "internal"),
    ],
)
async def test_a_document_that_fails_costs_nothing_and_stops_nobody(house: House, error: Exception, code: str) -> None:
    async def fail(_request: ExtractRequest, _call: int) -> Extraction:
        raise error

    house.provider.plays["bad"] = fail
    batch_id = await house.submit(["good", "bad", "fine"], pages=5)

    batch = await house.finished(batch_id)

    assert (batch["status"], batch["completed_count"], batch["failed_count"]) == ("partially_completed", 2, 1)
    assert [row["error_code"] for row in house.documents(batch_id)] == [None, code, None]
    assert house.usage() == (10, 0)


async def test_a_missing_file_fails_its_document_only(house: House) -> None:
    batch_id = await house.accept(["good", "lost"])
    lost = house.documents(batch_id)[1]
    await house.deps.store.delete(lost["storage_path"], house.user_id)
    await house.start(batch_id)

    batch = await house.finished(batch_id)

    assert batch["status"] == "partially_completed"
    assert [row["error_code"] for row in house.documents(batch_id)] == [None, "file_missing"]


async def test_a_file_that_was_swapped_after_counting_is_not_read(house: House) -> None:
    batch_id = await house.accept(["good", "swapped"])
    swapped = house.documents(batch_id)[1]
    await house.deps.store.put_bytes(swapped["storage_path"], house.user_id, b"a thousand pages\n")
    await house.start(batch_id)

    await house.finished(batch_id)

    assert [row["error_code"] for row in house.documents(batch_id)] == [None, "file_missing"]
    assert house.usage() == (1, 0)
    assert set(house.provider.calls) == {"good"}


async def test_a_retryable_model_error_is_tried_again_after_the_delay_it_asks_for(house: House) -> None:
    async def busy_twice(_request: ExtractRequest, call: int) -> Extraction:
        if call <= 2:
            raise ModelError(FailureCode.MODEL_UNAVAILABLE, retryable=True, retry_after_seconds=0.05)
        return answer()

    house.provider.plays["busy"] = busy_twice
    batch_id = await house.submit(["busy"])

    batch = await house.finished(batch_id)

    assert batch["status"] == "completed"
    assert house.provider.calls["busy"] == 3
    assert house.usage() == (1, 0)


async def test_auto_classifies_and_saves_the_default_prompt_on_the_document(house: House) -> None:
    batch_id = await house.submit(["a receipt", "a bill"], strategy=PromptStrategy.AUTO, prompt=None)

    await house.finished(batch_id)

    rows = house.documents(batch_id)
    assert [row["prompt_source"] for row in rows] == ["auto", "auto"]
    assert all(row["extraction_prompt"] for row in rows)
    assert {request.document_type for request in house.provider.requests} == {"receipt", "invoice"}
    assert {request.prompt for request in house.provider.requests} == {None}
    # Naming the type is paid for too, at its own model's price.
    columns = "input_tokens, output_tokens, cached_tokens, thinking_tokens, estimated_cost"
    for row in rows:
        spent = house.one(f"SELECT {columns} FROM extracted_data WHERE document_id = %s", row["id"])
        assert tuple(map(str, spent.values())) == ("11", "4", "2", "1", "0.0025")


async def test_per_document_prompts_reach_the_provider(house: House) -> None:
    batch_id = await house.submit(
        ["one", "two"],
        strategy=PromptStrategy.PER_DOCUMENT,
        prompt=None,
        prompts=["Extract the total", "Extract the date"],
    )

    await house.finished(batch_id)

    assert {request.prompt for request in house.provider.requests} == {"Extract the total", "Extract the date"}


async def test_histories_carry_no_prompt_and_no_document_text(house: House) -> None:
    batch_id = await house.submit(["secret words"], prompt="Extract the codename MARZIPAN")
    await house.finished(batch_id)
    document_id = house.documents(batch_id)[0]["id"]

    for workflow_id in (f"batch/{batch_id}", f"document/{document_id}/1"):
        history = await house.client.get_workflow_handle(workflow_id).fetch_history()
        text = history.to_json()
        assert "MARZIPAN" not in text
        assert "secret" not in text
        assert "INV-1" not in text


async def test_cancel_stops_running_documents_and_releases_their_pages(house: House) -> None:
    begun = asyncio.Event()

    async def hang(_request: ExtractRequest, _call: int) -> Extraction:
        begun.set()
        await asyncio.sleep(600)
        return answer()

    names = ["good"] + [f"slow {index}" for index in range(60)]
    house.provider.plays.update(dict.fromkeys(names[1:], hang))
    batch_id = await house.submit(names, pages=2)
    await begun.wait()
    while house.batch(batch_id)["completed_count"] < 1:
        await asyncio.sleep(0.05)

    async with service_session(house.deps.engine) as session:
        await controls.request_cancel(session, house.user_id, batch_id)
    await workflows.nudge_batch(house.client, str(batch_id))
    batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["completed_count"], batch["cancelled_count"]) == ("cancelled", 1, 60)
    assert house.usage() == (2, 0)
    # The batch does not wait for the calls to notice; each learns of it with the answer to its next heartbeat.
    async with asyncio.timeout(60):
        while house.provider.running:
            await asyncio.sleep(0.05)


async def test_a_cancel_from_the_temporal_ui_means_the_same(house: House) -> None:
    begun = asyncio.Event()

    async def hang(_request: ExtractRequest, _call: int) -> Extraction:
        begun.set()
        await asyncio.sleep(600)
        return answer()

    house.provider.plays["slow"] = hang
    batch_id = await house.submit(["slow"])
    await begun.wait()

    handle = house.client.get_workflow_handle(f"batch/{batch_id}")
    await handle.cancel()
    batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["cancelled_count"]) == ("cancelled", 1)
    assert house.usage() == (0, 0)


async def test_pause_gates_and_resume_goes_on(house: House) -> None:
    batch_id = await house.accept([f"document {index}" for index in range(5)])
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=True)
    await house.start(batch_id)

    await asyncio.sleep(1)
    assert not house.provider.requests
    async with asyncio.timeout(60):
        while (progress := await workflows.ask_progress(house.client, str(batch_id))) is None or not progress.paused:
            await asyncio.sleep(0.05)
    assert not house.provider.requests
    assert (progress.running, progress.waiting, progress.paused, progress.waiting_for) == (0, 5, True, "resume")

    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=False)
    await workflows.nudge_batch(house.client, str(batch_id))
    assert (await house.finished(batch_id))["status"] == "completed"


async def test_retry_runs_only_what_failed(house: House) -> None:
    async def fail_once(_request: ExtractRequest, call: int) -> Extraction:
        if call == 1:
            raise DocumentFailed(FailureCode.NO_TEXT)
        return answer()

    house.provider.plays["shaky"] = fail_once
    batch_id = await house.submit(["good", "shaky"], pages=3)
    assert (await house.finished(batch_id))["status"] == "partially_completed"

    async with service_session(house.deps.engine) as session:
        assert await controls.retry_batch(session, house.user_id, batch_id, "Extract the total only") == 1
    await house.start(batch_id)
    batch = await house.finished(batch_id)

    assert (batch["status"], batch["completed_count"], batch["failed_count"]) == ("completed", 2, 0)
    assert house.provider.calls == {"good": 1, "shaky": 2}
    assert house.provider.requests[-1].prompt == "Extract the total only"
    assert house.usage() == (6, 0)


async def test_a_stray_start_and_a_late_duplicate_change_nothing(house: House) -> None:
    batch_id = await house.submit(["one"])
    await house.finished(batch_id)
    before = (house.batch(batch_id), house.documents(batch_id), house.usage())
    document = house.documents(batch_id)[0]
    job = house.one("SELECT id FROM extraction_jobs WHERE document_id = %s", document["id"])

    await house.start(batch_id)
    await house.client.get_workflow_handle(f"batch/{batch_id}").result()
    await workflows.ensure_document(house.client, DocumentInput(str(job["id"]), str(document["id"]), house.user_id, 1))
    outcome = await house.client.get_workflow_handle(f"document/{document['id']}/1").result()

    assert outcome["status"] == "completed"
    assert (house.batch(batch_id), house.documents(batch_id), house.usage()) == before
    assert house.provider.calls["one"] == 1


async def test_the_reconciler_starts_what_a_killed_front_door_left(house: House) -> None:
    batch_id = await house.accept(["one", "two"])

    await UpkeepActivities(house.deps, house.client, tagged=True).make_round(timedelta())

    assert (await house.finished(batch_id))["status"] == "completed"


async def test_a_terminated_run_is_taken_up_again_and_its_document_is_not_read_twice(house: House) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def wait(_request: ExtractRequest, _call: int) -> Extraction:
        begun.set()
        await go.wait()
        return answer()

    house.provider.plays["slow"] = wait
    batch_id = await house.submit(["slow", "other"])
    await begun.wait()
    await house.client.get_workflow_handle(f"batch/{batch_id}").terminate()

    await UpkeepActivities(house.deps, house.client, tagged=True).make_round(timedelta())
    go.set()
    batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["completed_count"]) == ("completed", 2)
    assert house.provider.calls["slow"] == 1
    assert house.usage() == (2, 0)


async def test_a_terminated_document_is_settled_as_internal(house: House) -> None:
    begun = asyncio.Event()

    async def hang(_request: ExtractRequest, _call: int) -> Extraction:
        begun.set()
        await asyncio.sleep(600)
        return answer()

    house.provider.plays["slow"] = hang
    batch_id = await house.submit(["slow", "good"])
    await begun.wait()
    document_id = house.documents(batch_id)[0]["id"]
    await house.client.get_workflow_handle(f"document/{document_id}/1").terminate()

    batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["failed_count"]) == ("partially_completed", 1)
    assert house.documents(batch_id)[0]["error_code"] == "internal"
    assert house.usage() == (1, 0)


async def test_runs_are_found_by_user_and_batch(house: House) -> None:
    batch_id = await house.submit(["one"])
    await house.finished(batch_id)

    query = f"IngestioUser = '{house.user_id}' AND IngestioBatch = '{batch_id}'"
    for _ in range(300):
        found = {run.id: run async for run in house.client.list_workflows(query)}
        if len(found) == 2 and all(run.status is WorkflowExecutionStatus.COMPLETED for run in found.values()):
            break
        await asyncio.sleep(0.1)
    document_id = house.documents(batch_id)[0]["id"]
    assert set(found) == {f"batch/{batch_id}", f"document/{document_id}/1"}


async def test_a_request_without_search_attributes_runs_the_same(house: House) -> None:
    batch_id = await house.accept(["one"])
    await workflows.start_batch(house.client, BatchInput(str(batch_id), house.user_id, "growth", tagged=False))

    assert (await house.finished(batch_id))["status"] == "completed"
