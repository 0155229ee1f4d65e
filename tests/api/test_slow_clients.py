"""Clients that are slow, or say nonsense, on purpose: they get no more of us than a bound allows, and the merely slow are served."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.heads import PromptHeads
from api.requests import SLOWEST_BYTES_PER_SECOND, BoundedBodies

SCOPE = {"type": "http", "state": {}, "headers": [(b"transfer-encoding", b"chunked")]}


async def reading(scope: Scope, receive: Receive, send: Send) -> None:  # the shape of an application
    """Takes the whole body."""
    while (await receive()).get("more_body"):
        pass


async def nothing(message: Message) -> None:
    raise AssertionError(message)


def coming(size: int, pause_seconds: float, pieces: int) -> Receive:
    """A body in pieces of a size, each after a pause."""
    left = pieces

    async def receive() -> Message:
        nonlocal left
        left -= 1
        await asyncio.sleep(pause_seconds)
        return {"type": "http.request", "body": b"x" * size, "more_body": left > 0}

    return receive


async def test_a_body_that_trickles_is_given_up_although_it_never_stops() -> None:
    with pytest.raises(HTTPException) as given_up:
        await BoundedBodies(reading, idle_seconds=0.2)(SCOPE, coming(1, 0.02, 1000), nothing)

    assert given_up.value.status_code == 408


async def test_a_body_on_a_slow_line_is_taken_however_long_it_lasts() -> None:
    """Every piece comes well within the bound, and the whole takes longer than it."""
    await BoundedBodies(reading, idle_seconds=3)(SCOPE, coming(SLOWEST_BYTES_PER_SECOND, 0.05, 70), nothing)


async def test_an_answer_that_nobody_takes_is_given_up() -> None:
    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.body", "body": b"x"})

    async def full(message: Message) -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(ClientDisconnect):
        await BoundedBodies(answering, idle_seconds=0.05)(SCOPE, coming(0, 0, 1), full)


class ImpatientHeads(PromptHeads):
    """The same, for a test that does not want to wait."""

    head_seconds = 0.8


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Every answer takes longer than a head may."""
    await asyncio.sleep(1.5 * ImpatientHeads.head_seconds)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@asynccontextmanager
async def listening(app: ASGIApp = slow) -> AsyncIterator[int]:
    """A server of this application; answers its port."""
    taken = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=ImpatientHeads, lifespan="off", log_config=None, timeout_keep_alive=60)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[taken]))
    try:
        yield taken.getsockname()[1]
    finally:
        server.should_exit = True
        await running
        taken.close()


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
async def test_a_connection_that_does_not_come_to_the_point_is_closed(said: bytes) -> None:
    async with listening() as port, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        assert await reader.read() == b""
        writer.close()


async def test_who_asked_is_answered_however_long_it_takes_and_may_not_dawdle_with_the_next_question() -> None:
    async with listening() as port, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"204" in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"GET / HTTP/1.1\r\nHo")
        assert await reader.read() == b""
        writer.close()


async def test_what_stops_being_http_in_mid_answer_ends_its_connection_and_raises_nothing() -> None:
    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    raised: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: raised.append(context))
    try:
        async with listening(streaming) as port, asyncio.timeout(60):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            await reader.readuntil(b"begun")
            writer.write(b"no chunk\r\n")
            await reader.read()
            writer.close()
    finally:
        loop.set_exception_handler(before)

    assert raised == []


@pytest.mark.parametrize("questions", [1, 2])
async def test_who_says_no_more_once_everything_is_asked_is_answered(questions: int) -> None:
    """As `nc -N` does, and scripts that close their sending side to say that a request is whole."""
    async with listening() as port, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * questions)
        writer.write_eof()
        assert (await reader.read()).count(b"HTTP/1.1 204") == questions
        writer.close()


async def test_who_says_no_more_in_the_middle_of_a_body_is_gone() -> None:
    heard: list[str] = []

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        while not heard or heard[-1] == "http.request":
            heard.append((await receive())["type"])

    async with listening(told) as port, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()

    assert heard == ["http.request", "http.disconnect"]


async def test_who_leaves_a_stream_is_gone() -> None:
    gone = asyncio.Event()

    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    async with listening(streaming) as port, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"begun")
        writer.close()
        await gone.wait()
