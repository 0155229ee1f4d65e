"""The first documents of a batch pass, other users' later ones wait for them: a little, and never for ever."""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance, WorkflowRunner

from ingestio.domain.fields import Extraction
from ingestio.domain.plans import FIRST_DOCUMENTS
from ingestio.extraction.base import ExtractRequest
from tests.workflows.conftest import House
from tests.workflows.scripted import answer
from worker import build
from workflows.right_of_way import LONGEST, PATIENCE, QUIET, GivingWay, RightOfWay, Waiting

# Within the quiet that ends a burst, so that it goes on.
SOON = QUIET / 4


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Clock:
    return Clock()


@pytest.fixture
def way(hand: Clock) -> RightOfWay:
    return RightOfWay(hand)


class TestTheRightOfWay:
    def test_nobody_waits_while_nobody_passes(self, way: RightOfWay) -> None:
        assert way.pause("large") == 0

    def test_others_wait_until_it_has_been_quiet(self, way: RightOfWay, hand: Clock) -> None:
        way.take("small")
        hand.now += SOON

        assert way.pause("large") == pytest.approx(QUIET - SOON)
        hand.now += QUIET
        assert way.pause("large") == 0

    def test_a_burst_goes_on_as_long_as_more_of_it_pass(self, way: RightOfWay, hand: Clock) -> None:
        for _ in range(8):
            way.take("small")
            hand.now += SOON

        assert way.pause("large") > 0

    def test_nobody_waits_for_himself(self, way: RightOfWay) -> None:
        way.take("me")

        assert way.pause("me") == 0
        assert way.is_with("me")
        assert not way.is_with("large")

    def test_two_who_both_pass_wait_for_each_other_only_with_their_later_documents(self, way: RightOfWay) -> None:
        way.take("one")
        way.take("other")

        assert way.pause("one") > 0
        assert way.pause("other") > 0
        assert way.is_with("one")

    def test_who_sends_nothing_but_first_documents_gets_half_of_the_time(self, way: RightOfWay, hand: Clock) -> None:
        waits, longest, looks = 0, 0.0, 0
        since = None
        for _ in range(2000):
            way.take("small")
            looks += 1
            if way.pause("large"):
                waits += 1
                since = hand.now if since is None else since
                longest = max(longest, hand.now - since)
            else:
                since = None
            hand.now += SOON

        assert waits / looks == pytest.approx(0.5, abs=0.03)
        assert longest <= LONGEST


class Instance(WorkflowInstance):
    """A run that has nothing to do."""

    def __init__(self, info: Any) -> None:
        self._info = info

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return WorkflowActivationCompletion()

    def get_serialization_context(self, command_info: Any) -> None:
        return None

    def get_external_store_context(self, command_info: Any) -> Any:
        return None

    def get_info(self) -> Any:
        return self._info


class Runner(WorkflowRunner):
    def prepare_workflow(self, defn: Any) -> None: ...

    def create_instance(self, det: Any) -> Instance:
        return Instance(det.info)

    def set_worker_level_failure_exception_types(self, types: Any) -> None: ...


def begins(request: dict[str, Any]) -> WorkflowActivation:
    job = WorkflowActivationJob()
    job.initialize_workflow.arguments.append(Payload(data=json.dumps(request).encode()))
    return WorkflowActivation(jobs=[job], history_length=3)


def hears(*variants: str, events: int = 10) -> WorkflowActivation:
    jobs = [WorkflowActivationJob() for _ in variants]
    for job, variant in zip(jobs, variants, strict=True):
        getattr(job, variant).SetInParent()
    return WorkflowActivation(jobs=jobs, history_length=events)


@dataclass
class Road:
    """A worker's runs on a clock that only their waits move, just after one of somebody else's first documents has passed."""

    way: RightOfWay
    hand: Clock
    goes_on: bool = False
    """Whether more of them pass while others wait."""

    def run(self, kind: str = "DocumentWorkflow", user: str | None = "large", places: int = 1) -> WorkflowInstance:
        info = SimpleNamespace(workflow_type=kind, priority=SimpleNamespace(fairness_key=user))
        runner = GivingWay(Runner(), Waiting(self.way, places, self._sleep))
        return runner.create_instance(SimpleNamespace(info=info))  # type: ignore[arg-type]

    def waits(self, run: WorkflowInstance, act: WorkflowActivation) -> float:
        """Seconds before the run gets to it."""
        begun = self.hand.now
        run.activate(act)
        return self.hand.now - begun

    def _sleep(self, seconds: float) -> None:
        self.hand.now += min(seconds, SOON) if self.goes_on else seconds
        if self.goes_on:
            self.way.take("small")


@pytest.fixture
def road(way: RightOfWay, hand: Clock) -> Road:
    way.take("small")
    return Road(way, hand)


