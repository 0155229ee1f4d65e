"""What every test may ask for: a real PostgreSQL, migrated once, connected to as the application is.

With pytest-xdist each worker is a process of its own and so has a server of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import hypothesis
import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled
from sqlalchemy.ext.asyncio import AsyncEngine
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from ingestio.db.engine import create_engine
from ingestio.db.migrate import migrate
from ingestio.embedded.postgres import PostgresServer, start_postgres

# The first example pays for imports, and a busy machine for everything: how long one takes says nothing. The suite tries the same examples
# every time, so that a change is judged by what it does; `make long` searches for others.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True)
hypothesis.settings.register_profile("searching", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("house")

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
def emptying(superuser: psycopg.Connection[Any]) -> sql.Composed:
    """The statement that empties every table."""
    tables = superuser.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    ).fetchall()
    # Not TRUNCATE: it makes new files for every table and index, and waits for ever behind a transaction that a test left open.
    return sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for (name,) in sorted(tables))


@pytest_asyncio.fixture(loop_scope="session")
async def clean_database(database: Database, superuser: psycopg.Connection[Any], emptying: sql.Composed) -> Database:
    """The shared database, emptied before the test.

    Front doors and workers that tests share live on in the event loop, and it stands still between tests: one of their transactions may
    have begun and not ended. So the loop goes on while this waits for their rows. What has not ended by then never would: it is ended.
    """
    try:
        await asyncio.to_thread(_empty, superuser, emptying)
    except (DeadlockDetected, LockNotAvailable, QueryCanceled):
        for ended in superuser.execute(_END_OTHERS).fetchall():
            print("ended what an earlier test had left open:", *ended)
        await asyncio.to_thread(_empty, superuser, emptying)
    return database


_END_OTHERS = """
WITH others AS MATERIALIZED (
    SELECT pid, usename, application_name, state, wait_event, clock_timestamp() - xact_start AS age, query FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
)
SELECT usename, application_name, state, wait_event, age, query FROM others WHERE pg_terminate_backend(pid)
"""


def _empty(superuser: psycopg.Connection[Any], emptying: sql.Composed) -> None:
    with superuser.transaction():
        superuser.execute("SET LOCAL lock_timeout = '15s'; SET LOCAL statement_timeout = '60s'")
        superuser.execute(emptying)


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
