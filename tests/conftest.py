"""What every test may ask for: a real PostgreSQL, migrated once, connected to as the application is.

With pytest-xdist each worker is a process of its own and so has a server of its own.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from ingestio.db.engine import create_engine
from ingestio.db.migrate import migrate
from ingestio.embedded.postgres import PostgresServer, start_postgres

# They start whole services and take minutes each. A folder of them stays in one process, which starts what its tests share once.
WHOLE_SERVICES = ("tests/chaos/", "tests/cli/", "tests/e2e/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order is random, but what takes minutes goes first: the processes then end at about the same time."""
    items.sort(key=lambda item: not item.nodeid.startswith(WHOLE_SERVICES))


class ByFolderOrFile(LoadFileScheduling):  # type: ignore[misc]  # xdist is not typed
    """Gives each process of a run one file after the other, or one such folder."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in WHOLE_SERVICES if nodeid.startswith(folder)), nodeid.split("::", 1)[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolderOrFile:
    return ByFolderOrFile(config, log)


@dataclass(frozen=True)
class Database:
    """One database of the test server. The superuser is for looking and tidying, never for what is tested."""

    app_url: str
    owner_url: str
    superuser_url: str


def _in(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The embedded server with its roles and logins, not durable, and nothing migrated in it."""
    with start_postgres(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def database(postgres: PostgresServer) -> Database:
    """The migrated database that tests share; ask for `clean_database` to find it empty."""
    migrate(postgres.owner_url, postgres.app_url)
    return Database(
        postgres.app_url, postgres.owner_url, _in(postgres.superuser_url, urlsplit(postgres.owner_url).path[1:])
    )


@pytest.fixture(scope="session")
def superuser(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """Sees every row, in autocommit mode: for arranging and for looking."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """The pool of the application's login."""
    engine = create_engine(database.app_url)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
def _emptying(superuser: psycopg.Connection[Any]) -> sql.Composed:
    tables = superuser.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    ).fetchall()
    # Not TRUNCATE: it makes new files for every table and index, and waits for ever behind a transaction that a test left open.
    return sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for (name,) in sorted(tables))


@pytest.fixture
def clean_database(database: Database, superuser: psycopg.Connection[Any], _emptying: sql.Composed) -> Database:
    """The shared database, emptied before the test."""
    with superuser.transaction():
        superuser.execute(_emptying)
    return database


@pytest.fixture
def new_database(postgres: PostgresServer) -> Iterator[Callable[[], Database]]:
    """Makes further databases on the same server, empty and not migrated, which go after the test."""
    with further_databases(postgres) as make:
        yield make


@contextmanager
def further_databases(postgres: PostgresServer) -> Iterator[Callable[[], Database]]:
    """The same for as long as the block runs."""
    owner = urlsplit(postgres.owner_url).username or ""
    made: list[str] = []
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:

        def make() -> Database:
            made.append(f"extra_{uuid4().hex}")
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(made[-1]), sql.Identifier(owner))
            )
            return Database(
                _in(postgres.app_url, made[-1]),
                _in(postgres.owner_url, made[-1]),
                _in(postgres.superuser_url, made[-1]),
            )

        yield make
        for name in made:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
