"""Sessions: one transaction, one role, and nothing of it left on the pooled connection."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InvalidRequestError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.db.engine import Connection, create_engine
from ingestio.db.session import ServiceSession, UserSession, service_connection, service_session, user_session
from ingestio.embedded.ports import LOOPBACK
from ingestio.errors import Unavailable
from tests.conftest import Database
from tests.db.rows import insert_all


@pytest_asyncio.fixture
async def narrow(database: Database) -> AsyncIterator[AsyncEngine]:
    """A pool of one connection, so that whatever a session leaves behind meets the next one."""
    engine = create_engine(database.app_url, pool_size=1)
    yield engine
    await engine.dispose()


async def left_behind(engine: AsyncEngine) -> tuple[str, str]:
    """Role and claims on a connection as the pool hands it out."""
    async with engine.connect() as connection:
        row = (
            await connection.execute(
                text("SELECT current_user, coalesce(current_setting('request.jwt.claims', true), '')")
            )
        ).one()
        return row[0], row[1]


CLEAN = ("ingestio_app", "")


ADD_ALICE = "INSERT INTO users (user_id) VALUES ('alice')"
SLEEP = "SELECT pg_sleep(60)"


async def run(engine: AsyncEngine, *statements: str, then: Exception | None = None) -> None:
    """One service session with these statements, which ends with `then`."""
    async with service_session(engine) as session:
        for statement in statements:
            await session.execute(text(statement))
        if then is not None:
            raise then


async def backend_of(session: UserSession | ServiceSession) -> int:
    return int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def test_a_user_session_acts_as_that_user(narrow: AsyncEngine) -> None:
    async with user_session(narrow, "alice") as session:
        row = (
            await session.execute(
                text("SELECT current_user, session_user, auth.jwt() ->> 'sub', auth.jwt() ->> 'role'")
            )
        ).one()
    assert tuple(row) == ("authenticated", "ingestio_app", "alice", "authenticated")
    assert await left_behind(narrow) == CLEAN


async def test_a_service_session_acts_as_the_service_and_carries_no_user(narrow: AsyncEngine) -> None:
    async with user_session(narrow, "alice"):
        pass
    async with service_session(narrow) as session:
        row = (await session.execute(text("SELECT current_user, auth.jwt() ->> 'sub'"))).one()
    assert tuple(row) == ("service_role", None)
    assert await left_behind(narrow) == CLEAN


async def test_a_name_full_of_quotes_stays_a_name(narrow: AsyncEngine) -> None:
    name = """o'"brien\\","role":"service_role"""
    async with user_session(narrow, name) as session:
        row = (await session.execute(text("SELECT auth.jwt() ->> 'sub', current_user"))).one()
    assert tuple(row) == (name, "authenticated")


async def test_a_session_without_a_user_is_refused(narrow: AsyncEngine) -> None:
    with pytest.raises(ValueError, match="user id"):
        async with user_session(narrow, ""):
            pass


async def test_a_normal_end_commits(
    clean_database: Database, narrow: AsyncEngine, superuser: psycopg.Connection[Any]
) -> None:
    await run(narrow, ADD_ALICE)
    assert superuser.execute("SELECT user_id FROM users").fetchall() == [("alice",)]


async def test_a_user_changes_the_granted_column_of_their_own_row_only(
    clean_database: Database, narrow: AsyncEngine, superuser: psycopg.Connection[Any]
) -> None:
    insert_all(superuser, "alice")
    insert_all(superuser, "bob")
    async with user_session(narrow, "alice") as session:
        await session.execute(text("UPDATE extraction_batches SET name = 'April'"))
    names = superuser.execute(
        "SELECT user_id, name, updated_at > created_at FROM extraction_batches ORDER BY 1"
    ).fetchall()
    assert names == [("alice", "April", True), ("bob", "March", False)]


