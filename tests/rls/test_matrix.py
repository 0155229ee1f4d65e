"""R30: every table, every operation, every kind of caller, executed for real on the application's connection."""

from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.db.rows import key_of, rows_of
from tests.rls.acting import DENIED, act_as, attempt, columns_of, select, update
from tests.rls.expected import CHANGED_BY_OWNER, HIDDEN_COLUMNS, OWNER_POLICIES, SEEN_BY_OWNER, SERVICE_ONLY, TABLES
from tests.rls.matrix import (
    ALICE,
    ALL_ALLOWED,
    ALL_DENIED,
    BOB,
    ONE_ROW_PER_USER,
    expected_for_a_user,
    tried_on_alices_row,
)


@pytest.mark.parametrize("table", TABLES)
def test_the_owner_sees_their_row_and_changes_only_what_is_granted(app: psycopg.Connection[Any], table: str) -> None:
    act_as(app, "authenticated", ALICE)
    assert tried_on_alices_row(app, table) == expected_for_a_user(table, 1)


@pytest.mark.parametrize("table", TABLES)
def test_another_user_neither_sees_nor_changes_it(app: psycopg.Connection[Any], table: str) -> None:
    act_as(app, "authenticated", BOB)
    assert tried_on_alices_row(app, table) == expected_for_a_user(table, 0)


@pytest.mark.parametrize(
    "claims", [None, {}, {"role": "service_role"}, {"sub": ""}], ids=["none", "empty", "no sub", "empty sub"]
)
@pytest.mark.parametrize("table", TABLES)
def test_without_a_user_in_the_claims_nothing_is_seen(
    app: psycopg.Connection[Any], table: str, claims: dict[str, str] | None
) -> None:
    act_as(app, "authenticated", claims)
    assert tried_on_alices_row(app, table) == expected_for_a_user(table, 0)


@pytest.mark.parametrize("table", TABLES)
def test_the_bare_login_may_do_nothing(app: psycopg.Connection[Any], table: str) -> None:
    assert tried_on_alices_row(app, table) == ALL_DENIED


@pytest.mark.parametrize("table", TABLES)
def test_anonymous_may_do_nothing(root: psycopg.Connection[Any], table: str) -> None:
    act_as(root, "anon", ALICE)
    assert tried_on_alices_row(root, table) == ALL_DENIED


@pytest.mark.parametrize("table", TABLES)
def test_the_service_may_do_everything_with_rows(app: psycopg.Connection[Any], table: str) -> None:
    act_as(app, "service_role", {"role": "service_role"})
    outcomes = tried_on_alices_row(app, table, alone=table in ONE_ROW_PER_USER)
    assert outcomes == ALL_ALLOWED


def test_the_login_of_the_application_cannot_become_anyone_else(app: psycopg.Connection[Any]) -> None:
    for role in ("anon", "ingestio_owner", "postgres"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
            app.execute(f"SET LOCAL ROLE {role}")


@pytest.mark.parametrize("table", sorted(SEEN_BY_OWNER))
def test_a_user_sees_exactly_one_of_the_two_users_rows(app: psycopg.Connection[Any], table: str) -> None:
    act_as(app, "authenticated", BOB)
    assert app.execute(f"SELECT DISTINCT user_id FROM {table}").fetchall() == [("bob",)]


@pytest.mark.parametrize("table", TABLES)
def test_each_single_column_is_writable_or_readable_only_if_it_is_granted(
    app: psycopg.Connection[Any], table: str
) -> None:
    act_as(app, "authenticated", ALICE)
    key = key_of(table, rows_of("alice")[table])
    readable, writable = set(), set()
    for column in columns_of(app, table):
        if attempt(app, select(table, [column], key)) != DENIED:
            readable.add(column)
        if attempt(app, update(table, column, key)) != DENIED:
            writable.add(column)
    hidden = set(columns_of(app, table)) if table in SERVICE_ONLY else HIDDEN_COLUMNS.get(table, set())
    assert readable == set(columns_of(app, table)) - hidden
    assert writable == CHANGED_BY_OWNER.get(table, set())


@pytest.mark.parametrize(
    ("role", "operation"),
    [
        (role, operation)
        for role in ("authenticated", "service_role")
        for operation in (
            "TRUNCATE users CASCADE",
            "CREATE TABLE public.mine (id int)",
            "CREATE SCHEMA mine",
            "ALTER TABLE documents NO FORCE ROW LEVEL SECURITY",
            'DROP POLICY "Users can view their own documents" ON documents',
            "UPDATE alembic_version SET version_num = '0001'",
        )
    ],
)
def test_only_the_owner_shapes_the_schema(app: psycopg.Connection[Any], role: str, operation: str) -> None:
    act_as(app, role, ALICE)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(operation)


def test_only_the_service_may_look_which_revision_is_in_place(app: psycopg.Connection[Any]) -> None:
    look = sql.SQL("SELECT version_num FROM alembic_version").format()
    assert attempt(app, look) == DENIED
    act_as(app, "authenticated", ALICE)
    assert attempt(app, look) == DENIED
    act_as(app, "service_role", {"role": "service_role"})
    assert attempt(app, look) == 1


def test_the_policies_alone_hold_as_well_behind_the_grants(root: psycopg.Connection[Any]) -> None:
    """The second line: should someone grant everything, a user still reaches no row but their own, and only by the listed operations."""
    root.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO authenticated")
    for claims, is_owner in ((ALICE, True), (BOB, False)):
        root.execute("RESET ROLE")
        act_as(root, "authenticated", claims)
        for table in TABLES:
            allowed = OWNER_POLICIES.get(table, {})
            expected = {
                operation: int(is_owner and operation.upper() in allowed)
                for operation in ("select", "update", "delete")
            }
            expected_insert: int | str = 1 if is_owner and "INSERT" in allowed else DENIED
            assert tried_on_alices_row(root, table) == expected | {"insert": expected_insert}, (table, claims)


@pytest.mark.parametrize("table", [table for table, policies in OWNER_POLICIES.items() if "UPDATE" in policies])
def test_behind_the_grants_a_row_can_still_not_be_given_to_someone_else(
    root: psycopg.Connection[Any], table: str
) -> None:
    root.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO authenticated")
    act_as(root, "authenticated", ALICE)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        root.execute(f"UPDATE {table} SET user_id = 'bob' WHERE user_id = 'alice'")
