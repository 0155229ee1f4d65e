"""alice and bob, each with a row in every table, and connections to act on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from tests.conftest import Database
from tests.db.rows import insert_all


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two_users(
    database: Database, superuser: psycopg.Connection[Any], emptying: sql.Composed
) -> AsyncIterator[Database]:
    """Arranged once per module and gone after it; every attempt rolls its change back."""

    def arrange(*users: str) -> None:
        with superuser.transaction():
            superuser.execute(emptying)
            for user in users:
                insert_all(superuser, user)

    await asyncio.to_thread(arrange, "alice", "bob")  # the event loop goes on, for the reason that `clean_database` has
    yield database
    await asyncio.to_thread(arrange)


@pytest.fixture(scope="module")
def _connections(two_users: Database) -> Iterator[dict[str, psycopg.Connection[Any]]]:
    with psycopg.connect(two_users.app_url) as app, psycopg.connect(two_users.superuser_url) as root:
        yield {"app": app, "root": root}


@pytest.fixture
def app(_connections: dict[str, psycopg.Connection[Any]]) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of the application's login, without any role taken on; rolled back."""
    yield _connections["app"]
    _connections["app"].rollback()


@pytest.fixture
def root(_connections: dict[str, psycopg.Connection[Any]]) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's transaction, for trying what the application's login cannot become; rolled back."""
    yield _connections["root"]
    _connections["root"].rollback()
