"""Grants as the catalogue has them, and as R27 wants them."""

from typing import Any

import psycopg

from tests.rls.acting import columns_of
from tests.rls.expected import CHANGED_BY_OWNER, HIDDEN_COLUMNS, SEEN_BY_OWNER, TABLES

# (grantee, table, privilege); nothing may be granted on.
REQUIRED_TABLE_GRANTS = (
    {
        ("service_role", table, privilege, False)
        for table in TABLES
        for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE")
    }
    | {("authenticated", table, "SELECT", False) for table in SEEN_BY_OWNER - HIDDEN_COLUMNS.keys()}
    | {("service_role", "alembic_version", "SELECT", False)}
)


def required_column_grants(connection: psycopg.Connection[Any]) -> set[tuple[str, str, str, str]]:
    required = {
        ("authenticated", table, column, "UPDATE") for table, columns in CHANGED_BY_OWNER.items() for column in columns
    }
    return required | {
        ("authenticated", table, column, "SELECT")
        for table, hidden in HIDDEN_COLUMNS.items()
        for column in columns_of(connection, table)
        if column not in hidden
    }


def grants_on_tables(connection: psycopg.Connection[Any]) -> set[tuple[str, str, str, bool]]:
    """(grantee, table, privilege, grantable) of everyone but the owner."""
    return set(
        connection.execute(
            """
            SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, relname, privilege_type, is_grantable
            FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND grantee <> relowner
            """
        ).fetchall()
    )


def grants_on_columns(connection: psycopg.Connection[Any]) -> set[tuple[str, str, str, str]]:
    """(grantee, table, column, privilege)."""
    return set(
        connection.execute(
            """
            SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, relname, attname, privilege_type
            FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid, aclexplode(attacl) WHERE relnamespace = 'public'::regnamespace
            """
        ).fetchall()
    )