async def test_an_exception_rolls_back_and_leaves_nothing(
    clean_database: Database, narrow: AsyncEngine, superuser: psycopg.Connection[Any]
) -> None:
    with pytest.raises(LookupError):
        await run(narrow, ADD_ALICE, then=LookupError())
    assert superuser.execute("SELECT user_id FROM users").fetchall() == []
    assert await left_behind(narrow) == CLEAN


async def test_an_error_of_a_statement_passes_through_and_leaves_nothing(
    clean_database: Database, narrow: AsyncEngine
) -> None:
    with pytest.raises(IntegrityError):
        async with service_session(narrow) as session:
            await session.execute(text("INSERT INTO profiles (user_id) VALUES ('nobody')"))
    assert await left_behind(narrow) == CLEAN
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with user_session(narrow, "alice") as user:
            await user.execute(text("UPDATE profiles SET membership = 'growth'"))
    assert await left_behind(narrow) == CLEAN


@pytest.mark.parametrize("moment", ["during a statement", "between statements"])
async def test_cancellation_in_the_middle_rolls_back_and_leaves_nothing(
    clean_database: Database, narrow: AsyncEngine, superuser: psycopg.Connection[Any], moment: str
) -> None:
    written = asyncio.Event()

    async def work() -> None:
        async with service_session(narrow) as session:
            await session.execute(text(ADD_ALICE))
            written.set()
            if moment == "during a statement":
                await session.execute(text(SLEEP))
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await written.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert superuser.execute("SELECT user_id FROM users").fetchall() == []
    assert await left_behind(narrow) == CLEAN


async def test_a_timeout_around_a_session_rolls_back_and_leaves_nothing(
    clean_database: Database, narrow: AsyncEngine, superuser: psycopg.Connection[Any]
) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(run(narrow, ADD_ALICE, SLEEP), timeout=0.1)
    assert superuser.execute("SELECT user_id FROM users").fetchall() == []
    assert await left_behind(narrow) == CLEAN


async def test_a_hundred_users_through_few_connections_each_meet_only_themselves(
    clean_database: Database, engine: AsyncEngine, superuser: psycopg.Connection[Any]
) -> None:
    users = [f"user-{number}" for number in range(100)]
    with superuser.transaction():
        superuser.cursor().executemany("INSERT INTO users (user_id) VALUES (%s)", [[user] for user in users])

    async def seen_by(user: str) -> list[str]:
        async with user_session(engine, user) as session:
            return list((await session.execute(text("SELECT user_id FROM users"))).scalars())

    assert await asyncio.gather(*map(seen_by, users)) == [[user] for user in users]


