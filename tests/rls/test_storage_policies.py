"""The policies for Supabase Storage, run against a stand-in of its schema (R103)."""

from collections.abc import Iterator
from importlib import resources
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from tests.conftest import Database
from tests.rls.acting import DENIED, act_as, attempt

POLICIES = resources.files("ingestio.storage").joinpath("supabase_policies.sql").read_text()

# As Supabase defines them: the folders of a name, without the file at its end; row security on; everything granted.
STORAGE = """
CREATE SCHEMA storage;
CREATE TABLE storage.objects (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), bucket_id text, name text);
ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION storage.foldername(name text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE parts text[];
BEGIN
    SELECT string_to_array(name, '/') INTO parts;
    RETURN parts[1:array_length(parts, 1) - 1];
END
$$;
GRANT USAGE ON SCHEMA storage TO anon, authenticated, service_role;
GRANT ALL ON storage.objects TO anon, authenticated, service_role;
"""

ALICE = {"sub": "alice", "role": "authenticated"}
BOB = {"sub": "bob", "role": "authenticated"}


@pytest.fixture
def storage(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's transaction with the stand-in, alice's file in it, and the policies run twice."""
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute(STORAGE)
        connection.execute(POLICIES)
        connection.execute(POLICIES)
        connection.execute("INSERT INTO storage.objects (bucket_id, name) VALUES ('documents', 'alice/documents/1')")
        yield connection
        connection.rollback()


def tried(connection: psycopg.Connection[Any], name: str) -> dict[str, int | str]:
    """Each operation on one object's name, undone."""
    where = sql.SQL(" WHERE name = {}").format(sql.Literal(name))
    return {
        "select": attempt(connection, sql.SQL("SELECT * FROM storage.objects") + where),
        "insert": attempt(
            connection, sql.SQL("INSERT INTO storage.objects (name) VALUES ({})").format(sql.Literal(name))
        ),
        "update": attempt(connection, sql.SQL("UPDATE storage.objects SET bucket_id = 'documents'") + where),
        "delete": attempt(connection, sql.SQL("DELETE FROM storage.objects") + where),
    }


def test_a_user_reaches_the_files_below_their_own_id(storage: psycopg.Connection[Any]) -> None:
    act_as(storage, "authenticated", ALICE)
    assert tried(storage, "alice/documents/1") == {"select": 1, "insert": 1, "update": 1, "delete": 1}


@pytest.mark.parametrize("claims", [BOB, {}, None, {"sub": ""}, {"sub": "alice/documents"}])
def test_nobody_else_does(storage: psycopg.Connection[Any], claims: dict[str, str] | None) -> None:
    act_as(storage, "authenticated", claims)
    assert tried(storage, "alice/documents/1") == {"select": 0, "insert": DENIED, "update": 0, "delete": 0}


def test_anonymous_reaches_nothing(storage: psycopg.Connection[Any]) -> None:
    act_as(storage, "anon", ALICE)
    assert tried(storage, "alice/documents/1") == {"select": 0, "insert": DENIED, "update": 0, "delete": 0}


@pytest.mark.parametrize(
    "name", ["bob/documents/1", "alice", "/alice/x", "Alice/x", "shared/alice/x", "alice2/x", "../alice/x", ""]
)
def test_a_user_can_put_a_file_nowhere_else(storage: psycopg.Connection[Any], name: str) -> None:
    act_as(storage, "authenticated", ALICE)
    assert tried(storage, name)["insert"] == DENIED
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        storage.execute("UPDATE storage.objects SET name = %s", [name])


def test_the_policies_refuse_to_stand_on_a_table_without_row_security(storage: psycopg.Connection[Any]) -> None:
    storage.execute("ALTER TABLE storage.objects DISABLE ROW LEVEL SECURITY")
    with pytest.raises(errors.RaiseException, match="row level security is not enabled"):
        storage.execute(POLICIES)
