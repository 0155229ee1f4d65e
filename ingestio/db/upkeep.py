"""Queries of upkeep: what disagrees, of every user, found in pages and in one snapshot each; and the statements that mend it.

A page begins behind an id and answers at most `limit` rows, so that no round reads a whole table. What finds is allowed to see every
user; what mends filters by the owner like everything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, text

from ingestio.db.session import ServiceSession
from ingestio.domain.batches import BatchStatus, DocumentStatus, ExtractionStatus, LedgerState

FIRST = UUID(int=0)
"""Begins a walk: no row has this id."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A row and whose it is."""

    id: UUID
    user_id: str


@dataclass(frozen=True, slots=True)
class RunningBatch:
    """A batch that should have an open run. `idle`: nothing of it moved lately."""

    id: UUID
    user_id: str
    plan: str
    cancel_requested: bool
    paused: bool
    idle: bool


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A job that should have an open run."""

    id: UUID
    user_id: str
    document_id: UUID
    batch_id: UUID | None
    attempt: int
    plan: str


@dataclass(frozen=True, slots=True)
class LiveExport:
    """An export that should have an open run."""

    id: UUID
    user_id: str
    plan: str


@dataclass(frozen=True, slots=True)
class HeldPages:
    """A reservation of a job that has ended (`status`) or is gone (None)."""

    job_id: UUID
    user_id: str
    pages: int
    status: ExtractionStatus | None


@dataclass(frozen=True, slots=True)
class PeriodCount:
    """A period's counters and what the ledger says they should be."""

    id: UUID
    user_id: str
    processed: int
    reserved: int
    ledger_processed: int
    ledger_reserved: int


@dataclass(frozen=True, slots=True)
class BatchCount:
    """A batch's counters and what its rows say they should be; `open` documents are still to end."""

    id: UUID
    user_id: str
    status: BatchStatus
    stored: tuple[int, int, int, int, int]
    counted: tuple[int, int, int, int, int]
    """Documents, completed, failed with refused files, cancelled, pages; the same order as `stored`."""
    open: int


@dataclass(frozen=True, slots=True)
class IdleDraft:
    """A draft nobody touched for long, or the shell of an upload that died."""

    id: UUID
    user_id: str
    is_shell: bool


async def running_batches(session: ServiceSession, after: UUID, limit: int, before: datetime) -> list[RunningBatch]:
    """Batches that should have an open run; one that was only queued after `before` may be about to get it."""
    rows = await session.execute(
        text(
            """
            SELECT b.id, b.user_id, p.membership::text AS plan, b.cancel_requested, b.paused, b.updated_at < :before AS idle
            FROM extraction_batches b JOIN profiles p ON p.user_id = b.user_id
            WHERE b.status IN ('queued', 'processing') AND (b.status = 'processing' OR b.updated_at < :before) AND b.id > :after
            ORDER BY b.id LIMIT :limit
            """
        ),
        {"after": after, "limit": limit, "before": before},
    )
    return [RunningBatch(**row._mapping) for row in rows]


async def running_batch(session: ServiceSession, user_id: str, batch_id: UUID) -> RunningBatch | None:
    """One batch that is queued or processing."""
    row = await session.execute(
        text(
            """
            SELECT b.id, b.user_id, p.membership::text AS plan, b.cancel_requested, b.paused, false AS idle
            FROM extraction_batches b JOIN profiles p ON p.user_id = b.user_id
            WHERE b.id = :id AND b.user_id = :user_id AND b.status IN ('queued', 'processing')
            """
        ),
        {"id": batch_id, "user_id": user_id},
    )
    found = row.one_or_none()
    return None if found is None else RunningBatch(**found._mapping)


async def live_lone_jobs(session: ServiceSession, after: UUID, limit: int, before: datetime) -> list[LiveJob]:
    """Live jobs of lone documents that have not moved since `before`."""
    return await _live_jobs(session, "j.batch_id IS NULL", after, limit, before)


async def live_batch_jobs(session: ServiceSession, after: UUID, limit: int, before: datetime) -> list[LiveJob]:
    """Live jobs of batches that have not moved since `before` and that their batch's run will not start: those that did start, and
    those whose batch has ended."""
    own = "j.batch_id IS NOT NULL AND (j.status = 'processing' OR b.status NOT IN ('queued', 'processing'))"
    return await _live_jobs(session, own, after, limit, before)