class TestARun:
    def test_a_later_document_waits_until_the_others_have_passed(self, road: Road) -> None:
        run = road.run()

        assert road.waits(run, begins({"position": FIRST_DOCUMENTS})) == pytest.approx(QUIET)
        assert road.waits(run, hears("resolve_activity")) == 0

    def test_patience_ends_while_they_still_pass(self, road: Road) -> None:
        road.goes_on = True

        assert road.waits(road.run(), begins({"position": FIRST_DOCUMENTS})) == pytest.approx(PATIENCE)

    @pytest.mark.parametrize(
        ("kind", "request_", "events"),
        [
            ("DocumentWorkflow", {"position": FIRST_DOCUMENTS - 1}, 10),
            ("DocumentWorkflow", {}, 10),
            ("BatchWorkflow", {}, 60),
        ],
    )
    def test_first_documents_and_the_begin_of_a_batch_pass_and_make_others_wait(
        self, kind: str, request_: dict[str, Any], events: int, road: Road
    ) -> None:
        run = road.run(kind, "new")

        assert road.waits(run, begins(request_)) == 0
        assert road.way.is_with("new")
        assert road.waits(run, hears("resolve_activity", events=events)) == 0

    def test_a_batch_past_its_first_documents_waits(self, road: Road) -> None:
        run = road.run("BatchWorkflow")

        assert road.waits(run, hears("resolve_child_workflow_execution", events=500)) == pytest.approx(QUIET)

    def test_so_does_a_later_run_of_a_batch(self, road: Road) -> None:
        assert road.waits(road.run("BatchWorkflow"), begins({"after_position": 149})) == pytest.approx(QUIET)

    @pytest.mark.parametrize("variant", ["cancel_workflow", "signal_workflow", "query_workflow", "do_update"])
    def test_what_somebody_wants_of_a_run_is_never_put_off(self, variant: str, road: Road) -> None:
        assert road.waits(road.run(), hears("resolve_activity", variant)) == 0

    @pytest.mark.parametrize("arguments", [[], [b"\xff"], [b"[]"]], ids=["nothing", "no JSON", "no object"])
    def test_what_an_operator_started_with_something_else_is_left_to_the_run(
        self, arguments: list[bytes], road: Road
    ) -> None:
        act = begins({})
        del act.jobs[0].initialize_workflow.arguments[:]
        act.jobs[0].initialize_workflow.arguments.extend(Payload(data=data) for data in arguments)

        assert road.run().activate(act) == WorkflowActivationCompletion()

    def test_who_finds_no_place_to_wait_goes_on(self, road: Road) -> None:
        assert road.waits(road.run(places=0), begins({"position": FIRST_DOCUMENTS})) == 0

    @pytest.mark.parametrize(("kind", "user"), [("ExportWorkflow", "large"), ("DocumentWorkflow", None)])
    def test_what_belongs_to_no_batch_or_nobody_is_let_alone(self, kind: str, user: str | None, road: Road) -> None:
        assert isinstance(road.run(kind, user), Instance)


async def test_a_reading_that_is_cancelled_while_it_waits_leaves_its_place(way: RightOfWay) -> None:
    waiting = Waiting(way, 1)
    way.take("small")

    for _ in range(2):
        reading = asyncio.create_task(waiting.give_way_gently("large"))
        await asyncio.sleep(0)
        assert not reading.done()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading


class AlwaysOthers(RightOfWay):
    """Somebody else's first documents pass all the time, without the rest that they have to leave to others."""

    def pause(self, user: str) -> float:
        return SOON


@pytest.mark.parametrize("reader", ["local", "scripted"], ids=["on cores", "by a model"])
async def test_later_documents_of_a_batch_start_later_and_end_well(unmanned: House, reader: str) -> None:
    house = unmanned
    house.provider.name = reader
    called: dict[str, float] = {}

    def read_at(name: str) -> Any:
        async def read(_request: ExtractRequest, _call: int) -> Extraction:
            called[name] = time.monotonic()
            return answer()

        return read

    first = [f"first {index}" for index in range(FIRST_DOCUMENTS)]
    names = [*first, "later"]
    house.provider.plays |= {name: read_at(name) for name in names}

    async with AsyncExitStack() as stack:
        for worker in build(house.client, house.deps, tagged=house.tagged, way=AlwaysOthers()):
            await stack.enter_async_context(worker)
        batch = await house.finished(await house.submit(names))

    assert batch["completed_count"] == len(names)
    assert called["later"] - max(called[name] for name in first) > PATIENCE / 2
    history = await house.client.get_workflow_handle(
        f"document/{house.documents(batch['id'])[-1]['id']}/1"
    ).fetch_history()
    assert not any(event.HasField("workflow_task_timed_out_event_attributes") for event in history.events)
    assert not any(event.HasField("workflow_task_failed_event_attributes") for event in history.events)
