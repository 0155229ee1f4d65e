"""What disagrees in the rows, found a page at a time and said in ids and counts; `repairs` mends it.

Each look is one statement and so one snapshot. Every transaction of ours keeps the rows in agreement, so what a look finds is damage
and never work in progress.
"""

from datetime import datetime, timedelta
from uuid import UUID

from ingestio.db import idempotency, upkeep, webhooks
from ingestio.db.session import ServiceSession
from ingestio.db.upkeep import BatchCount
from ingestio.domain.batches import final_status
from ingestio.domain.findings import Finding, FindingKind, FoundPage

LOG_LIFETIME = timedelta(days=30)
"""How long deliveries are kept to be looked at and replayed."""
DRAFT_LIFETIME = timedelta(days=7)
SHELL_LIFETIME = timedelta(hours=1)
_KEYS_COUNTED = 10_000


async def documents_without_job(session: ServiceSession, after: str | None, limit: int) -> FoundPage:
    """Documents that are queued or processing although no job of theirs is live: nothing would ever end them."""
    found = await upkeep.documents_without_job(session, start(after), limit)
    detail = "is under way and has no live job"
    return FoundPage(
        [Finding(FindingKind.DOCUMENT_WITHOUT_JOB, str(each.id), each.user_id, detail) for each in found],
        str(found[-1].id) if len(found) == limit else None,
    )


async def pages_held_for_nothing(session: ServiceSession, after: str | None, limit: int) -> FoundPage:
    """Reservations of jobs that have ended or are gone; the subject is the job."""
    found = await upkeep.pages_held_for_nothing(session, start(after), limit)
    return FoundPage(
        [
            Finding(
                FindingKind.PAGES_HELD_FOR_NOTHING,
                str(each.job_id),
                each.user_id,
                f"{each.pages} pages are reserved for a job that {f'is {each.status}' if each.status else 'does not exist'}",
            )
            for each in found
        ],
        str(found[-1].job_id) if len(found) == limit else None,
    )


async def usage_disagrees(session: ServiceSession, after: str | None, limit: int) -> FoundPage:
    """Periods whose counters are not what the ledger says."""
    counted = await upkeep.count_periods(session, start(after), limit)
    return FoundPage(
        [
            Finding(
                FindingKind.USAGE_DISAGREES,
                str(each.id),
                each.user_id,
                f"has {each.processed} pages processed and {each.reserved} reserved, "
                f"the ledger says {each.ledger_processed} and {each.ledger_reserved}",
            )
            for each in counted
            if (each.processed, each.reserved) != (each.ledger_processed, each.ledger_reserved)
        ],
        str(counted[-1].id) if len(counted) == limit else None,
    )


async def batches_disagree(session: ServiceSession, after: str | None, limit: int) -> FoundPage:
    """Batches whose counters, or final status, are not what their documents and refused files say."""
    counted = await upkeep.count_batches(session, start(after), limit)
    return FoundPage(
        [
            Finding(FindingKind.BATCH_DISAGREES, str(each.id), each.user_id, detail)
            for each in counted
            if (detail := fault_of(each)) is not None
        ],
        str(counted[-1].id) if len(counted) == limit else None,
    )


def fault_of(batch: BatchCount) -> str | None:
    """What is wrong with a batch's counters or status, None when they are a function of its rows (R66)."""
    if batch.stored != batch.counted:
        stored, counted = ("/".join(map(str, numbers)) for numbers in (batch.stored, batch.counted))
        return f"counts {stored} documents/completed/failed/cancelled/pages, its rows say {counted}"
    if not batch.status.is_terminal:
        return None
    if batch.open:
        return f"is {batch.status} with {batch.open} documents that have not ended"
    _, completed, failed, cancelled, _ = batch.counted
    expected = final_status(completed=completed, failed=failed, cancelled=cancelled)
    # A batch that lost its last document keeps the status it had.
    if batch.status is not expected and completed + failed + cancelled:
        return f"is {batch.status}, its rows say {expected}"
    return None


async def idle_drafts(session: ServiceSession, after: str | None, limit: int, now: datetime) -> FoundPage:
    """Drafts and shells past their time (R67)."""
    found = await upkeep.idle_drafts(session, start(after), limit, now - DRAFT_LIFETIME, now - SHELL_LIFETIME)
    return FoundPage(
        [
            Finding(
                FindingKind.EXPIRED_DRAFT,
                str(each.id),
                each.user_id,
                "is the shell of an upload that sent nothing for an hour"
                if each.is_shell
                else "is a draft that nobody touched for 7 days",
            )
            for each in found
        ],
        str(found[-1].id) if len(found) == limit else None,
    )


async def expired_exports(session: ServiceSession, after: str | None, limit: int, now: datetime) -> FoundPage:
    """Files of exports past their time."""
    found = await upkeep.expired_exports(session, start(after), limit, now)
    return FoundPage(
        [
            Finding(FindingKind.EXPIRED_EXPORT, str(each.id), each.user_id, "is an export whose file is past its time")
            for each in found
        ],
        str(found[-1].id) if len(found) == limit else None,
    )


async def expired_deliveries(session: ServiceSession, now: datetime) -> FoundPage:
    """Deliveries of webhooks past their month, all as one finding."""
    count = await webhooks.count_old(session, now - LOG_LIFETIME, _KEYS_COUNTED)
    if not count:
        return FoundPage(())
    shown = f"{count} or more" if count == _KEYS_COUNTED else str(count)
    detail = f"{shown} deliveries are older than {LOG_LIFETIME.days} days"
    return FoundPage([Finding(FindingKind.EXPIRED_DELIVERIES, "webhook_deliveries", "", detail)])


async def expired_keys(session: ServiceSession, now: datetime) -> FoundPage:
    """Idempotency keys past their day, all as one finding: each by itself is no news (R63)."""
    count = await upkeep.count_keys(session, now - idempotency.LIFETIME, _KEYS_COUNTED)
    if not count:
        return FoundPage(())
    shown = f"{count} or more" if count == _KEYS_COUNTED else str(count)
    return FoundPage([Finding(FindingKind.EXPIRED_KEYS, "idempotency_keys", "", f"{shown} keys are older than a day")])


def start(after: str | None) -> UUID:
    """Where a walk by id begins."""
    return upkeep.FIRST if after is None else UUID(after)
