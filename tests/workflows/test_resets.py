"""What an operator does to a run by hand - reset it, end it by force - charges nothing twice and overwrites no end.

Resets are made with the `temporal` command as docs/operating.md shows it.
"""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from ingestio.domain.fields import Extraction
from ingestio.embedded.temporal import temporal_program
from ingestio.errors import DocumentFailed, FailureCode
from ingestio.extraction.base import ExtractRequest
from tests.workflows.conftest import House
from tests.workflows.scripted import answer

FIRST, LAST = "FirstWorkflowTask", "LastWorkflowTask"


async def reset(house: House, workflow_id: str, point: str) -> None:
    """`temporal workflow reset`: a new run that goes on from an earlier point of the old one's history."""
    process = await asyncio.create_subprocess_exec(
        *(str(temporal_program()), "workflow", "reset", "--disable-config-file"),
        *("--address", house.client.service_client.config.target_host),
        *("--workflow-id", workflow_id, "--type", point, "--reason", "test"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


def facts(house: House, batch_id: UUID) -> tuple[Any, ...]:
    ledger = house.all("SELECT job_id, state, pages FROM page_ledger WHERE user_id = %s ORDER BY job_id", house.user_id)
    return house.batch(batch_id), house.documents(batch_id), ledger, house.usage()


async def fail(_request: ExtractRequest, _call: int) -> Extraction:
    raise DocumentFailed(FailureCode.NO_TEXT)


@pytest.mark.parametrize("point", [FIRST, LAST])
@pytest.mark.parametrize("kind", ["batch", "completed document", "failed document"])
async def test_a_reset_of_a_run_that_ended_changes_no_fact(house: House, kind: str, point: str) -> None:
    house.provider.plays["bad"] = fail
    batch_id = await house.submit(["good", "bad"], pages=4)
    await house.finished(batch_id)
    good, bad = (f"document/{row['id']}/1" for row in house.documents(batch_id))
    before, calls = facts(house, batch_id), dict(house.provider.calls)

    workflow_id = {"batch": f"batch/{batch_id}", "completed document": good, "failed document": bad}[kind]
    await reset(house, workflow_id, point)
    outcome = await asyncio.wait_for(house.client.get_workflow_handle(workflow_id).result(), 60)

    assert outcome["status"] == {good: "completed", bad: "failed"}.get(workflow_id, "partially_completed")
    assert facts(house, batch_id) == before
    assert house.provider.calls == calls


@pytest.mark.parametrize("kind", ["batch", "document"])
@pytest.mark.parametrize("point", [FIRST, LAST])
async def test_a_reset_in_the_middle_of_the_work_charges_each_page_once(house: House, kind: str, point: str) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def wait(_request: ExtractRequest, _call: int) -> Extraction:
        begun.set()
        await go.wait()
        return answer()

    house.provider.plays["slow"] = wait
    batch_id = await house.submit(["slow", "other"], pages=3)
    await begun.wait()
    document = f"document/{house.documents(batch_id)[0]['id']}/1"

    await reset(house, f"batch/{batch_id}" if kind == "batch" else document, point)
    go.set()
    batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["completed_count"]) == ("completed", 2)
    assert house.usage() == (6, 0)
    assert house.provider.calls["other"] == 1
