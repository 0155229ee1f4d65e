"""SIGTERM to a front door: it takes nothing new, lets what runs finish within a bound, and ends as if all was well, because it is."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import pytest_asyncio

from api.server import DRAIN_SECONDS
from ingestio.config import Settings
from tests.api.conftest import NewUser, User, stored_files
from tests.api.files import pdf
from tests.api.processes import Line, Server, serving
from tests.api.waiting import until

FORM = {"Content-Type": "multipart/form-data; boundary=B"}
HEAD = (
    b'--B\r\nContent-Disposition: form-data; name="prompt_strategy"\r\n\r\nauto\r\n'
    b'--B\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
)
END = b"\r\n--B--\r\n"
PATIENCE_SECONDS = 30


@pytest.fixture
def server(make_settings: Callable[..., Settings]) -> Iterator[Server]:
    with serving(make_settings()) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def walker(server: Server, new_user: NewUser) -> AsyncIterator[User]:
    """A user at the real socket."""
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        user: User = await new_user(client=client)
        yield user


def begin_upload(server: Server, line: Line, content: bytes) -> bytes:
    """Send a batch up to the middle of its file, and answer what is missing."""
    body = HEAD + content + END
    line.send("POST", "/batches", FORM | {"Content-Length": str(len(body))}, body[: len(HEAD) + 10])
    return body[len(HEAD) + 10 :]


def refused(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    except ConnectionError:
        return True
    return False


async def test_what_runs_finishes_and_nothing_new_is_taken(server: Server, walker: User) -> None:
    before = stored_files(server.settings)
    with Line(server, walker.token) as line:
        rest = begin_upload(server, line, pdf(3))
        await until(lambda: len(stored_files(server.settings)) > len(before))
        server.process.send_signal(signal.SIGTERM)
        await until(lambda: refused(server))
        line.more(rest)
        status, answer = await asyncio.to_thread(line.answer)

    assert status == 202
    assert b'"total_pages":3' in answer
    assert await asyncio.to_thread(server.process.wait, PATIENCE_SECONDS) == 0
    assert walker.row("SELECT status FROM extraction_batches WHERE user_id = %s", walker.id) == "queued"


async def test_what_does_not_finish_in_time_is_told_so_and_leaves_nothing_behind(server: Server, walker: User) -> None:
    before = stored_files(server.settings)
    with Line(server, walker.token) as line:
        begin_upload(server, line, pdf(3))
        await until(lambda: len(stored_files(server.settings)) > len(before))
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        status, answer = await asyncio.to_thread(line.answer)

    assert status == 503
    assert b'"code":"unavailable"' in answer
    assert b"retry-after: 1" in answer.lower()
    assert time.monotonic() - started >= DRAIN_SECONDS
    assert await asyncio.to_thread(server.process.wait, PATIENCE_SECONDS) == 0
    assert stored_files(server.settings) == before
    assert walker.row("SELECT count(*) FROM extraction_batches WHERE user_id = %s", walker.id) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_front_door_ends_in_order_although_clients_are_connected(
    server: Server, walker: User, number: signal.Signals
) -> None:
    assert (await walker.get("/plans")).status_code == 200  # a connection that is kept alive
    server.process.send_signal(number)

    assert await asyncio.to_thread(server.process.wait, PATIENCE_SECONDS) == 0
    assert b"did not finish" not in (server.process.stderr.read() if server.process.stderr else b"")
