"""Queries on batches: guarded transitions, counters, lists, and the files that were refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import Batch, RefusedFile
from ingestio.db.pages import Page, PageRequest, paginate
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import BatchStatus, PromptStrategy

RUNNING = (BatchStatus.QUEUED, BatchStatus.PROCESSING)
SORTABLE = {
    "id": Batch.id,
    "name": Batch.name,
    "prompt_strategy": Batch.prompt_strategy,
    "completed_at": Batch.completed_at,
    "created_at": Batch.created_at,
    "updated_at": Batch.updated_at,
    "status": Batch.status,
    "document_count": Batch.document_count,
    "completed_count": Batch.completed_count,
    "failed_count": Batch.failed_count,
    "cancelled_count": Batch.cancelled_count,
    "total_pages": Batch.total_pages,
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was refused, as the batch lists it."""

    filename: str
    client_id: str
    code: str
    message: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch as lists and details show it."""

    id: UUID
    user_id: str
    name: str | None
    status: BatchStatus
    paused: bool
    cancel_requested: bool
    all_or_nothing: bool
    prompt_strategy: PromptStrategy
    extraction_prompt: str | None
    document_count: int
    completed_count: int
    failed_count: int
    cancelled_count: int
    total_pages: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    refused_files: tuple[Refused, ...] = field(default=())


async def create(
    session: ServiceSession,
    user_id: str,
    batch_id: UUID,
    *,
    name: str | None,
    strategy: PromptStrategy,
    prompt: str | None,
    all_or_nothing: bool = False,
    receiving: bool = False,
) -> None:
    """Insert a batch in `pending_upload`, before any file is handled; `receiving` marks the shell of a one-shot upload."""
    await session.execute(
        insert(Batch).values(
            id=batch_id,
            user_id=user_id,
            name=name,
            prompt_strategy=strategy,
            extraction_prompt=prompt,
            all_or_nothing=all_or_nothing,
            receiving_at=func.now() if receiving else None,
        )
    )


async def read(session: AsyncSession, user_id: str, batch_id: UUID) -> BatchRow | None:
    """One batch without its refused files, or None when it is not this user's."""
    return _row((await session.execute(_select(user_id, batch_id))).one_or_none())


async def lock(session: ServiceSession, user_id: str, batch_id: UUID) -> BatchRow | None:
    """The same, locked until the transaction ends."""
    return _row((await session.execute(_select(user_id, batch_id).with_for_update())).one_or_none())


async def some(session: AsyncSession, user_id: str, batch_ids: Sequence[UUID]) -> list[BatchRow]:
    """Those of the named batches that are this user's, newest first."""
    statement = _columns().where(Batch.id.in_(batch_ids), Batch.user_id == user_id)
    return [_must(row) for row in await session.execute(statement.order_by(Batch.created_at.desc(), Batch.id.desc()))]


async def page(
    session: AsyncSession,
    user_id: str,
    request: PageRequest,
    *,
    status: BatchStatus | None = None,
    search: str | None = None,
) -> Page[BatchRow]:
    """One page of a user's batches, newest first unless sorted; `search` looks into names, whatever the case."""
    statement = _columns().where(Batch.user_id == user_id)
    if status is not None:
        statement = statement.where(Batch.status == status)
    if search:
        statement = statement.where(Batch.name.icontains(search, autoescape=True))
    return await paginate(session, statement, request, columns=SORTABLE, identity=Batch.id, read=_must)


async def change(
    session: ServiceSession, user_id: str, batch_id: UUID, was: Sequence[BatchStatus], **values: Any
) -> bool:
    """Set columns of a batch that is in one of the statuses `was`; False when it is not."""
    changed = await session.execute(
        update(Batch)
        .where(Batch.id == batch_id, Batch.user_id == user_id, Batch.status.in_(was))
        .values(**values)
        .returning(Batch.id)
    )
    return changed.one_or_none() is not None


async def count_ended(
    session: ServiceSession,
    user_id: str,
    batch_id: UUID,
    *,
    completed: int = 0,
    failed: int = 0,
    cancelled: int = 0,
) -> None:
    """Move the counters by what one guarded transition ended; never called outside one."""
    await session.execute(
        update(Batch)
        .where(Batch.id == batch_id, Batch.user_id == user_id)
        .values(
            completed_count=Batch.completed_count + completed,
            failed_count=Batch.failed_count + failed,
            cancelled_count=Batch.cancelled_count + cancelled,
        )
    )


