"""Queries on billing periods and the page ledger: the one place where page counters move.

Every function takes the user id and filters by it. Locks are always taken in the order job, document, batch, usage, so that two
transactions on one user's rows never wait for each other in a circle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import Document, PageLedger, UserUsage
from ingestio.db.pages import Page, PageRequest, paginate
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import LedgerState
from ingestio.domain.plans import UNLIMITED_STORED
from ingestio.domain.usage import Usage, read_limit


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What the ledger says of one job."""

    state: LedgerState
    pages: int
    usage_id: UUID


@dataclass(frozen=True, slots=True)
class Receipt:
    """One line of the ledger as its owner reads it; `filename` None when the document was deleted meanwhile."""

    id: UUID
    document_id: UUID
    filename: str | None
    pages: int
    state: LedgerState
    reused_from: UUID | None
    created_at: datetime
    updated_at: datetime


async def receipts(
    session: AsyncSession,
    user_id: str,
    request: PageRequest,
    *,
    state: LedgerState | None = None,
    search: str | None = None,
) -> Page[Receipt]:
    """One page of a user's ledger, with the names of the documents that are still there; `search` looks into these, whatever the case."""
    statement = (
        select(
            PageLedger.id,
            PageLedger.document_id,
            Document.original_filename,
            PageLedger.pages,
            PageLedger.state,
            PageLedger.reused_from,
            PageLedger.created_at,
            PageLedger.updated_at,
        )
        .outerjoin(Document, (Document.id == PageLedger.document_id) & (Document.user_id == user_id))
        .where(PageLedger.user_id == user_id)
    )
    if state is not None:
        statement = statement.where(PageLedger.state == state)
    if search:
        statement = statement.where(Document.original_filename.icontains(search, autoescape=True))
    return await paginate(
        session,
        statement,
        request,
        columns={"created_at": PageLedger.created_at, "pages": PageLedger.pages},
        identity=PageLedger.id,
        read=lambda row: Receipt(*row[:-1]),
    )


async def read_current(session: AsyncSession, user_id: str, now: datetime) -> Usage | None:
    """The current period: the latest row that has begun (R53); None where there is no row."""
    row = (await session.execute(_current(user_id, now))).one_or_none()
    return None if row is None else _usage(row)


async def users_without_period(session: ServiceSession, after: str, limit: int, now: datetime) -> list[str]:
    """Users behind `after` whose last period has ended, in order; not those for whom a paid invoice begins the next."""
    rows = await session.execute(
        text(
            """
            SELECT p.user_id FROM profiles p
            CROSS JOIN LATERAL (
                SELECT billing_period_end FROM user_usage u
                WHERE u.user_id = p.user_id AND u.billing_period_start <= :now ORDER BY billing_period_start DESC LIMIT 1
            ) AS last
            WHERE p.user_id > :after AND p.stripe_subscription_id IS NULL AND last.billing_period_end <= :now
            ORDER BY p.user_id LIMIT :limit
            """
        ),
        {"after": after, "limit": limit, "now": now},
    )
    return list(rows.scalars())


async def lock_current(session: ServiceSession, user_id: str, now: datetime) -> Usage | None:
    """The same, locked until the transaction ends, so that a whole submission is counted against a still number."""
    row = (await session.execute(_current(user_id, now).with_for_update())).one_or_none()
    return None if row is None else _usage(row)


async def open_period(session: ServiceSession, user_id: str, start: datetime, end: datetime, limit: int) -> None:
    """Make a period; a period that begins at the same moment exists already and stays as it is. `limit` as stored."""
    await session.execute(
        upsert(UserUsage)
        .values(user_id=user_id, billing_period_start=start, billing_period_end=end, pages_limit=limit)
        .on_conflict_do_nothing(index_elements=["user_id", "billing_period_start"])
    )


async def latest_start(session: ServiceSession, user_id: str) -> datetime | None:
    """When the newest period begins, None before the first one."""
    latest = await session.execute(select(func.max(UserUsage.billing_period_start)).where(UserUsage.user_id == user_id))
    return latest.scalar_one()


async def move_end(session: ServiceSession, user_id: str, start: datetime, end: datetime) -> None:
    """Let the period that begins at `start` end at another moment."""
    await session.execute(
        update(UserUsage)
        .where(
            UserUsage.user_id == user_id,
            UserUsage.billing_period_start == start,
            UserUsage.billing_period_end != end,
        )
        .values(billing_period_end=end)
    )


