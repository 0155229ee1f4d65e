"""Exports as runs: made once whatever becomes of a run, stopped when nobody wants them, and each end has its reason."""

import asyncio
import json
import tracemalloc
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from activities.exports import ExportActivities
from ingestio.db.session import service_session
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.exports import PLAIN, ExportFormat, ExportLayout
from ingestio.domain.findings import FindingKind
from ingestio.domain.messages import ExportInput
from ingestio.services import exports
from ingestio.storage.keys import export_key
from tests.workflows.conftest import House
from tests.workflows.recordings import replay_and_record
from tests.workflows.test_upkeep import NO_GRACE, kinds, upkeep
from workflows import client as workflows
from workflows import names


async def order(
    house: House,
    document_ids: Sequence[UUID] = (),
    *,
    batch_id: UUID | None = None,
    export_format: ExportFormat = ExportFormat.JSON,
    layout: ExportLayout = PLAIN,
) -> UUID:
    """Commit an export without starting it, as a front door that was killed right after."""
    async with service_session(house.deps.engine) as session:
        export_id, _ = await exports.order_export(
            session,
            house.user_id,
            uuid4(),
            batch_id=batch_id,
            document_ids=document_ids,
            export_format=export_format,
            layout=layout,
        )
    return export_id


async def start(house: House, export_id: UUID) -> None:
    await workflows.ensure_export(
        house.client, ExportInput(str(export_id), house.user_id, "growth", tagged=house.tagged)
    )


async def ended(house: House, export_id: UUID) -> dict[str, Any]:
    """Wait for the run's end and answer the export's row."""
    await asyncio.wait_for(house.client.get_workflow_handle(names.export_workflow_id(str(export_id))).result(), 60)
    return row(house, export_id)


def row(house: House, export_id: UUID) -> dict[str, Any]:
    return house.one("SELECT * FROM exports WHERE id = %s", export_id)


async def content(house: House, export_id: UUID) -> list[dict[str, Any]]:
    stored = await house.deps.store.get_bytes(export_key(house.user_id, export_id), house.user_id)
    found: list[dict[str, Any]] = json.loads(stored)
    return found


async def stored(house: House) -> set[str]:
    return {each.key async for each in house.deps.store.list(f"{house.user_id}/exports")}


async def test_an_export_that_was_committed_and_not_started_is_made(house: House) -> None:
    batch_id = await house.submit(["one", "two"])
    await house.finished(batch_id)
    export_id = await order(house, batch_id=batch_id)
    assert await kinds(house) == [FindingKind.EXPORT_WITHOUT_RUN]

    assert await upkeep(house).make_round(NO_GRACE) >= 1

    made = await ended(house, export_id)
    assert (made["status"], made["documents_written"]) == ("completed", 2)
    assert [item["data"] for item in await content(house, export_id)] == [{"invoice_number": "INV-1"}] * 2
    assert made["size_bytes"] == await house.deps.store.size(made["file_path"], house.user_id)
    assert await kinds(house) == []
    await replay_and_record(house, "export", names.export_workflow_id(str(export_id)))


async def test_an_export_whose_run_was_terminated_is_made_once_more(unmanned: House) -> None:
    house = unmanned
    batch_id = await house.accept(["one"])
    export_id = await order(house, [house.documents(batch_id)[0]["id"]])
    await start(house, export_id)
    await house.client.get_workflow_handle(names.export_workflow_id(str(export_id))).terminate("by hand")

    assert await upkeep(house).make_round(NO_GRACE) >= 1

    # No worker runs, so the new run is open; what it will do has been half done by one that died.
    activities = ExportActivities(house.deps)
    for _ in range(2):
        outcome = await activities.write(house.user_id, export_id)
        assert outcome.status is ExtractionStatus.COMPLETED
    assert len(await stored(house)) == 1
    await house.client.get_workflow_handle(names.export_workflow_id(str(export_id))).terminate("the test ends")


