"""The SDK's sandbox for our workflows, entered once for each of a run's tasks instead of once more for every payload.

The SDK asks a run, several times for each payload, in which context a codec would encode it and where it would be stored, and enters the
sandbox for the answer: measured, a seventh of a worker's CPU. Our clients have no codec and no payload storage, so nobody reads the answer;
it is given outside.
"""

from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import DataConverter, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info


def sandbox(converter: DataConverter, *passed_through: str) -> WorkflowRunner:
    """How a worker with this converter runs workflows; `passed_through` are further modules that workflows share with the worker."""
    # Re-importing our own pure modules for every run costs 8 ms of CPU a document and protects from nothing.
    restrictions = SandboxRestrictions.default.with_passthrough_modules("ingestio", "workflows", *passed_through)
    runner = SandboxedWorkflowRunner(restrictions=restrictions)
    encodes = converter.payload_codec is not None or converter.external_storage is not None
    return runner if encodes else _PlainPayloads(runner)


class _PlainPayloads(WorkflowRunner):
    """Runs what another runner runs, and says about payloads that they have no context."""

    def __init__(self, runner: WorkflowRunner) -> None:
        self._runner = runner

    def prepare_workflow(self, defn: Any) -> None:
        self._runner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Run(self._runner.create_instance(det))

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        self._runner.set_worker_level_failure_exception_types(types)


class _Run(WorkflowInstance):
    def __init__(self, run: WorkflowInstance) -> None:
        self._run = run

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return self._run.activate(act)

    def get_serialization_context(self, command_info: Any) -> None:  # noqa: ARG002 - the SDK's signature
        return None

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:  # noqa: ARG002
        return StorageDriverStoreContext(target=None)

    def get_info(self) -> Info:
        return self._run.get_info()

    def get_thread_id(self) -> int | None:
        return self._run.get_thread_id()
