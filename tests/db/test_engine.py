"""The pool: connections that died at rest are replaced before anybody notices."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.db.engine import create_engine
from ingestio.db.migrate import migrate
from ingestio.db.session import service_connection, service_session, user_session
from ingestio.embedded.postgres import start_postgres
from tests.conftest import Database

CONNECTIONS = 4


async def _backends(engine: AsyncEngine) -> set[int]:
    """The processes behind every connection of the pool, used at the same time."""
    everyone = asyncio.Barrier(CONNECTIONS)

    async def one() -> int:
        async with service_connection(engine) as connection:
            row = await connection.one("SELECT pg_backend_pid() AS backend")
            await everyone.wait()
            assert row is not None
            return int(row.backend)

    return set(await asyncio.gather(*(one() for _ in range(CONNECTIONS))))


@pytest.mark.parametrize("killed", [False, True])
async def test_a_restart_of_postgres_fails_no_request(tmp_path: Path, killed: bool) -> None:
    tmp_path.chmod(0o755)
    server = start_postgres(tmp_path / "data", durable=False)
    engine = create_engine(server.app_url, pool_size=CONNECTIONS)
    try:
        migrate(server.owner_url, server.app_url)
        before = await _backends(engine)
        (server.kill if killed else server.stop)()
        server = start_postgres(tmp_path / "data", durable=False)

        async with user_session(engine, "alice"):
            pass
        async with service_session(engine):
            pass
        after = await _backends(engine)

        assert len(before) == len(after) == CONNECTIONS
        assert not before & after
    finally:
        await engine.dispose()
        server.stop()


async def test_a_connection_in_use_is_not_replaced(database: Database) -> None:
    engine = create_engine(database.app_url, pool_size=CONNECTIONS)
    try:
        assert await _backends(engine) == await _backends(engine)
    finally:
        await engine.dispose()
