"""The Temporal server of the wheel: its store, its UI, and what it keeps over a kill -9."""

import asyncio
import http.client
import sqlite3
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from ingestio.domain.runs import SEARCH_ATTRIBUTES
from ingestio.embedded.temporal import NAMESPACE, TemporalServer, start_temporal


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with start_temporal(tmp_path_factory.mktemp("temporal ?mode=memory #%"), headless=False) as running:
        yield running


async def test_closed_runs_are_kept_for_seven_days(server: TemporalServer) -> None:
    client = await Client.connect(server.address)
    found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
    assert found.config.workflow_execution_retention_ttl.ToTimedelta().days == 7


async def test_our_search_attributes_are_there_at_once(server: TemporalServer) -> None:
    client = await Client.connect(server.address)
    found = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=NAMESPACE))
    assert set(SEARCH_ATTRIBUTES) <= set(found.custom_attributes)
    every = [SearchAttributePair(SearchAttributeKey.for_keyword(name), "x") for name in SEARCH_ATTRIBUTES]
    await client.start_workflow(
        "Nobody", id=str(uuid.uuid4()), task_queue="none", search_attributes=TypedSearchAttributes(every)
    )


def test_it_listens_on_loopback_only(server: TemporalServer) -> None:
    listening = [c for c in psutil.Process(server.pid).net_connections(kind="inet") if c.status == psutil.CONN_LISTEN]
    assert len(listening) >= 4
    assert {c.laddr.ip for c in listening} == {"127.0.0.1"}


def test_the_ui_answers(server: TemporalServer) -> None:
    connection = http.client.HTTPConnection(server.ui_url.removeprefix("http://"), timeout=5)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()


def test_a_web_page_that_points_its_own_name_at_loopback_gets_nothing(server: TemporalServer) -> None:
    statuses = []
    for host in (f"127.0.0.1:{server.node.http_port}", "evil.example"):
        connection = http.client.HTTPConnection("127.0.0.1", server.node.http_port, timeout=5)
        connection.request("GET", f"/api/v1/namespaces/{NAMESPACE}", headers={"Host": host})
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses == [200, 403]


def test_the_file_is_in_write_ahead_mode_and_the_program_keeps_its_notes_in_the_data_directory(
    server: TemporalServer,
) -> None:
    home = server.node.data_dir / "temporal"
    assert home.stat().st_mode & 0o777 == 0o700
    connection = sqlite3.connect(
        f"file:{(home / 'temporal.db').as_posix().replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode=ro",
        uri=True,
    )
    try:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    finally:
        connection.close()
    assert psutil.Process(server.pid).environ()["HOME"] == str(home)


async def test_a_short_timer_takes_no_whole_second(server: TemporalServer) -> None:
    """The server's usual setting makes every timer last a second at least: a cancel waits for one, and so does the next try of a step."""
    client = await Client.connect(server.address)
    delay = timedelta(milliseconds=100)
    waited = [await _waited(client, f"late {number}", delay) for number in range(5)]
    # A busy machine may be late with some of them; of the server's own accord none would be sooner than a second.
    assert delay <= min(waited) < timedelta(seconds=0.8)


async def _waited(client: Client, workflow_id: str, delay: timedelta) -> timedelta:
    handle = await client.start_workflow("Nobody", id=workflow_id, task_queue="none", start_delay=delay)
    history = await anext(
        events
        async for events in _histories(handle)
        if any(event.HasField("workflow_task_scheduled_event_attributes") for event in events)
    )
    return history[-1].event_time.ToDatetime() - history[0].event_time.ToDatetime()


async def _histories(handle: WorkflowHandle[Any, Any]) -> AsyncIterator[Sequence[HistoryEvent]]:
    async with asyncio.timeout(10):
        while True:
            yield (await handle.fetch_history()).events
            await asyncio.sleep(0.05)


async def test_kill_9_keeps_open_workflows_and_the_address(tmp_path: Path) -> None:
    server = start_temporal(tmp_path)
    client = await Client.connect(server.address)
    await client.start_workflow("Nobody", id="open", task_queue="none")
    server.kill()
    with start_temporal(tmp_path) as again:
        assert again.address == server.address
        client = await Client.connect(again.address)
        found = await client.get_workflow_handle("open").describe()
        assert found.status == WorkflowExecutionStatus.RUNNING
        ttl = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
        assert ttl.config.workflow_execution_retention_ttl.ToTimedelta().days == 7


async def test_in_memory_it_leaves_nothing_behind() -> None:
    with start_temporal() as server:
        place = server.node.data_dir
        await Client.connect(server.address)
        assert not list(place.rglob("*.db"))
    assert not place.exists()
