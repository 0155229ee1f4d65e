"""What a step leaves to be seen: ids on its lines, how long it waited, how a call of the model ended."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog
from temporalio.testing import ActivityEnvironment

from activities.failures import database_step
from activities.watching import asking
from ingestio.domain.fields import ModelUsage
from ingestio.domain.messages import JobRequest
from ingestio.errors import FailureCode, ModelError
from ingestio.metrics import COUNTS, written
from tests.workflows.scripted import ScriptedProvider

REQUEST = JobRequest("the job", "the user")


async def test_every_line_of_a_step_carries_the_ids_of_its_run_and_of_its_message() -> None:
    seen: dict[str, object] = {}

    @database_step
    async def step(_request: JobRequest) -> None:
        seen.update(structlog.contextvars.get_contextvars())

    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info, workflow_id="document/1/1", workflow_run_id="run", activity_type="step"
    )
    await environment.run(step, REQUEST)

    assert seen == {
        "workflow_id": "document/1/1",
        "run_id": "run",
        "activity": "step",
        "job_id": "the job",
        "user_id": "the user",
    }
    assert structlog.contextvars.get_contextvars() == {}


def test_the_wait_in_the_queue_is_counted() -> None:
    @database_step
    async def step() -> None: ...

    environment = ActivityEnvironment()
    taken = environment.info.started_time
    waited = taken - timedelta(seconds=7)
    environment.info = replace(
        environment.info, task_queue="a queue of this test", current_attempt_scheduled_time=waited
    )
    # In a loop of its own: a worker that tests share hands over what was counted whenever its loop runs.
    asyncio.run(environment.run(step))

    labels = written({"queue": "a queue of this test"})
    counted = COUNTS.take()
    COUNTS.give_back(counted)
    assert counted["ingestio_queue_seconds_sum", labels] == pytest.approx(7)
    assert counted["ingestio_queue_steps_total", labels] == 1


async def test_a_call_of_the_model_is_counted_with_its_end_and_its_tokens() -> None:
    provider = ScriptedProvider(model="a model of this test")
    with asking(provider, "extract") as asked:
        asked.spent(ModelUsage(11, 7))
    with pytest.raises(ModelError), asking(provider, "extract"):
        raise ModelError(FailureCode.MODEL_BLOCKED)

    counted = COUNTS.take()
    COUNTS.give_back(counted)
    labels = {"provider": "scripted", "model": "a model of this test", "call": "extract"}
    assert counted["ingestio_model_calls_total", written(labels | {"ended": "ok"})] == 1
    assert counted["ingestio_model_calls_total", written(labels | {"ended": "model_blocked"})] == 1
    assert counted["ingestio_model_tokens_total", written(labels | {"direction": "input"})] == 11
    assert counted["ingestio_model_tokens_total", written(labels | {"direction": "output"})] == 7
