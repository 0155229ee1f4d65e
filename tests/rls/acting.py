"""Becoming somebody in the database, and trying things there."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import errors, sql

DENIED = "denied"

Connection = psycopg.Connection[Any]


def act_as(connection: Connection, role: str, claims: Mapping[str, str] | None) -> None:
    """The statement that the application's sessions begin with. None: no claims at all."""
    connection.execute(
        "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
        [role, json.dumps(claims) if claims is not None else ""],
    )


def attempt(connection: Connection, statement: sql.Composed, values: Iterable[Any] = ()) -> int | str:
    """Rows returned or changed, or DENIED; undone in either case, so that attempts do not see each other."""
    outcome: int | str = DENIED
    with suppress(errors.InsufficientPrivilege), connection.transaction():
        outcome = connection.execute(statement, list(values)).rowcount
        raise psycopg.Rollback
    return outcome


def where(key: Mapping[str, Any]) -> sql.Composed:
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in key.items()
    )


def select(table: str, columns: Iterable[str], key: Mapping[str, Any]) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("SELECT {} FROM {} WHERE {}").format(names, sql.Identifier(table), where(key))


def update(table: str, column: str, key: Mapping[str, Any], value: sql.Composed | None = None) -> sql.Composed:
    """Sets a column to its own value unless one is given."""
    name = sql.Identifier(column)
    return sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(sql.Identifier(table), name, value or name, where(key))


def delete(table: str, key: Mapping[str, Any]) -> sql.Composed:
    return sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(table), where(key))


def insert(table: str, row: Mapping[str, Any]) -> tuple[sql.Composed, list[Any]]:
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
    return statement, list(row.values())


def columns_of(connection: Connection, table: str) -> list[str]:
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [f"public.{table}"],
    ).fetchall()
    return [row[0] for row in rows]
