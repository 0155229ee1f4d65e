"""Recorded histories: where they are kept, what each must show, and how one is replayed and written."""

import json
import os
import re
from pathlib import Path

from temporalio.client import WorkflowHistory, WorkflowHistoryEventFilterType
from temporalio.converter import DataConverter
from temporalio.worker import Replayer

from tests.workflows.conftest import House
from worker import WORKFLOWS
from workflows.sandbox import sandbox

HISTORIES = Path(__file__).parent / "histories"
KINDS = {
    "account-erasure",
    "batch-adopting",  # begins with documents that the run before it had started
    "batch-auto",
    "batch-cancelled",
    "batch-continued",  # ends by continuing as new while a document runs
    "batch-paused",
    "batch-retried",
    "document-cancelled",
    "document-classified",
    "document-failed",
    "document-in-bulk",
    "document-in-parts",
    "document-repaired",  # its whole answer was cut off, so it was read in parts
    "document-handed-over",  # reports its end to a run that did not start it
    "document-lone",
    "document-refused",  # its pages were not to be had any more
    "delivery",
    "delivery-cancelled",
    "delivery-repeated",
    "export",
    "export-failed",
    "stripe-event",
    "stripe-event-left",  # Stripe did not answer for as long as it was asked, so upkeep has it
    "upkeep",
}


def replayer(workflows: tuple[type, ...] = WORKFLOWS) -> Replayer:
    """Runs histories through `workflows` without doing anything."""
    return Replayer(workflows=list(workflows), workflow_runner=sandbox(DataConverter.default, "tests"))


def recorded(path: Path) -> WorkflowHistory:
    content = json.loads(path.read_text())
    return WorkflowHistory.from_json(content["workflow_id"], content["history"])


async def replay_and_record(house: House, kind: str, workflow_id: str, run_id: str | None = None) -> None:
    """Replay a run that has just ended; with RECORD_HISTORIES=0002 in the environment, keep it as `0002-<kind>.json` too."""
    handle = house.client.get_workflow_handle(workflow_id, run_id=run_id)
    history = await handle.fetch_history(event_filter_type=WorkflowHistoryEventFilterType.ALL_EVENT)
    await replayer().replay_workflow(history)
    if name := os.environ.get("RECORD_HISTORIES"):
        text = json.dumps({"workflow_id": workflow_id, "history": history.to_json_dict()}, indent=1)
        # Failures carry stack traces, and those the place where the repository lies on this machine; workers sign with its name.
        text = text.replace(f"{HISTORIES.parents[2]}/", "")
        text = re.sub(r'"identity": "[^"]*"', '"identity": "worker"', text)
        (HISTORIES / f"{name}-{kind}.json").write_text(text + "\n")
