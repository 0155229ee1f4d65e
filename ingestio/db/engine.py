"""The connection pool: one small pool per process, with every wait bounded.

A small pool is faster than a large one where it matters: the hot quota row gives 2,016 reservations a second at 5 connections and
742 at 100, because waiting in our queue is cheaper than waiting for a row lock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import waiting
from psycopg.pq import TransactionStatus
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ingestio.db.address import connection_parameters

# The server itself gives a statement up after 30 s, so who has said nothing after this is not there any more: a hung server, or a pooler
# or a balancer that keeps the connection open with nobody behind it, which no limit of TCP's notices.
ANSWER_SECONDS = 35.0
# The name of the execution option by which a session learns how long its beginning may take.
PATIENCE = "ingestio_patience_seconds"
_GOODBYE_SECONDS = 0.5


def create_engine(
    url: str, *, pool_size: int = 8, patience_seconds: float = 10, answer_seconds: float = ANSWER_SECONDS
) -> AsyncEngine:
    """A lazy engine on psycopg 3; nothing is contacted before the first session.

    `url` is what `connection_parameters` accepts; raises ConfigurationError as it does. A session that has not begun within
    `patience_seconds`, because no connection is free or nobody answers, raises Unavailable, and so does one whose statement is not
    answered within `answer_seconds`.
    """
    return create_async_engine(
        "postgresql+psycopg://",
        connect_args={**connection_parameters(url), "async_creator_fn": _connecting(answer_seconds)},
        pool_size=pool_size,
        max_overflow=0,
        # A little less than the patience with the whole, so that "busy" is told from "away".
        pool_timeout=patience_seconds * 0.8,
        # One round trip per checkout; without it every pooled connection fails one request after PostgreSQL was restarted.
        pool_pre_ping=True,
        # Parameters are prompts, file names and results; an exception that is logged must not quote them.
        hide_parameters=True,
        execution_options={PATIENCE: patience_seconds},
    )


def _connecting(answer_seconds: float) -> Callable[..., Awaitable[psycopg.AsyncConnection[Any]]]:
    """How the pool connects: `psycopg.AsyncConnection.connect`, with a bound on the wait for each answer."""

    class Connection(psycopg.AsyncConnection[Any]):
        async def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            try:
                return await waiting.wait_async(
                    gen, self.pgconn.socket, interval, answer_seconds if timeout is None else timeout
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

    return Connection.connect
