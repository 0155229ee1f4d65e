"""The proxy breaks connections exactly as it is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
import pytest_asyncio

from tests.chaos.proxy import Direction, Fault, Kind, Proxy

BIG = bytes(range(256)) * 4096
QUIET_SECONDS = 0.2
LONG_SECONDS = 60.0

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
OpenLine = Callable[[], Awaitable[Line]]


class Echo:
    """A server that sends back what it hears, and remembers it."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(65536):
                self.heard += chunk
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass  # what most of these tests do to it
        finally:
            writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def echo() -> AsyncIterator[Echo]:
    made = Echo()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    async with Proxy("127.0.0.1", echo.port, seed=1) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def line(proxy: Proxy) -> AsyncIterator[OpenLine]:
    """Opens connections through the proxy; what is still open after the test is closed."""
    opened: list[asyncio.StreamWriter] = []

    async def open_one() -> Line:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        opened.append(writer)
        return reader, writer

    yield open_one
    for writer in opened:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def say(connection: Line, words: bytes) -> bytes:
    """Send, and read as much back. Raises IncompleteReadError at an orderly end, ConnectionResetError at an RST."""
    reader, writer = connection
    writer.write(words)
    async with asyncio.timeout(LONG_SECONDS):
        return await reader.readexactly(len(words))


async def is_silent(connection: Line) -> bool:
    """Whether the connection says nothing for a while, not even that it ended."""
    try:
        async with asyncio.timeout(QUIET_SECONDS):
            await connection[0].read(1)
    except TimeoutError:
        return True
    return False


async def test_without_a_fault_every_byte_comes_through_and_the_end_too(proxy: Proxy, line: OpenLine) -> None:
    connection = await line()
    reader, writer = connection

    assert await say(connection, BIG) == BIG
    writer.write_eof()

    assert await reader.read() == b""


async def test_latency_delays_what_is_said_and_loses_nothing(proxy: Proxy, line: OpenLine) -> None:
    proxy.next_connections(Fault(Kind.LATENCY, seconds=0.1, direction=Direction.TO_SERVER))
    connection = await line()
    begun = time.monotonic()

    assert await say(connection, b"hello") == b"hello"
    assert time.monotonic() - begun >= 0.05


async def test_a_reset_is_an_rst_at_both_ends(proxy: Proxy, line: OpenLine, echo: Echo) -> None:
    connection = await line()
    await say(connection, b"hello")

    proxy.strike(Fault(Kind.RESET))

    with pytest.raises(ConnectionResetError):
        await say(connection, b"are you there?")
    assert echo.heard == b"hello"


async def test_a_reset_at_the_start_lets_no_byte_through(proxy: Proxy, line: OpenLine, echo: Echo) -> None:
    proxy.next_connections(Fault(Kind.RESET))

    with pytest.raises(ConnectionResetError):
        await say(await line(), b"hello")
    assert echo.heard == b""


async def test_a_cut_lets_so_many_bytes_through_and_ends_in_good_order(
    proxy: Proxy, line: OpenLine, echo: Echo
) -> None:
    proxy.next_connections(Fault(Kind.CUT, after_bytes=3, direction=Direction.TO_CLIENT))
    connection = await line()

    with pytest.raises(asyncio.IncompleteReadError) as cut:
        await say(connection, b"hello")
    assert cut.value.partial == b"hel"
    assert echo.heard == b"hello"


async def test_a_cut_counts_over_several_pieces(proxy: Proxy, line: OpenLine, echo: Echo) -> None:
    proxy.next_connections(Fault(Kind.CUT, after_bytes=7, direction=Direction.TO_SERVER))
    connection = await line()
    await say(connection, b"hello")

    with pytest.raises(asyncio.IncompleteReadError):
        await say(connection, b"world")
    assert echo.heard == b"hellowo"


