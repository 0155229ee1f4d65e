"""Cancel, pause and retry of a batch in mid-run: how long until they hold, and that nothing else happens."""

import asyncio
import time
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select

from benchmarks.figures import Figure
from benchmarks.pipeline import USER, Laboratory, accept, completed, ended, laboratory, start
from benchmarks.rows import counts, jobs, require_truth, reserved_pages
from ingestio.db.models import Document
from ingestio.db.session import service_session
from ingestio.domain.batches import BatchStatus
from ingestio.services import privileged
from workflows import client as workflows
from workflows import options

DOCUMENTS = 1000
FEW_DOCUMENTS = 150
BROKEN_DOCUMENTS = 15
QUICK_SECONDS, SLOW_SECONDS, PAUSED_SECONDS = 0.2, 60.0, 0.5
CANCEL_LIMIT_SECONDS = 10.0
GATE_LIMIT_SECONDS = 1.0
SETTLE_SECONDS = 3.0


def measure(documents: int = DOCUMENTS) -> Iterator[Figure]:
    """Each on servers of its own, because each wants another speed of the model."""
    # A quick model answers before a window fills; a slow one shows a window of calls in the middle.
    for what, seconds, ended_before, running in (
        ("quick", QUICK_SECONDS, documents // 10, 1),
        ("slow", SLOW_SECONDS, 0, options.WINDOW // 2),
    ):
        cancel = asyncio.run(_cancel(documents, seconds, ended_before, running))
        yield Figure(
            f"cancel of {documents} documents, {what} model; bound", cancel, CANCEL_LIMIT_SECONDS, "s", "lower"
        )
    last_start, started_late, attempts = asyncio.run(_pause_and_retry())
    yield Figure("pause, until the last document starts; bound", last_start, GATE_LIMIT_SECONDS, "s", "lower")
    yield Figure("documents that start in a pause; bound: none", started_late, 0, "", "lower")
    yield Figure("retry, documents read again; floor: those that failed", attempts, BROKEN_DOCUMENTS, "", "equal")


async def _cancel(documents: int, seconds: float, ended_before: int, running: int) -> float:
    """Seconds from the wish until every job and the run have ended and no page is reserved. A slow model is interrupted in mid-call."""
    async with laboratory() as place:
        await asyncio.to_thread(place.add_worker, seconds=seconds)
        batch_id = await accept(place.deps, documents)
        await start(place.client, batch_id)
        while (now := await counts(place, batch_id)).ended < ended_before or now.running < running:
            if not now.waiting and not now.running:
                raise RuntimeError("the batch ended before it could be cancelled")
            await asyncio.sleep(0.05)
        # A document shows as running a moment before its call begins.
        await asyncio.sleep(1.0)
        begun = time.perf_counter()
        async with service_session(place.deps.engine) as session:
            await privileged.request_cancel(session, USER, batch_id)
        await workflows.nudge_batch(place.client, str(batch_id))
        while (now := await counts(place, batch_id)).waiting or now.running or await reserved_pages(place, USER):
            await asyncio.sleep(0.05)
        outcome = await ended(place.client, batch_id)
        took = time.perf_counter() - begun
        if outcome.status is not BatchStatus.CANCELLED or not outcome.cancelled:
            raise RuntimeError(f"the cancelled batch ended {outcome}")
        await require_truth(place)
        return took


async def _pause_and_retry() -> tuple[float, int, int]:
    """Seconds from the acknowledged pause to the last start, starts after the limit, and documents of a retry."""
    async with laboratory() as place:
        await asyncio.to_thread(place.add_worker, seconds=PAUSED_SECONDS)
        batch_id = await accept(place.deps, FEW_DOCUMENTS)
        lost = await _lose_files(place, batch_id)
        await start(place.client, batch_id)
        while (await counts(place, batch_id)).ended < FEW_DOCUMENTS // 5:
            await asyncio.sleep(0.05)
        paused = await _set_paused(place, batch_id, paused=True)
        while (await counts(place, batch_id)).running:
            await asyncio.sleep(0.05)
        await asyncio.sleep(SETTLE_SECONDS)
        starts = [job.started for job in await jobs(place, batch_id) if job.started is not None]
        if len(starts) == FEW_DOCUMENTS:
            raise RuntimeError("the pause came too late to show anything")
        await _set_paused(place, batch_id, paused=False)
        outcome = await ended(place.client, batch_id)
        if outcome.failed != BROKEN_DOCUMENTS:
            raise RuntimeError(f"{BROKEN_DOCUMENTS} documents should have failed: {outcome}")
        for key, content in lost.items():
            await place.deps.store.put_bytes(key, USER, content)
        async with service_session(place.deps.engine) as session:
            await privileged.retry_batch(session, USER, batch_id, None)
        retried = time.time()
        await start(place.client, batch_id)
        await completed(place.client, batch_id)
        again = [job for job in await jobs(place, batch_id) if job.started is not None and job.started > retried]
        await require_truth(place)
        late = [moment for moment in starts if moment > paused + GATE_LIMIT_SECONDS]
        return max(0.0, max(starts) - paused), len(late), len(again)


async def _set_paused(place: Laboratory, batch_id: UUID, *, paused: bool) -> float:
    """As the front door does; answers when it was acknowledged."""
    async with service_session(place.deps.engine) as session:
        await privileged.set_paused(session, USER, batch_id, paused=paused)
    await workflows.nudge_batch(place.client, str(batch_id))
    return time.time()


async def _lose_files(place: Laboratory, batch_id: UUID) -> dict[str, bytes]:
    """Take the files of the first documents away, so that they fail; answers them by key, to be put back before the retry."""
    statement = select(Document.storage_path).where(
        Document.batch_id == batch_id, Document.user_id == USER, Document.position < BROKEN_DOCUMENTS
    )
    store = place.deps.store
    async with service_session(place.deps.engine) as session:
        keys = list(await session.scalars(statement))
    lost = {key: await store.get_bytes(key, USER) for key in keys}
    for key in keys:
        await store.delete(key, USER)
    return lost
