"""The trap of FORCE: the owner's own data migration changes nothing and says so to nobody (R25)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, NullPool, create_engine, text

from ingestio.db.address import connection_parameters
from ingestio.db.migrate import migrate
from migrations.row_security import without_force
from tests.conftest import Database
from tests.db.rows import insert_all

UPPERCASE = "UPDATE documents SET original_filename = upper(original_filename)"
IS_FORCED = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = 'documents'::regclass"


@pytest.fixture
def owned(new_database: Callable[[], Database]) -> Database:
    database = new_database()
    migrate(database.owner_url, None)
    with psycopg.connect(database.superuser_url) as connection:
        insert_all(connection, "alice")
        insert_all(connection, "bob")
    return database


@contextmanager
def a_revision(database: Database) -> Iterator[Connection]:
    """The owner's transaction in which `op` works, as inside a revision."""
    engine = create_engine(
        "postgresql+psycopg://", connect_args=connection_parameters(database.owner_url), poolclass=NullPool
    )
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        yield connection


def names_of(database: Database) -> list[str]:
    with psycopg.connect(database.superuser_url) as connection:
        return [
            row[0] for row in connection.execute("SELECT original_filename FROM documents ORDER BY user_id").fetchall()
        ]


def is_forced(database: Database) -> bool:
    with psycopg.connect(database.superuser_url) as connection:
        row = connection.execute(IS_FORCED).fetchone()
    return row == (True,)


def test_under_force_the_owner_changes_nothing(owned: Database) -> None:
    with a_revision(owned) as connection:
        assert connection.execute(text(UPPERCASE)).rowcount == 0
    assert names_of(owned) == ["invoice.pdf", "invoice.pdf"]


def test_a_data_migration_without_force_reaches_every_row_and_force_is_back_afterwards(owned: Database) -> None:
    with a_revision(owned) as connection:
        with without_force("documents"):
            assert connection.execute(text(UPPERCASE)).rowcount == 2
        assert connection.execute(text(IS_FORCED)).scalar_one() is True
    assert names_of(owned) == ["INVOICE.PDF", "INVOICE.PDF"]
    assert is_forced(owned)


def test_a_data_migration_that_fails_leaves_the_rows_and_force_as_they_were(owned: Database) -> None:
    def fail() -> None:
        with a_revision(owned) as connection, without_force("documents"):
            connection.execute(text(UPPERCASE))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert names_of(owned) == ["invoice.pdf", "invoice.pdf"]
    assert is_forced(owned)
