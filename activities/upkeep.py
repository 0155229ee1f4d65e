"""Upkeep: one round of repairs, by the schedule and at every worker start (R67)."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.client import Client

from activities.billing import BillingActivities
from activities.failures import database_step
from activities.heartbeats import heartbeating
from activities.repairs.base import GRACE, Ground, Repair
from activities.repairs.registry import all_repairs
from ingestio.bootstrap import Clock, WorkerDeps
from ingestio.db import walks
from ingestio.db.session import service_session
from ingestio.db.walks import Walk
from ingestio.domain.findings import Finding
from ingestio.errors import IngestioError
from ingestio.metrics import COUNTS

logger = logging.getLogger(__name__)

# How long one kind of repair may take of a round. There are a dozen kinds, so a round in which everything is slow ends within its
# timeout, and none that is slow keeps the others waiting for ever.
REPAIR_SECONDS = 15.0


class UpkeepActivities:
    """Implements `ports.reconcile`."""

    def __init__(self, deps: WorkerDeps, client: Client, *, tagged: bool) -> None:
        self._deps = deps
        self._client = client
        self._tagged = tagged

    @activity.defn
    @database_step
    async def reconcile(self) -> int:
        async with heartbeating():
            return await self.make_round()

    async def make_round(self, grace: timedelta = GRACE) -> int:
        """The same outside an activity, for a worker that starts. Raises Unavailable when not even its walks can be read."""
        deps = self._deps
        billing = None if deps.billing is None else BillingActivities(deps)
        ground = Ground(deps.engine, deps.clock, deps.store, self._client, self._tagged, grace, deps.book, billing)
        return await make_round(deps.engine, deps.clock, all_repairs(ground))


async def make_round(engine: AsyncEngine, clock: Clock, repairs: Sequence[Repair]) -> int:
    """Take the next steps of every walk and mend what they find; answers how much was mended.

    What cannot be found or mended is logged and left to a later round: one bad item, or one part that is away, stops nothing else.
    """
    async with service_session(engine) as session:
        known = await walks.read_all(session)
    mended: Counter[str] = Counter()
    for repair in repairs:
        walk = known.get(repair.kind, Walk())
        if walk.after is None and walk.ended_at is not None and clock() < walk.ended_at + repair.rest:
            continue
        try:
            after = await _walk_on(repair, walk.after, mended)
            if after is not None or walk.after is not None or repair.rest:
                await _save(engine, repair, Walk(after, clock() if after is None else walk.ended_at))
        except Exception as error:  # noqa: BLE001 - an edge: whatever ails one look, the others go on
            _log_failure("upkeep could not look", error, kind=repair.kind)
    if mended:
        logger.warning("upkeep repaired %d", mended.total(), extra={"repaired": dict(mended)})
    return mended.total()


async def _walk_on(repair: Repair, after: str | None, mended: Counter[str]) -> str | None:
    """Some steps of one walk; answers where it goes on, None at its end."""
    deadline = time.monotonic() + REPAIR_SECONDS
    for _ in range(repair.pages):
        page = await repair.find(after)
        for finding in page.findings:
            if time.monotonic() > deadline:
                break  # this page's rest comes with the next walk: what is at its head must not hold up the pages behind it
            if await _mend(repair, finding):
                mended[repair.kind] += 1
        after = page.next_after
        if after is None or time.monotonic() > deadline:
            break
    return after


async def _mend(repair: Repair, finding: Finding) -> bool:
    ids = {"kind": finding.kind, "subject": finding.subject, "user_id": finding.user_id, "finding": finding.detail}
    try:
        mended = await repair.mend(finding)
    except Exception as error:  # noqa: BLE001 - an edge: one bad item never stops the round
        _log_failure("upkeep could not repair", error, **ids)
        return False
    if mended:
        COUNTS.add("ingestio_repairs_total", kind=finding.kind)
        level = logging.DEBUG if repair.is_routine else logging.WARNING
        logger.log(level, "upkeep repaired %s %s", finding.kind, finding.subject, extra=ids)
    return mended


async def _save(engine: AsyncEngine, repair: Repair, walk: Walk) -> None:
    async with service_session(engine) as session:
        await walks.save(session, repair.kind, walk)


def _log_failure(message: str, error: Exception, **ids: str) -> None:
    """An outage says what it is in a line; anything else is a defect of ours and comes with all there is."""
    if isinstance(error, IngestioError):
        logger.warning("%s: %s", message, error.detail, extra=ids)
    else:
        logger.error(message, exc_info=error, extra=ids)
