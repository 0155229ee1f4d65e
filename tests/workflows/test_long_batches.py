"""A batch that outgrows one run: the chain of runs loses no document, waits for none, and reaches those that an earlier run started."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import accumulate
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHistory

from ingestio.db.session import service_session
from ingestio.domain.fields import Extraction
from ingestio.domain.messages import BatchInput, Reader
from ingestio.errors import FailureCode
from ingestio.extraction.base import ExtractRequest
from ingestio.services import controls, jobs
from tests.workflows.conftest import House
from tests.workflows.scripted import answer
from workflows import client as workflows
from workflows import options

PER_RUN = 4


class Gate:
    """Holds the documents that play it until it is opened; knows who waits."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self.waiting: set[str] = set()

    async def __call__(self, request: ExtractRequest, _call: int) -> Extraction:
        name = str(request.path)
        self.waiting.add(name)
        try:
            await self._open.wait()
        finally:
            self.waiting.discard(name)
        return answer()

    def open(self) -> None:
        self._open.set()


async def _start(house: House, batch_id: UUID) -> None:
    await workflows.start_batch(
        house.client, BatchInput(str(batch_id), house.user_id, "growth", documents_per_run=PER_RUN)
    )


async def _until(holds: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while True:
            answered = holds()
            if answered if isinstance(answered, bool) else await answered:
                return
            await asyncio.sleep(0.05)


async def _runs(house: House, batch_id: UUID) -> list[str]:
    query = f"WorkflowId = 'batch/{batch_id}'"
    return [str(run.status and run.status.name) async for run in house.client.list_workflows(query)]


async def _continued(house: House, batch_id: UUID) -> bool:
    described = await house.client.get_workflow_handle(f"batch/{batch_id}").describe()
    return bool(described.run_id != await _first_run(house, batch_id))


@asynccontextmanager
async def _handed_over(house: House, slow: list[str], quick: int) -> AsyncIterator[tuple[UUID, Gate]]:
    """A batch whose slow documents hang in a run that is gone while all the quick ones are done."""
    gate = Gate()
    house.provider.plays.update(dict.fromkeys(slow, gate))
    batch_id = await house.accept([*slow, *(f"quick {index}" for index in range(quick))])
    await _start(house, batch_id)
    await _until(lambda: house.batch(batch_id)["completed_count"] == quick)
    await _until(lambda: _continued(house, batch_id))
    yield batch_id, gate
    gate.open()


async def test_documents_that_wait_long_do_not_stall_the_others_and_are_waited_for(house: House) -> None:
    async with _handed_over(house, ["slow a", "slow b"], quick=11) as (batch_id, gate):
        # The rows are a moment ahead of the run, which still has to hear of the last document.
        await _until(lambda: _says(house, batch_id, running=2, waiting=0))
        gate.open()
        batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["completed_count"]) == ("completed", 13)
    assert house.usage() == (13, 0)
    assert set(house.provider.calls.values()) == {1}


async def _says(house: House, batch_id: UUID, *, running: int, waiting: int) -> bool:
    progress = await workflows.ask_progress(house.client, str(batch_id))
    return progress is not None and (progress.running, progress.waiting) == (running, waiting)


async def test_runs_stay_short_and_follow_each_other(house: House) -> None:
    batch_id = await house.accept([f"document {index}" for index in range(3 * PER_RUN)])
    await _start(house, batch_id)

    batch = await house.finished(batch_id)

    assert batch["completed_count"] == 3 * PER_RUN
    await _until(lambda: _counted(house, batch_id, "CONTINUED_AS_NEW", 2))
    assert house.provider.most_at_once <= options.WINDOW


async def _counted(house: House, batch_id: UUID, status: str, count: int) -> bool:
    return (await _runs(house, batch_id)).count(status) == count