async def test_the_empty_claims_that_a_finished_session_leaves_are_no_user(
    clean_database: Database, narrow: AsyncEngine, superuser: psycopg.Connection[Any]
) -> None:
    """After its first local use the setting is '' and no longer unset; '' is no JSON, and must be nobody instead of an error."""
    insert_all(superuser, "alice")
    async with user_session(narrow, "alice") as session:
        backend = await backend_of(session)
        assert (await session.execute(text("SELECT count(*) FROM documents"))).scalar_one() == 1
    async with narrow.begin() as connection:
        assert (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one() == backend
        assert (await connection.execute(text("SELECT current_setting('request.jwt.claims')"))).scalar_one() == ""
        await connection.execute(text("SET LOCAL ROLE authenticated"))
        assert (await connection.execute(text("SELECT count(*) FROM documents"))).scalar_one() == 0


async def test_a_statement_outside_a_session_may_read_nothing(narrow: AsyncEngine) -> None:
    async with narrow.connect() as connection:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await connection.execute(text("SELECT * FROM users"))


async def test_nothing_runs_on_after_an_early_commit(narrow: AsyncEngine) -> None:
    """A commit inside the block would drop the role for what follows; the session refuses to go on instead."""

    async def commit_and_go_on() -> None:
        async with user_session(narrow, "alice") as session:
            await session.commit()
            await session.execute(text("SELECT 1"))

    with pytest.raises(InvalidRequestError):
        await commit_and_go_on()
    assert await left_behind(narrow) == CLEAN


async def test_a_savepoint_that_is_rolled_back_keeps_the_role(narrow: AsyncEngine) -> None:
    async with user_session(narrow, "alice") as session:
        with pytest.raises(ProgrammingError):
            async with session.begin_nested():
                await session.execute(text("DELETE FROM documents"))
        row = (await session.execute(text("SELECT current_user, auth.jwt() ->> 'sub'"))).one()
    assert tuple(row) == ("authenticated", "alice")


async def test_every_wait_is_bounded_and_the_clock_is_utc(narrow: AsyncEngine) -> None:
    names = (
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "TimeZone",
        "application_name",
        "search_path",
    )
    async with service_session(narrow) as session:
        values = [
            (await session.execute(text("SELECT current_setting(:name)"), {"name": name})).scalar_one()
            for name in names
        ]
    assert values == ["30s", "10s", "1min", "UTC", "ingestio", "public"]


async def test_a_statement_that_takes_too_long_is_unavailable(narrow: AsyncEngine) -> None:
    with pytest.raises(Unavailable):
        await run(narrow, "SET LOCAL statement_timeout = '50ms'", SLEEP)
    assert await left_behind(narrow) == CLEAN


async def test_a_lock_that_is_not_given_is_unavailable(
    clean_database: Database, narrow: AsyncEngine, superuser: psycopg.Connection[Any]
) -> None:
    insert_all(superuser, "alice")
    with superuser.transaction():
        superuser.execute("SELECT FROM user_usage FOR UPDATE")
        with pytest.raises(Unavailable):
            await run(narrow, "SET LOCAL lock_timeout = '50ms'", "UPDATE user_usage SET pages_reserved = 1")


async def test_a_transaction_that_idles_too_long_is_unavailable_and_the_pool_heals(narrow: AsyncEngine) -> None:
    async def idle() -> None:
        async with service_session(narrow) as session:
            await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
            await asyncio.sleep(0.2)
            await session.execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        await idle()
    assert await left_behind(narrow) == CLEAN


async def test_a_connection_that_is_killed_in_use_is_unavailable_and_one_killed_at_rest_is_not_noticed(
    narrow: AsyncEngine, superuser: psycopg.Connection[Any]
) -> None:
    async def lose_the_connection() -> None:
        async with service_session(narrow) as session:
            superuser.execute("SELECT pg_terminate_backend(%s, 2000)", [await backend_of(session)])
            await session.execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        await lose_the_connection()
    async with service_session(narrow) as session:
        resting = await backend_of(session)
    superuser.execute("SELECT pg_terminate_backend(%s, 2000)", [resting])
    async with service_session(narrow) as session:
        assert await backend_of(session) != resting


async def test_a_full_pool_is_unavailable(database: Database) -> None:
    engine = create_engine(database.app_url, pool_size=1, patience_seconds=2)
    try:
        async with service_session(engine):
            with pytest.raises(Unavailable, match="busy"):
                async with service_session(engine):
                    pass
    finally:
        await engine.dispose()


async def test_a_server_that_is_away_is_unavailable_and_says_nothing_of_the_password(unused_tcp_port: int) -> None:
    engine = create_engine(f"postgresql://ingestio_app:s3cret@{LOOPBACK}:{unused_tcp_port}/ingestio")
    with pytest.raises(Unavailable) as caught:
        async with service_session(engine):
            pass
    assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_service_connection_acts_as_the_service_and_leaves_nothing(narrow: AsyncEngine) -> None:
    async with service_connection(narrow) as connection:
        row = await connection.one("SELECT current_user, auth.jwt() ->> 'sub' AS who, auth.jwt() ->> 'role' AS role")
    assert row == ("service_role", None, "service_role")
    assert await left_behind(narrow) == CLEAN


async def test_a_service_connection_commits_at_its_end_and_rolls_back_on_an_exception(
    clean_database: Database, narrow: AsyncEngine, superuser: psycopg.Connection[Any]
) -> None:
    async def add(name: str, then: Exception | None = None) -> None:
        async with service_connection(narrow) as connection:
            assert await connection.run("INSERT INTO users (user_id) VALUES (%(name)s)", name=name) == 1
            if then is not None:
                raise then

    await add("alice")
    with pytest.raises(LookupError):
        await add("bob", then=LookupError())
    assert superuser.execute("SELECT user_id FROM users").fetchall() == [("alice",)]
    assert await left_behind(narrow) == CLEAN


@pytest.mark.parametrize("fails", [False, True])
async def test_a_session_inside_a_service_connection_is_in_its_transaction(
    clean_database: Database, narrow: AsyncEngine, superuser: psycopg.Connection[Any], fails: bool
) -> None:
    async def work() -> None:
        async with service_connection(narrow) as connection:
            await connection.run("INSERT INTO users (user_id) VALUES ('alice')")
            async with connection.session() as session:
                assert (await session.execute(text("SELECT count(*) FROM users"))).scalar_one() == 1
                await session.execute(text("INSERT INTO users (user_id) VALUES ('bob')"))
            await connection.run("INSERT INTO users (user_id) VALUES ('carol')")
            if fails:
                raise LookupError

    if fails:
        with pytest.raises(LookupError):
            await work()
    else:
        await work()
    found = superuser.execute("SELECT user_id FROM users ORDER BY 1").fetchall()
    assert found == ([] if fails else [("alice",), ("bob",), ("carol",)])
    assert await left_behind(narrow) == CLEAN


async def test_a_service_connection_that_is_cancelled_rolls_back_and_leaves_nothing(
    clean_database: Database, narrow: AsyncEngine, superuser: psycopg.Connection[Any]
) -> None:
    async def work() -> None:
        async with service_connection(narrow) as connection:
            await connection.run(ADD_ALICE)
            await connection.one(SLEEP)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work(), timeout=0.2)
    assert superuser.execute("SELECT user_id FROM users").fetchall() == []
    assert await left_behind(narrow) == CLEAN


