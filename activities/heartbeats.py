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
        # Being given the work counts as the first beat; most documents are done before the second, and each costs the server a write.
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            activity.heartbeat(*details)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
