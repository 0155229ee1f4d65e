"""Runs that older code began must go on under newer code: recorded histories are replayed against today's workflows.

A history that no longer replays means that a running batch would stop dead after an upgrade: change the workflow through
`workflow.patched` instead, and record a history of the new way beside the old one; docs/operating.md has the rule. To record:
`RECORD_HISTORIES=0003 pytest tests/workflows/test_replay.py` writes `histories/0003-*.json`, one for every kind of run.
"""

import asyncio
import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from temporalio.workflow import NondeterminismError

from ingestio.config import Settings
from ingestio.db.session import service_session
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.fields import Extraction
from ingestio.domain.messages import BatchInput, DocumentInput
from ingestio.errors import DocumentFailed, FailureCode
from ingestio.extraction.base import ExtractRequest
from ingestio.services import controls
from ingestio.services.documents import extract_lone, register_lone
from tests.workflows.conftest import House
from tests.workflows.incompatible import BatchThatWaitsFirst, DocumentThatWaitsFirst
from tests.workflows.recordings import HISTORIES, KINDS, recorded, replay_and_record, replayer
from tests.workflows.scripted import answer
from worker import WORKFLOWS
from workflows import client as workflows
from workflows import names
from workflows.upkeep import UpkeepWorkflow

RECORDINGS = sorted(HISTORIES.glob("*.json"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
async def test_a_recorded_run_replays(path: Path) -> None:
    await replayer().replay_workflow(recorded(path))


def test_every_kind_of_run_of_every_workflow_is_recorded() -> None:
    assert {path.stem.split("-", 1)[1] for path in RECORDINGS} >= KINDS
    begun = {
        json.loads(path.read_text())["history"]["events"][0]["workflowExecutionStartedEventAttributes"]["workflowType"][
            "name"
        ]
        for path in RECORDINGS
    }
    assert begun == {workflow.__name__ for workflow in WORKFLOWS}


@pytest.mark.parametrize(
    "path",
    [path for path in RECORDINGS if "-batch" in path.stem or "-document" in path.stem],
    ids=lambda path: path.stem,
)
async def test_a_change_that_running_batches_would_not_survive_is_caught(path: Path) -> None:
    with pytest.raises(NondeterminismError):
        await replayer((BatchThatWaitsFirst, DocumentThatWaitsFirst)).replay_workflow(recorded(path))


class Held:
    """Holds a document until it is let go."""

    def __init__(self) -> None:
        self.begun, self._go = asyncio.Event(), asyncio.Event()

    async def __call__(self, _request: ExtractRequest, _call: int) -> Extraction:
        self.begun.set()
        await self._go.wait()
        return answer()

    def let_go(self) -> None:
        self._go.set()


async def fail(_request: ExtractRequest, _call: int) -> Extraction:
    raise DocumentFailed(FailureCode.NO_TEXT)


def document(house: House, batch_id: UUID, position: int, attempt: int = 1) -> str:
    return names.document_workflow_id(str(house.documents(batch_id)[position]["id"]), attempt)


async def test_a_batch_that_recognises_its_documents_and_fails_one(house: House) -> None:
    house.provider.plays["blank"] = fail
    batch_id = await house.submit(["a receipt", "blank"], strategy=PromptStrategy.AUTO, prompt=None)
    await house.finished(batch_id)

    await replay_and_record(house, "batch-auto", f"batch/{batch_id}")
    await replay_and_record(house, "document-classified", document(house, batch_id, 0))
    await replay_and_record(house, "document-failed", document(house, batch_id, 1))


async def test_a_batch_that_is_cancelled(house: House) -> None:
    house.provider.plays["slow"] = slow = Held()
    batch_id = await house.submit(["slow"])
    await slow.begun.wait()
    async with service_session(house.deps.engine) as session:
        await controls.request_cancel(session, house.user_id, batch_id)
    await workflows.nudge_batch(house.client, str(batch_id))
    await house.finished(batch_id)

    await replay_and_record(house, "batch-cancelled", f"batch/{batch_id}")
    await replay_and_record(house, "document-cancelled", document(house, batch_id, 0))


async def test_a_batch_that_is_paused_and_resumed(house: House) -> None:
    batch_id = await house.accept(["one", "two"])
    for paused in (True, False):
        async with service_session(house.deps.engine) as session:
            await controls.set_paused(session, house.user_id, batch_id, paused=paused)
        if paused:
            await house.start(batch_id)
            async with asyncio.timeout(60):
                while (
                    progress := await workflows.ask_progress(house.client, str(batch_id))
                ) is None or not progress.paused:
                    await asyncio.sleep(0.05)
    await workflows.nudge_batch(house.client, str(batch_id))
    await house.finished(batch_id)

    await replay_and_record(house, "batch-paused", f"batch/{batch_id}")


async def test_a_batch_that_continues_as_new_while_a_document_runs(house: House) -> None:
    house.provider.plays["slow"] = slow = Held()
    batch_id = await house.accept(["slow", "one", "two"])
    await workflows.start_batch(
        house.client, BatchInput(str(batch_id), house.user_id, "growth", tagged=house.tagged, documents_per_run=2)
    )
    handle = house.client.get_workflow_handle(f"batch/{batch_id}")
    first = (await handle.describe()).raw_description.workflow_execution_info.first_run_id
    async with asyncio.timeout(60):
        while house.batch(batch_id)["completed_count"] < 2 or (await handle.describe()).run_id == first:
            await asyncio.sleep(0.05)
    slow.let_go()
    await house.finished(batch_id)

    await replay_and_record(house, "batch-continued", f"batch/{batch_id}", first)
    await replay_and_record(house, "batch-adopting", f"batch/{batch_id}")
    await replay_and_record(house, "document-handed-over", document(house, batch_id, 0))


async def test_a_lone_document(house: House) -> None:
    file = await house.store("alone", 2, 0, None)
    now = house.deps.clock()
    async with service_session(house.deps.engine) as session:
        document_id, _ = await register_lone(session, house.user_id, file)
        job = await extract_lone(
            session, house.user_id, document_id, prompt="Extract the total", options={}, book=house.deps.book, now=now
        )
    request = DocumentInput(
        str(job.job_id), str(document_id), house.user_id, job.attempt, plan="growth", tagged=house.tagged
    )
    await workflows.ensure_document(house.client, request)
    workflow_id = names.document_workflow_id(str(document_id), job.attempt)
    assert (await house.client.get_workflow_handle(workflow_id).result())["status"] == "completed"

    await replay_and_record(house, "document-lone", workflow_id)


async def test_upkeep(house: House) -> None:
    workflow_id = f"upkeep/{uuid4()}"
    await house.client.execute_workflow(UpkeepWorkflow.run, id=workflow_id, task_queue=names.ORCHESTRATION_QUEUE)

    await replay_and_record(house, "upkeep", workflow_id)


class TestAPlanOfFourPages:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings.load(INGESTIO_PLANS='{"growth": {"pages": 4}}')

    async def test_a_retry_whose_pages_were_used_meanwhile(self, house: House) -> None:
        house.provider.plays["blank"] = fail
        batch_id = await house.submit(["blank"], pages=3)
        await house.finished(batch_id)
        await house.finished(await house.submit(["other"], pages=3))
        async with service_session(house.deps.engine) as session:
            await controls.retry_batch(session, house.user_id, batch_id, None)
        await house.start(batch_id)
        await house.finished(batch_id)
        assert house.documents(batch_id)[0]["error_code"] == "quota_exceeded"

        await replay_and_record(house, "batch-retried", f"batch/{batch_id}")
        await replay_and_record(house, "document-refused", document(house, batch_id, 0, attempt=2))
