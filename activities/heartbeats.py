"""Saying "I am alive" while something long runs, so that a killed worker's documents move on within seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from temporalio import activity

INTERVAL_SECONDS = 3.0


@asynccontextmanager
async def heartbeating(*details: Any) -> AsyncIterator[None]:
    """Heartbeat every few seconds while the block runs; a cancel from the workflow arrives with the answer and cancels the block."""

    async def beat() -> None:
        while True:
            activity.heartbeat(*details)
            await asyncio.sleep(INTERVAL_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
