"""Database URLs, as people write them."""

import pytest

from ingestio.db.address import connection_parameters
from ingestio.errors import ConfigurationError


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_each_spelling_of_the_scheme_means_the_same(scheme: str) -> None:
    found = connection_parameters(f"{scheme}://app:p%40ss@db.example.org:6543/ingestio?sslmode=require")
    assert {name: found[name] for name in ("host", "port", "user", "password", "dbname", "sslmode")} == {
        "host": "db.example.org",
        "port": "6543",
        "user": "app",
        "password": "p@ss",
        "dbname": "ingestio",
        "sslmode": "require",
    }
    assert (found["connect_timeout"], found["application_name"]) == ("8", "ingestio")


def test_what_the_url_says_wins_over_our_limits() -> None:
    found = connection_parameters(
        "postgresql://h/d?connect_timeout=2&application_name=mine&options=-c%20statement_timeout%3D5s"
    )
    assert (found["connect_timeout"], found["application_name"]) == ("2", "mine")
    # The later of two settings of one name holds.
    assert found["options"].rindex("statement_timeout=5s") > found["options"].index("statement_timeout=30s")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://app:s3cret@h/d",
        "app:s3cret@h/d",
        "postgresql://app:s3cret%zz@h/d",
        "postgresql://app:s3cret@[::1/d",
        "s3cret",
        "",
    ],
)
def test_a_url_that_is_none_is_refused_by_name_and_never_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="INGESTIO_DATABASE_OWNER_URL") as caught:
        connection_parameters(url, variable="INGESTIO_DATABASE_OWNER_URL")
    assert "s3cret" not in str(caught.value)


def test_a_parameter_that_libpq_does_not_know_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r'INGESTIO_DATABASE_URL: .*"pgbouncer"'):
        connection_parameters("postgresql://app:s3cret@h/d?pgbouncer=true")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:s3cret@h:port/d",
        "postgresql://app:s3cret@h:70000/d",
        "postgresql://app:s3cret@h:0/d",
        "postgresql://app:s3cret@one:5432,two:5432x/d",
        "postgresql://app:s3cret@[::1]:-1/d",
        "postgresql:///d?password=s3cret&port=five",
    ],
)
def test_a_port_that_is_none_is_said_before_anybody_connects(url: str) -> None:
    with pytest.raises(
        ConfigurationError, match="INGESTIO_DATABASE_URL: a port must be a number from 1 to 65535"
    ) as caught:
        connection_parameters(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://h:/d", "postgresql://one:5432,two/d", "postgresql:///d", "postgresql://[::1]:1/d"]
)
def test_a_port_may_be_left_to_libpq(url: str) -> None:
    assert connection_parameters(url)["dbname"] == "d"
