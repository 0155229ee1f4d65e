"""Sessions: one transaction each, under a role of the database.

`user_session` is the ordinary one: row-level security shows it the rows of one user. `service_session` sees every row, is named so that
it stands out, and belongs to workers, inbound webhooks, schedules and the listed operations of `services/privileged.py`.

The login itself may read nothing (it is NOINHERIT and owns nothing), so a statement outside such a session fails instead of leaking.
Role and claims are set locally, in one statement, and end with the transaction: whatever becomes of it, a pooled connection carries
nothing over.

`service_connection` is a service session without SQLAlchemy on top, for the few statements that every document pays for: building,
caching and adapting them there costs several times what the driver does, and a worker's CPU is what limits documents a second.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from ingestio.db.engine import PATIENCE, Connection
from ingestio.errors import Unavailable


class UserSession(AsyncSession):
    """Acts as `authenticated` with one user's claims. A type of its own, so that a service session is never passed in its place."""


class ServiceSession(AsyncSession):
    """Acts as `service_role`: sees every user's rows, so each statement filters by the user it works for."""


class ServiceConnection:
    """Acts as `service_role`, by statements in the driver's own form: `%(name)s` for values, prepared after a few uses."""

    def __init__(self, pooled: AsyncConnection, driver: psycopg.AsyncConnection[Any]) -> None:
        self._pooled = pooled
        self._cursor = driver.cursor(row_factory=namedtuple_row)

    async def one(self, statement: LiteralString, **values: Any) -> Any | None:
        """The first row, by column name; None when there is none."""
        await self._cursor.execute(statement, values)
        return await self._cursor.fetchone()

    async def run(self, statement: LiteralString, **values: Any) -> int:
        """Run a statement that answers no rows; how many it changed."""
        return (await self._cursor.execute(statement, values)).rowcount

    @asynccontextmanager
    async def session(self) -> AsyncIterator[ServiceSession]:
        """An ordinary session inside this transaction, for a branch that is rarely taken and has its queries elsewhere."""
        await self._pooled.begin()
        async with ServiceSession(self._pooled, join_transaction_mode="rollback_only") as session:
            yield session


_Session = TypeVar("_Session", bound=AsyncSession)
_NO_ANSWER = "The database did not answer; try again in a moment."

# One statement is one round trip: measured 0.73 of the plain speed, two statements 0.60.
_ENTER = text("SELECT set_config('role', :role, true), set_config('request.jwt.claims', :claims, true)")
_ENTER_SERVICE = b"SELECT set_config('role', 'service_role', true), set_config('request.jwt.claims', '{\"role\": \"service_role\"}', true)"


@asynccontextmanager
async def user_session(engine: AsyncEngine, user_id: str) -> AsyncIterator[UserSession]:
    """One transaction that sees and changes only what `user_id` (already verified) may.

    Commits at the normal end, rolls back on any exception and on cancellation. Raises Unavailable when the database cannot be
    reached, is too busy or ran into one of our time limits; the caller may repeat the whole block. A lost connection during the
    commit leaves open whether it happened, so blocks that write must be safe to repeat.
    """
    if not user_id:
        raise ValueError("user_session needs a user id")
    async with _session(engine, UserSession, "authenticated", {"sub": user_id, "role": "authenticated"}) as session:
        yield session


@asynccontextmanager
async def service_session(engine: AsyncEngine) -> AsyncIterator[ServiceSession]:
    """One transaction as `service_role`. Ends and fails as `user_session` does."""
    async with _session(engine, ServiceSession, "service_role", {"role": "service_role"}) as session:
        yield session


@asynccontextmanager
async def service_connection(engine: AsyncEngine) -> AsyncIterator[ServiceConnection]:
    """The same transaction, role and ends as `service_session`, on a connection of the same pool."""
    with _unavailable():
        async with AsyncExitStack() as stack:
            async with _patience(engine):
                pooled = await stack.enter_async_context(engine.connect())
                driver = (await pooled.get_raw_connection()).driver_connection
                assert isinstance(driver, Connection)
                stack.push_async_callback(_give_up_if_closed, pooled, driver)
                await driver.begin(_ENTER_SERVICE)
            try:
                yield ServiceConnection(pooled, driver)
                await driver.commit()
            except psycopg.Error as error:
                if driver.closed:
                    raise Unavailable(_NO_ANSWER) from error
                raise
            # Whatever else ends the block, the pool rolls back what it takes in again.


async def _give_up_if_closed(pooled: AsyncConnection, driver: Connection) -> None:
    """Tell the pool that a connection is gone, before it trips over that itself."""
    if driver.closed:
        await pooled.invalidate()


@asynccontextmanager
async def _session(
    engine: AsyncEngine, kind: type[_Session], role: str, claims: dict[str, str]
) -> AsyncIterator[_Session]:
    with _unavailable():
        async with kind(engine, expire_on_commit=False) as session, session.begin():
            await _enter(engine, session, {"role": role, "claims": json.dumps(claims)})
            yield session


@contextmanager
def _unavailable() -> Iterator[None]:
    """Translate a database that cannot be reached, is too busy or ran into one of our time limits."""
    try:
        yield
    except PoolTimeoutError as error:
        raise Unavailable("The database is busy; try again in a moment.") from error
    except DBAPIError as error:
        # OperationalError: refused, lost, shut down, statement or lock timeout, deadlock. The idle-in-transaction timeout comes
        # as an InternalError, but with the connection marked as gone.
        if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
            raise Unavailable(_NO_ANSWER) from error
        raise
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Unavailable(_NO_ANSWER) from error


async def _enter(engine: AsyncEngine, session: AsyncSession, values: dict[str, str]) -> None:
    """Wait for a connection, see that it lives, begin: all of it within the engine's patience."""
    async with _patience(engine):
        await session.execute(_ENTER, values)


@asynccontextmanager
async def _patience(engine: AsyncEngine) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(engine.sync_engine.get_execution_options().get(PATIENCE)):
            yield
    except TimeoutError as error:
        raise Unavailable(_NO_ANSWER) from error