async def test_a_text_arrives_and_its_answer_does_not(proxy: Proxy, line: OpenLine, echo: Echo) -> None:
    proxy.next_connections(Fault(Kind.RESET, direction=Direction.TO_SERVER, after_text=b"COMMIT"))
    connection = await line()
    await say(connection, b"BEGIN; COM")

    with pytest.raises(ConnectionResetError):
        await say(connection, b"MIT; SELECT 1")
    assert echo.heard == b"BEGIN; COMMIT"


async def test_behind_a_black_hole_nobody_answers_and_nobody_hangs_up(proxy: Proxy, line: OpenLine, echo: Echo) -> None:
    proxy.next_connections(Fault(Kind.BLACK_HOLE))
    connection = await line()
    connection[1].write(b"hello")

    assert await is_silent(connection)
    assert echo.heard == b""


async def test_a_black_hole_in_one_direction_swallows_answers_only(proxy: Proxy, line: OpenLine, echo: Echo) -> None:
    connection = await line()
    await say(connection, b"hello")

    proxy.strike(Fault(Kind.BLACK_HOLE, direction=Direction.TO_CLIENT))
    connection[1].write(b" world")

    assert await is_silent(connection)
    assert echo.heard == b"hello world"


async def test_healing_delivers_late_what_a_black_hole_held_back(proxy: Proxy, line: OpenLine, echo: Echo) -> None:
    proxy.next_connections(Fault(Kind.BLACK_HOLE, after_bytes=2, direction=Direction.TO_SERVER))
    connection = await line()
    connection[1].write(b"hello")
    assert await connection[0].readexactly(2) == b"he"
    assert await is_silent(connection)

    proxy.heal()

    assert await connection[0].readexactly(3) == b"llo"
    assert await say(connection, b"again") == b"again"


async def test_a_server_learns_of_a_client_that_left_only_after_the_black_hole(
    proxy: Proxy, line: OpenLine, echo: Echo
) -> None:
    connection = await line()
    await say(connection, b"hello")
    proxy.strike(Fault(Kind.BLACK_HOLE))
    connection[1].write(b" COMMIT")
    connection[1].close()
    await asyncio.sleep(QUIET_SECONDS)
    assert proxy.open_connections == 1

    proxy.heal()
    async with asyncio.timeout(LONG_SECONDS):
        while proxy.open_connections:
            await asyncio.sleep(0.01)

    assert echo.heard == b"hello COMMIT"


async def test_healing_can_reset_what_was_held(proxy: Proxy, line: OpenLine, echo: Echo) -> None:
    connection = await line()
    await say(connection, b"hello")
    proxy.strike(Fault(Kind.BLACK_HOLE))
    connection[1].write(b" world")
    await asyncio.sleep(QUIET_SECONDS)

    proxy.heal(reset_held=True)

    with pytest.raises(ConnectionResetError):
        await say(connection, b"!")
    assert echo.heard == b"hello"


async def test_a_lasting_fault_hits_every_new_connection_until_healed(proxy: Proxy, line: OpenLine) -> None:
    old = await line()
    await say(old, b"hello")
    proxy.from_now_on(Fault(Kind.RESET))

    for _ in range(3):
        with pytest.raises(ConnectionResetError):
            await say(await line(), b"hello")
    assert await say(old, b"still here") == b"still here"

    proxy.heal()
    assert await say(await line(), b"hello") == b"hello"
    assert proxy.hit == 3


async def test_faults_for_the_next_connections_are_taken_in_turn(proxy: Proxy, line: OpenLine) -> None:
    proxy.next_connections(Fault(Kind.CUT, after_bytes=1), Fault(Kind.CUT, after_bytes=2))

    for passed in (b"h", b"he"):
        with pytest.raises(asyncio.IncompleteReadError) as cut:
            await say(await line(), b"hello")
        assert cut.value.partial in (b"", passed)
    assert await say(await line(), b"hello") == b"hello"


async def test_a_server_that_is_away_looks_like_a_reset(proxy: Proxy, line: OpenLine) -> None:
    proxy.point_to(1)

    with pytest.raises(ConnectionResetError):
        await say(await line(), b"hello")
