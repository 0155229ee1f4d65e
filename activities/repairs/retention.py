"""Retention, carried out: a slice of a walk over all documents and batches with each round of upkeep (R86)."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from activities.repairs.base import Ground, Repair
from activities.repairs.objects import remove_stored
from ingestio.db.session import ServiceSession, service_session
from ingestio.domain.findings import Finding, FindingKind, FoundPage
from ingestio.services import retention
from ingestio.services.accounts import PlanBook
from ingestio.services.controls import Removed

# Retention is counted in days: a house of a million documents is walked in four hours, and then rests.
_PAGE = 200
_PAGES = 10
WALK_REST = timedelta(hours=1)

Look = Callable[[ServiceSession, str | None, int, PlanBook, datetime], Awaitable[FoundPage]]
Expire = Callable[[ServiceSession, str, UUID, PlanBook, datetime], Awaitable[Removed | None]]


def retention_repairs(ground: Ground, book: PlanBook, page_size: int = _PAGE) -> list[Repair]:
    """Documents first, because their batches go after them. Nothing at all where every plan keeps for ever."""
    if not book.forgets:
        return []

    def of(kind: FindingKind, title: str, look: Look, expire: Expire) -> Repair:
        async def find(after: str | None) -> FoundPage:
            async with service_session(ground.engine) as session:
                return await look(session, after, page_size, book, ground.clock())

        async def mend(finding: Finding) -> bool:
            async with service_session(ground.engine) as session:
                removed = await expire(session, finding.user_id, UUID(finding.subject), book, ground.clock())
            if removed is not None and ground.store is not None:
                await remove_stored(ground.store, finding.user_id, removed)
            return removed is not None

        return Repair(kind, title, find, mend, rest=WALK_REST, pages=_PAGES, is_routine=True)

    return [
        of(
            FindingKind.EXPIRED_DOCUMENT,
            "documents past their time",
            retention.expired_documents,
            retention.expire_document,
        ),
        of(FindingKind.EXPIRED_BATCH, "batches past their time", retention.expired_batches, retention.expire_batch),
    ]