async def receive_on(session: ServiceSession, user_id: str, batch_id: UUID) -> bool:
    """Note that bytes still arrive for the shell of a one-shot upload; False when it is gone."""
    noted = await session.execute(
        update(Batch)
        .where(Batch.id == batch_id, Batch.user_id == user_id, Batch.receiving_at.is_not(None))
        .values(receiving_at=func.now())
        .returning(Batch.id)
    )
    return noted.one_or_none() is not None


async def remove(session: ServiceSession, user_id: str, batch_id: UUID) -> None:
    """Delete the row; its jobs and refused files go with it, its documents stay."""
    await session.execute(delete(Batch).where(Batch.id == batch_id, Batch.user_id == user_id))


async def refuse(session: ServiceSession, user_id: str, batch_id: UUID, files: Sequence[Refused]) -> None:
    """List refused files under the batch."""
    if files:
        await session.execute(
            insert(RefusedFile),
            [
                {
                    "user_id": user_id,
                    "batch_id": batch_id,
                    "client_id": item.client_id,
                    "position": item.position,
                    "filename": item.filename,
                    "code": item.code,
                    "message": item.message,
                }
                for item in files
            ],
        )


async def forgive(session: ServiceSession, user_id: str, batch_id: UUID, client_id: str) -> bool:
    """Take a refused file off the list, because it was replaced or deleted; True when it was on it."""
    gone = await session.execute(
        delete(RefusedFile)
        .where(RefusedFile.batch_id == batch_id, RefusedFile.user_id == user_id, RefusedFile.client_id == client_id)
        .returning(RefusedFile.id)
    )
    return gone.one_or_none() is not None


async def refused_of(session: AsyncSession, user_id: str, batch_ids: Sequence[UUID]) -> dict[UUID, list[Refused]]:
    """The refused files of some batches, in file order."""
    rows = await session.execute(
        select(
            RefusedFile.batch_id,
            RefusedFile.filename,
            RefusedFile.client_id,
            RefusedFile.code,
            RefusedFile.message,
            RefusedFile.position,
        )
        .where(RefusedFile.batch_id.in_(batch_ids), RefusedFile.user_id == user_id)
        .order_by(RefusedFile.position, RefusedFile.client_id)
    )
    found: dict[UUID, list[Refused]] = {}
    for row in rows:
        found.setdefault(row.batch_id, []).append(
            Refused(row.filename, row.client_id, row.code, row.message, row.position)
        )
    return found


async def count_refused(session: AsyncSession, user_id: str, batch_id: UUID) -> int:
    """How many files of a batch were refused."""
    return (
        await session.execute(
            select(func.count()).where(RefusedFile.batch_id == batch_id, RefusedFile.user_id == user_id)
        )
    ).scalar_one()


def _columns() -> Select[*tuple[Any, ...]]:
    return select(
        Batch.id,
        Batch.user_id,
        Batch.name,
        Batch.status,
        Batch.paused,
        Batch.cancel_requested,
        Batch.all_or_nothing,
        Batch.prompt_strategy,
        Batch.extraction_prompt,
        Batch.document_count,
        Batch.completed_count,
        Batch.failed_count,
        Batch.cancelled_count,
        Batch.total_pages,
        Batch.created_at,
        Batch.updated_at,
        Batch.completed_at,
    )


def _select(user_id: str, batch_id: UUID) -> Select[*tuple[Any, ...]]:
    return _columns().where(Batch.id == batch_id, Batch.user_id == user_id)


def _must(row: Any) -> BatchRow:
    return BatchRow(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        status=row.status,
        paused=row.paused,
        cancel_requested=row.cancel_requested,
        all_or_nothing=row.all_or_nothing,
        prompt_strategy=row.prompt_strategy,
        extraction_prompt=row.extraction_prompt,
        document_count=row.document_count,
        completed_count=row.completed_count,
        failed_count=row.failed_count,
        cancelled_count=row.cancelled_count,
        total_pages=row.total_pages,
        created_at=row.created_at,
        updated_at=row.updated_at,
        completed_at=row.completed_at,
    )


def _row(row: Any) -> BatchRow | None:
    return None if row is None else _must(row)
