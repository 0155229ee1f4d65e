"""What operators see of a run in Temporal: by what it is found, what it says of itself, and that none of it is personal."""

import asyncio
from typing import Any

from temporalio.client import WorkflowExecutionDescription

from ingestio.db.session import service_session
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.fields import Extraction
from ingestio.domain.runs import SEARCH_ATTRIBUTES
from ingestio.errors import DocumentFailed, FailureCode, ModelError
from ingestio.extraction.base import ExtractRequest
from ingestio.services import controls
from tests.workflows.conftest import House
from worker import build_id
from workflows import client as workflows
from workflows import names
from workflows.batches import SHORT_RUNS


async def fail(_request: ExtractRequest, _call: int) -> Extraction:
    raise DocumentFailed(FailureCode.NO_TEXT)


async def described(house: House, workflow_id: str) -> WorkflowExecutionDescription:
    return await house.client.get_workflow_handle(workflow_id).describe()


def tags(run: WorkflowExecutionDescription) -> dict[str, Any]:
    return {pair.key.name: pair.value for pair in run.typed_search_attributes if pair.key.name.startswith("Ingestio")}


async def test_a_batch_is_found_by_user_plan_strategy_and_how_it_stands(house: House) -> None:
    batch_id = await house.accept(["one", "two"], pages=3, strategy=PromptStrategy.AUTO, prompt=None)
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=True)
    await house.start(batch_id)
    run = f"batch/{batch_id}"
    async with asyncio.timeout(60):
        while tags(await described(house, run))["IngestioStatus"] != "paused":
            await asyncio.sleep(0.05)

    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=False)
    await workflows.nudge_batch(house.client, str(batch_id))
    await house.finished(batch_id)

    ended = await described(house, run)
    assert tags(ended) == {
        "IngestioUser": house.user_id,
        "IngestioPlan": "growth",
        "IngestioBatch": str(batch_id),
        "IngestioStrategy": "auto",
        "IngestioStatus": "completed",
    }
    assert await ended.memo() == {"documents": 2, "pages": 6}
    assert await ended.static_summary() == "A batch, growth plan"
    assert "docs/operating.md" in str(await ended.static_details())


async def test_a_batch_tells_its_state_in_a_bounded_number_of_events(house: House) -> None:
    batch_id = await house.submit([f"document {index}" for index in range(30)])
    await house.finished(batch_id)

    history = await house.client.get_workflow_handle(f"batch/{batch_id}").fetch_history()
    changed = [
        set(event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields)
        for event in history.events
        if event.HasField("upsert_workflow_search_attributes_event_attributes")
    ]
    ours = [names for names in changed if names != {"TemporalChangeVersion"}]
    assert sum("IngestioStatus" in names for names in ours) == len(ours) == 2  # processing, completed
    assert len(changed) - len(ours) == len({SHORT_RUNS})  # Temporal's own: which changes of the code the run knows


async def test_a_history_says_which_code_wrote_it(house: House) -> None:
    batch_id = await house.submit(["one"])
    await house.finished(batch_id)

    history = await house.client.get_workflow_handle(f"batch/{batch_id}").fetch_history()
    wrote = {
        event.workflow_task_completed_event_attributes.worker_version.build_id
        for event in history.events
        if event.HasField("workflow_task_completed_event_attributes")
    }
    assert wrote == {build_id()}


async def test_a_document_that_failed_is_found_by_its_status_and_one_that_completed_costs_no_event_more(
    house: House,
) -> None:
    house.provider.plays["bad"] = fail
    batch_id = await house.submit(["good", "bad"])
    await house.finished(batch_id)
    good, bad = (f"document/{row['id']}/1" for row in house.documents(batch_id))

    common = {
        "IngestioUser": house.user_id,
        "IngestioPlan": "growth",
        "IngestioBatch": str(batch_id),
        "IngestioStrategy": "global",
    }
    assert tags(await described(house, good)) == common
    assert tags(await described(house, bad)) == common | {"IngestioStatus": "failed"}
    assert await (await described(house, bad)).static_summary() == "Document 2 of its batch, growth plan"
    history = await house.client.get_workflow_handle(good).fetch_history()
    assert not any(event.HasField("upsert_workflow_search_attributes_event_attributes") for event in history.events)


async def test_a_failed_step_says_its_code_and_one_sentence(house: House) -> None:
    house.provider.plays["bad"] = fail
    batch_id = await house.submit(["bad"])
    await house.finished(batch_id)

    handle = house.client.get_workflow_handle(f"document/{house.documents(batch_id)[0]['id']}/1")
    failures = [
        event.activity_task_failed_event_attributes.failure
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_failed_event_attributes")
    ]
    assert [failure.application_failure_info.type for failure in failures] == ["no_text"]
    assert failures[0].message.endswith(".")
    assert await handle.result() == {"status": "failed", "code": "no_text"}


async def test_a_document_that_waits_out_an_outage_says_so_and_when_it_asks_again(house: House) -> None:
    async def away(_request: ExtractRequest, _call: int) -> Extraction:
        raise ModelError(FailureCode.MODEL_UNAVAILABLE, retryable=True, retry_after_seconds=600)

    house.provider.plays["unlucky"] = away
    batch_id = await house.submit(["unlucky"])
    workflow_id = f"document/{house.documents(batch_id)[0]['id']}/1"
    async with asyncio.timeout(60):
        while not house.provider.calls["unlucky"]:
            await asyncio.sleep(0.05)
        while (pending := (await described(house, workflow_id)).raw_description.pending_activities)[0].attempt == 1:
            await asyncio.sleep(0.05)

    assert pending[0].last_failure.application_failure_info.type == "model_unavailable"
    assert pending[0].last_failure.message.endswith(".")
    wait = pending[0].next_attempt_schedule_time.ToDatetime() - pending[0].last_attempt_complete_time.ToDatetime()
    assert (
        595 <= wait.total_seconds() <= 600 * 1.1 + 5
    )  # what the model asked for, and a little more that spreads a thousand of them
    await house.client.get_workflow_handle(f"batch/{batch_id}").cancel()
    await house.finished(batch_id)


async def test_every_name_that_is_searched_by_has_a_key() -> None:
    keys = (names.USER, names.PLAN, names.BATCH, names.STRATEGY, names.STATUS)
    assert tuple(key.name for key in keys) == SEARCH_ATTRIBUTES
