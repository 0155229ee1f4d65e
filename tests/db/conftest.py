"""Connections for looking at the schema."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Database


@pytest.fixture
def scratch(clean_database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's transaction on the emptied database; whatever happens in it is rolled back."""
    with psycopg.connect(clean_database.superuser_url) as connection:
        yield connection
        connection.rollback()
