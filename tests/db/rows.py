"""One valid row per table for a user, as plain data: the tests of policies, upgrades and ownership all start from it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

PERIOD_START = datetime(2026, 1, 1, tzinfo=UTC)

Row = dict[str, Any]


def row_id(user: str, table: str, number: int = 1) -> UUID:
    """The same id each time, so that a test can name a row without asking for it."""
    return uuid5(NAMESPACE_URL, f"{user}/{table}/{number}")


def rows_of(user: str, number: int = 1) -> dict[str, Row]:
    """Table -> row, parents first. Rows of another `number` collide with none, except users and profiles: there a user is the row."""

    def own(table: str) -> UUID:
        return row_id(user, table, number)

    start = PERIOD_START + timedelta(days=31 * number)
    return {
        "users": {"user_id": user, "email": f"{user}@example.org", "full_name": user.title()},
        "profiles": {"user_id": user, "membership": "plus", "stripe_customer_id": f"cus_{user}"},
        "user_usage": {
            "id": own("user_usage"),
            "user_id": user,
            "billing_period_start": start,
            "billing_period_end": start + timedelta(days=31),
            "pages_limit": 250,
            "pages_processed": 3,
        },
        "page_ledger": {
            "id": own("page_ledger"),
            "user_id": user,
            "job_id": own("extraction_jobs"),
            "document_id": own("documents"),
            "usage_id": own("user_usage"),
            "pages": 3,
            "state": "committed",
        },
        "extraction_batches": {
            "id": own("extraction_batches"),
            "user_id": user,
            "name": "March",
            "extraction_prompt": "the total",
        },
        "refused_files": {
            "id": own("refused_files"),
            "user_id": user,
            "batch_id": own("extraction_batches"),
            "client_id": "f9",
            "position": 9,
            "filename": "locked.pdf",
            "code": "encrypted",
            "message": "needs a password",
        },
        "documents": {
            "id": own("documents"),
            "user_id": user,
            "batch_id": own("extraction_batches"),
            "client_id": "f1",
            "original_filename": "invoice.pdf",
            "storage_path": f"{user}/documents/{own('documents')}",
            "mime_type": "application/pdf",
            "file_size": 1234,
            "sha256": "0" * 64,
            "page_count": 3,
            "extraction_prompt": "the total",
        },
        "extraction_jobs": {
            "id": own("extraction_jobs"),
            "user_id": user,
            "document_id": own("documents"),
            "batch_id": own("extraction_batches"),
            "attempt": 1,
            "extraction_options": Jsonb({"lane": "normal"}),
        },
        "extracted_data": {
            "id": own("extracted_data"),
            "user_id": user,
            "document_id": own("documents"),
            "extraction_job_id": own("extraction_jobs"),
            "data": Jsonb({"total": "12.50"}),
            "document_type": "invoice",
            "provider": "local",
            "model": "rules",
            "pages": 3,
        },
        "field_revisions": {
            "id": own("field_revisions"),
            "user_id": user,
            "document_id": own("documents"),
            "extracted_data_id": own("extracted_data"),
            "revision": 1,
            "path": "total",
            "value_before": Jsonb("12.50"),
            "value_after": Jsonb("12.80"),
        },
        "document_words": {"user_id": user, "word": f"word{number}", "document_id": own("documents")},
        "exports": {"id": own("exports"), "user_id": user, "format": "csv", "document_ids": [own("documents")]},
        "idempotency_keys": {
            "user_id": user,
            "key": f"key-{number}",
            "operation": "create_batch",
            "fingerprint": "f" * 64,
            "resource_id": own("extraction_batches"),
        },
        "api_keys": {
            "id": own("api_keys"),
            "user_id": user,
            "name": "ci",
            "prefix": "ing_ab",
            "key_hash": f"hash-{user}-{number}",
        },
        "browser_sessions": {
            "id": own("browser_sessions"),
            "user_id": user,
            "token_hash": f"token-{user}-{number}",
            "expires_at": PERIOD_START + timedelta(days=400),
        },
        "webhook_endpoints": {
            "id": own("webhook_endpoints"),
            "user_id": user,
            "url": "https://hooks.example.org/in",
            "events": ["batch.completed"],
            "secret": "whsec_x",
        },
        "webhook_deliveries": {
            "id": own("webhook_deliveries"),
            "user_id": user,
            "endpoint_id": own("webhook_endpoints"),
            "event_type": "batch.completed",
            "payload": Jsonb({"id": "1"}),
        },
        "stripe_events": {"event_id": f"evt_{user}_{number}", "type": "invoice.paid", "customer_id": f"cus_{user}"},
        "clerk_events": {"message_id": f"msg_{user}_{number}", "type": "user.created"},
        "account_tombstones": {"user_hash": f"gone-{user}-{number}"},
        "upkeep_walks": {"kind": f"walk-{user}-{number}"},
        "metric_sums": {"name": f"metric-{user}-{number}", "labels": "", "sum": 1},
    }


def key_of(table: str, row: Mapping[str, Any]) -> Row:
    """The part of a row that names it."""
    keys = {
        "users": ["user_id"],
        "profiles": ["user_id"],
        "document_words": ["user_id", "word", "document_id"],
        "idempotency_keys": ["user_id", "operation", "key"],
        "stripe_events": ["event_id"],
        "clerk_events": ["message_id"],
        "account_tombstones": ["user_hash"],
        "upkeep_walks": ["kind"],
        "metric_sums": ["name", "labels"],
    }
    return {column: row[column] for column in keys.get(table, ["id"])}


def insert(connection: psycopg.Connection[Any], table: str, row: Mapping[str, Any]) -> int:
    """Insert one row; the number of rows inserted."""
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
    return connection.execute(statement, list(row.values())).rowcount


def insert_all(connection: psycopg.Connection[Any], user: str, number: int = 1) -> None:
    """A whole user: one row in every table. `connection` must pass by row-level security or act as service_role."""
    for table, row in rows_of(user, number).items():
        insert(connection, table, row)


def remove_all(connection: psycopg.Connection[Any], user: str, number: int = 1) -> None:
    """Take the same rows away again, for tests that share the database with others."""
    for table, row in reversed(rows_of(user, number).items()):
        key = key_of(table, row)
        statement = sql.SQL("DELETE FROM {} WHERE {}").format(
            sql.Identifier(table),
            sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in key),
        )
        connection.execute(statement, list(key.values()))
