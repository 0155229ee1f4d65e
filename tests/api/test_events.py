"""Live events on a real process: quick, complete whatever commits late, and over when they should be."""

import asyncio
import json
import re
import signal
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest
import pytest_asyncio

from api.server import DRAIN_SECONDS
from ingestio.auth.local_issuer import LocalIssuer
from ingestio.config import Settings
from ingestio.db.channel import APPLICATION_NAME
from ingestio.db.migrate import migrate
from ingestio.embedded.postgres import PostgresServer, start_postgres
from tests.api.conftest import SECRET, NewUser, User, Worker, assert_problem, documents_of
from tests.api.processes import Line, Server, serving
from tests.api.streams import Stream, of_batch, streaming
from tests.conftest import Database


@pytest.fixture(scope="module")
def server(make_settings: Callable[..., Settings]) -> Iterator[Server]:
    with serving(make_settings()) as running:
        yield running


def walking(server: Server) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits)


@pytest_asyncio.fixture(loop_scope="session")
async def walker(server: Server, new_user: NewUser) -> AsyncIterator[User]:
    """A user at the real socket."""
    async with walking(server) as client:
        user: User = await new_user(client=client)
        yield user


async def opened(stream: Stream) -> Stream:
    """The stream after its first event, from which on nothing is missed."""
    assert await stream.next() is not None
    return stream


async def test_a_stream_begins_with_the_batch_as_it_is_and_says_that_nobody_may_hold_it_back(walker: User) -> None:
    batch = await walker.batch([1, 2])
    async with streaming(walker, of_batch(batch)) as stream:
        event = await stream.next()
        assert event is not None
        assert (event.name, event.data) == ("batch", (await walker.get(f"/batches/{batch['id']}")).json())
        assert event.last_id
        assert stream.answer.headers["x-accel-buffering"] == "no"
        assert "no-transform" in stream.answer.headers["cache-control"]


async def test_a_change_in_the_database_reaches_an_open_stream_in_under_a_second(walker: User) -> None:
    batch = await walker.batch([1])
    document_id = (await documents_of(walker, batch["id"]))[0]["id"]
    async with streaming(walker, of_batch(batch)) as stream:
        await opened(stream)
        took = []
        for status in ("processing", "queued_for_processing", "processing"):
            walker.superuser.execute("UPDATE documents SET status = %s WHERE id = %s", [status, document_id])
            committed = time.monotonic()
            await stream.until("document", id=document_id, status=status)
            took.append(time.monotonic() - committed)
            await asyncio.sleep(0.5)
    assert min(took) < 1, took


async def test_events_hold_the_very_objects_of_the_api_and_end_with_the_batch(walker: User) -> None:
    batch = await walker.batch([1, 2])
    documents = await documents_of(walker, batch["id"])
    async with streaming(walker, of_batch(batch)) as stream:
        await opened(stream)
        worker = Worker(walker)
        await worker.complete(documents[0]["id"])
        await worker.fail(documents[1]["id"])
        await worker.settle(batch["id"])
        events = await stream.rest()

    last = {event.data["id"]: event.data for event in events if event.name == "document"}
    assert last == {item["id"]: item for item in await documents_of(walker, batch["id"])}
    assert [item["status"] for item in last.values()] == ["completed", "failed"]
    assert (events[-1].name, events[-1].data) == ("batch", (await walker.get(f"/batches/{batch['id']}")).json())
    assert events[-1].data["status"] == "partially_completed"


async def test_after_the_terminal_event_a_reconnect_is_told_not_to_come_again(walker: User) -> None:
    batch = await walker.batch([1])
    document_id = (await documents_of(walker, batch["id"]))[0]["id"]
    await Worker(walker).fail(document_id)
    await Worker(walker).settle(batch["id"])

    async with streaming(walker, of_batch(batch)) as stream:
        (event,) = await stream.rest()
    assert event.data["status"] == "failed"
    again = await walker.get(of_batch(batch), headers={"Last-Event-ID": event.last_id})
    assert (again.status_code, again.content) == (204, b"")

    await walker.post(f"/batches/{batch['id']}/retry")
    async with streaming(walker, of_batch(batch), event.last_id) as stream:
        await stream.until("document", id=document_id, status="queued_for_processing", attempt=2)
        await stream.until("batch", status="queued")
        await Worker(walker).complete(document_id)
        await Worker(walker).settle(batch["id"])
        await stream.until("batch", status="completed")


