"""The bulk lane: read once and for its own price, found again after a crash, left at the deadline, and ended with the document."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from ingestio.config import Settings
from ingestio.db.session import service_session
from ingestio.domain.prices import Prices
from ingestio.extraction.gemini import GeminiProvider
from ingestio.services.documents import QueuedJob, extract_lone, register_lone
from ingestio.storage.objects import open_store
from tests.extraction import gemini_replies as replies
from tests.extraction.conftest import INVOICE_LINES, MODES, pdf
from tests.extraction.gemini_stand_in import GeminiStandIn
from tests.extraction.test_gemini_misbehaviour import GOOD, PROMPT
from tests.extraction.vertex_batches import BUCKET, VertexBatches
from tests.workflows.conftest import House
from tests.workflows.lone import in_order, run_lone
from tests.workflows.recordings import replay_and_record
from worker import build
from workflows import client as workflows

pytestmark = pytest.mark.usefixtures("bounded_pool")

LIVE, BULK = "0.0002074", "0.0001037"
UNMET = [{"code": "lane_not_available", "lane": "bulk"}]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _server() -> AsyncIterator[GeminiStandIn]:
    async with GeminiStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def gemini(_server: GeminiStandIn) -> GeminiStandIn:
    _server.reset()
    _server.values = GOOD
    return _server


@pytest.fixture
def batches(gemini: GeminiStandIn) -> VertexBatches:
    gemini.beside = batches = VertexBatches(gemini)
    return batches


@pytest_asyncio.fixture(loop_scope="session")
async def provider(gemini: GeminiStandIn) -> AsyncIterator[GeminiProvider]:
    prices = Prices(Decimal("0.30"), Decimal("2.50"), bulk=Prices(Decimal("0.15"), Decimal("1.25")))
    provider = GeminiProvider(
        model="gemini-2.5-flash", base_url=gemini.url, prices={"gemini-2.5-flash": prices}, **MODES["vertex"]
    )
    yield provider
    await provider.close()


@pytest.fixture
def settings() -> Settings:
    return Settings.load(
        INGESTIO_STORAGE_URL=f"gs://{BUCKET}/kept", INGESTIO_BULK_POLL_SECONDS=0.05, INGESTIO_BULK_DEADLINE_SECONDS=600
    )


@pytest_asyncio.fixture(loop_scope="session")
async def bulk_house(
    unmanned: House, batches: VertexBatches, settings: Settings, tmp_path: Path
) -> AsyncIterator[House]:
    """A house whose files lie in a bucket, with a worker."""
    options = {"base_url": batches.gemini.url, "bearer_token": "any"}
    store = open_store(settings.resolved_storage_url, scratch=tmp_path / "scratch", options=options)
    house = dataclasses.replace(unmanned, deps=dataclasses.replace(unmanned.deps, store=store))
    async with AsyncExitStack() as stack:
        for worker in build(house.client, house.deps, tagged=house.tagged):
            await stack.enter_async_context(worker)
        yield house


async def begin(house: House, **options: Any) -> tuple[UUID, QueuedJob]:
    received = await house.store("invoice", 1, 0, None, pdf(INVOICE_LINES))
    document_id, deps = UUID(received.document_id), house.deps
    async with service_session(deps.engine) as session:
        await register_lone(session, house.user_id, received)
        job = await extract_lone(
            session,
            house.user_id,
            document_id,
            prompt=PROMPT,
            options={"lane": "bulk", "reuse": False, **options},
            book=deps.book,
            now=deps.clock(),
        )
    await run_lone(house, document_id, job)
    return document_id, job


async def read(house: House) -> dict[str, Any]:
    """The result of one document that was meant for the bulk lane; whatever happened, the books are in order."""
    document_id, job = await begin(house)
    await house.client.get_workflow_handle(f"document/{document_id}/{job.attempt}").result()
    await in_order(house)
    assert house.usage() == (1, 0)
    result = house.one("SELECT data, flags, estimated_cost::text AS cost FROM extracted_data")
    assert result["data"] == GOOD
    return result


def left_behind(batches: VertexBatches) -> list[str]:
    return [name for name in batches.objects if "/bulk/" in name]


async def test_a_document_is_read_in_the_bulk_lane_as_it_would_be_live(
    bulk_house: House, batches: VertexBatches, gemini: GeminiStandIn
) -> None:
    batches.states.extend(["JOB_STATE_QUEUED", "JOB_STATE_RUNNING"])
    result = await read(bulk_house)

    assert (result["flags"], result["cost"]) == ([], BULK)
    assert gemini.calls == 0
    (job,) = batches.jobs
    assert (job["model"], job["state"]) == ("publishers/google/models/gemini-2.5-flash", "JOB_STATE_SUCCEEDED")
    assert left_behind(batches) == []
    (row,) = bulk_house.all("SELECT document_id, attempt FROM extraction_jobs")
    await replay_and_record(bulk_house, "document-in-bulk", f"document/{row['document_id']}/{row['attempt']}")


async def test_what_is_sent_is_the_live_request_but_for_the_file(
    bulk_house: House, batches: VertexBatches, gemini: GeminiStandIn
) -> None:
    batches.answers.append({"status": "Internal error", "response": {}})
    assert (await read(bulk_house))["flags"] == UNMET

    (live,) = (request.json for request in gemini.generated)
    (bulk,) = batches.requests
    (file, *_), (inline, *_) = bulk["contents"][0]["parts"], live["contents"][0]["parts"]
    assert file["fileData"]["mimeType"] == "application/pdf"
    assert "application/pdf" in inline["inlineData"].values()
    live["contents"][0]["parts"][0] = file
    assert bulk == live


async def test_a_worker_that_loses_the_answer_to_its_sending_finds_the_job_again(
    bulk_house: House, batches: VertexBatches, gemini: GeminiStandIn
) -> None:
    batches.lost = 1
    assert (await read(bulk_house))["flags"] == []
    assert (len(batches.jobs), gemini.calls) == (1, 0)


@pytest.mark.parametrize(
    ("answer", "cost"),
    [
        ({"status": "", "response": json.loads(replies.generated("not JSON").body)}, "0.0003111"),
        ({"status": "", "response": json.loads(replies.truncated().body)}, "0.0003111"),
        ({"status": "Internal error", "response": {}}, LIVE),
        ({"status": "", "response": {"candidates": "of another kind"}}, LIVE),
    ],
    ids=["no JSON", "cut off", "an error", "another shape"],
)
async def test_what_the_lane_cannot_read_is_read_live_and_both_are_paid(
    bulk_house: House, batches: VertexBatches, gemini: GeminiStandIn, answer: dict[str, Any], cost: str
) -> None:
    batches.answers.append(answer)
    result = await read(bulk_house)

    assert (result["flags"], result["cost"]) == (UNMET, cost)
    assert (len(batches.jobs), gemini.calls) == (1, 1)
    assert left_behind(batches) == []


async def test_a_job_that_ends_otherwise_gives_way_to_the_live_lane(
    bulk_house: House, batches: VertexBatches, gemini: GeminiStandIn
) -> None:
    batches.states.append("JOB_STATE_EXPIRED")
    assert (await read(bulk_house))["flags"] == UNMET
    assert gemini.calls == 1


async def test_a_refused_job_gives_way_to_the_live_lane(
    bulk_house: House, batches: VertexBatches, gemini: GeminiStandIn
) -> None:
    batches.refusals.append(replies.problem(403, "PERMISSION_DENIED"))
    assert (await read(bulk_house))["flags"] == UNMET
    assert (batches.jobs, gemini.calls) == ([], 1)


class TestWithADeadline:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings.load(
            INGESTIO_STORAGE_URL=f"gs://{BUCKET}/kept",
            INGESTIO_BULK_POLL_SECONDS=0.05,
            INGESTIO_BULK_DEADLINE_SECONDS=0.2,
        )

    async def test_what_is_not_read_by_then_is_cancelled_and_read_live(
        self, bulk_house: House, batches: VertexBatches, gemini: GeminiStandIn
    ) -> None:
        batches.states.extend(["JOB_STATE_RUNNING"] * 100)
        assert (await read(bulk_house))["flags"] == UNMET
        (job,) = batches.jobs
        assert (job["state"], gemini.calls) == ("JOB_STATE_CANCELLED", 1)
        assert left_behind(batches) == []


async def test_cancelling_the_document_cancels_its_job(
    bulk_house: House, batches: VertexBatches, gemini: GeminiStandIn
) -> None:
    batches.states.extend(["JOB_STATE_RUNNING"] * 100_000)
    document_id, job = await begin(bulk_house)
    while not batches.jobs:
        await asyncio.sleep(0.01)
    await workflows.cancel_document(bulk_house.client, str(document_id), job.attempt)
    await bulk_house.client.get_workflow_handle(f"document/{document_id}/{job.attempt}").result()

    (sent,) = batches.jobs
    assert sent["state"] == "JOB_STATE_CANCELLED"
    assert left_behind(batches) == []
    assert bulk_house.one("SELECT status::text FROM documents WHERE id = %s", document_id)["status"] == "cancelled"
    assert (bulk_house.usage(), gemini.calls) == ((0, 0), 0)
    await in_order(bulk_house)
