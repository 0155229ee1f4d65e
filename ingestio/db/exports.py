"""Queries on exports: guarded, one-way transitions, lists, and what goes with a document."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import Export
from ingestio.db.pages import Page, PageRequest, paginate
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.exports import ExportFormat, ExportLayout

LIVE = (ExtractionStatus.QUEUED, ExtractionStatus.PROCESSING)
SORTABLE = {
    "id": Export.id,
    "batch_id": Export.batch_id,
    "documents_written": Export.documents_written,
    "size_bytes": Export.size_bytes,
    "completed_at": Export.completed_at,
    "expires_at": Export.expires_at,
    "created_at": Export.created_at,
    "updated_at": Export.updated_at,
    "status": Export.status,
    "format": Export.format,
}


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One export as lists and details show it. `key` is where its file lies; None before there is one and after its time."""

    id: UUID
    user_id: str
    batch_id: UUID | None
    format: ExportFormat
    layout: ExportLayout
    status: ExtractionStatus
    error_code: str | None
    document_count: int
    documents_written: int
    size_bytes: int | None
    key: str | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


@dataclass(frozen=True, slots=True)
class Order:
    """What a live export is to hold: these documents in this order, and with a batch its refused files after them."""

    document_ids: list[UUID]
    batch_id: UUID | None
    format: ExportFormat
    layout: ExportLayout


async def create(session: ServiceSession, user_id: str, export_id: UUID, order: Order) -> None:
    """Insert a queued export."""
    await session.execute(
        insert(Export).values(
            id=export_id,
            user_id=user_id,
            batch_id=order.batch_id,
            format=order.format,
            document_ids=order.document_ids,
            options=order.layout.stored(),
        )
    )


async def read(session: AsyncSession, user_id: str, export_id: UUID) -> ExportFile | None:
    """One export, or None when it is not this user's."""
    row = (await session.execute(_columns().where(Export.id == export_id, Export.user_id == user_id))).one_or_none()
    return None if row is None else _row(row)


async def read_order(session: AsyncSession, user_id: str, export_id: UUID) -> Order | None:
    """What an export was to hold."""
    statement = select(Export.document_ids, Export.batch_id, Export.format, Export.options)
    row = (await session.execute(statement.where(Export.id == export_id, Export.user_id == user_id))).one_or_none()
    return None if row is None else _order(row)


async def page(
    session: AsyncSession,
    user_id: str,
    request: PageRequest,
    *,
    batch_id: UUID | None = None,
    status: ExtractionStatus | None = None,
) -> Page[ExportFile]:
    """One page of a user's exports, newest first unless sorted."""
    statement = _columns().where(Export.user_id == user_id)
    if batch_id is not None:
        statement = statement.where(Export.batch_id == batch_id)
    if status is not None:
        statement = statement.where(Export.status == status)
    return await paginate(session, statement, request, columns=SORTABLE, identity=Export.id, read=_row)


async def begin(session: ServiceSession, user_id: str, export_id: UUID) -> Order | None:
    """live -> processing, from the start; None when it has ended or is gone."""
    begun = await session.execute(
        _of(user_id, export_id)
        .values(status=ExtractionStatus.PROCESSING, documents_written=0)
        .returning(Export.document_ids, Export.batch_id, Export.format, Export.options)
    )
    row = begun.one_or_none()
    return None if row is None else _order(row)


async def advance(session: ServiceSession, user_id: str, export_id: UUID, written: int) -> bool:
    """Say how far a live export has come; False when it has ended or is gone, and nobody wants it any more."""
    return await _change(session, user_id, export_id, documents_written=written)


async def complete(
    session: ServiceSession,
    user_id: str,
    export_id: UUID,
    *,
    key: str,
    size_bytes: int,
    now: datetime,
    expires_at: datetime,
) -> bool:
    """live -> completed with its file; False when it has ended or is gone."""
    return await _change(
        session,
        user_id,
        export_id,
        status=ExtractionStatus.COMPLETED,
        file_path=key,
        size_bytes=size_bytes,
        completed_at=now,
        expires_at=expires_at,
    )


async def end(
    session: ServiceSession, user_id: str, export_id: UUID, status: ExtractionStatus, code: str, now: datetime
) -> bool:
    """live -> failed or cancelled; False when it had ended before."""
    return await _change(session, user_id, export_id, status=status, error_code=code, completed_at=now)


async def remove(session: ServiceSession, user_id: str, export_id: UUID) -> bool:
    """Delete the row; False when there is none."""
    gone = await session.execute(
        delete(Export).where(Export.id == export_id, Export.user_id == user_id).returning(Export.id)
    )
    return gone.one_or_none() is not None


async def remove_of_document(session: ServiceSession, user_id: str, document_id: UUID) -> list[UUID]:
    """Delete every export that holds a document; answers which, so that their files go too (R86)."""
    gone = await session.scalars(
        delete(Export)
        .where(Export.user_id == user_id, Export.document_ids.contains([document_id]))
        .returning(Export.id)
    )
    return list(gone)


async def expire(session: ServiceSession, user_id: str, export_id: UUID, now: datetime) -> str | None:
    """Forget the file of an export past its time; answers where it lay, None when it is not like that."""
    row = (
        await session.execute(
            select(Export.file_path)
            .where(
                Export.id == export_id,
                Export.user_id == user_id,
                Export.file_path.is_not(None),
                Export.expires_at <= now,
            )
            .with_for_update()
        )
    ).one_or_none()
    if row is None:
        return None
    await session.execute(
        update(Export).where(Export.id == export_id, Export.user_id == user_id).values(file_path=None)
    )
    return str(row.file_path)


async def _change(session: ServiceSession, user_id: str, export_id: UUID, **values: Any) -> bool:
    changed = await session.execute(_of(user_id, export_id).values(**values).returning(Export.id))
    return changed.one_or_none() is not None


def _of(user_id: str, export_id: UUID) -> Any:
    return update(Export).where(Export.id == export_id, Export.user_id == user_id, Export.status.in_(LIVE))


def _columns() -> Select[*tuple[Any, ...]]:
    return select(
        Export.id,
        Export.user_id,
        Export.batch_id,
        Export.format,
        Export.options,
        Export.status,
        Export.error_code,
        func.cardinality(Export.document_ids).label("document_count"),
        Export.documents_written,
        Export.size_bytes,
        Export.file_path,
        Export.expires_at,
        Export.created_at,
        Export.updated_at,
        Export.completed_at,
    )


def _row(row: Any) -> ExportFile:
    return ExportFile(
        id=row.id,
        user_id=row.user_id,
        batch_id=row.batch_id,
        format=row.format,
        layout=ExportLayout.read(row.options),
        status=row.status,
        error_code=row.error_code,
        document_count=row.document_count,
        documents_written=row.documents_written,
        size_bytes=row.size_bytes,
        key=row.file_path,
        expires_at=row.expires_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        completed_at=row.completed_at,
    )


def _order(row: Any) -> Order:
    return Order(row.document_ids, row.batch_id, row.format, ExportLayout.read(row.options))