async def _live_jobs(
    session: ServiceSession, condition: str, after: UUID, limit: int, before: datetime
) -> list[LiveJob]:
    rows = await session.execute(
        text(
            f"""
            SELECT j.id, j.user_id, j.document_id, j.batch_id, j.attempt, p.membership::text AS plan
            FROM extraction_jobs j JOIN profiles p ON p.user_id = j.user_id LEFT JOIN extraction_batches b ON b.id = j.batch_id
            WHERE j.status IN ('queued', 'processing') AND j.updated_at < :before AND {condition} AND j.id > :after
            ORDER BY j.id LIMIT :limit
            """  # noqa: S608 - one of the two conditions above
        ),
        {"after": after, "limit": limit, "before": before},
    )
    return [LiveJob(**row._mapping) for row in rows]


async def live_job_of(session: ServiceSession, user_id: str, document_id: UUID) -> LiveJob | None:
    """The live job of a document; there is at most one."""
    row = await session.execute(
        text(
            """
            SELECT j.id, j.user_id, j.document_id, j.batch_id, j.attempt, p.membership::text AS plan
            FROM extraction_jobs j JOIN profiles p ON p.user_id = j.user_id
            WHERE j.document_id = :document_id AND j.user_id = :user_id AND j.status IN ('queued', 'processing')
            """
        ),
        {"document_id": document_id, "user_id": user_id},
    )
    found = row.one_or_none()
    return None if found is None else LiveJob(**found._mapping)


