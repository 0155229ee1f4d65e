"""Wishes reach a run whichever way they come: as a column with a nudge, or as a signal or a cancel from the Temporal UI."""

import asyncio
from uuid import UUID

import pytest

from ingestio.db.session import service_session
from ingestio.domain.fields import Extraction
from ingestio.extraction.base import ExtractRequest
from ingestio.services import controls
from tests.workflows.conftest import House
from tests.workflows.scripted import answer
from workflows import client as workflows
from workflows import options
from workflows.batches import BatchWorkflow


async def hang(_request: ExtractRequest, _call: int) -> Extraction:
    await asyncio.sleep(600)
    return answer()


async def _wish_cancel(house: House, batch_id: UUID) -> None:
    async with service_session(house.deps.engine) as session:
        await controls.request_cancel(session, house.user_id, batch_id)
    await workflows.nudge_batch(house.client, str(batch_id))


async def _running(house: House, batch_id: UUID, count: int) -> None:
    async with asyncio.timeout(30):
        while sum(row["status"] == "processing" for row in house.documents(batch_id)) < count:
            await asyncio.sleep(0.05)


async def test_a_pause_holds_documents_that_were_about_to_begin(house: House) -> None:
    names = [f"slow {index}" for index in range(options.WINDOW + 10)]
    batch_id = await house.accept(names)
    house.provider.plays.update(dict.fromkeys(names, hang))
    # The column alone: the run has not heard of it when it starts its first documents.
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=True)

    await house.start(batch_id)
    await asyncio.sleep(2)

    assert {row["status"] for row in house.documents(batch_id)} == {"queued_for_processing"}
    progress = await workflows.ask_progress(house.client, str(batch_id))
    assert progress is not None
    assert (progress.running, progress.waiting, progress.waiting_for) == (0, len(names), "resume")
    await _wish_cancel(house, batch_id)
    assert (await asyncio.wait_for(house.finished(batch_id), 30))["status"] == "cancelled"


async def test_a_document_that_starts_into_a_pause_steps_back_and_runs_after_the_resume(house: House) -> None:
    batch_id = await house.accept(["one"])
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=True)
    document = house.documents(batch_id)[0]
    job = house.one("SELECT id FROM extraction_jobs WHERE document_id = %s", document["id"])
    request = house.document_input(str(job["id"]), str(document["id"]), batch_id)

    await workflows.ensure_document(house.client, request)
    outcome = await house.client.get_workflow_handle(f"document/{document['id']}/1").result()

    assert outcome["status"] == "queued_for_processing"
    assert house.documents(batch_id)[0]["status"] == "queued_for_processing"
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=False)
    await house.start(batch_id)
    assert (await house.finished(batch_id))["completed_count"] == 1


async def test_documents_that_a_pause_held_count_as_waiting_and_run_after_the_resume(house: House) -> None:
    go = asyncio.Event()

    async def wait(_request: ExtractRequest, _call: int) -> Extraction:
        await go.wait()
        return answer()

    late = options.WINDOW
    names = [f"document {index}" for index in range(options.WINDOW + late)]
    house.provider.plays.update(dict.fromkeys(names, wait))
    batch_id = await house.submit(names)
    await _running(house, batch_id, options.WINDOW)
    # The column alone: the run has not heard of it when it goes on to start the rest.
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=True)
    go.set()

    async with asyncio.timeout(30):
        while (progress := await workflows.ask_progress(house.client, str(batch_id))) is None or progress.running:
            await asyncio.sleep(0.05)
    assert (progress.waiting, progress.paused) == (late, True)
    assert house.batch(batch_id)["completed_count"] == options.WINDOW

    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=False)
    await workflows.nudge_batch(house.client, str(batch_id))
    assert (await asyncio.wait_for(house.finished(batch_id), 30))["completed_count"] == len(names)


@pytest.mark.parametrize("signal", [BatchWorkflow.pause, BatchWorkflow.cancel], ids=["pause", "cancel"])
async def test_a_signal_from_the_temporal_ui_commits_the_wish(house: House, signal: object) -> None:
    house.provider.plays["slow"] = hang
    batch_id = await house.submit(["slow", "quick"])
    await _running(house, batch_id, 1)
    handle = house.client.get_workflow_handle(f"batch/{batch_id}")

    if signal is BatchWorkflow.pause:
        await handle.signal(BatchWorkflow.pause)
        async with asyncio.timeout(10):
            while not house.batch(batch_id)["paused"]:
                await asyncio.sleep(0.05)
        await handle.signal(BatchWorkflow.resume)
        async with asyncio.timeout(10):
            while house.batch(batch_id)["paused"]:
                await asyncio.sleep(0.05)
    await handle.signal(BatchWorkflow.cancel)

    batch = await asyncio.wait_for(house.finished(batch_id), 30)
    assert batch["status"] == "cancelled"
    assert house.usage()[1] == 0


async def test_a_cancelled_batch_is_at_rest_before_its_documents_have_noticed(house: House) -> None:
    async def deaf(_request: ExtractRequest, _call: int) -> Extraction:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            await asyncio.sleep(5)
            raise
        return answer()

    names = [f"deaf {index}" for index in range(5)]
    house.provider.plays.update(dict.fromkeys(names, deaf))
    batch_id = await house.submit(names, pages=2)
    await _running(house, batch_id, 5)

    await _wish_cancel(house, batch_id)

    async with asyncio.timeout(10):
        while house.batch(batch_id)["status"] != "cancelled":
            await asyncio.sleep(0.05)
    assert house.usage() == (0, 0)
    assert house.provider.running > 0
    assert (await asyncio.wait_for(house.finished(batch_id), 30))["cancelled_count"] == 5


async def test_a_nudge_that_comes_late_stops_no_later_attempt(house: House) -> None:
    house.provider.plays["slow"] = hang
    batch_id = await house.submit(["slow"])
    await _running(house, batch_id, 1)
    await _wish_cancel(house, batch_id)
    await house.finished(batch_id)
    house.provider.plays.clear()

    async with service_session(house.deps.engine) as session:
        await controls.retry_batch(session, house.user_id, batch_id, None)
    await house.start(batch_id)
    await workflows.nudge_batch(house.client, str(batch_id))

    assert (await asyncio.wait_for(house.finished(batch_id), 30))["status"] == "completed"
    assert house.usage() == (1, 0)
