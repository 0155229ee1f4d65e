"""Migrating: from nothing, from every earlier revision, twice, at once, and back."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import errors
from sqlalchemy import Connection, NullPool, create_engine, text

from ingestio.db.address import connection_parameters
from ingestio.db.migrate import MIGRATIONS, current_revision, downgrade, head_revision, migrate, upgrade
from ingestio.errors import ConfigurationError
from tests.conftest import Database
from tests.db.rows import insert, rows_of

REVISIONS = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("0*.py"))

NewDatabase = Callable[[], Database]


@contextmanager
def owner_of(database: Database) -> Iterator[Connection]:
    engine = create_engine(
        "postgresql+psycopg://", connect_args=connection_parameters(database.owner_url), poolclass=NullPool
    )
    with engine.connect() as connection:
        yield connection


@contextmanager
def root_of(database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        yield connection


def fingerprint(database: Database) -> dict[str, list[Any]]:
    """Everything that the migrations make, in words."""
    questions = {
        "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        "policies": "SELECT * FROM pg_policies ORDER BY tablename, policyname",
        "protection": "SELECT relname, relrowsecurity, relforcerowsecurity, relacl::text FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
        "triggers": "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
        "functions": "SELECT pronamespace::regnamespace::text, proname, prosrc, proacl::text FROM pg_proc "
        "WHERE pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'auth')) ORDER BY 1, 2",
        "enums": "SELECT enumtypid::regtype::text, enumlabel FROM pg_enum ORDER BY enumtypid::regtype::text, enumsortorder",
    }
    with root_of(database) as connection:
        return {name: connection.execute(question).fetchall() for name, question in questions.items()}


def everything_in(database: Database) -> dict[str, list[dict[str, Any]]]:
    with root_of(database) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        return {
            name: [row[0] for row in connection.execute(f"SELECT to_jsonb(t) FROM {name} AS t ORDER BY 1").fetchall()]
            for (name,) in tables
        }


def fill(database: Database) -> None:
    """Two users' rows in whatever tables and columns the present revision has."""
    with root_of(database) as connection:
        known: dict[str, set[str]] = {}
        for table, column in connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        ).fetchall():
            known.setdefault(table, set()).add(column)
        for user in ("alice", "bob"):
            for table, row in rows_of(user).items():
                if table in known:
                    insert(
                        connection, table, {column: value for column, value in row.items() if column in known[table]}
                    )


def test_the_newest_file_name_is_alembics_head_and_the_revisions_form_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [head_revision()]
    assert [revision.revision for revision in reversed(list(script.walk_revisions()))] == REVISIONS


def test_an_empty_database_is_brought_to_head(new_database: NewDatabase) -> None:
    database = new_database()
    assert current_revision(database.owner_url) is None
    migrate(database.owner_url, database.app_url)
    assert current_revision(database.owner_url) == head_revision()