async def test_a_run_that_is_cancelled_by_hand_ends_its_export(unmanned: House) -> None:
    house = unmanned
    batch_id = await house.accept(["one"])
    export_id = await order(house, [house.documents(batch_id)[0]["id"]])
    await start(house, export_id)
    await workflows.cancel_export(house.client, str(export_id))
    await _with_worker(house)

    cancelled = await ended(house, export_id)

    assert (cancelled["status"], cancelled["error_code"]) == ("cancelled", "cancelled")
    assert await stored(house) == set()


async def _with_worker(house: House) -> None:
    """Let a worker do what there is to do, and stop it."""
    from worker import build

    workers = build(house.client, house.deps, tagged=house.tagged)
    running = [asyncio.create_task(each.run()) for each in workers]
    async with asyncio.timeout(60):
        while house.all("SELECT id FROM exports WHERE status IN ('queued', 'processing')"):
            await asyncio.sleep(0.05)
    await asyncio.gather(*(each.shutdown() for each in workers), *running)


async def test_an_export_that_is_deleted_while_it_is_written_leaves_nothing(house: House) -> None:
    batch_id = await house.submit(["one", "two"])
    await house.finished(batch_id)
    export_id = await order(house, batch_id=batch_id)
    async with service_session(house.deps.engine) as session:
        await exports.delete_export(session, house.user_id, export_id)

    outcome = await ExportActivities(house.deps).write(house.user_id, export_id)

    assert outcome.status is ExtractionStatus.CANCELLED
    assert await stored(house) == set()


async def test_what_fits_no_sheet_fails_with_its_reason(house: House) -> None:
    batch_id = await house.submit(["one"])
    await house.finished(batch_id)
    wide = {f"field {number}": "x" for number in range(16_384)}
    house.superuser.execute("UPDATE extracted_data SET data = %s, fields = '[]'", [Jsonb(wide)])
    export_id = await order(house, batch_id=batch_id, export_format=ExportFormat.XLSX)
    await start(house, export_id)

    failed = await ended(house, export_id)

    assert (failed["status"], failed["error_code"]) == ("failed", "too_large_for_format")
    assert await stored(house) == set()
    await replay_and_record(house, "export-failed", names.export_workflow_id(str(export_id)))


# JSON lines pass by row by row, a workbook grows on disk; CSV and JSON are written as lines are.
@pytest.mark.parametrize("export_format", [ExportFormat.JSONL, ExportFormat.XLSX])
async def test_many_results_need_no_more_memory_than_few(house: House, export_format: ExportFormat) -> None:
    """Each result here is 100 kB, so 300 of them held at once would be 30 MB and more."""
    batch_id = await house.submit(["one"])
    await house.finished(batch_id)
    long = {f"note {number}": "x" * 1000 for number in range(100)}
    house.superuser.execute("UPDATE extracted_data SET data = %s, fields = '[]'", [Jsonb(long)])
    (first,) = house.documents(batch_id)
    house.superuser.execute(
        "INSERT INTO documents (user_id, original_filename, storage_path, mime_type, file_size, sha256, page_count, status) "
        "SELECT user_id, original_filename, storage_path, mime_type, file_size, sha256, 1, 'completed' "
        "FROM documents, generate_series(1, 300) WHERE id = %s",
        [first["id"]],
    )
    house.superuser.execute(
        "INSERT INTO extracted_data (user_id, document_id, data, document_type, provider, model, pages) "
        "SELECT d.user_id, d.id, e.data, e.document_type, e.provider, e.model, 1 FROM extracted_data e, documents d "
        "WHERE d.id <> %s AND e.document_id = %s",
        [first["id"], first["id"]],
    )
    ids = [each["id"] for each in house.all("SELECT id FROM documents")]
    export_id = await order(house, ids, export_format=export_format)
    tracemalloc.start()
    try:
        outcome = await ExportActivities(house.deps).write(house.user_id, export_id)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (outcome.status, outcome.documents) == (ExtractionStatus.COMPLETED, 301)
    assert outcome.size_bytes > 100_000
    assert peak < 25_000_000, f"{peak:,} bytes"
