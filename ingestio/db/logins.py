"""The application's login: able to become `authenticated` and `service_role`, and nothing else (R25).

It inherits neither role, owns nothing and has no grant of its own, so that a statement outside a session reads nothing. On the embedded
server it comes ready; on any other one the owner makes it here when it may, or an administrator is told what is missing.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from ingestio.db.address import connection_parameters
from ingestio.errors import ConfigurationError

APPLICATION = "INGESTIO_DATABASE_URL"
ROLES = ("authenticated", "service_role")

_STANDING = """
SELECT rolsuper AS is_superuser,
       rolbypassrls AS bypasses_rls,
       rolcreaterole AS creates_roles,
       rolcanlogin AS can_login,
       EXISTS (SELECT FROM pg_shdepend, pg_database AS here
               WHERE refclassid = 'pg_authid'::regclass AND refobjid = login.oid AND deptype = 'o' AND datname = current_database()
               AND (dbid = here.oid OR (classid = 'pg_database'::regclass AND objid = here.oid))) AS owns_something,
       EXISTS (SELECT FROM pg_shdepend, pg_database AS here
               WHERE refclassid = 'pg_authid'::regclass AND refobjid = login.oid AND deptype = 'a' AND datname = current_database()
               AND dbid = here.oid AND classid = 'pg_class'::regclass) AS has_table_grants,
       ARRAY(SELECT rolname::text FROM pg_roles AS other
             WHERE other.oid <> login.oid AND other.rolname <> ALL (%(roles)s || ARRAY['anon'])
             AND pg_has_role(login.oid, other.oid, 'MEMBER')
             AND (other.rolsuper OR other.rolbypassrls OR other.rolcreaterole
                  OR other.oid IN (SELECT relowner FROM pg_class WHERE relnamespace = 'public'::regnamespace))) AS powerful_roles,
       ARRAY(SELECT name FROM unnest(%(roles)s) AS name WHERE pg_has_role(login.oid, name, 'USAGE')) AS inherited_roles,
       ARRAY(SELECT name FROM unnest(%(roles)s) AS name WHERE NOT pg_has_role(login.oid, name, %(becoming)s)) AS missing_roles
FROM pg_roles AS login
WHERE rolname = %(login)s
"""


@dataclass(frozen=True, slots=True)
class _Standing:
    is_superuser: bool
    bypasses_rls: bool
    creates_roles: bool
    can_login: bool
    owns_something: bool
    has_table_grants: bool
    powerful_roles: list[str]
    inherited_roles: list[str]
    missing_roles: list[str]


def ensure_application_login(connection: psycopg.Connection, app_url: str) -> None:
    """Make the login that `app_url` names if it is absent, grant it its two roles, and refuse one that could do more.

    `connection` is the owner's, in autocommit mode. An existing login keeps its password and attributes; only a missing membership is
    added. Raises ConfigurationError naming INGESTIO_DATABASE_URL.
    """
    parameters = connection_parameters(app_url, variable=APPLICATION)
    login, password = parameters.get("user"), parameters.get("password")
    if not login:
        raise ConfigurationError(f"{APPLICATION}: names no login; expected postgresql://user:password@host:port/name")
    standing = _standing_of(connection, login)
    if standing is None:
        _create(connection, login, password)
        standing = _standing_of(connection, login)
        assert standing is not None
    _refuse_power(login, standing)
    if standing.missing_roles:
        _grant(connection, login, standing.missing_roles)
        standing = _standing_of(connection, login)
        assert standing is not None
    if standing.inherited_roles:
        # Without NOINHERIT the bare login would act as service_role in every statement, and see every user's rows.
        raise ConfigurationError(
            f"{APPLICATION}: the login {login} inherits {', '.join(standing.inherited_roles)}; it must be NOINHERIT (ALTER ROLE {login} "
            "NOINHERIT, and on PostgreSQL 16+ grant the roles WITH INHERIT FALSE)"
        )


def _standing_of(connection: psycopg.Connection, login: str) -> _Standing | None:
    becoming = "SET" if connection.info.server_version >= 160000 else "MEMBER"
    cursor = connection.cursor(row_factory=class_row(_Standing))
    return cursor.execute(_STANDING, {"login": login, "roles": list(ROLES), "becoming": becoming}).fetchone()


def fault_of_login(connection: psycopg.Connection, login: str) -> str | None:
    """What `login` can do beyond becoming its two roles, or cannot do of that, in words; None when all is well. Any login may ask."""
    standing = _standing_of(connection, login)
    if standing is None:
        return "does not exist"
    if standing.inherited_roles:
        return f"inherits {', '.join(standing.inherited_roles)}"
    if standing.missing_roles:
        return f"is not a member of {', '.join(standing.missing_roles)}"
    return _power_of(standing)


def _refuse_power(login: str, standing: _Standing) -> None:
    wrong = _power_of(standing)
    if wrong:
        raise ConfigurationError(
            f"{APPLICATION}: the login {login} {wrong}; the application needs a login of its own that only authenticated and "
            "service_role are granted to"
        )


def _power_of(standing: _Standing) -> str | None:
    if standing.is_superuser:
        return "is a superuser"
    if standing.bypasses_rls:
        return "bypasses row-level security (BYPASSRLS)"
    if standing.creates_roles:
        return "may create roles (CREATEROLE)"
    if standing.powerful_roles:
        return f"is a member of {', '.join(standing.powerful_roles)}"
    if standing.owns_something:
        return "owns the database or something in it"
    if standing.has_table_grants:
        return "has grants on tables of its own"
    return None if standing.can_login else "may not log in (NOLOGIN)"


def _create(connection: psycopg.Connection, login: str, password: str | None) -> None:
    if not password:
        raise ConfigurationError(
            f"{APPLICATION}: the login {login} does not exist and cannot be made, because the URL holds no password"
        )
    statement = sql.SQL("CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}").format(
        sql.Identifier(login), sql.Literal(_hashed(connection, login, password))
    )
    try:
        connection.execute(statement)
    except psycopg.errors.DuplicateObject:
        pass  # migrating another database of the same cluster at this moment; its memberships are looked at next
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"{APPLICATION}: the login {login} does not exist and the schema's owner may not create it; create it with "
            f"CREATE ROLE {login} LOGIN NOINHERIT PASSWORD '...'"
        ) from error


def _hashed(connection: psycopg.Connection, login: str, password: str) -> str:
    # Hashed on this side, so that the password does not stand in the server's statement log.
    encrypted = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256")
    return encrypted.decode()


def _grant(connection: psycopg.Connection, login: str, roles: list[str]) -> None:
    options = sql.SQL(" WITH INHERIT FALSE, SET TRUE" if connection.info.server_version >= 160000 else "")
    try:
        for role in roles:
            connection.execute(sql.SQL("GRANT {} TO {}{}").format(sql.Identifier(role), sql.Identifier(login), options))
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"{APPLICATION}: the login {login} is not a member of {', '.join(roles)} and the schema's owner may not grant it; "
            f"an administrator can: GRANT {', '.join(roles)} TO {login}"
        ) from error
