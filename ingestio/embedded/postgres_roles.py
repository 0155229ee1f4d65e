"""The database, its two logins and the three roles that policies name. Running it again changes nothing."""

import psycopg
from psycopg import sql

from ingestio.embedded.postgres_cluster import APP, DATABASE, OWNER

ROLES = ("anon", "authenticated", "service_role")

_ROLE_ATTRIBUTES = "NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_OWNER_ATTRIBUTES = "LOGIN INHERIT NOSUPERUSER NOCREATEDB CREATEROLE NOREPLICATION NOBYPASSRLS"
_APP_ATTRIBUTES = "LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def provision(superuser_url: str, *, owner_password: str, app_password: str) -> None:
    """Make what migrations and the application expect, and set both logins' passwords.

    The owner may create schemas, grant, create roles and step into each of the three roles; the application's login owns nothing and
    has no right of its own, it can only step into `authenticated` and `service_role`. Existing rows and grants stay.
    """
    with psycopg.connect(superuser_url, connect_timeout=10, autocommit=True) as connection:
        with connection.transaction():
            for role in ROLES:
                _ensure_role(connection, role, _ROLE_ATTRIBUTES)
            _ensure_role(connection, OWNER, _OWNER_ATTRIBUTES, owner_password)
            _ensure_role(connection, APP, _APP_ATTRIBUTES, app_password)
            connection.execute(
                "GRANT anon, authenticated, service_role TO ingestio_owner WITH ADMIN TRUE, INHERIT FALSE, SET TRUE"
            )
            connection.execute("GRANT authenticated, service_role TO ingestio_app WITH INHERIT FALSE, SET TRUE")
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchall():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
            )
    with psycopg.connect(superuser_url, dbname=DATABASE, connect_timeout=10, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(OWNER)))


def _ensure_role(
    connection: psycopg.Connection[tuple[object, ...]], role: str, attributes: str, password: str | None = None
) -> None:
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchall()
    words = [
        sql.SQL("ALTER ROLE" if known else "CREATE ROLE"),
        sql.Identifier(role),
        sql.SQL("WITH"),
        sql.SQL(attributes),
    ]
    if password is not None:
        # Hashed on our side: the password itself never reaches the server, so no log can hold it.
        verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
        words += [sql.SQL("PASSWORD"), sql.Literal(verifier.decode())]
    connection.execute(sql.SQL(" ").join(words))
