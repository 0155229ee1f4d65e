"""A second run of a document's workflow after its end changes nothing: no row, no ledger, no counter (R66)."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import WorkflowExecutionStatus

from ingestio.db.session import service_session
from ingestio.domain.fields import Extraction
from ingestio.domain.messages import DocumentInput
from ingestio.errors import DocumentFailed, FailureCode
from ingestio.extraction.base import ExtractRequest
from ingestio.services import controls
from ingestio.services.documents import cancel_lone
from tests.workflows.conftest import House
from tests.workflows.lone import in_order, lone, run_lone
from tests.workflows.scripted import Gate
from workflows import client as workflows

TABLES = ("extraction_batches", "documents", "extraction_jobs", "page_ledger", "user_usage", "extracted_data")


def everything(house: House) -> dict[str, list[dict[str, Any]]]:
    """Every row as it is, times included: an update that changes nothing would move them."""
    return {table: house.all(f"SELECT * FROM {table} ORDER BY id") for table in TABLES}


async def _fail(_request: ExtractRequest, _call: int) -> Extraction:
    raise DocumentFailed(FailureCode.NO_TEXT)


async def start_again(house: House, document_id: UUID, batch_id: UUID | None) -> dict[str, Any]:
    """Start the same attempt once more, as an old worker or a hand in the Temporal UI would, and wait for its end."""
    job = house.one("SELECT id FROM extraction_jobs WHERE document_id = %s", document_id)
    handle = house.client.get_workflow_handle(f"document/{document_id}/1")
    first = (await handle.describe()).run_id
    request = DocumentInput(
        str(job["id"]), str(document_id), house.user_id, 1, batch_id=None if batch_id is None else str(batch_id)
    )
    await workflows.ensure_document(house.client, request)
    outcome: dict[str, Any] = await house.client.get_workflow_handle(f"document/{document_id}/1").result()
    assert (await handle.describe()).run_id != first, "no second run was made"
    return outcome


async def first_run_ended(house: House, document_id: UUID) -> None:
    """A batch that is cancelled does not wait for its documents' runs to end, and one that is open is never started again."""
    handle = house.client.get_workflow_handle(f"document/{document_id}/1")
    async with asyncio.timeout(60):
        while (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
async def test_a_late_duplicate_in_a_batch_changes_nothing(house: House, gate: Gate, end: str) -> None:
    house.provider.plays["bad"] = _fail
    name = {"completed": "good", "failed": "bad", "cancelled": "slow"}[end]
    batch_id = await house.submit([name, "other"], pages=2)
    if end == "cancelled":
        await gate.reached.wait()
        async with service_session(house.deps.engine) as session:
            await controls.request_cancel(session, house.user_id, batch_id)
        await workflows.nudge_batch(house.client, str(batch_id))
    await house.finished(batch_id)
    document_id = house.documents(batch_id)[0]["id"]
    await first_run_ended(house, document_id)
    assert house.documents(batch_id)[0]["status"] == end
    before, calls = everything(house), house.provider.calls[name]

    outcome = await start_again(house, document_id, batch_id)

    assert outcome["status"] == end
    assert everything(house) == before
    assert house.provider.calls[name] == calls
    await in_order(house)


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
async def test_a_late_duplicate_of_a_lone_document_changes_nothing(house: House, gate: Gate, end: str) -> None:
    house.provider.plays["bad"] = _fail
    name = {"completed": "good", "failed": "bad", "cancelled": "slow"}[end]
    document_id, job = await lone(house, name, pages=2)
    await run_lone(house, document_id, job)
    if end == "cancelled":
        await gate.reached.wait()
        async with service_session(house.deps.engine) as session:
            await cancel_lone(session, house.user_id, document_id)
        await workflows.cancel_document(house.client, str(document_id), 1)
    await house.client.get_workflow_handle(f"document/{document_id}/1").result()
    assert house.one("SELECT status FROM documents")["status"] == end
    before, calls = everything(house), house.provider.calls[name]

    outcome = await start_again(house, document_id, None)

    assert outcome["status"] == end
    assert everything(house) == before
    assert house.provider.calls[name] == calls
    await in_order(house)
