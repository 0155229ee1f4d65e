"""The models against the migrated database: what Python believes is what PostgreSQL has."""

from enum import StrEnum
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Enum as EnumColumn
from sqlalchemy import NullPool, create_engine, inspect

from ingestio.db.address import connection_parameters
from ingestio.db.models import Base
from tests.conftest import Database

# Keys and indexes are said once, in the migrations: queries do not need them, and tests/db/test_keys.py reads them from the catalogue.
ONLY_IN_SQL = {"remove_index", "add_index", "remove_constraint", "add_constraint", "remove_fk", "add_fk"}


def differences(database: Database) -> list[Any]:
    engine = create_engine(
        "postgresql+psycopg://", connect_args=connection_parameters(database.superuser_url), poolclass=NullPool
    )
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: not (kind == "table" and name == "alembic_version"),
            },
        )
        found = compare_metadata(context, Base.metadata)
    return [difference for difference in found if not (isinstance(difference, tuple) and difference[0] in ONLY_IN_SQL)]


def test_tables_columns_types_nullability_and_defaults_are_the_same_in_both(database: Database) -> None:
    assert differences(database) == []


def test_primary_keys_are_the_same_in_both(database: Database) -> None:
    engine = create_engine(
        "postgresql+psycopg://", connect_args=connection_parameters(database.superuser_url), poolclass=NullPool
    )
    with engine.connect() as connection:
        found = {
            table: set(inspect(connection).get_pk_constraint(table)["constrained_columns"])
            for table in Base.metadata.tables
        }
    assert found == {
        name: {column.name for column in table.primary_key} for name, table in Base.metadata.tables.items()
    }


ENUM_COLUMNS = {
    f"{table}.{column.name}": column.type
    for table, columns in Base.metadata.tables.items()
    for column in columns.columns
    if isinstance(column.type, EnumColumn)
}


@pytest.mark.parametrize("column", ENUM_COLUMNS)
def test_an_enum_column_knows_every_value_of_the_database(superuser: psycopg.Connection[Any], column: str) -> None:
    """Autogenerate does not see a value that was added on one side only."""
    kind = ENUM_COLUMNS[column]
    assert issubclass(kind.enum_class or object, StrEnum)
    rows = superuser.execute(
        "SELECT enumlabel FROM pg_enum WHERE enumtypid = %s::regtype ORDER BY enumsortorder", [kind.name]
    ).fetchall()
    assert [row[0] for row in rows] == kind.enums


def test_every_enum_of_the_database_has_a_column_in_python(superuser: psycopg.Connection[Any]) -> None:
    rows = superuser.execute("SELECT typname FROM pg_type WHERE typtype = 'e'").fetchall()
    assert {row[0] for row in rows} == {kind.name for kind in ENUM_COLUMNS.values()}
