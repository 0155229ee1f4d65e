"""Bring a database to the schema of this source tree, and its application login into shape.

Safe to repeat and to run from several starters at once: an advisory lock lets one work while the others wait and then find nothing to
do. At head it takes a few milliseconds and imports neither Alembic nor SQLAlchemy, which cost more than a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import class_row

from ingestio.db.address import connection_parameters
from ingestio.db.logins import ensure_application_login
from ingestio.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

OWNER = "INGESTIO_DATABASE_OWNER_URL"
OLDEST_SERVER = 15

# Beside the installed package, whether that is the source tree or a wheel.
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

_LOCK_KEY = 0x696E67657374  # "ingest"; advisory locks are per database
_LOCK_TIMEOUT = "20min"  # longer than any one revision may take

_RIGHTS = """
SELECT current_user AS login,
       current_setting('server_version_num')::int / 10000 AS version,
       current_setting('server_encoding') AS encoding,
       (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) AS may_create_roles,
       ARRAY(SELECT name FROM unnest(ARRAY['anon', 'authenticated', 'service_role']) AS name
             WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)) AS missing_roles,
       (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public') AS may_create_tables,
       has_database_privilege(current_database(), 'CREATE') AS may_create_schemas,
       (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = 'auth') AS may_use_auth
"""


@dataclass(frozen=True, slots=True)
class _Rights:
    login: str
    version: int
    encoding: str
    may_create_roles: bool
    missing_roles: list[str]
    may_create_tables: bool | None
    may_create_schemas: bool
    may_use_auth: bool | None  # None: there is no schema auth


def migrate(owner_url: str, app_url: str | None) -> None:
    """Upgrade the schema to head and make the login of `app_url` (None: leave logins alone) able to do its work and nothing else.

    Raises ConfigurationError, naming the variable, when a URL, a right or a login is wrong, and Unavailable when the server cannot be
    reached or a lock is not given in time; each revision commits by itself, so a repeat goes on where this one stopped.
    """
    with _owner_connection(owner_url) as connection:
        connection.execute(
            "SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', '0', false)", [_LOCK_TIMEOUT]
        )
        # Released by closing the connection, also when this process is killed.
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK_KEY])
        current, head = _revision_of(connection), head_revision()
        if current != head:
            _check_rights(connection)
            _check_known(current)
            with _alembic_connection(owner_url) as opened:
                upgrade(opened, head)
        if app_url is not None:
            ensure_application_login(connection, app_url)


def current_revision(owner_url: str) -> str | None:
    """The revision that the database is at; None when it was never migrated. Raises as `migrate` does."""
    with _owner_connection(owner_url) as connection:
        return _revision_of(connection)


def head_revision() -> str:
    """The newest revision of this source tree, from the file names alone (a test compares it with Alembic's answer)."""
    return _revisions()[-1]


def upgrade(connection: "Connection", revision: str) -> None:
    """Run Alembic's upgrade on an open connection that is not inside a transaction. `migrate` is the way in for everyone else."""
    from alembic import command

    command.upgrade(_alembic_config(connection), revision)


def downgrade(connection: "Connection", revision: str) -> None:
    """Run Alembic's downgrade on an open connection that is not inside a transaction. `base` drops every table with its rows."""
    from alembic import command

    command.downgrade(_alembic_config(connection), revision)


def _alembic_config(connection: "Connection") -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _revisions() -> list[str]:
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def _revision_of(connection: psycopg.Connection) -> str | None:
    found = connection.execute(
        "SELECT current_user, relowner::regrole::text, pg_has_role(relowner, 'USAGE') FROM pg_class "
        "WHERE oid = to_regclass('public.alembic_version')"
    ).fetchone()
    if found is None:
        return None
    login, owner, is_owner = found
    if not is_owner:
        raise ConfigurationError(f"{OWNER}: the tables belong to {owner}; use that login instead of {login}")
    row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
    return None if row is None else str(row[0])


def _check_known(current: str | None) -> None:
    if current is not None and current not in _revisions():
        raise ConfigurationError(
            f"{OWNER}: the database is at revision {current}, which this program (at {head_revision()}) does not know; use a newer program"
        )


def _check_rights(connection: psycopg.Connection) -> None:
    row = connection.cursor(row_factory=class_row(_Rights)).execute(_RIGHTS).fetchone()
    assert row is not None
    if row.version < OLDEST_SERVER:
        raise ConfigurationError(
            f"{OWNER}: PostgreSQL {OLDEST_SERVER} or newer is needed, this server is {row.version}"
        )
    if row.encoding != "UTF8":
        raise ConfigurationError(f"{OWNER}: the database must be UTF8, it is {row.encoding}")
    lacks = None
    if row.missing_roles and not row.may_create_roles:
        lacks = f"CREATEROLE, and the roles {', '.join(row.missing_roles)} do not exist"
    elif not row.may_create_tables:
        lacks = "CREATE on the schema public"
    elif row.may_use_auth is None and not row.may_create_schemas:
        lacks = "CREATE on the database, and the schema auth does not exist"
    elif row.may_use_auth is False:
        lacks = "USAGE on the schema auth"
    if lacks:
        raise ConfigurationError(f"{OWNER}: the login {row.login} lacks {lacks}")


@contextmanager
def _owner_connection(owner_url: str) -> Iterator[psycopg.Connection]:
    parameters = connection_parameters(owner_url, variable=OWNER)
    try:
        connection = psycopg.connect(make_conninfo(**parameters), autocommit=True)
    except psycopg.OperationalError as error:
        raise _not_connected(error) from error
    with connection, _errors_translated():
        yield connection


@contextmanager
def _alembic_connection(owner_url: str) -> Iterator["Connection"]:
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DBAPIError

    parameters = connection_parameters(owner_url, variable=OWNER)
    engine = create_engine("postgresql+psycopg://", connect_args=parameters, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise error.orig from error
        raise


@contextmanager
def _errors_translated() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationError(f"{OWNER}: the login lacks a right: {error.diag.message_primary}") from error
    except psycopg.OperationalError as error:
        raise Unavailable("The database did not answer, or another migration holds a lock; try again.") from error


def _not_connected(error: psycopg.OperationalError) -> ConfigurationError | Unavailable:
    # libpq gives no code here, only text: "FATAL:" stands where the server itself answered.
    _, fatal, answer = str(error).partition("FATAL:")
    if fatal and not any(
        word in answer for word in ("starting up", "shutting down", "recovery", "too many", "reserved")
    ):
        return ConfigurationError(f"{OWNER}: the server refused the connection: {answer.strip().splitlines()[0]}")
    return Unavailable(f"The database of {OWNER} cannot be reached; try again.")