async def test_a_client_that_missed_the_end_gets_it_when_it_comes_back(walker: User) -> None:
    batch = await walker.batch([1, 1])
    documents = await documents_of(walker, batch["id"])
    async with streaming(walker, of_batch(batch)) as stream:
        await opened(stream)
    for item in documents:
        await Worker(walker).complete(item["id"])
    await Worker(walker).settle(batch["id"])

    async with streaming(walker, of_batch(batch), stream.last_id) as stream:
        events = await stream.rest()
    assert [event.name for event in events] == ["document", "document", "batch"]
    assert {event.data["status"] for event in events} == {"completed"}


async def test_resuming_brings_what_changed_meanwhile_and_nothing_else(walker: User) -> None:
    batch = await walker.batch([1, 1, 1])
    documents = await documents_of(walker, batch["id"])
    async with streaming(walker, of_batch(batch)) as stream:
        await opened(stream)
        await Worker(walker).complete(documents[0]["id"])
        seen = await stream.until("batch", completed_count=1)
    await Worker(walker).complete(documents[2]["id"])

    for resumed in (
        {"last_id": seen.last_id, "path": of_batch(batch)},
        {"path": f"{of_batch(batch)}?after={seen.last_id}"},
    ):
        async with streaming(walker, **resumed) as stream:
            told = [await stream.next(), await stream.next()]
        assert [(event.name, event.data["id"]) for event in told if event] == [
            ("document", documents[2]["id"]),
            ("batch", batch["id"]),
        ]


@pytest.mark.parametrize("strange", ["0", "x", "9223372036854775807", "9999999999999999999", "1-2-3", "١"])
async def test_an_id_of_somewhere_else_brings_everything(walker: User, strange: str) -> None:
    batch = await walker.batch([1, 1])
    async with streaming(walker, f"{of_batch(batch)}?after={strange}") as stream:
        told = [await stream.next() for _ in range(3)]
    assert [event.name for event in told if event] == ["document", "document", "batch"]


@pytest.mark.parametrize("savepoint", [False, True])
async def test_a_transaction_that_commits_after_a_younger_one_is_not_passed_by(
    walker: User, clean_look: psycopg.Connection[Any], savepoint: bool
) -> None:
    batch = await walker.batch([1, 1])
    old, young = (item["id"] for item in await documents_of(walker, batch["id"]))
    async with streaming(walker, of_batch(batch)) as live, streaming(walker, of_batch(batch)) as cut:
        await opened(live)
        await opened(cut)
        with clean_look.transaction():
            clean_look.execute("SELECT pg_current_xact_id()")
            if savepoint:
                clean_look.execute("SAVEPOINT inner_one")
            else:
                clean_look.execute("UPDATE documents SET status = 'processing' WHERE id = %s", [old])
            walker.superuser.execute("UPDATE documents SET status = 'processing' WHERE id = %s", [young])
            seen = await cut.until("document", id=young)
            if savepoint:
                clean_look.execute("UPDATE documents SET status = 'processing' WHERE id = %s", [old])
        await live.until("document", id=old, status="processing")
    async with streaming(walker, of_batch(batch), seen.last_id) as stream:
        await stream.until("document", id=old, status="processing")


