"""The same schema on servers that are not ours: a plain one as old as PostgreSQL 15, and one with Supabase's roles (R25)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from ingestio.db.migrate import current_revision, head_revision, migrate
from ingestio.errors import ConfigurationError
from tests.db.rows import insert_all
from tests.db.servers import DEBIAN_15, BareCluster, bare_cluster, newest_programs
from tests.rls.acting import act_as
from tests.rls.expected import TABLES
from tests.rls.grants import REQUIRED_TABLE_GRANTS, grants_on_columns, grants_on_tables, required_column_grants
from tests.rls.matrix import (
    ALICE,
    ALL_ALLOWED,
    ALL_DENIED,
    BOB,
    ONE_ROW_PER_USER,
    expected_for_a_user,
    tried_on_alices_row,
)


def programs_of(version: str) -> Path:
    if version == "newest":
        return newest_programs()
    if not DEBIAN_15.exists():
        pytest.skip("PostgreSQL 15 is not installed here (Debian's postgresql-15)")
    return DEBIAN_15


@pytest.fixture(scope="module")
def plain(unused_tcp_port_factory: Callable[[], int]) -> Iterator[BareCluster]:
    """PostgreSQL 15 with a database whose owner may create roles and is no superuser."""
    with bare_cluster(programs_of("15"), unused_tcp_port_factory()) as cluster:
        cluster.as_admin(
            "CREATE ROLE shop_owner LOGIN CREATEROLE PASSWORD 'o'",
            "CREATE DATABASE shop OWNER shop_owner",
        )
        yield cluster


# What a Supabase project has before we come, after supabase/postgres, migrations/db.
SUPABASE_ROLES = (
    "CREATE ROLE anon NOLOGIN INHERIT",
    "CREATE ROLE authenticated NOLOGIN INHERIT",
    "CREATE ROLE service_role NOLOGIN INHERIT BYPASSRLS",
    "CREATE ROLE supabase_auth_admin NOLOGIN NOINHERIT CREATEROLE",
    "CREATE ROLE postgres LOGIN NOSUPERUSER CREATEROLE CREATEDB REPLICATION BYPASSRLS PASSWORD 'p'",
    "CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD 'a'",
    "GRANT anon, authenticated, service_role TO authenticator",
    "GRANT anon, authenticated, service_role TO postgres WITH ADMIN OPTION",
    "ALTER ROLE authenticator SET statement_timeout = '8s'",
    "CREATE DATABASE project OWNER postgres",
)
SUPABASE_SCHEMA = (
    "CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin",
    """
    CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$
        SELECT coalesce(
            nullif(current_setting('request.jwt.claim', true), ''), nullif(current_setting('request.jwt.claims', true), '')
        )::jsonb
    $$
    """,
    "ALTER FUNCTION auth.jwt() OWNER TO supabase_auth_admin",
    "GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, postgres",
    "GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role",
    "ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON TABLES TO postgres, anon, authenticated, service_role",
    "ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON FUNCTIONS TO postgres, anon, authenticated, service_role",
    "ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON SEQUENCES TO postgres, anon, authenticated, service_role",
)


@pytest.fixture(scope="module", params=["15", "newest"])
def supabase(request: pytest.FixtureRequest, unused_tcp_port_factory: Callable[[], int]) -> Iterator[BareCluster]:
    """A cluster as Supabase leaves it: its roles, its auth.jwt(), and default privileges that give everything to everyone."""
    with bare_cluster(programs_of(request.param), unused_tcp_port_factory()) as cluster:
        cluster.as_admin(*SUPABASE_ROLES)
        cluster.as_admin(*SUPABASE_SCHEMA, database="project")
        yield cluster


def check_access(cluster: BareCluster, app_url: str, database: str) -> None:
    """The whole matrix and the grants, as on our own server."""
    with psycopg.connect(cluster.admin_url(database)) as root:
        insert_all(root, "alice")
    with psycopg.connect(app_url) as app, psycopg.connect(cluster.admin_url(database)) as root:
        for table in TABLES:
            assert tried_on_alices_row(app, table) == ALL_DENIED, f"bare login on {table}"
            act_as(app, "authenticated", ALICE)
            assert tried_on_alices_row(app, table) == expected_for_a_user(table, 1), f"owner on {table}"
            act_as(app, "authenticated", BOB)
            assert tried_on_alices_row(app, table) == expected_for_a_user(table, 0), f"other user on {table}"
            act_as(app, "service_role", {"role": "service_role"})
            assert tried_on_alices_row(app, table, alone=table in ONE_ROW_PER_USER) == ALL_ALLOWED, (
                f"service on {table}"
            )
            app.rollback()
            act_as(root, "anon", ALICE)
            assert tried_on_alices_row(root, table) == ALL_DENIED, f"anonymous on {table}"
            root.rollback()
        assert grants_on_tables(root) == REQUIRED_TABLE_GRANTS
        assert grants_on_columns(root) == required_column_grants(root)


def test_postgresql_15_works_with_an_owner_who_may_create_roles(plain: BareCluster) -> None:
    owner, app = plain.url("shop_owner", "o", "shop"), plain.url("shop_app", "made by us", "shop")
    migrate(owner, app)
    migrate(owner, app)
    assert current_revision(owner) == head_revision()
    assert plain.as_admin("SHOW server_version_num")[0][0].startswith("15")
    check_access(plain, app, "shop")


def test_postgresql_15_refuses_a_login_that_inherits(plain: BareCluster) -> None:
    migrate(plain.url("shop_owner", "o", "shop"), None)
    plain.as_admin("CREATE ROLE heir LOGIN INHERIT PASSWORD 'h'")
    with pytest.raises(
        ConfigurationError, match="INGESTIO_DATABASE_URL: the login heir inherits authenticated, service_role"
    ):
        migrate(plain.url("shop_owner", "o", "shop"), plain.url("heir", "h", "shop"))


def test_an_owner_who_may_not_create_the_roles_is_told_which_are_missing(
    unused_tcp_port_factory: Callable[[], int],
) -> None:
    with bare_cluster(newest_programs(), unused_tcp_port_factory()) as cluster:
        cluster.as_admin("CREATE ROLE weak_owner LOGIN PASSWORD 'w'", "CREATE DATABASE weak OWNER weak_owner")
        with pytest.raises(
            ConfigurationError,
            match=r"INGESTIO_DATABASE_OWNER_URL: the login weak_owner lacks CREATEROLE, and .* anon, authenticated",
        ):
            migrate(cluster.url("weak_owner", "w", "weak"), None)


def test_beside_supabase_its_roles_and_function_are_used_as_they_are(supabase: BareCluster) -> None:
    owner, app = supabase.url("postgres", "p", "project"), supabase.url("authenticator", "a", "project")
    before = supabase.as_admin(
        "SELECT rolname, rolbypassrls, rolinherit FROM pg_roles WHERE rolname ~ '^(anon|auth|service)' ORDER BY 1"
    )
    migrate(owner, app)
    migrate(owner, app)
    assert (
        supabase.as_admin(
            "SELECT rolname, rolbypassrls, rolinherit FROM pg_roles WHERE rolname ~ '^(anon|auth|service)' ORDER BY 1"
        )
        == before
    )
    assert supabase.as_admin(
        "SELECT proowner::regrole::text, prosrc LIKE '%request.jwt.claim''%', obj_description(oid) FROM pg_proc WHERE proname = 'jwt'",
        database="project",
    ) == [("supabase_auth_admin", True, None)]
    check_access(supabase, app, "project")
