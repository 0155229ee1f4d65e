"""Hearing what the database tells on its channel: one connection, that is mended when it breaks and mistrusted until it is proven.

The triggers of the migrations tell which batch or user changed. Behind a transaction pooler LISTEN succeeds and nothing is ever heard,
and a connection that died far away looks like silence, so a probe goes out by another connection every few seconds: while probes do not
come back, everything is called changed every two seconds instead.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg
from psycopg import AsyncConnection
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.db.address import connection_parameters

logger = logging.getLogger("ingestio.db")

NAME = "ingestio"
APPLICATION_NAME = "ingestio listener"
POLL_SECONDS = 2.0
_PROBE_SECONDS = 15.0
_FIRST_PROBE_SECONDS = 5.0
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.2, 10.0
_PROBE = "probe "
_TELL = text("SELECT pg_notify(:channel, :payload)")


@dataclass(frozen=True, slots=True)
class Change:
    """Something of this batch changed, or, without one, the user's usage or plan."""

    user_id: str
    batch_id: UUID | None = None


def read_change(payload: str) -> Change | None:
    """What a notification says, None when it is none of ours: anybody who may connect may send one."""
    kind, _, rest = payload.partition(" ")
    if kind == "u" and rest:
        return Change(rest)
    batch, _, user_id = rest.partition(" ")
    if kind != "b" or not user_id:
        return None
    try:
        return Change(user_id, UUID(batch))
    except ValueError:
        return None


class Deaf(Exception):
    """A probe was sent and not heard."""


class Channel:
    """Calls `on_change` for every change, and `on_gap` whenever some may have been missed."""

    def __init__(
        self, url: str, engine: AsyncEngine, on_change: Callable[[Change], None], on_gap: Callable[[], None]
    ) -> None:
        self._parameters = connection_parameters(url) | {"application_name": APPLICATION_NAME}
        self._engine = engine
        self._on_change = on_change
        self._on_gap = on_gap
        self._hears = False
        self._wait_seconds = _FIRST_WAIT_SECONDS

    async def run(self) -> None:
        """Listen until cancelled; losing the server is no error."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen_again_and_again())
            group.create_task(self._poll_while_deaf())

    async def _poll_while_deaf(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if not self._hears:
                self._on_gap()

    async def _listen_again_and_again(self) -> None:
        while True:
            try:
                await self._listen()
            except Deaf:
                logger.warning("notifications of the database are not heard; is a transaction pooler between? polling")
                self._wait_seconds = _LONGEST_WAIT_SECONDS
            except (psycopg.Error, OSError) as error:
                logger.warning("the listening connection is lost", extra={"cause": type(error).__name__})
            self._hears = False
            await asyncio.sleep(self._wait_seconds)
            self._wait_seconds = min(self._wait_seconds * 2, _LONGEST_WAIT_SECONDS)

    async def _listen(self) -> None:
        async with await AsyncConnection.connect(**self._parameters, autocommit=True) as connection:  # type: ignore[arg-type]  # libpq's words
            await connection.execute(f"LISTEN {NAME}")
            while True:
                probe = _PROBE + uuid4().hex
                sent = await self._send(probe)
                heard = await self._hear(connection, probe, _PROBE_SECONDS if self._hears else _FIRST_PROBE_SECONDS)
                if sent and not heard:
                    raise Deaf

    async def _send(self, probe: str) -> bool:
        """Send a probe by a connection of the pool; False when there is none to be had, which proves nothing."""
        try:
            async with self._engine.begin() as connection:
                await connection.execute(_TELL, {"channel": NAME, "payload": probe})
        except (SQLAlchemyError, OSError):
            return False
        return True

    async def _hear(self, connection: AsyncConnection, probe: str, seconds: float) -> bool:
        heard = False
        async for item in connection.notifies(timeout=seconds):
            if item.payload == probe:
                heard = True
                self._trust()
            elif (change := read_change(item.payload)) is not None:
                self._on_change(change)
        return heard

    def _trust(self) -> None:
        if not self._hears:
            self._hears = True
            self._wait_seconds = _FIRST_WAIT_SECONDS
            # Whatever changed before LISTEN took effect was told to nobody.
            self._on_gap()
