"""The connection pool: one small pool per process, with every wait bounded.

A small pool is faster than a large one where it matters: the hot quota row gives 2,016 reservations a second at 5 connections and
742 at 100, because waiting in our queue is cheaper than waiting for a row lock.
"""

import asyncio
import select
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, ClassVar

import psycopg
from psycopg import generators, waiting
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ingestio.db.address import connection_parameters

# The server itself gives a statement up after 30 s, so who has said nothing after this is not there any more: a hung server, or a pooler
# or a balancer that keeps the connection open with nobody behind it, which no limit of TCP's notices.
ANSWER_SECONDS = 35.0
# A connection that was used so lately is not asked whether it lives.
REST_SECONDS = 1.0
# The name of the execution option by which a session learns how long its beginning may take.
PATIENCE = "ingestio_patience_seconds"
_GOODBYE_SECONDS = 0.5


def create_engine(
    url: str,
    *,
    pool_size: int = 8,
    patience_seconds: float = 10,
    answer_seconds: float = ANSWER_SECONDS,
    rest_seconds: float = REST_SECONDS,
) -> AsyncEngine:
    """A lazy engine on psycopg 3; nothing is contacted before the first session.

    `url` is what `connection_parameters` accepts; raises ConfigurationError as it does. A session that has not begun within
    `patience_seconds`, because no connection is free or nobody answers, raises Unavailable, and so does one whose statement is not
    answered within `answer_seconds`. A connection that was not used for `rest_seconds` is asked first whether it lives.
    """
    engine = create_async_engine(
        "postgresql+psycopg://",
        connect_args={**connection_parameters(url), "async_creator_fn": _connecting(answer_seconds)},
        pool_size=pool_size,
        max_overflow=0,
        # A little less than the patience with the whole, so that "busy" is told from "away".
        pool_timeout=patience_seconds * 0.8,
        # Parameters are prompts, file names and results; an exception that is logged must not quote them.
        hide_parameters=True,
        execution_options={PATIENCE: patience_seconds},
    )
    _look_before_use(engine, rest_seconds)
    return engine


def _look_before_use(engine: AsyncEngine, rest_seconds: float) -> None:
    """Replace a pooled connection that died at rest, or else each of them fails one request after PostgreSQL was restarted.

    SQLAlchemy's pre-ping does it with a round trip per checkout, a fifth of what a short transaction costs. A server that ends a
    connection says so, and what it said waits at the socket: asking the kernel is enough, except after a rest, in which a connection
    may have fallen silent.
    """
    dialect, pool = engine.dialect, engine.sync_engine.pool

    def rested(_connection: Any, record: Any) -> None:
        record.info["at_rest_since"] = time.monotonic()

    def look(connection: Any, record: Any, _proxy: Any) -> None:
        since = record.info.pop("at_rest_since", None)
        if since is None:
            return  # it was made a moment ago
        driver: psycopg.AsyncConnection[Any] = connection.driver_connection
        if driver.closed or _has_something_to_say(driver.fileno()):
            raise DisconnectionError("the server ended this connection")
        if time.monotonic() - since > rest_seconds:
            try:
                dialect.do_ping(connection)
            except psycopg.Error as error:
                raise DisconnectionError("the server did not answer on this connection") from error

    event.listen(pool, "checkin", rested)
    event.listen(pool, "checkout", look)


def _has_something_to_say(socket: int) -> bool:
    """Whether bytes, or the end of them, wait at a connection that expects none."""
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))


class Connection(psycopg.AsyncConnection[Any]):
    """What the pool holds: every wait for an answer ends, and a transaction may begin together with its first statement."""

    answer_seconds: ClassVar[float] = ANSWER_SECONDS

    async def begin(self, statement: bytes) -> None:
        """Begin a transaction and run a statement without values in it, both in one message. Raises what the statement does."""
        async with self.lock:
            await self.wait(self._begin(statement))

    def _begin(self, statement: bytes) -> PQGen[None]:
        self.pgconn.send_query(b"BEGIN; " + statement)
        for result in (yield from generators.execute(self.pgconn)):
            if result.status == ExecStatus.FATAL_ERROR:
                raise error_from_result(result)

    async def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return await waiting.wait_async(
                gen, self.pgconn.socket, interval, self.answer_seconds if timeout is None else timeout
            )
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # Still in the middle of a statement: the answer may come at any time and would be taken for that of the next one.
                self.pgconn.finish()
            raise
        except asyncio.CancelledError:
            # psycopg's own way out waits ten seconds for a server that is not there. One that is lets go of its locks when asked to.
            with suppress(psycopg.Error, TimeoutError):
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await self.cancel_safe(timeout=_GOODBYE_SECONDS)
            self.pgconn.finish()
            raise


def _connecting(seconds: float) -> Callable[..., Awaitable[Connection]]:
    """How the pool connects: `psycopg.AsyncConnection.connect`, with a bound on the wait for each answer."""

    class Bounded(Connection):
        answer_seconds = seconds

    return Bounded.connect
