"""The two logins: what the owner must be able to do, what the application's must not."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import errors

from ingestio.db.migrate import migrate
from ingestio.embedded.ports import LOOPBACK
from ingestio.errors import ConfigurationError, Unavailable
from tests.conftest import Database

NewDatabase = Callable[[], Database]


def as_login(url: str, login: str, password: str = "a word") -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{login}:{password.replace(' ', '%20')}@{parts.hostname}:{parts.port}").geturl()


@pytest.fixture
def root(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's connection; every role whose name begins with `t_` goes afterwards."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        yield connection
        for (name,) in connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 't\\_%'").fetchall():
            connection.execute(f'DROP OWNED BY "{name}"; DROP ROLE "{name}"')


def test_an_absent_login_is_made_and_can_become_both_roles_and_do_nothing_by_itself(
    database: Database, root: psycopg.Connection[Any]
) -> None:
    url = as_login(database.app_url, "t_new-app", "pass word:@/")
    migrate(database.owner_url, url.replace("pass%20word:@/", "pass%20word%3A%40%2F"))
    with psycopg.connect(database.app_url, user="t_new-app", password="pass word:@/") as connection:
        with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT FROM users")
        for role in ("authenticated", "service_role"):
            connection.execute(f"SET ROLE {role}")
            connection.execute("SELECT FROM users")
        connection.rollback()
    attributes = root.execute(
        "SELECT rolcanlogin, rolinherit, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = 't_new-app'"
    ).fetchone()
    assert attributes == (True, False, False, False)


def test_an_existing_login_keeps_its_password_and_only_gets_what_is_missing(
    database: Database, root: psycopg.Connection[Any]
) -> None:
    root.execute("CREATE ROLE t_there LOGIN NOINHERIT PASSWORD 'its own'")
    migrate(database.owner_url, as_login(database.app_url, "t_there", "another"))
    with psycopg.connect(as_login(database.app_url, "t_there", "its own")) as connection:
        connection.execute("SET ROLE service_role")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(as_login(database.app_url, "t_there", "another"))


@pytest.mark.parametrize(
    ("attributes", "afterwards", "complaint"),
    [
        ("SUPERUSER", "", "is a superuser"),
        ("BYPASSRLS", "", "bypasses row-level security"),
        ("CREATEROLE", "", "may create roles"),
        ("", "GRANT ingestio_owner TO t_app", "is a member of ingestio_owner"),
        ("", "CREATE SCHEMA t_schema AUTHORIZATION t_app", "owns the database or something in it"),
        ("", "GRANT SELECT ON users TO t_app", "has grants on tables of its own"),
        ("NOLOGIN", "", "may not log in"),
        ("INHERIT", "GRANT service_role TO t_app", "inherits service_role"),
        (
            "INHERIT",
            "GRANT authenticated, service_role TO t_app WITH INHERIT TRUE",
            "inherits authenticated, service_role",
        ),
    ],
)
def test_a_login_that_could_do_more_is_refused_by_name(
    database: Database, root: psycopg.Connection[Any], attributes: str, afterwards: str, complaint: str
) -> None:
    root.execute(
        f"CREATE ROLE t_app LOGIN NOINHERIT PASSWORD 'a word'; ALTER ROLE t_app {attributes}"
        if attributes
        else "CREATE ROLE t_app LOGIN NOINHERIT"
    )
    if afterwards:
        root.execute(afterwards)
    with pytest.raises(ConfigurationError, match=f"INGESTIO_DATABASE_URL: the login t_app {complaint}"):
        migrate(database.owner_url, as_login(database.app_url, "t_app"))


def test_the_owner_itself_is_refused_as_the_applications_login(database: Database) -> None:
    with pytest.raises(ConfigurationError, match="INGESTIO_DATABASE_URL: the login ingestio_owner"):
        migrate(database.owner_url, database.owner_url)


def test_a_login_that_owns_another_database_is_none_of_our_business(
    database: Database, root: psycopg.Connection[Any]
) -> None:
    root.execute("CREATE ROLE t_app LOGIN NOINHERIT")
    root.execute("CREATE DATABASE t_other OWNER t_app")
    try:
        migrate(database.owner_url, as_login(database.app_url, "t_app"))
    finally:
        root.execute("DROP DATABASE t_other")


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        (
            "postgresql://t_nobody@{host}/ingestio",
            "the login t_nobody does not exist and cannot be made, because the URL holds no password",
        ),
        ("postgresql://{host}/ingestio", "names no login"),
    ],
)
def test_a_url_that_does_not_suffice_to_make_a_login_is_refused(database: Database, url: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"INGESTIO_DATABASE_URL: {complaint}"):
        migrate(database.owner_url, url.format(host=LOOPBACK))


def test_an_owner_who_may_not_create_the_login_says_what_an_administrator_has_to_do(
    database: Database, root: psycopg.Connection[Any]
) -> None:
    root.execute("CREATE ROLE t_owner LOGIN PASSWORD 'a word'; GRANT ingestio_owner TO t_owner")
    with pytest.raises(
        ConfigurationError, match=r"INGESTIO_DATABASE_URL: the login t_app does not exist .* CREATE ROLE t_app"
    ):
        migrate(as_login(database.owner_url, "t_owner"), as_login(database.app_url, "t_app"))
    root.execute("CREATE ROLE t_app LOGIN NOINHERIT")
    root.execute("REVOKE ADMIN OPTION FOR authenticated, service_role FROM ingestio_owner")
    try:
        with pytest.raises(
            ConfigurationError, match=r"INGESTIO_DATABASE_URL: .*GRANT authenticated, service_role TO t_app"
        ):
            migrate(database.owner_url, as_login(database.app_url, "t_app"))
    finally:
        root.execute("GRANT authenticated, service_role TO ingestio_owner WITH ADMIN TRUE")


def test_an_owner_without_the_right_to_create_tables_is_told_so(
    root: psycopg.Connection[Any], new_database: NewDatabase
) -> None:
    root.execute("CREATE ROLE t_weak LOGIN PASSWORD 'a word'")
    with pytest.raises(
        ConfigurationError, match="INGESTIO_DATABASE_OWNER_URL: the login t_weak lacks CREATE on the schema public"
    ):
        migrate(as_login(new_database().owner_url, "t_weak"), None)


def test_an_owner_without_the_right_to_create_the_schema_auth_is_told_so(
    root: psycopg.Connection[Any], new_database: NewDatabase
) -> None:
    fresh = new_database()
    root.execute("CREATE ROLE t_weak LOGIN PASSWORD 'a word'")
    with psycopg.connect(fresh.superuser_url) as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO t_weak")
    with pytest.raises(
        ConfigurationError, match="INGESTIO_DATABASE_OWNER_URL: the login t_weak lacks CREATE on the database"
    ):
        migrate(as_login(fresh.owner_url, "t_weak"), None)


def test_a_login_that_does_not_own_the_tables_is_told_who_does(
    root: psycopg.Connection[Any], new_database: NewDatabase
) -> None:
    fresh = new_database()
    migrate(fresh.owner_url, None)
    root.execute("CREATE ROLE t_other LOGIN PASSWORD 'a word'")
    with psycopg.connect(fresh.superuser_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0003'")
    with pytest.raises(ConfigurationError, match=r"INGESTIO_DATABASE_OWNER_URL: the tables belong to ingestio_owner"):
        migrate(as_login(fresh.owner_url, "t_other"), None)


def test_a_wrong_password_or_database_is_a_configuration_error_that_repeats_no_password(database: Database) -> None:
    for url in (
        as_login(database.owner_url, "ingestio_owner", "s3cret"),
        urlsplit(database.owner_url)._replace(path="/absent").geturl(),
    ):
        with pytest.raises(
            ConfigurationError, match="INGESTIO_DATABASE_OWNER_URL: the server refused the connection"
        ) as caught:
            migrate(url, None)
        assert "s3cret" not in str(caught.value)


def test_a_server_that_is_away_is_unavailable_and_not_misconfigured(unused_tcp_port: int) -> None:
    with pytest.raises(Unavailable, match="INGESTIO_DATABASE_OWNER_URL"):
        migrate(f"postgresql://owner:s3cret@{LOOPBACK}:{unused_tcp_port}/ingestio", None)


def test_a_database_in_another_encoding_is_refused(root: psycopg.Connection[Any], new_database: NewDatabase) -> None:
    root.execute(
        "CREATE DATABASE t_ascii OWNER ingestio_owner TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc"
    )
    try:
        with pytest.raises(
            ConfigurationError, match="INGESTIO_DATABASE_OWNER_URL: the database must be UTF8, it is SQL_ASCII"
        ):
            migrate(urlsplit(new_database().owner_url)._replace(path="/t_ascii").geturl(), None)
    finally:
        root.execute("DROP DATABASE t_ascii")
