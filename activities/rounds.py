"""Who makes the rounds: the schedule, or each worker by itself where there can be none."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from temporalio.client import Client

from activities.repairs.base import GRACE
from activities.upkeep import UpkeepActivities
from ingestio.errors import IngestioError
from workflows.schedules import ensure_upkeep_schedule

logger = logging.getLogger(__name__)


@asynccontextmanager
async def keep_up(upkeep: UpkeepActivities, client: Client, interval: timedelta) -> AsyncIterator[None]:
    """While the block runs: a round at once, and the schedule for the next ones.

    Where the server has or allows no schedule, the rounds go on from here, and each asks for the schedule again. Several workers that
    do so harm nothing: a repair looks again under its locks.
    """
    task = asyncio.create_task(_rounds(upkeep, client, interval))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _rounds(upkeep: UpkeepActivities, client: Client, interval: timedelta) -> None:
    # Whoever committed work before this worker came has had its chance to start it.
    grace, alone = timedelta(0), False
    while True:
        try:
            await upkeep.make_round(grace)
        except Exception as error:  # noqa: BLE001 - an edge: the next round may find what this one missed
            detail = error.detail if isinstance(error, IngestioError) else type(error).__name__
            logger.warning("a round of upkeep was not made: %s", detail)
        if await ensure_upkeep_schedule(client, interval):
            return
        if not alone:
            logger.warning("the upkeep schedule cannot be made here; this worker makes the rounds itself")
        grace, alone = GRACE, True
        await asyncio.sleep(interval.total_seconds())
