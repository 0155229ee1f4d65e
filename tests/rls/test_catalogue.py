"""Policies, forced row-level security and grants, read from the catalogue and compared with R25..R27."""

from typing import Any

import psycopg
import pytest

from tests.conftest import Database
from tests.rls.expected import HIDDEN_COLUMNS, OWNER_POLICIES, SEEN_BY_OWNER, SERVICE_ONLY, TABLES
from tests.rls.grants import REQUIRED_TABLE_GRANTS, grants_on_columns, grants_on_tables, required_column_grants

IS_OWNER = "(( SELECT (auth.jwt() ->> 'sub'::text)) = user_id)"

# command -> (USING, WITH CHECK), as PostgreSQL prints them; the same text stands in the product notes.
CLAUSES = {
    "SELECT": (IS_OWNER, None),
    "INSERT": (None, IS_OWNER),
    "UPDATE": (IS_OWNER, IS_OWNER),
    "DELETE": (IS_OWNER, None),
}

Policy = tuple[str, str, str, tuple[str, ...], str, str | None, str | None]


def required_policies() -> set[Policy]:
    required: set[Policy] = set()
    for table in [*TABLES, "alembic_version"]:
        required.add(
            (table, f"Service role full access on {table}", "PERMISSIVE", ("service_role",), "ALL", "true", "true")
        )
        for command, name in OWNER_POLICIES.get(table, {}).items():
            required.add((table, name, "PERMISSIVE", ("authenticated",), command, *CLAUSES[command]))
    required.add(
        ("alembic_version", "Migrations keep their place", "PERMISSIVE", ("ingestio_owner",), "ALL", "true", "true")
    )
    return required


def test_the_policies_are_exactly_the_required_ones(superuser: psycopg.Connection[Any]) -> None:
    rows = superuser.execute(
        "SELECT tablename, policyname, permissive, roles::text[], cmd, qual, with_check FROM pg_policies WHERE schemaname = 'public'"
    ).fetchall()
    assert {(table, name, kind, tuple(roles), *rest) for table, name, kind, roles, *rest in rows} == required_policies()


def unprotected_tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Tables of the schema whose policies do not bind everyone, their owner included."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'f') "
        "AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1"
    ).fetchall()
    return [row[0] for row in rows]


def test_row_level_security_is_enabled_and_forced_on_every_table(superuser: psycopg.Connection[Any]) -> None:
    assert unprotected_tables(superuser) == []


@pytest.mark.parametrize("protection", [None, "ENABLE", "FORCE"])
def test_a_new_table_without_forced_row_level_security_would_be_found(
    database: Database, protection: str | None
) -> None:
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("CREATE TABLE forgotten (id int)")
        if protection:
            connection.execute(f"ALTER TABLE forgotten {protection} ROW LEVEL SECURITY")
        assert unprotected_tables(connection) == ["forgotten"]
        connection.rollback()


def test_the_matrix_covers_every_table(superuser: psycopg.Connection[Any]) -> None:
    rows = superuser.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    ).fetchall()
    assert sorted(row[0] for row in rows) == TABLES


def test_views_and_foreign_tables_which_would_pass_by_the_policies_do_not_exist(
    superuser: psycopg.Connection[Any],
) -> None:
    rows = superuser.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'f')"
    )
    assert rows.fetchall() == []


def test_no_function_runs_with_its_owners_rights(superuser: psycopg.Connection[Any]) -> None:
    rows = superuser.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, 'auth'::regnamespace) AND prosecdef"
    )
    assert rows.fetchall() == []


def test_the_grants_on_tables_are_exactly_the_required_ones(superuser: psycopg.Connection[Any]) -> None:
    assert grants_on_tables(superuser) == REQUIRED_TABLE_GRANTS


def test_the_grants_on_columns_are_exactly_the_required_ones(superuser: psycopg.Connection[Any]) -> None:
    assert grants_on_columns(superuser) == required_column_grants(superuser)


def test_information_schema_tells_the_same_to_whoever_asks_there(superuser: psycopg.Connection[Any]) -> None:
    """The views that people check grants with, PUBLIC and anon included."""
    rows = superuser.execute(
        "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants "
        "WHERE table_schema = 'public' AND grantee IN ('PUBLIC', 'anon', 'authenticated', 'ingestio_app')"
    ).fetchall()
    assert {(grantee, privilege) for grantee, _, privilege in rows} == {("authenticated", "SELECT")}
    assert {table for _, table, _ in rows} == SEEN_BY_OWNER - HIDDEN_COLUMNS.keys()
    assert not {table for _, table, _ in rows} & SERVICE_ONLY


def test_the_schemas_are_open_for_use_and_closed_for_creation(superuser: psycopg.Connection[Any]) -> None:
    for role in ("anon", "authenticated", "service_role", "ingestio_app"):
        for schema in ("public", "auth"):
            row = superuser.execute(
                "SELECT has_schema_privilege(%(role)s, %(schema)s, 'CREATE')", {"role": role, "schema": schema}
            ).fetchone()
            assert row == (False,), (role, schema)
    for role in ("anon", "authenticated", "service_role"):
        row = superuser.execute("SELECT has_schema_privilege(%(role)s, 'auth', 'USAGE')", {"role": role}).fetchone()
        assert row == (True,)


def test_the_roles_are_plain_and_the_login_only_steps_into_two_of_them(superuser: psycopg.Connection[Any]) -> None:
    rows = superuser.execute(
        "SELECT rolname, rolcanlogin, rolinherit, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication FROM pg_roles "
        "WHERE rolname IN ('anon', 'authenticated', 'service_role', 'ingestio_app')"
    ).fetchall()
    assert sorted(rows) == [
        ("anon", False, False, False),
        ("authenticated", False, False, False),
        ("ingestio_app", True, False, False),
        ("service_role", False, False, False),
    ]
    memberships = superuser.execute(
        "SELECT roleid::regrole::text, inherit_option, set_option, admin_option FROM pg_auth_members WHERE member = 'ingestio_app'::regrole"
    ).fetchall()
    assert sorted(memberships) == [("authenticated", False, True, False), ("service_role", False, True, False)]


def test_the_claims_are_read_where_supabase_puts_them_and_an_empty_setting_is_none(
    superuser: psycopg.Connection[Any],
) -> None:
    with superuser.transaction(force_rollback=True):
        assert superuser.execute("SELECT auth.jwt()").fetchone() == (None,)
        superuser.execute("SELECT set_config('request.jwt.claims', '{\"sub\": \"alice\"}', true)")
        assert superuser.execute("SELECT auth.jwt() ->> 'sub'").fetchone() == ("alice",)
    # The trap: after its first transaction the setting is no longer unset but empty, which is no JSON.
    assert superuser.execute("SELECT current_setting('request.jwt.claims', true), auth.jwt()").fetchone() == ("", None)