async def test_a_run_comes_to_rest_before_the_next_one_takes_over(house: House) -> None:
    """News that comes while the server is told to continue makes it refuse, and the whole history has to be gone through again."""
    async with _handed_over(house, ["slow"], quick=2 * PER_RUN) as (batch_id, gate):
        gate.open()
        await house.finished(batch_id)

    first = await _first_run(house, batch_id)
    events = list((await house.client.get_workflow_handle(f"batch/{batch_id}", run_id=first).fetch_history()).events)
    assert events[-1].HasField("workflow_execution_continued_as_new_event_attributes")
    (rest,) = (each for each in events if each.HasField("timer_started_event_attributes"))
    assert rest.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta() == options.REST
    assert not any(
        each.HasField("start_child_workflow_execution_initiated_event_attributes") for each in events[rest.event_id :]
    )
    assert events[-1].event_time.ToDatetime() - rest.event_time.ToDatetime() >= options.REST


async def test_the_next_run_starts_documents_before_it_looks_at_the_manifest(house: House) -> None:
    """A look costs a turn of the worker, in which nothing starts: what the run before had read is handed on."""
    batch_id = await house.accept([f"document {index}" for index in range(2 * PER_RUN)])
    await _start(house, batch_id)
    await house.finished(batch_id)

    events = [event async for event in house.client.get_workflow_handle(f"batch/{batch_id}").fetch_history_events()]
    started = [each for each in events if each.HasField("start_child_workflow_execution_initiated_event_attributes")]
    looks = [
        each
        for each in events
        if each.HasField("marker_recorded_event_attributes")
        and each.marker_recorded_event_attributes.marker_name == "core_local_activity"
    ]
    assert len(started) == PER_RUN
    assert started[-1].event_id < looks[0].event_id
    assert await _counted(house, batch_id, "CONTINUED_AS_NEW", 1)


async def test_what_is_handed_on_is_no_truth(house: House) -> None:
    """It was read before the operator paused, and names a job that has ended since: neither is begun."""
    batch_id = await house.accept(["ended", "waits"])
    async with service_session(house.deps.engine) as session:
        page = await jobs.manifest(session, house.user_id, batch_id, -1, 10)
        await jobs.end(session, house.user_id, UUID(page.jobs[0].job_id), FailureCode.CANCELLED)
        await controls.set_paused(session, house.user_id, batch_id, paused=True)
    upcoming = replace(page, reader=Reader.SERVICE)
    await workflows.start_batch(
        house.client, BatchInput(str(batch_id), house.user_id, "growth", upcoming=upcoming, documents_per_run=PER_RUN)
    )

    await _until(lambda: _says(house, batch_id, running=0, waiting=1))
    assert not house.provider.calls
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=False)
    await workflows.nudge_batch(house.client, str(batch_id))
    batch = await house.finished(batch_id)
    assert (batch["completed_count"], batch["cancelled_count"]) == (1, 1)


async def _first_run(house: House, batch_id: UUID) -> str:
    described = await house.client.get_workflow_handle(f"batch/{batch_id}").describe()
    return str(described.raw_description.workflow_execution_info.first_run_id)


async def test_few_starts_wait_for_the_server_at_once(house: House) -> None:
    batch_id = await house.submit([f"document {index}" for index in range(3 * options.STARTS_AT_ONCE)])
    await house.finished(batch_id)

    waiting = _starts_under_way(await house.client.get_workflow_handle(f"batch/{batch_id}").fetch_history())
    assert max(waiting) == options.STARTS_AT_ONCE


async def test_a_run_ends_and_the_next_begins_gently(house: House) -> None:
    """Few documents compete, so the last of a run ends the sooner, for which the next run waits, and the next begins the sooner."""
    batch_id = await house.accept([f"document {index}" for index in range(2 * PER_RUN)])
    await _start(house, batch_id)
    await house.finished(batch_id)

    runs = [await _first_run(house, batch_id), None]
    first, last = [
        _starts_under_way(await house.client.get_workflow_handle(f"batch/{batch_id}", run_id=run_id).fetch_history())
        for run_id in runs
    ]
    assert (len(first), len(last)) == (2 * PER_RUN, 2 * PER_RUN)  # a start and its confirmation each
    assert first[-3:] == [0, options.GENTLE_STARTS, 0]
    assert last[:2] == [options.GENTLE_STARTS, 0]