async def test_a_service_connection_that_is_killed_or_too_slow_is_unavailable_and_the_pool_heals(
    narrow: AsyncEngine, superuser: psycopg.Connection[Any]
) -> None:
    async def lose_the_connection() -> None:
        async with service_connection(narrow) as connection:
            row = await connection.one("SELECT pg_backend_pid() AS backend")
            assert row is not None
            superuser.execute("SELECT pg_terminate_backend(%s, 2000)", [row.backend])
            await connection.one("SELECT 1")

    async def take_too_long() -> None:
        async with service_connection(narrow) as connection:
            await connection.run("SET LOCAL statement_timeout = '50ms'")
            await connection.one(SLEEP)

    for fail in (lose_the_connection, take_too_long):
        with pytest.raises(Unavailable):
            await fail()
        assert await left_behind(narrow) == CLEAN


async def test_an_error_in_a_service_connection_passes_through(clean_database: Database, narrow: AsyncEngine) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        async with service_connection(narrow) as connection:
            await connection.run("INSERT INTO profiles (user_id) VALUES ('nobody')")
    assert await left_behind(narrow) == CLEAN


async def test_a_transaction_that_cannot_begin_says_why_and_leaves_nothing(narrow: AsyncEngine) -> None:
    """It begins in one message with its first statement, so that may be what fails."""
    async with narrow.connect() as pooled:
        driver = (await pooled.get_raw_connection()).driver_connection
        assert isinstance(driver, Connection)
        with pytest.raises(psycopg.errors.UndefinedTable):
            await driver.begin(b"SELECT 1 FROM nothing_of_this_name")
    assert await left_behind(narrow) == CLEAN
