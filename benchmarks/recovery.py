"""kill -9 of a worker in mid-batch: how long until documents complete again, and until the last one that it held has completed.

Twice: the lone worker, which the supervisor starts again, and one of two. What a dead worker held is given away after the timeouts that
`workflows/options.py` names; the promise is their sum and 5 seconds.
"""

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from benchmarks.figures import Figure
from benchmarks.pipeline import Laboratory, accept, completed, laboratory, start
from benchmarks.rows import counts, jobs, require_truth
from workflows import options

DOCUMENTS = 200
ROUNDS = 2
SEED = 1
MODEL_SECONDS = 1.0
SLACK_SECONDS = 5.0
LIMIT_SECONDS = (
    options.HEARTBEAT_TIMEOUT.total_seconds() + options.WORKFLOW_TASK_TIMEOUT.total_seconds() + SLACK_SECONDS
)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from one kill."""

    first: float
    """Until the first document completed."""
    held: float
    """Until the last document that was running at the kill completed."""


def measure(documents: int = DOCUMENTS, rounds: int = ROUNDS, seed: int = SEED) -> Iterator[Figure]:
    """The slowest of the rounds, because a promise is no median."""
    for workers, who in ((1, "the only worker"), (2, "one of two workers")):
        found = asyncio.run(_measure(documents, rounds, random.Random(seed), workers))
        for what, seconds in (
            ("until documents complete", max(recovery.first for recovery in found)),
            ("until all it held have completed", max(recovery.held for recovery in found)),
        ):
            yield Figure(f"kill -9 of {who}, {what}; bound", seconds, LIMIT_SECONDS, "s", "lower")


async def _measure(documents: int, rounds: int, dice: random.Random, workers: int) -> list[Recovery]:
    async with laboratory() as place:
        for number in range(workers):
            await asyncio.to_thread(place.add_worker, seconds=MODEL_SECONDS, name=f"worker-{number}")
        with _supervised(place):
            found = [await _kill_in_mid_batch(place, documents, dice) for _ in range(rounds)]
        await require_truth(place)
        return found


async def _kill_in_mid_batch(place: Laboratory, documents: int, dice: random.Random) -> Recovery:
    batch_id = await accept(place.deps, documents)
    await start(place.client, batch_id)
    moment = dice.randrange(documents // 4, documents // 2)
    while (await counts(place, batch_id)).ended < moment:
        await asyncio.sleep(0.02)
    os.kill(place.instance.pids()["worker-0"], signal.SIGKILL)
    killed = time.time()
    held = await _running(place, batch_id)
    await completed(place.client, batch_id)
    ends = {job.id: job.ended for job in await jobs(place, batch_id) if job.ended is not None}
    return Recovery(
        first=min(ended for ended in ends.values() if ended > killed) - killed,
        held=max(ends[job_id] for job_id in held) - killed,
    )


async def _running(place: Laboratory, batch_id: UUID) -> list[UUID]:
    return [job.id for job in await jobs(place, batch_id) if job.status == "processing"]


@contextmanager
def _supervised(place: Laboratory) -> Iterator[None]:
    """Bring back what dies while the block runs, as `ingestio up` does."""
    stop = threading.Event()
    thread = threading.Thread(target=place.instance.run_forever, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