def _starts_under_way(history: WorkflowHistory) -> list[int]:
    """How many starts of documents the server had not confirmed, after each event that changed it."""
    changes = (
        event.HasField("start_child_workflow_execution_initiated_event_attributes")
        - event.HasField("child_workflow_execution_started_event_attributes")
        for event in history.events
    )
    return list(accumulate(change for change in changes if change))


async def test_a_run_whose_long_documents_fill_the_window_waits_for_none(house: House) -> None:
    half = options.WINDOW // 2
    gate = Gate()
    names = [f"slow {index}" for index in range(half + 1)]
    house.provider.plays.update(dict.fromkeys(names, gate))
    batch_id = await house.accept(names)
    await workflows.start_batch(
        house.client, BatchInput(str(batch_id), house.user_id, "growth", documents_per_run=half)
    )
    await _until(lambda: len(gate.waiting) == half + 1)

    first = await _first_run(house, batch_id)
    history = await house.client.get_workflow_handle(f"batch/{batch_id}", run_id=first).fetch_history()
    assert history.events[-1].HasField("workflow_execution_continued_as_new_event_attributes")
    assert not any(event.HasField("timer_started_event_attributes") for event in history.events)
    gate.open()
    assert (await house.finished(batch_id))["completed_count"] == half + 1


@pytest.mark.parametrize("by", ["signal", "ui"])
async def test_cancel_reaches_documents_that_an_earlier_run_started(house: House, by: str) -> None:
    async with _handed_over(house, ["slow a", "slow b"], quick=7) as (batch_id, gate):
        if by == "signal":
            async with service_session(house.deps.engine) as session:
                await controls.request_cancel(session, house.user_id, batch_id)
            await workflows.nudge_batch(house.client, str(batch_id))
        else:
            await house.client.get_workflow_handle(f"batch/{batch_id}").cancel()
        batch = await asyncio.wait_for(house.finished(batch_id), 60)
        assert (batch["status"], batch["completed_count"], batch["cancelled_count"]) == ("cancelled", 7, 2)
        assert house.usage() == (7, 0)
        await _until(lambda: not gate.waiting)


async def test_a_pause_outlives_the_run_that_was_told(house: House) -> None:
    async with _handed_over(house, ["slow"], quick=PER_RUN) as (batch_id, gate):
        async with service_session(house.deps.engine) as session:
            await controls.set_paused(session, house.user_id, batch_id, paused=True)
        await workflows.nudge_batch(house.client, str(batch_id))
        gate.open()
        batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["completed_count"]) == ("completed", PER_RUN + 1)


async def test_a_handed_over_document_that_is_terminated_is_started_anew_when_the_batch_is_woken(house: House) -> None:
    async with _handed_over(house, ["slow"], quick=PER_RUN) as (batch_id, gate):
        document_id = house.documents(batch_id)[0]["id"]
        await house.client.get_workflow_handle(f"document/{document_id}/1").terminate()
        gate.open()
        await house.start(batch_id)  # signal-with-start, as a front door or the reconciler does
        batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["completed_count"]) == ("completed", PER_RUN + 1)
    assert house.usage() == (PER_RUN + 1, 0)


async def test_a_waiting_batch_costs_no_events(house: House) -> None:
    async def events() -> int:
        described: Any = await house.client.get_workflow_handle(f"batch/{batch_id}").describe()
        return int(described.history_length)

    async with _handed_over(house, ["slow"], quick=PER_RUN) as (batch_id, _):
        settled = asyncio.get_running_loop().time()
        before = await events()
        while asyncio.get_running_loop().time() - settled < 1:  # the last steps of the hand-over may be under way
            if (now := await events()) != before:
                settled, before = asyncio.get_running_loop().time(), now
            await asyncio.sleep(0.05)
        await asyncio.sleep(2)
        assert await events() == before
        described = await house.client.get_workflow_handle(f"batch/{batch_id}").describe()
        assert described.status is WorkflowExecutionStatus.RUNNING
