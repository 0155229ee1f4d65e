"""The access matrix of R30: four operations on alice's row of one table, and what each kind of caller may expect."""

from typing import Any

import psycopg

from tests.db.rows import key_of, rows_of
from tests.rls.acting import DENIED, attempt, columns_of, delete, insert, select, update
from tests.rls.expected import CHANGED_BY_OWNER, HIDDEN_COLUMNS, SEEN_BY_OWNER

ALICE = {"sub": "alice", "role": "authenticated"}
BOB = {"sub": "bob", "role": "authenticated"}

ONE_ROW_PER_USER = {"users", "profiles"}

Outcomes = dict[str, int | str]


def tried_on_alices_row(connection: psycopg.Connection[Any], table: str, *, alone: bool = False) -> Outcomes:
    """All four operations on alice's row, each undone. Inserted is a second row of hers; with `alone` the same one, once it is gone."""
    row = rows_of("alice")[table]
    key = key_of(table, row)
    visible = [name for name in columns_of(connection, table) if name not in HIDDEN_COLUMNS.get(table, set())]
    changed = min(CHANGED_BY_OWNER.get(table, {next(iter(key))}))
    outcomes = {
        "select": attempt(connection, select(table, visible, key)),
        "update": attempt(connection, update(table, changed, key)),
        "delete": attempt(connection, delete(table, key)),
    }
    if alone:
        connection.execute(delete(table, key))
    return outcomes | {"insert": attempt(connection, *insert(table, row if alone else second_row(table)))}


def second_row(table: str) -> dict[str, Any]:
    """Another valid row of alice's, which hangs on the rows that she has."""
    first, second = rows_of("alice"), rows_of("alice", 2)
    row = dict(second[table])
    for column, parent in {
        "batch_id": "extraction_batches",
        "document_id": "documents",
        "extracted_data_id": "extracted_data",
        "endpoint_id": "webhook_endpoints",
    }.items():
        if column in row:
            row[column] = first[parent]["id"]
    if table == "extraction_jobs":
        row |= {"attempt": 2, "status": "failed"}
    if table == "extracted_data":
        row["extraction_job_id"] = None
    if table == "field_revisions":
        row["revision"] = 2
    if "client_id" in row:
        row["client_id"] = "f2"
    return row


ALL_DENIED: Outcomes = {"select": DENIED, "insert": DENIED, "update": DENIED, "delete": DENIED}
ALL_ALLOWED: Outcomes = {"select": 1, "insert": 1, "update": 1, "delete": 1}


def expected_for_a_user(table: str, rows: int) -> Outcomes:
    """`rows`: 1 on their own row, 0 on anyone else's."""
    return ALL_DENIED | {
        **({"select": rows} if table in SEEN_BY_OWNER else {}),
        **({"update": rows} if table in CHANGED_BY_OWNER else {}),
    }
