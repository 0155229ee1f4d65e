"""Handing over what this process counted, while it runs and at its end."""

import asyncio
import logging
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.db import metric_sums
from ingestio.db.session import service_session
from ingestio.metrics import COUNTS, exposition

logger = logging.getLogger(__name__)

HAND_OVER_SECONDS = 5.0
# At the end nobody waits long for a database that is away: what a process counted last is no fact.
LAST_SECONDS = 1.0
# Who reads the sums waits for what is on its way to them. A lock and an engine belong to one event loop both.
_turns: "weakref.WeakKeyDictionary[AsyncEngine, asyncio.Lock]" = weakref.WeakKeyDictionary()


@asynccontextmanager
async def counting(engine: AsyncEngine) -> AsyncIterator[None]:
    """While the block runs, add what was counted to the database's sums every few seconds, and once more at its end."""
    task = asyncio.create_task(_hand_over_for_ever(engine))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await hand_over(engine)


async def hand_over(engine: AsyncEngine) -> None:
    """Add what was counted to the sums. Whatever keeps it from that, it is kept for the next time: counting disturbs no other work."""
    async with _turns.setdefault(engine, asyncio.Lock()):
        taken = COUNTS.take()
        if not taken:
            return
        try:
            async with service_session(engine) as session:
                await metric_sums.add_all(session, taken)
        except asyncio.CancelledError:
            COUNTS.give_back(taken)
            raise
        except Exception as error:  # noqa: BLE001 - an edge, as above
            COUNTS.give_back(taken)
            logger.warning("counts are kept for later: %s", type(error).__name__)


async def shown(engine: AsyncEngine) -> str:
    """All metrics of all processes in Prometheus' text format, this process's to the last one. Raises Unavailable."""
    await hand_over(engine)
    async with service_session(engine) as session:
        sums = await metric_sums.read_all(session)
        now = await metric_sums.under_way(session)
    return exposition([*sums.items(), *now.items()])


async def _hand_over_for_ever(engine: AsyncEngine) -> None:
    while True:
        await asyncio.sleep(HAND_OVER_SECONDS)
        await hand_over(engine)
