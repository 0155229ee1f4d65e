"""Runs that older code began must go on under newer code: recorded histories are replayed against today's workflows.

A history that no longer replays means that a running batch would stop dead after an upgrade: change the workflow through
`workflow.patched` instead, and record a history of the new way beside the old one. To record: `RECORD_HISTORIES=name pytest
tests/workflows/test_replay.py -k record` writes `histories/<name>-*.json` of one run with every kind of end.
"""

import asyncio
import json
import os
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from ingestio.db.session import service_session
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.fields import Extraction
from ingestio.errors import DocumentFailed, FailureCode
from ingestio.extraction.base import ExtractRequest
from ingestio.services import controls
from tests.workflows.conftest import House
from tests.workflows.scripted import answer
from workflows import client as workflows
from workflows.batches import BatchWorkflow
from workflows.documents import DocumentWorkflow
from workflows.upkeep import UpkeepWorkflow

HISTORIES = Path(__file__).parent / "histories"


def _replayer() -> Replayer:
    restrictions = SandboxRestrictions.default.with_passthrough_modules("ingestio", "workflows")
    return Replayer(
        workflows=[BatchWorkflow, DocumentWorkflow, UpkeepWorkflow],
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
    )


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
async def test_a_recorded_run_replays(path: Path) -> None:
    recorded = json.loads(path.read_text())
    await _replayer().replay_workflow(WorkflowHistory.from_json(recorded["workflow_id"], recorded["history"]))


def test_there_is_a_recorded_run_of_each_kind() -> None:
    kinds = {path.stem.split("-", 1)[1] for path in HISTORIES.glob("*.json")}
    assert {"batch-auto", "batch-cancelled", "document-classified", "document-failed", "document-cancelled"} <= kinds


async def test_todays_runs_replay_and_can_be_recorded(house: House) -> None:
    begun = asyncio.Event()

    async def fail(_request: ExtractRequest, _call: int) -> Extraction:
        raise DocumentFailed(FailureCode.NO_TEXT)

    async def hang(_request: ExtractRequest, _call: int) -> Extraction:
        begun.set()
        await asyncio.sleep(600)
        return answer()

    house.provider.plays.update({"blank": fail, "slow": hang})
    mixed = await house.submit(["a receipt", "blank"], strategy=PromptStrategy.AUTO, prompt=None)
    await house.finished(mixed)
    stopped = await house.submit(["slow"])
    await begun.wait()
    async with service_session(house.deps.engine) as session:
        await controls.request_cancel(session, house.user_id, stopped)
    await workflows.cancel_batch(house.client, str(stopped))
    await house.finished(stopped)

    runs = {
        "batch-auto": f"batch/{mixed}",
        "batch-cancelled": f"batch/{stopped}",
        "document-classified": f"document/{house.documents(mixed)[0]['id']}/1",
        "document-failed": f"document/{house.documents(mixed)[1]['id']}/1",
        "document-cancelled": f"document/{house.documents(stopped)[0]['id']}/1",
    }
    for kind, workflow_id in runs.items():
        history = await house.client.get_workflow_handle(workflow_id).fetch_history()
        await _replayer().replay_workflow(history)
        if name := os.environ.get("RECORD_HISTORIES"):
            HISTORIES.mkdir(exist_ok=True)
            recorded = {"workflow_id": workflow_id, "history": history.to_json_dict()}
            # Failures carry stack traces, and those the place where the repository lies on this machine.
            text = json.dumps(recorded, indent=1).replace(f"{HISTORIES.parents[2]}/", "")
            (HISTORIES / f"{name}-{kind}.json").write_text(text + "\n")
