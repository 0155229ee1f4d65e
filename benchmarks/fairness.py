"""A batch of ten documents behind another user's thousand, beside the same ten alone (R69).

In turns on one server: the large batch is paused while the ten run alone. With a model's service that answers in a tenth of a second,
where the orchestration is what everybody waits for, and with the offline engine, where it is the few places of the parsers.
"""

import asyncio
import time
from collections.abc import Iterator
from uuid import UUID

from benchmarks.figures import Figure
from benchmarks.pipeline import Laboratory, accept, completed, laboratory, provision, start
from benchmarks.rows import counts
from ingestio.db.session import service_session
from ingestio.services import privileged
from workflows import client as workflows

LARGE_DOCUMENTS = 1000
SMALL_DOCUMENTS = 10
ROUNDS = 5
WARM_UP_DOCUMENTS = 50
MODEL_SECONDS = 0.1
RATIO_LIMIT = 2.0
LARGE_USER, SMALL_USER = "large", "small"


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    """The time of the ten beside their time alone; the ratio must not exceed 2."""
    for what, seconds in (("a model's service", MODEL_SECONDS), ("the offline engine", None)):
        alone, behind = asyncio.run(_measure(rounds, seconds))
        yield Figure.of_rounds(f"10 documents behind 1,000, {what}; floor: alone", behind, alone, "s", "lower")


async def _measure(rounds: int, seconds: float | None) -> tuple[list[float], list[float]]:
    async with laboratory(plans='{"growth": {"pages": null}}') as place:
        for user_id in (LARGE_USER, SMALL_USER):
            await provision(place.deps, user_id)
        await asyncio.to_thread(place.add_worker, seconds=seconds)
        await _run(place, WARM_UP_DOCUMENTS)
        large = await accept(place.deps, LARGE_DOCUMENTS, user_id=LARGE_USER)
        await start(place.client, large, user_id=LARGE_USER)
        alone, behind = [], []
        for _ in range(rounds):
            await _pause(place, large)
            alone.append(await _run(place, SMALL_DOCUMENTS))
            await _resume(place, large)
            behind.append(await _run(place, SMALL_DOCUMENTS))
        if not (await counts(place, large)).waiting:
            raise RuntimeError(f"the large batch did not last for {rounds} rounds")
        return alone, behind


async def _run(place: Laboratory, documents: int) -> float:
    """Seconds from the start of a batch of the small user to its end."""
    batch_id = await accept(place.deps, documents, user_id=SMALL_USER)
    begun = time.perf_counter()
    await start(place.client, batch_id, user_id=SMALL_USER)
    await completed(place.client, batch_id)
    return time.perf_counter() - begun


async def _pause(place: Laboratory, batch_id: UUID) -> None:
    """As the front door does, and wait until nothing of the batch runs."""
    async with service_session(place.deps.engine) as session:
        await privileged.set_paused(session, LARGE_USER, batch_id, paused=True)
    await workflows.nudge_batch(place.client, str(batch_id))
    quiet = 0
    while quiet < 5:
        # A document that was just begun shows as running a moment later, so one look is not enough.
        quiet = 0 if (await counts(place, batch_id)).running else quiet + 1
        await asyncio.sleep(0.1)


async def _resume(place: Laboratory, batch_id: UUID) -> None:
    """As the front door does, and wait until the batch is at full speed: a whole window of documents has ended since."""
    before = await counts(place, batch_id)
    async with service_session(place.deps.engine) as session:
        await privileged.set_paused(session, LARGE_USER, batch_id, paused=False)
    await workflows.nudge_batch(place.client, str(batch_id))
    while (await counts(place, batch_id)).ended < before.ended + 50:
        await asyncio.sleep(0.1)
