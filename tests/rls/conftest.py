"""alice and bob, each with a row in every table, and connections to act on."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Database
from tests.db.rows import insert_all


@pytest.fixture(scope="module")
def two_users(database: Database, superuser: psycopg.Connection[Any]) -> Database:
    """Arranged once per module; every attempt rolls its change back. Other modules empty the database before they use it."""
    with superuser.transaction():
        superuser.execute(
            "DELETE FROM users; DELETE FROM page_ledger; DELETE FROM stripe_events; DELETE FROM clerk_events"
        )
        superuser.execute("DELETE FROM account_tombstones; DELETE FROM upkeep_walks; DELETE FROM metric_sums")
        insert_all(superuser, "alice")
        insert_all(superuser, "bob")
    return database


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
