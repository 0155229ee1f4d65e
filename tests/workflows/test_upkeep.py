"""Upkeep against a real server: whatever becomes of a run, its work is taken up again, ends, and is charged once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import Client, ScheduleUpdate, ScheduleUpdateInput, WorkflowExecutionStatus

from activities.repairs.base import Ground
from activities.repairs.registry import all_repairs
from activities.rounds import keep_up
from activities.upkeep import UpkeepActivities
from ingestio.db.session import service_session
from ingestio.domain.findings import FindingKind
from ingestio.embedded.temporal import TemporalServer
from ingestio.services import controls
from tests.services.test_jobs import confirm, job_ids
from tests.workflows.conftest import House
from tests.workflows.lone import in_order, lone, run_lone
from tests.workflows.scripted import Gate
from workflows import client as workflows
from workflows import names, schedules

NO_GRACE = timedelta(0)


def upkeep(house: House) -> UpkeepActivities:
    return UpkeepActivities(house.deps, house.client, tagged=True)


async def kinds(house: House) -> list[FindingKind]:
    """What there is to find now, without grace."""
    ground = Ground(house.deps.engine, house.deps.clock, house.deps.store, house.client, True, NO_GRACE)
    found: list[FindingKind] = []
    for repair in all_repairs(ground):
        found += [finding.kind for finding in (await repair.find(None)).findings]
    return found


def document(house: House, document_id: UUID) -> dict[str, Any]:
    return house.one("SELECT * FROM documents WHERE id = %s", document_id)


async def status_of(house: House, workflow_id: str) -> WorkflowExecutionStatus | None:
    return (await house.client.get_workflow_handle(workflow_id).describe()).status


async def until(condition: Any, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.1)


async def test_a_batch_whose_runs_are_all_terminated_completes_and_is_charged_once(house: House, gate: Gate) -> None:
    batch_id = await house.submit(["slow", "one", "two"], pages=3)
    await gate.reached.wait()
    await house.client.get_workflow_handle(f"batch/{batch_id}").terminate("by hand")
    await house.client.get_workflow_handle(f"document/{house.documents(batch_id)[0]['id']}/1").terminate("by hand")
    assert await kinds(house) == [FindingKind.BATCH_WITHOUT_RUN, FindingKind.BATCH_DOCUMENT_WITHOUT_RUN]

    # What this round mends itself is not counted: a run of upkeep on the same server, such as the last of another test's schedule, may
    # have been quicker.
    await upkeep(house).make_round(NO_GRACE)
    assert FindingKind.BATCH_WITHOUT_RUN not in await kinds(house)
    gate.opened.set()
    batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["completed_count"]) == ("completed", 3)
    assert house.usage() == (9, 0)
    assert await kinds(house) == []
    await in_order(house)


async def test_a_document_that_went_without_a_word_to_the_run_that_took_it_over_is_finished(
    house: House, gate: Gate
) -> None:
    batch_id = await house.submit(["slow", "one"])
    await gate.reached.wait()
    await house.client.get_workflow_handle(f"batch/{batch_id}").terminate("by hand")
    assert await upkeep(house).make_round(NO_GRACE) == 1
    document = house.documents(batch_id)[0]
    await until(lambda: _is_asked(house, f"document/{document['id']}/1"))
    await house.client.get_workflow_handle(f"document/{document['id']}/1").terminate("by hand")
    assert await kinds(house) == [FindingKind.BATCH_DOCUMENT_WITHOUT_RUN]

    assert await upkeep(house).make_round(NO_GRACE) == 1
    gate.opened.set()
    batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["completed_count"]) == ("completed", 2)
    assert house.usage() == (2, 0)
    await in_order(house)


async def _is_asked(house: House, workflow_id: str) -> bool:
    """Whether the batch's new run waits for this document's word."""
    history = await house.client.get_workflow_handle(workflow_id).fetch_history()
    return any(
        event.workflow_execution_signaled_event_attributes.signal_name == "report_end" for event in history.events
    )


async def test_a_batch_whose_run_timed_out_is_taken_up_again(house: House) -> None:
    batch_id = await house.accept(["one", "two"])
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=True)
    await house.client.start_workflow(
        "BatchWorkflow",
        {"batch_id": str(batch_id), "user_id": house.user_id, "plan": "growth"},
        id=f"batch/{batch_id}",
        task_queue=names.ORCHESTRATION_QUEUE,
        execution_timeout=timedelta(seconds=1),
    )

    async def timed_out() -> bool:
        return await status_of(house, f"batch/{batch_id}") is WorkflowExecutionStatus.TIMED_OUT

    await until(timed_out)
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=False)

    assert await upkeep(house).make_round(NO_GRACE) == 1

    assert (await asyncio.wait_for(house.finished(batch_id), 60))["status"] == "completed"


async def test_a_terminated_lone_document_completes_and_is_charged_once(house: House, gate: Gate) -> None:
    document_id, job = await lone(house, "slow", pages=4)
    await run_lone(house, document_id, job)
    await gate.reached.wait()
    handle = house.client.get_workflow_handle(f"document/{document_id}/1")
    await handle.terminate("by hand")
    assert await kinds(house) == [FindingKind.LONE_DOCUMENT_WITHOUT_RUN]

    assert await upkeep(house).make_round(NO_GRACE) == 1
    gate.opened.set()
    await asyncio.wait_for(handle.result(), 60)

    assert document(house, document_id)["status"] == "completed"
    assert house.usage() == (4, 0)
    assert len(house.all("SELECT id FROM page_ledger WHERE document_id = %s", document_id)) == 1
    await in_order(house)


async def test_a_started_document_that_nobody_waits_for_is_finished_while_its_batch_is_paused(house: House) -> None:
    batch_id = await house.accept(["one", "two"])
    started, _ = job_ids(house, batch_id)
    await confirm(house, started)  # its run died after the first step
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=True)
    await house.start(batch_id)
    async with asyncio.timeout(60):  # until then the wish counts as not followed, too
        while (progress := await workflows.ask_progress(house.client, str(batch_id))) is None or not progress.paused:
            await asyncio.sleep(0.05)
    assert await kinds(house) == [FindingKind.BATCH_DOCUMENT_WITHOUT_RUN]

    assert await upkeep(house).make_round(NO_GRACE) == 1

    first, _ = (row["id"] for row in house.documents(batch_id))
    await asyncio.wait_for(house.client.get_workflow_handle(f"document/{first}/1").result(), 60)
    assert [row["status"] for row in house.documents(batch_id)] == ["completed", "queued_for_processing"]
    assert house.batch(batch_id)["completed_count"] == 1
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=False)
    await workflows.nudge_batch(house.client, str(batch_id))
    assert (await asyncio.wait_for(house.finished(batch_id), 60))["status"] == "completed"
    assert house.usage() == (2, 0)


async def test_lost_nudges_are_repeated(house: House, gate: Gate) -> None:
    batch_id = await house.submit(["slow", *(f"document {index}" for index in range(3))])
    await gate.reached.wait()
    other = await house.accept(["five", "six"])
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, other, paused=True)
    await house.start(other)

    async def paused() -> bool:
        progress = await workflows.ask_progress(house.client, str(other))
        return progress is not None and progress.paused

    await until(paused)
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, other, paused=False)
        await controls.request_cancel(session, house.user_id, batch_id)
    assert await kinds(house) == [FindingKind.WISH_NOT_FOLLOWED] * 2

    assert await upkeep(house).make_round(NO_GRACE) == 2

    assert (await asyncio.wait_for(house.finished(other), 60))["status"] == "completed"
    assert (await asyncio.wait_for(house.finished(batch_id), 60))["status"] == "cancelled"
    await in_order(house)


async def test_work_that_has_its_runs_is_no_finding(house: House, gate: Gate) -> None:
    batch_id = await house.submit(["slow", "good"])
    document_id, job = await lone(house, "slow")
    await run_lone(house, document_id, job)
    await gate.reached.wait()

    assert await kinds(house) == []
    assert await upkeep(house).make_round(NO_GRACE) == 0

    gate.opened.set()
    await asyncio.wait_for(house.finished(batch_id), 60)


@pytest.fixture
async def scheduled(temporal: Client) -> AsyncIterator[Client]:
    """The schedule goes after the test, so that its rounds stay out of others."""
    yield temporal
    await temporal.get_schedule_handle(names.UPKEEP_ID).delete()


async def test_terminated_work_is_running_again_within_a_minute_by_the_schedule_alone(
    house: House, gate: Gate, scheduled: Client
) -> None:
    async with keep_up(upkeep(house), scheduled, timedelta(seconds=5)):
        batch_id = await house.submit(["slow", "one"])
        document_id, job = await lone(house, "slow")
        await run_lone(house, document_id, job)
        await until(lambda: _count_is(house, "slow", 2))
        workflow_ids = [f"batch/{batch_id}", f"document/{document_id}/1"]
        for workflow_id in workflow_ids:
            await house.client.get_workflow_handle(workflow_id).terminate("by hand")

        async def running_again() -> bool:
            return all([await status_of(house, each) is WorkflowExecutionStatus.RUNNING for each in workflow_ids])

        await until(running_again, 60)
        gate.opened.set()
        assert (await asyncio.wait_for(house.finished(batch_id), 60))["status"] == "completed"
        await asyncio.wait_for(house.client.get_workflow_handle(f"document/{document_id}/1").result(), 60)
    assert house.usage() == (3, 0)
    await in_order(house)


async def _count_is(house: House, name: str, count: int) -> bool:
    return house.provider.calls[name] >= count


async def test_an_older_schedule_is_brought_up_to_date_and_stays_paused(scheduled: Client) -> None:
    assert await schedules.ensure_upkeep_schedule(scheduled, timedelta(minutes=9))
    handle = scheduled.get_schedule_handle(names.UPKEEP_ID)
    await handle.pause(note="looking into something")
    async with asyncio.timeout(30):
        # The server follows the wish a moment later, and an update before that would write the old state again.
        while not (await handle.describe()).schedule.state.paused:
            await asyncio.sleep(0.05)

    def another_queue(found: ScheduleUpdateInput) -> ScheduleUpdate:
        found.description.schedule.action.task_queue = "of-an-older-version"  # type: ignore[attr-defined]
        return ScheduleUpdate(found.description.schedule)

    await handle.update(another_queue)

    for _ in range(2):
        assert await schedules.ensure_upkeep_schedule(scheduled, timedelta(seconds=30))

    found = (await handle.describe()).schedule
    assert [each.every for each in found.spec.intervals] == [timedelta(seconds=30)]
    assert found.action.task_queue == names.ORCHESTRATION_QUEUE  # type: ignore[attr-defined]
    assert found.state.paused
    assert found.state.note == "looking into something"


async def test_where_no_schedule_can_be_made_the_worker_makes_the_rounds_itself(
    house: House, temporal_server: TemporalServer, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = await Client.connect(temporal_server.address, namespace="has-no-schedules")
    assert not await schedules.ensure_upkeep_schedule(elsewhere, timedelta(seconds=30))

    async with keep_up(upkeep(house), elsewhere, timedelta(seconds=0.2)):
        batch_id = await house.accept(["late"])
        house.superuser.execute("UPDATE extraction_batches SET status = 'processing'")
        await until(lambda: _is_completed(house, batch_id))

    assert [record.message for record in caplog.records].count(
        "the upkeep schedule cannot be made here; this worker makes the rounds itself"
    ) == 1


async def _is_completed(house: House, batch_id: UUID) -> bool:
    return bool(house.batch(batch_id)["status"] == "completed")