async def set_limit(session: ServiceSession, user_id: str, usage_id: UUID, limit: int) -> None:
    """Give a period another limit (as stored), never below what is used and reserved already (R53)."""
    used = UserUsage.pages_processed + UserUsage.pages_reserved
    value: Any = limit if limit == UNLIMITED_STORED else func.greatest(limit, used)
    await session.execute(
        update(UserUsage).where(UserUsage.id == usage_id, UserUsage.user_id == user_id).values(pages_limit=value)
    )


async def take(session: ServiceSession, user_id: str, usage_id: UUID, pages: int) -> bool:
    """Move `pages` of the period into reserved; False, and nothing moved, when they do not fit."""
    taken = await session.execute(
        update(UserUsage)
        .where(
            UserUsage.id == usage_id,
            UserUsage.user_id == user_id,
            or_(
                UserUsage.pages_limit == UNLIMITED_STORED,
                UserUsage.pages_processed + UserUsage.pages_reserved + pages <= UserUsage.pages_limit,
            ),
        )
        .values(pages_reserved=UserUsage.pages_reserved + pages)
        .returning(UserUsage.id)
    )
    return taken.one_or_none() is not None


async def write_reservations(
    session: ServiceSession, user_id: str, usage_id: UUID, jobs: Sequence[tuple[UUID, UUID, int]]
) -> None:
    """Write one ledger row per (job, document, pages); the pages were taken before, in the same transaction."""
    if jobs:
        await session.execute(
            insert(PageLedger),
            [
                {
                    "id": uuid4(),
                    "user_id": user_id,
                    "job_id": job_id,
                    "document_id": document_id,
                    "usage_id": usage_id,
                    "pages": pages,
                }
                for job_id, document_id, pages in jobs
            ],
        )


async def read_entry(session: ServiceSession, user_id: str, job_id: UUID) -> LedgerEntry | None:
    """The job's ledger row, None when it never held pages."""
    row = (
        await session.execute(
            select(PageLedger.state, PageLedger.pages, PageLedger.usage_id).where(
                PageLedger.job_id == job_id, PageLedger.user_id == user_id
            )
        )
    ).one_or_none()
    return None if row is None else LedgerEntry(row.state, row.pages, row.usage_id)


async def release_entry(session: ServiceSession, user_id: str, job_id: UUID) -> LedgerEntry | None:
    """reserved -> released. None when nothing was held. The counters follow in `give_back`."""
    row = (
        await session.execute(
            update(PageLedger)
            .where(PageLedger.job_id == job_id, PageLedger.user_id == user_id, PageLedger.state == LedgerState.RESERVED)
            .values(state=LedgerState.RELEASED)
            .returning(PageLedger.pages, PageLedger.usage_id)
        )
    ).one_or_none()
    return None if row is None else LedgerEntry(LedgerState.RELEASED, row.pages, row.usage_id)


async def release_entries(session: ServiceSession, user_id: str, job_ids: Sequence[UUID]) -> dict[UUID, int]:
    """reserved -> released for many jobs; answers the pages by period, for `give_back`."""
    rows = await session.execute(
        update(PageLedger)
        .where(PageLedger.job_id.in_(job_ids), PageLedger.user_id == user_id, PageLedger.state == LedgerState.RESERVED)
        .values(state=LedgerState.RELEASED)
        .returning(PageLedger.pages, PageLedger.usage_id)
    )
    pages: dict[UUID, int] = {}
    for row in rows:
        pages[row.usage_id] = pages.get(row.usage_id, 0) + row.pages
    return pages


async def give_back(session: ServiceSession, user_id: str, usage_id: UUID, pages: int) -> None:
    """Count released pages: they leave reserved."""
    await session.execute(
        update(UserUsage)
        .where(UserUsage.id == usage_id, UserUsage.user_id == user_id)
        .values(pages_reserved=UserUsage.pages_reserved - pages)
    )


def _current(user_id: str, now: datetime) -> Select[*tuple[Any, ...]]:
    # The first period is current before it begins, too: it was made by a host whose clock is ahead of ours, and a second one beside it
    # would count pages twice.
    first = select(func.min(UserUsage.billing_period_start)).where(UserUsage.user_id == user_id).scalar_subquery()
    return (
        select(
            UserUsage.id,
            UserUsage.billing_period_start,
            UserUsage.billing_period_end,
            UserUsage.pages_limit,
            UserUsage.pages_processed,
            UserUsage.pages_reserved,
        )
        .where(UserUsage.user_id == user_id, UserUsage.billing_period_start <= func.greatest(now, first))
        .order_by(UserUsage.billing_period_start.desc())
        .limit(1)
    )


def _usage(row: Any) -> Usage:
    return Usage(
        id=str(row.id),
        period_start=row.billing_period_start,
        period_end=row.billing_period_end,
        limit=read_limit(row.pages_limit),
        processed=row.pages_processed,
        reserved=row.pages_reserved,
    )
