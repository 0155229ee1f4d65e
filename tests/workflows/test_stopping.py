"""A worker that stops hands back what it cannot finish: quickly, and never as a cancel."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from temporalio.worker import Worker

from ingestio.config import Settings
from ingestio.db.engine import create_engine
from ingestio.db.session import service_session
from ingestio.domain.fields import Extraction
from ingestio.embedded.temporal import TemporalServer
from ingestio.extraction.base import ExtractRequest
from ingestio.services import controls
from ingestio.temporal import connect, connect_patiently
from tests.api.wire import wire
from tests.conftest import Database
from tests.workflows.conftest import House
from tests.workflows.scripted import answer
from worker import build, serve
from workflows import client as workflows

DRAIN = timedelta(seconds=1)


@asynccontextmanager
async def manned(house: House) -> AsyncIterator[list[Worker]]:
    """The workers of one process, stopped as SIGTERM stops them."""
    workers = build(house.client, house.deps, tagged=house.tagged, drain=DRAIN)
    async with AsyncExitStack() as running:
        for each in workers:
            await running.enter_async_context(each)
        yield workers
        await asyncio.gather(*(each.shutdown() for each in workers))


async def hang(_request: ExtractRequest, _call: int) -> Extraction:
    await asyncio.sleep(600)
    return answer()


async def hang_once(_request: ExtractRequest, call: int) -> Extraction:
    if call == 1:
        await asyncio.sleep(600)
    return answer()


async def begun(house: House, name: str) -> None:
    async with asyncio.timeout(60):
        while not house.provider.calls[name]:
            await asyncio.sleep(0.05)


async def test_an_extraction_that_does_not_finish_is_repeated_elsewhere_within_seconds(unmanned: House) -> None:
    house = unmanned
    house.provider.plays["slow"] = hang_once
    async with manned(house):
        batch_id = await house.submit(["slow", "other"], pages=2)
        await begun(house, "slow")
    assert house.provider.running == 0

    async with manned(house):
        batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["completed_count"], batch["cancelled_count"]) == ("completed", 2, 0)
    assert house.usage() == (4, 0)
    assert house.provider.calls == {"slow": 2, "other": 1}
    # It was handed back: otherwise its first attempt would have ended only with the heartbeat timeout, seconds later.
    document_id = house.documents(batch_id)[0]["id"]
    history = await house.client.get_workflow_handle(f"document/{document_id}/1").fetch_history()
    (ended,) = (
        event.activity_task_started_event_attributes.last_failure
        for event in history.events
        if event.activity_task_started_event_attributes.attempt == 2
    )
    assert ended.HasField("application_failure_info"), ended


async def test_an_extraction_that_can_finish_does(unmanned: House) -> None:
    house = unmanned

    async def nearly_done(_request: ExtractRequest, _call: int) -> Extraction:
        await asyncio.sleep(0.3)
        return answer()

    house.provider.plays["slow"] = nearly_done
    async with manned(house):
        batch_id = await house.submit(["slow"])
        await begun(house, "slow")
    async with manned(house):
        batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert batch["status"] == "completed"
    assert house.provider.calls["slow"] == 1


async def test_a_database_step_that_hangs_is_repeated_elsewhere_and_ends_nothing(
    unmanned: House, superuser: psycopg.Connection[Any]
) -> None:
    house = unmanned
    batch_id = await house.accept(["one"])
    job_id = house.one("SELECT id FROM extraction_jobs WHERE batch_id = %s", batch_id)["id"]
    with superuser.transaction():
        superuser.execute("SELECT 1 FROM extraction_jobs WHERE id = %s FOR UPDATE", [job_id])
        async with manned(house):
            await house.start(batch_id)
            async with asyncio.timeout(60):
                while not await _somebody_waits(house):
                    await asyncio.sleep(0.05)
        job = house.one("SELECT status FROM extraction_jobs WHERE id = %s", job_id)
        assert job["status"] == "queued"

    async with manned(house):
        batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["completed_count"]) == ("completed", 1)
    assert house.usage() == (1, 0)


async def _somebody_waits(house: House) -> bool:
    rows = house.all("SELECT 1 AS one FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename <> current_user")
    return bool(rows)


async def test_a_cancel_during_the_drain_is_a_cancel(unmanned: House) -> None:
    house = unmanned
    house.provider.plays["slow"] = hang
    async with manned(house):
        batch_id = await house.submit(["slow"])
        await begun(house, "slow")
        async with service_session(house.deps.engine) as session:
            await controls.request_cancel(session, house.user_id, batch_id)
        await workflows.nudge_batch(house.client, str(batch_id))
    async with manned(house):
        batch = await asyncio.wait_for(house.finished(batch_id), 60)

    assert (batch["status"], batch["cancelled_count"]) == ("cancelled", 1)
    assert house.usage() == (0, 0)


@pytest.mark.parametrize("ailment", ["cut", "silence"])
async def test_a_worker_whose_temporal_is_away_neither_ends_nor_spins_and_goes_on_when_it_is_back(
    unmanned: House, temporal_server: TemporalServer, ailment: str
) -> None:
    house = unmanned
    async with wire(int(temporal_server.address.rpartition(":")[2])) as line:
        client = await connect(f"127.0.0.1:{line.port}", temporal_server.namespace)
        async with manned(replace(house, client=client)) as workers:
            before = await house.submit(["one"])
            assert (await house.finished(before))["status"] == "completed"
            getattr(line, ailment)()
            cpu, begin = time.process_time(), time.monotonic()
            after = await house.submit(["two"])
            await asyncio.sleep(6)
            assert all(each.is_running for each in workers)
            assert time.process_time() - cpu < 0.5 * (time.monotonic() - begin)
            line.mend()
            assert (await asyncio.wait_for(house.finished(after), 90))["status"] == "completed"


async def test_a_worker_waits_for_temporal_until_it_is_there_or_it_is_told_to_stop(
    temporal_server: TemporalServer,
) -> None:
    stop = asyncio.Event()
    async with wire(int(temporal_server.address.rpartition(":")[2])) as line:
        line.cut()
        waiting = asyncio.create_task(connect_patiently(f"127.0.0.1:{line.port}", temporal_server.namespace, stop))
        await asyncio.sleep(1)
        assert not waiting.done()
        line.mend()
        assert await asyncio.wait_for(waiting, 60) is not None

        line.cut()
        waiting = asyncio.create_task(connect_patiently(f"127.0.0.1:{line.port}", temporal_server.namespace, stop))
        await asyncio.sleep(0.5)
        stop.set()
        assert await asyncio.wait_for(waiting, 60) is None


async def test_a_worker_that_starts_without_a_database_works_when_it_is_back(
    unmanned: House, settings: Settings, temporal_server: TemporalServer, database: Database
) -> None:
    house = unmanned
    batch_id = await house.accept(["one"])
    await house.start(batch_id)
    parts = urlsplit(database.app_url)
    stop = asyncio.Event()
    async with wire(parts.port or 5432) as line:
        engine = create_engine(
            parts._replace(netloc=parts.netloc.rpartition("@")[0] + f"@127.0.0.1:{line.port}").geturl()
        )
        own = settings.model_copy(
            update={"temporal_address": temporal_server.address, "temporal_namespace": temporal_server.namespace}
        )
        line.cut()
        serving = asyncio.create_task(serve(replace(house.deps, engine=engine, settings=own), stop))
        try:
            await asyncio.sleep(2)
            assert not serving.done()
            line.mend()
            batch = await asyncio.wait_for(house.finished(batch_id), 60)
        finally:
            stop.set()
            await serving
            await engine.dispose()
    assert batch["status"] == "completed"
