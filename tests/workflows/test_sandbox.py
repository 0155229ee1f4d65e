"""The sandbox is around every run, and what is not encoded needs no context."""

import dataclasses
from collections.abc import Sequence
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowFailureError
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import RestrictedWorkflowAccessError, SandboxedWorkflowRunner

from tests.workflows.untidy import UntidyWorkflow
from workflows.sandbox import sandbox


class Codec(PayloadCodec):
    """Encodes nothing, but is there."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)


async def test_a_workflow_that_is_not_deterministic_is_stopped(temporal: Client) -> None:
    queue = f"untidy-{uuid4()}"
    async with Worker(
        temporal,
        task_queue=queue,
        workflows=[UntidyWorkflow],
        workflow_runner=sandbox(temporal.data_converter),
        workflow_failure_exception_types=[RestrictedWorkflowAccessError],
    ):
        with pytest.raises(WorkflowFailureError) as caught:
            await temporal.execute_workflow(UntidyWorkflow.run, id=queue, task_queue=queue)

    assert "time.time" in str(caught.value.cause)


def test_a_codec_gets_the_context_that_the_sdk_gives_it() -> None:
    with_codec = dataclasses.replace(DataConverter.default, payload_codec=Codec())

    assert isinstance(sandbox(with_codec), SandboxedWorkflowRunner)
    assert not isinstance(sandbox(DataConverter.default), SandboxedWorkflowRunner)