@pytest.fixture
def clean_look(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A connection of its own, for transactions that take their time."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        yield connection


async def test_the_users_stream_tells_of_usage_and_of_every_batch_and_resumes(walker: User) -> None:
    async with streaming(walker, "/events") as stream:
        first = await stream.next()
        assert first is not None
        assert (first.name, first.data) == ("usage", await walker.usage())
        batch = await walker.batch([3])
        await stream.until("batch", id=batch["id"], status="queued")
        seen = await stream.until("usage", pages_reserved=3)
    document_id = (await documents_of(walker, batch["id"]))[0]["id"]
    await Worker(walker).complete(document_id)
    await Worker(walker).settle(batch["id"])

    async with streaming(walker, "/events", seen.last_id) as stream:
        told = [await stream.next(), await stream.next()]
    assert [(event.name, event.data) for event in told if event] == [
        ("batch", (await walker.get(f"/batches/{batch['id']}")).json()),
        ("usage", await walker.usage()),
    ]


async def test_a_draft_is_live_as_well(walker: User) -> None:
    draft = await walker.draft()
    async with streaming(walker, of_batch(draft)) as stream:
        await opened(stream)
        await walker.put(draft["id"], "a", b"not a document", "a.txt")
        event = await stream.until("batch")
        assert [item["client_id"] for item in event.data["refused_files"]] == ["a"]
        await walker.ask("DELETE", f"/batches/{draft['id']}")
        await stream.rest()


async def test_nobody_follows_what_is_not_theirs(walker: User, server: Server, new_user: NewUser) -> None:
    batch = await walker.batch([1])
    async with walking(server) as client:
        other: User = await new_user(client=client)
        assert_problem(await other.get(of_batch(batch)), 404, "not_found")
        assert_problem(await other.get(f"/batches/{uuid4()}/events"), 404, "not_found")
        async with streaming(other, "/events") as stream:
            await opened(stream)
            document_id = (await documents_of(walker, batch["id"]))[0]["id"]
            await Worker(walker).complete(document_id)
            assert await stream.quiet(2)
        for path in (of_batch(batch), "/events"):
            assert_problem(await client.get(f"/api/v1{path}"), 401, "unauthenticated")


async def test_a_stream_ends_when_its_token_expires(walker: User) -> None:
    batch = await walker.batch([1])
    walker.token = LocalIssuer(SECRET).issue(walker.id, ttl_seconds=5)
    async with streaming(walker, of_batch(batch)) as stream, streaming(walker, "/events") as users:
        began = time.monotonic()
        await asyncio.gather(stream.rest(), users.rest())
    assert time.monotonic() - began < 20


def connections_to_postgres(server: Server, superuser: psycopg.Connection[Any]) -> list[str]:
    """The names of this process' connections to the database."""
    import psutil

    ports = [
        item.laddr.port
        for item in psutil.Process(server.process.pid).net_connections(kind="tcp")
        if item.status == psutil.CONN_ESTABLISHED
    ]
    rows = superuser.execute(
        "SELECT application_name FROM pg_stat_activity WHERE client_port = ANY(%s) AND usename = 'ingestio_app'",
        [ports],
    ).fetchall()
    return [row[0] for row in rows]


async def test_however_many_streams_there_are_one_connection_listens_and_none_waits_for_them(
    walker: User, server: Server, superuser: psycopg.Connection[Any]
) -> None:
    batch = await walker.batch([1])
    document_id = (await documents_of(walker, batch["id"]))[0]["id"]

    async def follow(path: str) -> None:
        async with streaming(walker, path) as stream:
            await opened(stream)
            ready.release()
            await stream.until("batch", completed_count=1)

    ready = asyncio.Semaphore(0)
    paths = [of_batch(batch), "/events"] * 40
    following = [asyncio.create_task(follow(path)) for path in paths]
    for _ in paths:
        await ready.acquire()
    names = connections_to_postgres(server, superuser)
    assert names.count(APPLICATION_NAME) == 1
    assert len(names) <= 1 + server.settings.database_pool_size

    await Worker(walker).complete(document_id)
    await asyncio.gather(*following)


async def test_a_thousand_documents_stay_smooth(walker: User) -> None:
    batch = await walker.batch([1])
    walker.superuser.execute(
        "INSERT INTO documents (user_id, batch_id, position, original_filename, storage_path, mime_type, file_size, sha256, page_count) "
        "SELECT user_id, batch_id, n, 'n.pdf', storage_path, mime_type, 1, sha256, 1 "
        "FROM documents, generate_series(1, 999) AS n WHERE batch_id = %s",
        [batch["id"]],
    )
    async with streaming(walker, of_batch(batch)) as stream:
        await opened(stream)
        began = time.monotonic()
        for round_number in range(20):
            walker.superuser.execute(
                "UPDATE documents SET status = 'processing', attempt = %s WHERE batch_id = %s AND position %% 20 = %s",
                [round_number + 2, batch["id"], round_number],
            )
            walker.superuser.execute(
                "UPDATE extraction_batches SET completed_count = completed_count + 50 WHERE id = %s", [batch["id"]]
            )
            await asyncio.sleep(0.05)
        seen: dict[str, str] = {}
        counts = [0]
        while len(seen) < 1000 or counts[-1] < 1000:
            event = await stream.next()
            assert event is not None
            if event.name == "batch":
                counts.append(event.data["completed_count"])
            else:
                seen[event.data["id"]] = event.data["status"]
        seconds = time.monotonic() - began
    assert set(seen.values()) == {"processing"}
    assert len(counts) <= 2.5 * seconds + 2


async def test_a_client_that_reads_nothing_costs_no_memory_and_finds_the_last_state_when_it_reads(
    walker: User, server: Server
) -> None:
    batch = await walker.batch([1])
    walker.superuser.execute(
        "INSERT INTO documents (user_id, batch_id, position, original_filename, storage_path, mime_type, file_size, sha256, page_count, "
        "extraction_prompt) SELECT user_id, batch_id, n, 'n.pdf', storage_path, mime_type, 1, sha256, 1, repeat('long ', 600) "
        "FROM documents, generate_series(1, 400) AS n WHERE batch_id = %s",
        [batch["id"]],
    )
    with Line(server, walker.token) as line:
        line.send("GET", of_batch(batch), {})
        async with streaming(walker, of_batch(batch)) as stream:
            await opened(stream)
            before = server.resident_bytes()
            for round_number in range(5):
                walker.superuser.execute(
                    "UPDATE documents SET attempt = %s WHERE batch_id = %s", [round_number + 2, batch["id"]]
                )
                for _ in range(401):
                    await stream.until("document", attempt=round_number + 2)
        # About 7 MB of events were sent to the one; the sockets hold some of them for the other, the process next to nothing.
        assert server.resident_bytes() - before < 20_000_000
        walker.superuser.execute("UPDATE extraction_batches SET status = 'cancelled' WHERE id = %s", [batch["id"]])
        _, received = await asyncio.to_thread(line.answer)
    last: dict[str, int] = {}
    for data in re.findall(rb"event: document\ndata: (.*)\n", unchunked(received)):
        document = json.loads(data)
        last[document["id"]] = document["attempt"]
    assert list(last.values()) == [6] * 401


def unchunked(received: bytes) -> bytes:
    """The body of an answer in chunks."""
    body, rest = b"", received.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body


async def test_after_postgres_was_away_every_stream_has_what_changed_meanwhile(
    tmp_path: Path, make_settings: Callable[..., Settings]
) -> None:
    tmp_path.chmod(0o755)
    with start_postgres(tmp_path / "postgres", durable=False) as postgres:
        migrate(postgres.owner_url, postgres.app_url)
        settings = make_settings(INGESTIO_DATABASE_URL=postgres.app_url)
    headers = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue('me')}"}
    with serving(settings) as server:
        async with walking(server) as client:
            with start_postgres(tmp_path / "postgres", durable=False):
                body = {"prompt_strategy": "auto"}
                batch = (await client.post("/api/v1/batches", headers=headers, json=body)).json()
                answering = client.stream("GET", f"/api/v1{of_batch(batch)}", headers=headers)
                stream = Stream(await answering.__aenter__())
                await opened(stream)
                await asyncio.sleep(3)
            with (
                start_postgres(tmp_path / "postgres", durable=False) as postgres,
                psycopg.connect(in_database(postgres), autocommit=True) as superuser,
            ):
                superuser.execute("UPDATE extraction_batches SET name = 'while nobody listened'")
                await stream.until("batch", name="while nobody listened")
                # Later than the polls that bridge the gap, so that only notifications can be as quick, again and again.
                async with asyncio.timeout(60):
                    while not superuser.execute(
                        "SELECT 1 FROM pg_stat_activity WHERE application_name = %s", [APPLICATION_NAME]
                    ).fetchall():
                        await asyncio.sleep(0.1)
                await asyncio.sleep(3)
                took = []
                for number in range(5):
                    superuser.execute("UPDATE extraction_batches SET name = %s", [f"heard again {number}"])
                    began = time.monotonic()
                    await stream.until("batch", name=f"heard again {number}")
                    took.append(time.monotonic() - began)
                    await asyncio.sleep(0.5)
                assert statistics.median(took) < 0.9, took
                await answering.__aexit__(None, None, None)


def in_database(postgres: PostgresServer) -> str:
    """The superuser's address of the application's database."""
    return urlsplit(postgres.superuser_url)._replace(path=urlsplit(postgres.owner_url).path).geturl()


async def test_a_quiet_stream_says_now_and_then_that_it_lives(walker: User) -> None:
    async with streaming(walker, "/events") as stream:
        await opened(stream)
        with pytest.raises(TimeoutError):
            await stream.next(25)  # the first comes after 15 s, the second would come after 30
        assert stream.comments == 1


async def test_sigterm_ends_open_streams_within_three_seconds_and_the_process_does_not_wait_for_them(
    make_settings: Callable[..., Settings], new_user: NewUser
) -> None:
    with serving(make_settings()) as server:
        async with walking(server) as client:
            user: User = await new_user(client=client)
            batch = await user.batch([1])
            async with streaming(user, of_batch(batch)) as stream, streaming(user, "/events") as users:
                await opened(stream)
                await opened(users)
                began = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                assert not any(await asyncio.gather(stream.rest(), users.rest()))
                assert time.monotonic() - began < 3
            await asyncio.to_thread(server.process.wait, 10)
    # Less than the drain: nobody had to be cut off.
    assert time.monotonic() - began < DRAIN_SECONDS
