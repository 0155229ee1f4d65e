"""Keys, checks and indexes: what refers to what, and what happens to it when the other goes."""

from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.db.rows import insert, insert_all, key_of, row_id, rows_of

CASCADE, SET_NULL = "c", "n"

# (referring table, its columns, target table) -> (rule of pg_constraint.confdeltype, the columns that are set to null)
FOREIGN_KEYS: dict[tuple[str, str, str], tuple[str, str | None]] = {
    ("profiles", "user_id", "users"): (CASCADE, None),
    **{
        (table, "user_id", "profiles"): (CASCADE, None)
        for table in (
            "user_usage",
            "extraction_batches",
            "refused_files",
            "documents",
            "extraction_jobs",
            "extracted_data",
            "field_revisions",
            "exports",
            "idempotency_keys",
            "api_keys",
            "browser_sessions",
            "webhook_endpoints",
            "webhook_deliveries",
        )
    },
    ("documents", "batch_id,user_id", "extraction_batches"): (SET_NULL, "batch_id"),
    ("extraction_jobs", "batch_id,user_id", "extraction_batches"): (CASCADE, None),
    ("refused_files", "batch_id,user_id", "extraction_batches"): (CASCADE, None),
    ("exports", "batch_id,user_id", "extraction_batches"): (SET_NULL, "batch_id"),
    ("extraction_jobs", "document_id,user_id", "documents"): (CASCADE, None),
    ("extracted_data", "document_id,user_id", "documents"): (CASCADE, None),
    ("field_revisions", "document_id,user_id", "documents"): (CASCADE, None),
    ("document_words", "document_id,user_id", "documents"): (CASCADE, None),
    ("extracted_data", "extraction_job_id,user_id", "extraction_jobs"): (SET_NULL, "extraction_job_id"),
    ("field_revisions", "extracted_data_id,user_id", "extracted_data"): (CASCADE, None),
    ("webhook_deliveries", "endpoint_id,user_id", "webhook_endpoints"): (CASCADE, None),
}

UNIQUE = {
    ("user_usage", "user_id,billing_period_start"),
    ("page_ledger", "job_id"),
    ("documents", "batch_id,client_id"),
    ("refused_files", "batch_id,client_id"),
    ("extraction_jobs", "document_id,attempt"),
    ("extracted_data", "extraction_job_id"),
    ("field_revisions", "extracted_data_id,path,revision"),
    ("api_keys", "key_hash"),
    ("browser_sessions", "token_hash"),
}

COLUMN_NAMES = (
    "(SELECT string_agg(attname, ',' ORDER BY place) FROM unnest({}) WITH ORDINALITY AS part (number, place) "
    "JOIN pg_attribute ON attrelid = conrelid AND attnum = number)"
)


def test_the_foreign_keys_are_exactly_the_required_ones_with_their_delete_rules(
    superuser: psycopg.Connection[Any],
) -> None:
    rows = superuser.execute(
        f"SELECT conrelid::regclass::text, {COLUMN_NAMES.format('conkey')}, confrelid::regclass::text, confdeltype::text, "
        f"{COLUMN_NAMES.format('confdelsetcols')} FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
    ).fetchall()
    assert {
        (table, columns, target): (rule, set_null) for table, columns, target, rule, set_null in rows
    } == FOREIGN_KEYS


def test_the_ledger_and_the_inboxes_refer_to_nothing_so_that_they_outlive_it(
    superuser: psycopg.Connection[Any],
) -> None:
    independent = ("page_ledger", "stripe_events", "clerk_events", "account_tombstones")
    rows = superuser.execute(
        "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)",
        [list(independent)],
    ).fetchall()
    assert rows == []


def test_what_must_be_unique_is(superuser: psycopg.Connection[Any]) -> None:
    rows = superuser.execute(
        f"SELECT conrelid::regclass::text, {COLUMN_NAMES.format('conkey')} FROM pg_constraint "
        "WHERE contype = 'u' AND connamespace = 'public'::regnamespace"
    ).fetchall()
    assert UNIQUE - set(rows) == set()


@pytest.mark.parametrize("column", ["stripe_customer_id", "stripe_subscription_id"])
def test_what_stripe_knows_of_a_profile_is_unique_and_no_key_that_a_new_row_would_wait_for(
    superuser: psycopg.Connection[Any], column: str
) -> None:
    """A partial index: changing a column that others may refer to would lock out every insert that refers to the profile."""
    rows = superuser.execute(
        "SELECT indpred IS NOT NULL FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] "
        "WHERE indrelid = 'profiles'::regclass AND indisunique AND attname = %s",
        [column],
    ).fetchall()
    assert rows == [(True,)]


def test_every_foreign_key_is_found_by_an_index(superuser: psycopg.Connection[Any]) -> None:
    """Otherwise deleting a parent scans the whole child table for each row."""
    rows = superuser.execute(
        """
        SELECT conrelid::regclass::text, pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1] AND indpred IS NULL)
        """
    ).fetchall()
    assert rows == []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (table, column)
        for table, columns in {
            "extraction_batches": ("user_id", "status", "created_at"),
            "documents": ("user_id", "batch_id", "status", "created_at"),
            "extraction_jobs": ("user_id", "batch_id", "document_id", "status", "created_at"),
            "extracted_data": ("user_id", "document_id", "created_at"),
            "exports": ("user_id", "created_at"),
            "page_ledger": ("user_id", "document_id", "created_at"),
            "user_usage": ("user_id",),
        }.items()
        for column in columns
    ],
)
def test_what_is_looked_up_is_indexed(superuser: psycopg.Connection[Any], table: str, column: str) -> None:
    rows = superuser.execute(
        "SELECT 1 FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey) "
        "WHERE indrelid = %s::regclass AND attname = %s",
        [table, column],
    ).fetchall()
    assert rows