async def still_running(session: ServiceSession, batch_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these batches are still queued or processing."""
    statement = text("SELECT id FROM extraction_batches WHERE id = ANY(:ids) AND status IN ('queued', 'processing')")
    return set(await session.scalars(statement.bindparams(_uuids("ids")), {"ids": list(batch_ids)}))


async def still_live(session: ServiceSession, job_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these jobs are still queued or processing."""
    statement = text("SELECT id FROM extraction_jobs WHERE id = ANY(:ids) AND status IN ('queued', 'processing')")
    return set(await session.scalars(statement.bindparams(_uuids("ids")), {"ids": list(job_ids)}))


async def live_exports(session: ServiceSession, after: UUID, limit: int, before: datetime) -> list[LiveExport]:
    """Exports that have not ended and have not moved since `before`."""
    rows = await session.execute(
        text(
            """
            SELECT e.id, e.user_id, p.membership::text AS plan
            FROM exports e JOIN profiles p ON p.user_id = e.user_id
            WHERE e.status IN ('queued', 'processing') AND e.updated_at < :before AND e.id > :after
            ORDER BY e.id LIMIT :limit
            """
        ),
        {"after": after, "limit": limit, "before": before},
    )
    return [LiveExport(**row._mapping) for row in rows]


async def live_export(session: ServiceSession, user_id: str, export_id: UUID) -> LiveExport | None:
    """One export that has not ended."""
    row = await session.execute(
        text(
            """
            SELECT e.id, e.user_id, p.membership::text AS plan
            FROM exports e JOIN profiles p ON p.user_id = e.user_id
            WHERE e.id = :id AND e.user_id = :user_id AND e.status IN ('queued', 'processing')
            """
        ),
        {"id": export_id, "user_id": user_id},
    )
    found = row.one_or_none()
    return None if found is None else LiveExport(**found._mapping)


async def expired_exports(session: ServiceSession, after: UUID, limit: int, now: datetime) -> list[Owned]:
    """Exports whose file is past its time."""
    rows = await session.execute(
        text(
            """
            SELECT id, user_id FROM exports
            WHERE file_path IS NOT NULL AND expires_at <= :now AND id > :after
            ORDER BY id LIMIT :limit
            """
        ),
        {"after": after, "limit": limit, "now": now},
    )
    return [Owned(**row._mapping) for row in rows]


async def documents_without_job(session: ServiceSession, after: UUID, limit: int) -> list[Owned]:
    """Documents that are queued or processing and have no live job."""
    rows = await session.execute(
        text(
            """
            SELECT d.id, d.user_id FROM documents d
            WHERE d.status IN ('queued_for_processing', 'processing') AND d.id > :after
              AND NOT EXISTS (SELECT FROM extraction_jobs j WHERE j.document_id = d.id AND j.status IN ('queued', 'processing'))
            ORDER BY d.id LIMIT :limit
            """
        ),
        {"after": after, "limit": limit},
    )
    return [Owned(**row._mapping) for row in rows]


async def stranded_in_ended_batch(session: ServiceSession, user_id: str, batch_id: UUID) -> list[UUID]:
    """Documents of a batch that has ended which have not, and have no live job that would end them."""
    statement = text(
        """
        SELECT d.id FROM documents d JOIN extraction_batches b ON b.id = d.batch_id
        WHERE b.id = :id AND b.user_id = :user_id AND b.status IN ('completed', 'partially_completed', 'failed', 'cancelled')
          AND d.status IN ('uploaded', 'queued_for_processing', 'processing')
          AND NOT EXISTS (SELECT FROM extraction_jobs j WHERE j.document_id = d.id AND j.status IN ('queued', 'processing'))
        ORDER BY d.id
        """
    )
    return list(await session.scalars(statement, {"id": batch_id, "user_id": user_id}))


async def end_document(
    session: ServiceSession, user_id: str, document_id: UUID, status: DocumentStatus, code: str | None
) -> bool:
    """Give an open document without a live job its end; what it is charged is what the ledger says. False when it is not like that."""
    ended = await session.execute(
        text(
            """
            UPDATE documents SET status = :status, error_code = :code, pages_charged = (
                SELECT coalesce(sum(l.pages), 0) FROM page_ledger l WHERE l.document_id = documents.id AND l.state = 'committed'
            )
            WHERE id = :id AND user_id = :user_id AND status IN ('uploaded', 'queued_for_processing', 'processing')
              AND NOT EXISTS (SELECT FROM extraction_jobs j WHERE j.document_id = documents.id AND j.status IN ('queued', 'processing'))
            RETURNING id
            """
        ),
        {"id": document_id, "user_id": user_id, "status": status, "code": code},
    )
    return ended.one_or_none() is not None


async def has_result(session: ServiceSession, user_id: str, document_id: UUID) -> bool:
    """Whether a document was ever read to the end."""
    statement = text("SELECT 1 FROM extracted_data WHERE document_id = :id AND user_id = :user_id LIMIT 1")
    return (await session.execute(statement, {"id": document_id, "user_id": user_id})).one_or_none() is not None


async def pages_held_for_nothing(session: ServiceSession, after: UUID, limit: int) -> list[HeldPages]:
    """Reservations of jobs that have ended or are gone."""
    rows = await session.execute(
        text(
            """
            SELECT l.job_id, l.user_id, l.pages, j.status::text AS status
            FROM page_ledger l LEFT JOIN extraction_jobs j ON j.id = l.job_id
            WHERE l.state = 'reserved' AND (j.id IS NULL OR j.status NOT IN ('queued', 'processing')) AND l.job_id > :after
            ORDER BY l.job_id LIMIT :limit
            """
        ),
        {"after": after, "limit": limit},
    )
    return [
        HeldPages(row.job_id, row.user_id, row.pages, None if row.status is None else ExtractionStatus(row.status))
        for row in rows
    ]


async def move_held(session: ServiceSession, user_id: str, job_id: UUID, state: LedgerState) -> UUID | None:
    """reserved -> `state`; answers the period whose counters must follow, None when nothing is held."""
    moved = await session.execute(
        text(
            "UPDATE page_ledger SET state = :state WHERE job_id = :job_id AND user_id = :user_id AND state = 'reserved' RETURNING usage_id"
        ),
        {"job_id": job_id, "user_id": user_id, "state": state},
    )
    return moved.scalar_one_or_none()


async def recharge_document(session: ServiceSession, user_id: str, document_id: UUID) -> None:
    """Set what a document is charged to what the ledger says."""
    await session.execute(
        text(
            """
            UPDATE documents SET pages_charged = (
                SELECT coalesce(sum(l.pages), 0) FROM page_ledger l WHERE l.document_id = documents.id AND l.state = 'committed'
            )
            WHERE id = :id AND user_id = :user_id
            """
        ),
        {"id": document_id, "user_id": user_id},
    )


async def count_periods(session: ServiceSession, after: UUID, limit: int) -> list[PeriodCount]:
    """The next periods, each counted anew from the ledger; all of them, right or wrong."""
    rows = await session.execute(
        text(
            """
            SELECT u.id, u.user_id, u.pages_processed AS processed, u.pages_reserved AS reserved, l.ledger_processed, l.ledger_reserved
            FROM (SELECT id, user_id, pages_processed, pages_reserved FROM user_usage WHERE id > :after ORDER BY id LIMIT :limit) u
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(pages) FILTER (WHERE state = 'committed'), 0) AS ledger_processed,
                       coalesce(sum(pages) FILTER (WHERE state = 'reserved'), 0) AS ledger_reserved
                FROM page_ledger WHERE usage_id = u.id AND state IN ('committed', 'reserved')
            ) l
            ORDER BY u.id
            """
        ),
        {"after": after, "limit": limit},
    )
    return [PeriodCount(**row._mapping) for row in rows]


async def recount_period(session: ServiceSession, user_id: str, usage_id: UUID) -> bool:
    """Set a period's counters to what the ledger says; False when they say so already.

    The lock comes first, in a statement of its own, so that the sum is taken in a snapshot that no other writer of the counters is
    ahead of. A ledger beyond the limit raises the limit, as a downgrade in mid-period does (R53): what was used was used.
    """
    owned = {"id": usage_id, "user_id": user_id}
    await session.execute(text("SELECT id FROM user_usage WHERE id = :id AND user_id = :user_id FOR UPDATE"), owned)
    changed = await session.execute(
        text(
            """
            UPDATE user_usage u SET pages_processed = l.processed, pages_reserved = l.reserved,
                pages_limit = CASE WHEN u.pages_limit = -1 THEN -1 ELSE greatest(u.pages_limit, l.processed + l.reserved) END
            FROM (
                SELECT coalesce(sum(pages) FILTER (WHERE state = 'committed'), 0) AS processed,
                       coalesce(sum(pages) FILTER (WHERE state = 'reserved'), 0) AS reserved
                FROM page_ledger WHERE usage_id = :id AND user_id = :user_id
            ) l
            WHERE u.id = :id AND u.user_id = :user_id AND (u.pages_processed <> l.processed OR u.pages_reserved <> l.reserved)
            RETURNING u.id
            """
        ),
        owned,
    )
    return changed.one_or_none() is not None


async def count_batches(session: ServiceSession, after: UUID, limit: int) -> list[BatchCount]:
    """The next submitted batches, each counted anew from its rows; all of them, right or wrong."""
    return await _count(
        session, "id > :after AND status <> 'pending_upload' ORDER BY id LIMIT :limit", after=after, limit=limit
    )


async def count_batch(session: ServiceSession, user_id: str, batch_id: UUID) -> BatchCount | None:
    """One submitted batch, counted anew from its rows. Lock it before, in a statement of its own."""
    found = await _count(
        session, "id = :id AND user_id = :user_id AND status <> 'pending_upload'", id=batch_id, user_id=user_id
    )
    return found[0] if found else None


async def _count(session: ServiceSession, which: str, **values: Any) -> list[BatchCount]:
    rows = await session.execute(
        text(
            f"""
            SELECT b.id, b.user_id, b.status::text AS status,
                   b.document_count, b.completed_count, b.failed_count, b.cancelled_count, b.total_pages,
                   d.documents, d.completed, d.failed + r.refused AS failed, d.cancelled, d.pages, d.open
            FROM (
                SELECT id, user_id, status, document_count, completed_count, failed_count, cancelled_count, total_pages
                FROM extraction_batches WHERE {which}
            ) b
            CROSS JOIN LATERAL (
                SELECT count(*) AS documents, count(*) FILTER (WHERE status = 'completed') AS completed,
                       count(*) FILTER (WHERE status = 'failed') AS failed, count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
                       count(*) FILTER (WHERE status NOT IN ('completed', 'failed', 'cancelled')) AS open,
                       coalesce(sum(page_count), 0) AS pages
                FROM documents WHERE batch_id = b.id
            ) d
            CROSS JOIN LATERAL (SELECT count(*) AS refused FROM refused_files WHERE batch_id = b.id) r
            ORDER BY b.id
            """  # noqa: S608 - one of the two conditions above
        ),
        values,
    )
    return [
        BatchCount(
            row.id,
            row.user_id,
            BatchStatus(row.status),
            (row.document_count, row.completed_count, row.failed_count, row.cancelled_count, row.total_pages),
            (row.documents, row.completed, row.failed, row.cancelled, row.pages),
            row.open,
        )
        for row in rows
    ]


async def idle_drafts(
    session: ServiceSession, after: UUID, limit: int, drafts_before: datetime, shells_before: datetime
) -> list[IdleDraft]:
    """Drafts untouched since `drafts_before`, and shells of uploads whose last bytes came before `shells_before`."""
    rows = await session.execute(
        text(
            """
            SELECT id, user_id, receiving_at IS NOT NULL AS is_shell FROM extraction_batches
            WHERE status = 'pending_upload' AND (updated_at < :drafts_before OR receiving_at < :shells_before) AND id > :after
            ORDER BY id LIMIT :limit
            """
        ),
        {"after": after, "limit": limit, "drafts_before": drafts_before, "shells_before": shells_before},
    )
    return [IdleDraft(**row._mapping) for row in rows]


async def lock_idle_draft(
    session: ServiceSession, user_id: str, batch_id: UUID, drafts_before: datetime, shells_before: datetime
) -> bool:
    """Lock a draft that is still idle by the same measure; False when it moved, was submitted or went."""
    row = await session.execute(
        text(
            """
            SELECT id FROM extraction_batches
            WHERE id = :id AND user_id = :user_id AND status = 'pending_upload'
              AND (updated_at < :drafts_before OR receiving_at < :shells_before)
            FOR UPDATE
            """
        ),
        {"id": batch_id, "user_id": user_id, "drafts_before": drafts_before, "shells_before": shells_before},
    )
    return row.one_or_none() is not None


async def count_keys(session: ServiceSession, before: datetime, most: int) -> int:
    """How many idempotency keys are older than `before`, counted up to `most`."""
    statement = text("SELECT count(*) FROM (SELECT FROM idempotency_keys WHERE created_at < :before LIMIT :most) k")
    return int((await session.execute(statement, {"before": before, "most": most})).scalar_one())


async def documents_that_are_not(session: ServiceSession, wanted: Sequence[Owned]) -> set[Owned]:
    """Which of these documents have no row and will not get one: nothing of their owner is being uploaded right now.

    One statement, so that an upload that is accepted meanwhile is seen either as still coming in or as rows.
    """
    return await _missing(
        session,
        wanted,
        "documents",
        "AND NOT EXISTS (SELECT FROM extraction_batches b WHERE b.user_id = w.user_id AND b.receiving_at IS NOT NULL)",
    )


async def jobs_that_are_not(session: ServiceSession, wanted: Sequence[Owned]) -> set[Owned]:
    """Which of these jobs have no row; a job's row is always older than what is stored for it."""
    return await _missing(session, wanted, "extraction_jobs", "")


async def exports_that_are_not(session: ServiceSession, wanted: Sequence[Owned]) -> set[Owned]:
    """Which of these exports have no row that would name a file: deleted, or past their time."""
    return await _missing(
        session, wanted, "exports", "", "AND (t.file_path IS NOT NULL OR t.status IN ('queued', 'processing'))"
    )


async def _missing(
    session: ServiceSession, wanted: Sequence[Owned], table: str, further: str, naming: str = ""
) -> set[Owned]:
    if not wanted:
        return set()
    statement = text(
        f"""
        SELECT w.id, w.user_id FROM unnest(:ids, :users) AS w (id, user_id)
        WHERE NOT EXISTS (SELECT FROM {table} t WHERE t.id = w.id AND t.user_id = w.user_id {naming}) {further}
        """  # noqa: S608 - one of the tables above
    ).bindparams(_uuids("ids"), bindparam("users", type_=ARRAY(Text())))
    rows = await session.execute(
        statement, {"ids": [each.id for each in wanted], "users": [each.user_id for each in wanted]}
    )
    return {Owned(**row._mapping) for row in rows}


def _uuids(name: str) -> Any:
    return bindparam(name, type_=ARRAY(Uuid()))
