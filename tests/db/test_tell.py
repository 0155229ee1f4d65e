"""What the database tells on its channel: ids of what a page shows as it happens, few of them, and nothing else."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Database
from tests.db.rows import insert, insert_all, row_id, rows_of
from tests.rls.acting import act_as

Connection = psycopg.Connection[Any]

BATCH = f"b {row_id('alice', 'extraction_batches')} alice"
USER = "u alice"


class Told:
    """A listener on the channel."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def since_last_time(self) -> list[str]:
        return [item.payload for item in self._connection.notifies(timeout=0.2)]


@pytest.fixture
def writer(clean_database: Database) -> Iterator[Connection]:
    """Writes as the application's service does."""
    with psycopg.connect(clean_database.superuser_url, autocommit=True) as root:
        insert_all(root, "alice")
        insert_all(root, "bob")
    with psycopg.connect(clean_database.app_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def told(writer: Connection, clean_database: Database) -> Iterator[Told]:
    with psycopg.connect(clean_database.app_url, autocommit=True) as connection:
        connection.execute("LISTEN ingestio")
        yield Told(connection)


def serve(connection: Connection, *statements: str) -> None:
    """Run statements in one transaction as the service."""
    with connection.transaction():
        act_as(connection, "service_role", {"role": "service_role"})
        for statement in statements:
            connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE extraction_batches SET completed_count = 1 WHERE user_id = 'alice'", [BATCH]),
        ("UPDATE documents SET status = 'processing' WHERE user_id = 'alice'", [BATCH]),
        ("UPDATE documents SET attempt = attempt + 1 WHERE user_id = 'alice'", [BATCH]),
        ("DELETE FROM documents WHERE user_id = 'alice'", [BATCH]),
        ("DELETE FROM refused_files WHERE user_id = 'alice'", [BATCH]),
        ("DELETE FROM extraction_batches WHERE user_id = 'alice'", [BATCH]),
        ("UPDATE user_usage SET pages_processed = 4 WHERE user_id = 'alice'", [USER]),
        ("UPDATE profiles SET membership = 'growth' WHERE user_id = 'alice'", [USER]),
        ("UPDATE documents SET extraction_prompt = 'the date' WHERE user_id = 'alice'", []),
        ("UPDATE documents SET status = status WHERE user_id = 'alice'", []),
        ("UPDATE extraction_jobs SET status = 'processing' WHERE user_id = 'alice'", []),
    ],
)
def test_a_change_that_a_page_shows_is_told_by_ids_alone(
    writer: Connection, told: Told, statement: str, expected: list[str]
) -> None:
    serve(writer, statement)
    assert told.since_last_time() == expected


def test_new_rows_are_told(writer: Connection, told: Told, superuser: Connection) -> None:
    rows = rows_of("alice", 2)
    for table in ("extraction_batches", "documents", "refused_files", "user_usage"):
        insert(superuser, table, rows[table])
    batch = f"b {row_id('alice', 'extraction_batches', 2)} alice"
    assert told.since_last_time() == [batch, batch, batch, USER]


def test_a_document_outside_a_batch_is_not_told_of(writer: Connection, told: Told) -> None:
    serve(writer, "UPDATE documents SET batch_id = NULL WHERE user_id = 'bob'")
    serve(writer, "UPDATE documents SET status = 'processing' WHERE user_id = 'bob'")
    assert told.since_last_time() == []


def test_a_transaction_tells_of_a_batch_once_however_many_of_its_rows_it_changes(
    writer: Connection, told: Told, superuser: Connection
) -> None:
    document = rows_of("alice")["documents"]
    for number in range(300):
        insert(superuser, "documents", document | {"id": UUID(int=number), "client_id": f"n{number}"})
    told.since_last_time()
    serve(
        writer,
        "UPDATE documents SET status = 'completed' WHERE user_id = 'alice'",
        "UPDATE extraction_batches SET completed_count = 301 WHERE user_id = 'alice'",
        "UPDATE user_usage SET pages_processed = 5 WHERE user_id = 'alice'",
    )
    assert told.since_last_time() == [BATCH, USER]


def test_what_is_rolled_back_is_not_told(writer: Connection, told: Told) -> None:
    with writer.transaction(force_rollback=True):
        act_as(writer, "service_role", {"role": "service_role"})
        writer.execute("UPDATE extraction_batches SET completed_count = 1")
    assert told.since_last_time() == []


def test_a_users_own_change_is_told_too(writer: Connection, told: Told) -> None:
    with writer.transaction():
        act_as(writer, "authenticated", {"role": "authenticated", "sub": "alice"})
        assert writer.execute("UPDATE extraction_batches SET name = 'April'").rowcount == 1
    assert told.since_last_time() == [BATCH]


def test_nobody_may_call_the_functions_of_the_triggers(superuser: Connection) -> None:
    rows = superuser.execute(
        "SELECT proname, role FROM pg_proc, unnest(ARRAY['anon', 'authenticated', 'service_role', 'ingestio_app']) AS role "
        "WHERE proname LIKE 'tell%' AND has_function_privilege(role, pg_proc.oid, 'EXECUTE')"
    ).fetchall()
    assert rows == []
    assert superuser.execute("SELECT count(*) FROM pg_proc WHERE proname LIKE 'tell%'").fetchone() == (3,)