@pytest.fixture
def two_users(scratch: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """alice and bob with a row in every table, in a transaction that is rolled back."""
    insert_all(scratch, "alice")
    insert_all(scratch, "bob")
    return scratch


@pytest.mark.parametrize(
    ("table", "column", "target"),
    [
        ("documents", "batch_id", "extraction_batches"),
        ("extraction_jobs", "batch_id", "extraction_batches"),
        ("extraction_jobs", "document_id", "documents"),
        ("extracted_data", "document_id", "documents"),
        ("extracted_data", "extraction_job_id", "extraction_jobs"),
        ("field_revisions", "document_id", "documents"),
        ("document_words", "document_id", "documents"),
        ("field_revisions", "extracted_data_id", "extracted_data"),
        ("refused_files", "batch_id", "extraction_batches"),
        ("webhook_deliveries", "endpoint_id", "webhook_endpoints"),
    ],
)
def test_no_row_can_name_another_users_row_not_even_as_the_service(
    two_users: psycopg.Connection[Any], table: str, column: str, target: str
) -> None:
    two_users.execute("SET LOCAL ROLE service_role")
    two_users.execute(f"DELETE FROM {table} WHERE user_id IN ('alice', 'bob')")
    row = rows_of("alice")[table] | {column: row_id("bob", target)}
    with pytest.raises(errors.ForeignKeyViolation):
        insert(two_users, table, row)


def test_documents_and_results_outlive_their_batch_and_jobs_go_with_it(two_users: psycopg.Connection[Any]) -> None:
    two_users.execute("DELETE FROM extraction_batches WHERE user_id = 'alice'")
    assert two_users.execute("SELECT batch_id, user_id FROM documents WHERE user_id = 'alice'").fetchall() == [
        (None, "alice")
    ]
    assert two_users.execute(
        "SELECT extraction_job_id, data FROM extracted_data WHERE user_id = 'alice'"
    ).fetchall() == [(None, {"total": "12.50"})]
    for table in ("extraction_jobs", "refused_files"):
        assert two_users.execute(f"SELECT count(*) FROM {table} WHERE user_id = 'alice'").fetchall() == [(0,)]


def test_deleting_a_document_takes_what_was_made_from_it_and_leaves_the_ledger(
    two_users: psycopg.Connection[Any],
) -> None:
    two_users.execute("DELETE FROM documents WHERE user_id = 'alice'")
    for table, left in {
        "extraction_jobs": 0,
        "extracted_data": 0,
        "field_revisions": 0,
        "document_words": 0,
        "extraction_batches": 1,
        "page_ledger": 1,
    }.items():
        assert two_users.execute(f"SELECT count(*) FROM {table} WHERE user_id = 'alice'").fetchone() == (left,), table


def test_deleting_a_user_takes_every_row_of_theirs_but_the_ledger_and_none_of_anyone_else(
    two_users: psycopg.Connection[Any],
) -> None:
    two_users.execute("DELETE FROM users WHERE user_id = 'alice'")
    for table, row in rows_of("alice").items():
        if "user_id" in row:
            left = two_users.execute(
                f"SELECT user_id FROM {table} WHERE user_id IN ('alice', 'bob') ORDER BY 1"
            ).fetchall()
            assert left == ([("alice",), ("bob",)] if table == "page_ledger" else [("bob",)]), table


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("user_usage", "pages_processed = 200, pages_reserved = 51"),
        ("user_usage", "pages_reserved = -1"),
        ("user_usage", "pages_limit = -2"),
        ("user_usage", "billing_period_end = billing_period_start"),
        ("page_ledger", "pages = -1"),
        ("documents", "page_count = 0"),
        ("documents", "file_size = -1"),
        ("extraction_batches", "failed_count = -1"),
        ("extraction_batches", "prompt_strategy = 'auto'"),
        ("extraction_jobs", "attempt = 0"),
        ("field_revisions", "revision = 0"),
    ],
)
def test_an_impossible_value_is_refused_by_the_database_itself(
    two_users: psycopg.Connection[Any], table: str, change: str
) -> None:
    with pytest.raises(errors.CheckViolation):
        two_users.execute(f"UPDATE {table} SET {change} WHERE user_id = 'alice'")


def test_an_unlimited_period_has_no_ceiling(two_users: psycopg.Connection[Any]) -> None:
    two_users.execute("UPDATE user_usage SET pages_limit = -1, pages_processed = 1000000 WHERE user_id = 'alice'")


def test_a_document_has_one_live_attempt_at_most(two_users: psycopg.Connection[Any]) -> None:
    second = rows_of("alice")["extraction_jobs"] | {"id": row_id("alice", "extraction_jobs", 2), "attempt": 2}
    with two_users.transaction(), pytest.raises(errors.UniqueViolation), two_users.transaction():
        insert(two_users, "extraction_jobs", second)
    two_users.execute("UPDATE extraction_jobs SET status = 'failed' WHERE user_id = 'alice'")
    assert insert(two_users, "extraction_jobs", second) == 1


def test_updated_at_moves_with_every_update(two_users: psycopg.Connection[Any]) -> None:
    for table, row in rows_of("alice").items():
        names = [column.name for column in two_users.execute(f"SELECT * FROM {table} LIMIT 0").description or ()]
        if "updated_at" in names:
            # An explicit value does not win either, so that no statement can fake it.
            (column,) = list(key_of(table, row))[:1]
            changed = two_users.execute(
                f"UPDATE {table} SET updated_at = 'epoch' WHERE {column} = %s RETURNING updated_at = now()",
                [row[column]],
            ).fetchall()
            assert changed == [(True,)], table