def test_at_head_neither_alembic_nor_sqlalchemy_is_imported(database: Database) -> None:
    """They cost more than a second, and every start of the product passes here."""
    program = (
        "import sys\n"
        "from ingestio.db.migrate import migrate\n"
        "migrate(sys.argv[1], sys.argv[2])\n"
        "print(sorted({'alembic', 'sqlalchemy'} & set(sys.modules)))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, database.owner_url, database.app_url],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("revision", REVISIONS)
def test_rows_of_an_earlier_revision_are_all_there_at_head(
    new_database: NewDatabase, database: Database, revision: str
) -> None:
    old = new_database()
    with owner_of(old) as connection:
        upgrade(connection, revision)
    assert current_revision(old.owner_url) == revision
    fill(old)
    before = everything_in(old)
    migrate(old.owner_url, old.app_url)
    after = everything_in(old)
    for table, rows in before.items():
        still_there = [{name: row.get(name) for name in rows[0]} for row in after[table]]
        assert sorted(still_there, key=str) == sorted(rows, key=str), table
    assert fingerprint(old) == fingerprint(database)


def test_results_of_earlier_revisions_can_be_reviewed_and_found(new_database: NewDatabase) -> None:
    old = new_database()
    with owner_of(old) as connection:
        upgrade(connection, "0006")
    fill(old)
    with root_of(old) as root:
        root.execute(
            "INSERT INTO extracted_data (user_id, document_id, data, document_type, provider, model, pages, fields, flags, created_at) "
            "SELECT user_id, id, '{\"vendor\": \"Müller & Co\"}', 'invoice', 'local', 'rules', 3, %s, %s, now() + interval '1 s' "
            "FROM documents WHERE user_id = 'alice'",
            [
                '[{"path": "vendor", "state": "unsupported", "confidence": 0.2}]',
                '[{"code": "text_truncated"}, {"code": "instructions_not_applied"}]',
            ],
        )

    migrate(old.owner_url, old.app_url)

    with root_of(old) as root:
        revisions = "SELECT revision FROM extracted_data WHERE user_id = 'alice' ORDER BY created_at"
        assert root.execute(revisions).fetchall() == [(0,), (1,)]
        concerns = "SELECT user_id, concerns, updated_at = created_at FROM documents ORDER BY user_id"
        assert root.execute(concerns).fetchall() == [
            ("alice", ["unsupported_value", "text_truncated"], True),
            ("bob", [], True),
        ]
        words = "SELECT user_id, word FROM document_words ORDER BY user_id, word"
        assert root.execute(words).fetchall() == [("alice", "co"), ("alice", "muller"), ("bob", "12"), ("bob", "50")]


def test_events_of_erased_customers_are_nobodys_and_done_with_at_head(new_database: NewDatabase) -> None:
    old = new_database()
    with owner_of(old) as connection:
        upgrade(connection, "0016")
    fill(old)
    with root_of(old) as root:
        root.execute("INSERT INTO stripe_events (event_id, type, customer_id) VALUES ('evt', 'tax', 'cus_erased')")

    migrate(old.owner_url, old.app_url)

    with root_of(old) as root:
        rows = "SELECT event_id, customer_id, processed_at IS NULL FROM stripe_events ORDER BY event_id"
        assert root.execute(rows).fetchall() == [
            ("evt", None, False),
            ("evt_alice_1", "cus_alice", True),
            ("evt_bob_1", "cus_bob", True),
        ]


def test_of_a_key_that_stood_for_several_requests_the_newest_stays_at_head(new_database: NewDatabase) -> None:
    old = new_database()
    with owner_of(old) as connection:
        upgrade(connection, "0018")
    fill(old)
    with root_of(old) as root:
        root.execute("DELETE FROM idempotency_keys")
        root.execute(
            "INSERT INTO idempotency_keys (user_id, key, operation, fingerprint, resource_id, created_at) "
            "SELECT user_id, 'k', operation, 'f', gen_random_uuid(), now() - age FROM (VALUES ('alice', 'batches', interval '2 h'), "
            "('alice', 'documents', interval '1 h'), ('alice', 'exports', interval '3 h'), ('bob', 'batches', interval '4 h')) "
            "AS used (user_id, operation, age)"
        )

    migrate(old.owner_url, old.app_url)

    with root_of(old) as root:
        left = root.execute("SELECT user_id, operation FROM idempotency_keys ORDER BY user_id").fetchall()
    assert left == [("alice", "documents"), ("bob", "batches")]


def test_rows_are_really_carried_by_that_test(new_database: NewDatabase) -> None:
    old = new_database()
    with owner_of(old) as connection:
        upgrade(connection, "0002")
    fill(old)
    first = rows_of("alice").keys() - {"upkeep_walks", "document_words", "metric_sums"}  # what later revisions made
    assert {table: len(rows) for table, rows in everything_in(old).items()} == dict.fromkeys(first, 2)


@pytest.mark.parametrize("revision", [*reversed(REVISIONS[:-1]), "base"])
def test_a_downgrade_with_rows_and_back_up_gives_the_same_schema(
    new_database: NewDatabase, database: Database, revision: str
) -> None:
    back = new_database()
    migrate(back.owner_url, back.app_url)
    fill(back)
    with owner_of(back) as connection:
        downgrade(connection, revision)
    assert current_revision(back.owner_url) == (None if revision == "base" else revision)
    migrate(back.owner_url, back.app_url)
    assert fingerprint(back) == fingerprint(database)


def test_after_a_downgrade_to_base_nothing_of_ours_is_left_but_the_clusters_roles(new_database: NewDatabase) -> None:
    empty = new_database()
    migrate(empty.owner_url, None)
    with owner_of(empty) as connection:
        downgrade(connection, "base")
    left = fingerprint(empty)
    assert {
        name: found for name, found in left.items() if name not in {"protection", "columns", "constraints", "indexes"}
    } == {
        "policies": [],
        "triggers": [],
        "functions": [],
        "enums": [],
    }
    assert {row[0] for row in left["columns"]} == {"alembic_version"}
    with root_of(empty) as root:
        assert root.execute("SELECT nspname FROM pg_namespace WHERE nspname = 'auth'").fetchall() == []
        assert (
            len(
                root.execute(
                    "SELECT FROM pg_roles WHERE rolname IN ('anon', 'authenticated', 'service_role')"
                ).fetchall()
            )
            == 3
        )


def test_two_starters_at_once_do_not_collide(new_database: NewDatabase, database: Database) -> None:
    shared = new_database()
    with ThreadPoolExecutor(4) as pool:
        for outcome in [pool.submit(migrate, shared.owner_url, shared.app_url) for _ in range(4)]:
            assert outcome.result(timeout=60) is None
    assert fingerprint(shared) == fingerprint(database)


def test_a_revision_that_fails_leaves_nothing_of_itself_and_a_repeat_goes_on_from_there(
    new_database: NewDatabase, database: Database
) -> None:
    halted = new_database()
    with root_of(halted) as root:
        root.execute("CREATE TABLE exports (id int)")
        with pytest.raises(errors.DuplicateTable):
            migrate(halted.owner_url, None)
        assert current_revision(halted.owner_url) == "0001"
        assert root.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall() == [
            ("alembic_version",),
            ("exports",),
        ]
        assert root.execute("SELECT FROM pg_type WHERE typtype = 'e'").fetchall() == []
        root.execute("DROP TABLE exports")
    migrate(halted.owner_url, halted.app_url)
    assert fingerprint(halted) == fingerprint(database)


def test_a_database_that_is_newer_than_the_program_is_left_alone(new_database: NewDatabase) -> None:
    newer = new_database()
    migrate(newer.owner_url, None)
    with root_of(newer) as root:
        root.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match=r"INGESTIO_DATABASE_OWNER_URL: .*9999.*newer program"):
        migrate(newer.owner_url, None)


def test_a_migration_waits_for_no_lock_for_long_and_no_statement_runs_for_ever(new_database: NewDatabase) -> None:
    with owner_of(new_database()) as connection:
        upgrade(connection, "head")
        limits = [
            connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in ("lock_timeout", "statement_timeout", "search_path")
        ]
    assert limits == ["10s", "15min", "public"]


def test_alembic_by_hand_is_sent_to_the_command_that_holds_the_lock() -> None:
    from alembic import command

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    for offline in (False, True):
        with pytest.raises(ConfigurationError, match="ingestio migrate"):
            command.upgrade(config, "head", sql=offline)


def test_a_revision_imports_nothing_but_sqlalchemy_and_alembic_and_the_tools_of_the_migrations() -> None:
    """What a revision does must not change when the application's code does."""
    revisions = list((MIGRATIONS / "versions").glob("*.py"))
    assert revisions
    for path in revisions:
        imported = re.findall(r"^\s*(?:from|import)\s+([\w.]+)", path.read_text(), flags=re.MULTILINE)
        assert {name.split(".")[0] for name in imported} <= {"sqlalchemy", "alembic", "migrations"}, path.name
