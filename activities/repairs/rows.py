"""Damage within the database: rows that disagree, and rows past their time."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from activities.repairs.base import Ground, Repair
from activities.repairs.objects import remove_stored
from ingestio.db.session import ServiceSession, service_session
from ingestio.domain.findings import Finding, FindingKind, FoundPage
from ingestio.errors import Unavailable
from ingestio.services import findings, repairs

# What is under way is a handful of rows, found by partial indexes: every round.
EVERY_ROUND = timedelta(0)
LIVE_PAGE = 500
LIVE_PAGES = 4

# Counting anew reads all periods with their ledger and all batches with their documents, which is the whole house. So a round takes the
# next few, and a walk that came round rests: no transaction of ours makes the damage, so it is rare, and what it costs to find is not.
# A house of 20,000 batches is counted once in 100 rounds, within the hour.
RECOUNT_PAGE = 200
RECOUNT_REST = timedelta(minutes=10)

Find = Callable[[ServiceSession, str | None, int], Awaitable[FoundPage]]
Mend = Callable[[ServiceSession, str, UUID], Awaitable[bool]]


def row_repairs(ground: Ground) -> list[Repair]:
    """In the order in which one repair makes the next one's rows right: documents and pages before what counts them."""
    live = (
        (FindingKind.DOCUMENT_WITHOUT_JOB, "open documents", findings.documents_without_job, repairs.end_document),
        (FindingKind.PAGES_HELD_FOR_NOTHING, "reserved pages", findings.pages_held_for_nothing, repairs.settle_pages),
    )
    recounts = (
        (FindingKind.USAGE_DISAGREES, "usage counters", findings.usage_disagrees, repairs.recount_period),
        (FindingKind.BATCH_DISAGREES, "batch counters", findings.batches_disagree, repairs.recount_batch),
    )
    return [
        *(_of_rows(ground, *each, size=LIVE_PAGE, rest=EVERY_ROUND, pages=LIVE_PAGES) for each in live),
        *(_of_rows(ground, *each, size=RECOUNT_PAGE, rest=RECOUNT_REST, pages=1) for each in recounts),
        _drafts(ground),
        _exports(ground),
        _deliveries(ground),
        _keys(ground),
    ]


def _of_rows(
    ground: Ground, kind: FindingKind, title: str, look: Find, repair: Mend, *, size: int, rest: timedelta, pages: int
) -> Repair:
    async def find(after: str | None) -> FoundPage:
        async with service_session(ground.engine) as session:
            return await look(session, after, size)

    async def mend(finding: Finding) -> bool:
        async with service_session(ground.engine) as session:
            return await repair(session, finding.user_id, UUID(finding.subject))

    return Repair(kind, title, find, mend, rest=rest, pages=pages)


def _drafts(ground: Ground) -> Repair:
    async def find(after: str | None) -> FoundPage:
        async with service_session(ground.engine) as session:
            return await findings.idle_drafts(session, after, LIVE_PAGE, ground.clock())

    async def mend(finding: Finding) -> bool:
        async with service_session(ground.engine) as session:
            removed = await repairs.expire_draft(session, finding.user_id, UUID(finding.subject), ground.clock())
        if removed is not None and ground.store is not None:
            await remove_stored(ground.store, finding.user_id, removed)
        return removed is not None

    return Repair(FindingKind.EXPIRED_DRAFT, "drafts", find, mend, rest=EVERY_ROUND, pages=1)


def _exports(ground: Ground) -> Repair:
    async def find(after: str | None) -> FoundPage:
        async with service_session(ground.engine) as session:
            return await findings.expired_exports(session, after, LIVE_PAGE, ground.clock())

    async def mend(finding: Finding) -> bool:
        async with service_session(ground.engine) as session:
            key = await repairs.expire_export(session, finding.user_id, UUID(finding.subject), ground.clock())
        if key is not None and ground.store is not None:
            with suppress(Unavailable):  # no row names it any more, so it is found as an orphaned object
                await ground.store.delete(key, finding.user_id)
        return key is not None

    return Repair(FindingKind.EXPIRED_EXPORT, "export files", find, mend, rest=EVERY_ROUND, pages=1)


def _deliveries(ground: Ground) -> Repair:
    async def find(_after: str | None) -> FoundPage:
        async with service_session(ground.engine) as session:
            return await findings.expired_deliveries(session, ground.clock())

    async def mend(_finding: Finding) -> bool:
        async with service_session(ground.engine) as session:
            return await repairs.expire_deliveries(session, ground.clock()) > 0

    return Repair(FindingKind.EXPIRED_DELIVERIES, "webhook deliveries", find, mend, rest=RECOUNT_REST, pages=1)


def _keys(ground: Ground) -> Repair:
    async def find(_after: str | None) -> FoundPage:
        async with service_session(ground.engine) as session:
            return await findings.expired_keys(session, ground.clock())

    async def mend(_finding: Finding) -> bool:
        async with service_session(ground.engine) as session:
            return await repairs.expire_keys(session, ground.clock()) > 0

    return Repair(FindingKind.EXPIRED_KEYS, "idempotency keys", find, mend, rest=EVERY_ROUND, pages=1)
