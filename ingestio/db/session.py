"""Sessions: one transaction each, under a role of the database.

`user_session` is the ordinary one: row-level security shows it the rows of one user. `service_session` sees every row, is named so that
it stands out, and belongs to workers, inbound webhooks, schedules and the listed operations of `services/privileged.py`.

The login itself may read nothing (it is NOINHERIT and owns nothing), so a statement outside such a session fails instead of leaking.
Role and claims are set locally, in one statement, and end with the transaction: whatever becomes of it, a pooled connection carries
nothing over.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from ingestio.db.engine import PATIENCE
from ingestio.errors import Unavailable


class UserSession(AsyncSession):
    """Acts as `authenticated` with one user's claims. A type of its own, so that a service session is never passed in its place."""


class ServiceSession(AsyncSession):
    """Acts as `service_role`: sees every user's rows, so each statement filters by the user it works for."""


_Session = TypeVar("_Session", bound=AsyncSession)

# One statement is one round trip: measured 0.73 of the plain speed, two statements 0.60.
_ENTER = text("SELECT set_config('role', :role, true), set_config('request.jwt.claims', :claims, true)")


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
async def _session(
    engine: AsyncEngine, kind: type[_Session], role: str, claims: dict[str, str]
) -> AsyncIterator[_Session]:
    try:
        async with kind(engine, expire_on_commit=False) as session, session.begin():
            await _enter(engine, session, {"role": role, "claims": json.dumps(claims)})
            yield session
    except PoolTimeoutError as error:
        raise Unavailable("The database is busy; try again in a moment.") from error
    except DBAPIError as error:
        # OperationalError: refused, lost, shut down, statement or lock timeout, deadlock. The idle-in-transaction timeout comes
        # as an InternalError, but with the connection marked as gone.
        if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
            raise Unavailable("The database did not answer; try again in a moment.") from error
        raise


async def _enter(engine: AsyncEngine, session: AsyncSession, values: dict[str, str]) -> None:
    """Wait for a connection, see that it lives, begin: all of it within the engine's patience."""
    try:
        async with asyncio.timeout(engine.sync_engine.get_execution_options().get(PATIENCE)):
            await session.execute(_ENTER, values)
    except TimeoutError as error:
        raise Unavailable("The database did not answer; try again in a moment.") from error
