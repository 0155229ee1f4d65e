"""A database that takes the question and never answers: a hung server, a pooler that lost its back, a network that drops packets."""

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.db.address import connection_parameters
from ingestio.db.engine import create_engine
from ingestio.db.session import service_session
from ingestio.errors import Unavailable
from tests.chaos.proxy import Direction, Fault, Kind, Proxy
from tests.conftest import Database

PATIENCE_SECONDS = 2.0
REST_SECONDS = 0.1
POOL = 2


@pytest_asyncio.fixture(loop_scope="session")
async def line(database: Database) -> AsyncIterator[Proxy]:
    parts = urlsplit(database.app_url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with Proxy(parts.hostname, parts.port) as proxy:
        yield proxy


@pytest_asyncio.fixture(loop_scope="session")
async def distant(database: Database, line: Proxy) -> AsyncIterator[AsyncEngine]:
    """A small pool whose connections go through the proxy, and little patience."""
    parts = urlsplit(database.app_url)
    url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{line.port}").geturl()
    engine = create_engine(url, pool_size=POOL, answer_seconds=PATIENCE_SECONDS, rest_seconds=REST_SECONDS)
    yield engine
    line.heal(reset_held=True)
    await engine.dispose()


async def ask(engine: AsyncEngine) -> int:
    async with service_session(engine) as session:
        return int((await session.execute(text("SELECT 1"))).scalar_one())


async def fill(engine: AsyncEngine) -> None:
    """Open every connection of the pool."""
    await asyncio.gather(*(ask(engine) for _ in range(POOL)))


async def test_connections_that_fell_silent_are_found_out_and_replaced(distant: AsyncEngine, line: Proxy) -> None:
    await fill(distant)
    line.strike(Fault(Kind.BLACK_HOLE))
    await asyncio.sleep(2 * REST_SECONDS)

    async with asyncio.timeout(60):
        answers = [await ask(distant) for _ in range(2 * POOL)]

    assert answers == [1] * (2 * POOL)


async def test_a_silent_database_is_unavailable_within_its_bound_and_used_again_afterwards(
    distant: AsyncEngine, line: Proxy
) -> None:
    begun = time.monotonic()

    async def ask_through_silence() -> None:
        async with service_session(distant) as session:
            line.strike(Fault(Kind.BLACK_HOLE, direction=Direction.TO_CLIENT))
            await session.execute(text("SELECT 1"))

    for _ in range(2 * POOL):
        with pytest.raises(Unavailable):
            await ask_through_silence()

    assert time.monotonic() - begun < 60
    assert await ask(distant) == 1


async def test_a_slow_answer_within_the_bound_is_waited_for(distant: AsyncEngine) -> None:
    async with service_session(distant) as session:
        await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": PATIENCE_SECONDS / 2})


def test_the_kernel_gives_up_a_peer_whose_packets_are_lost_within_half_a_minute(database: Database) -> None:
    parameters = connection_parameters(database.app_url)

    assert int(parameters["tcp_user_timeout"]) <= 30_000
    probing = int(parameters["keepalives_idle"]) + int(parameters["keepalives_interval"]) * int(
        parameters["keepalives_count"]
    )
    assert probing <= 30
