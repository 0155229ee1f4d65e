"""Between users who wait for the same few places (R69)."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from ingestio.domain.fields import Extraction
from ingestio.extraction.base import ExtractRequest
from tests.workflows.conftest import House
from tests.workflows.scripted import answer
from workflows import options

SMALL = 10


async def test_a_small_batch_goes_past_the_queue_of_another_users_large_one(house: House) -> None:
    turns = asyncio.Semaphore(0)

    async def read(_request: ExtractRequest, _call: int) -> Extraction:
        await turns.acquire()
        return answer()

    large, small = ([f"{kind} {index}" for index in range(count)] for kind, count in (("large", 60), ("small", SMALL)))
    house.provider.plays |= dict.fromkeys((*large, *small), read)
    house.provider.name = "local"  # read in the few places of the parsers, so that documents have to queue
    neighbour = House(
        house.deps, house.superuser, f"user-{uuid4().hex[:8]}", house.client, house.provider, house.tagged
    )
    await neighbour.open()
    large_batch = await house.submit(large)
    await _stand_in_line(house, large_batch, options.WINDOW)
    small_batch = await neighbour.submit(small)
    await _stand_in_line(neighbour, small_batch, SMALL)

    while sum(name.startswith("small") for name in house.provider.calls) < SMALL:
        begun = len(house.provider.calls)
        turns.release()
        await _until(lambda seen=begun: len(house.provider.calls) > seen)  # type: ignore[misc]
    passed = sum(name.startswith("large") for name in house.provider.calls)

    # With their weight one of the others passes for four of them; first come, first served lets the whole window pass.
    assert passed < options.WINDOW / 2
    for _ in range(len(large) + SMALL):
        turns.release()
    await house.finished(large_batch)
    await neighbour.finished(small_batch)


async def _stand_in_line(house: House, batch_id: UUID, count: int) -> None:
    """Wait until so many documents are read, or wait for that."""
    for document in house.documents(batch_id)[:count]:
        handle = house.client.get_workflow_handle(f"document/{document['id']}/1")
        async with asyncio.timeout(60):
            while not await _is_in_line(handle):
                await asyncio.sleep(0.05)


async def _is_in_line(handle: WorkflowHandle[Any, Any]) -> bool:
    try:
        return bool((await handle.describe()).raw_description.pending_activities)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)
