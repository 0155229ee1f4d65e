"""Queries on documents: guarded transitions for the pipeline, lists and details for the front door."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, literal, literal_column, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import Document, Job
from ingestio.db.pages import Page, PageRequest, paginate
from ingestio.db.search import matches
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import DocumentStatus, ExtractionStatus, PromptSource
from ingestio.domain.reviews import ReviewDecision, ReviewState

OPEN = (DocumentStatus.UPLOADED, DocumentStatus.QUEUED_FOR_PROCESSING, DocumentStatus.PROCESSING)
SNIPPET_CHARACTERS = 200
# As in the index, literally: a partial index is found by a predicate that the planner knows, and a parameter may be anything.
_TO_REVIEW = (Document.concerns != literal_column("'{}'"), Document.review.is_(None))
SORTABLE = {
    "id": Document.id,
    "batch_id": Document.batch_id,
    "client_id": Document.client_id,
    "document_type": Document.document_type,
    "prompt_source": Document.prompt_source,
    "created_at": Document.created_at,
    "updated_at": Document.updated_at,
    "filename": Document.original_filename,
    "status": Document.status,
    "page_count": Document.page_count,
    "size_bytes": Document.file_size,
    "mime_type": Document.mime_type,
    "pages_charged": Document.pages_charged,
    "attempt": Document.attempt,
    "position": Document.position,
}


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One document as lists and details show it. `prompt` is its effective prompt, whole only in details."""

    id: UUID
    user_id: str
    batch_id: UUID | None
    client_id: str | None
    position: int
    filename: str
    mime_type: str
    size_bytes: int
    page_count: int
    status: DocumentStatus
    document_type: str | None
    prompt: str | None
    prompt_source: PromptSource | None
    error_code: str | None
    pages_charged: int
    attempt: int
    storage_path: str
    sha256: str
    concerns: list[str]
    review: ReviewDecision | None
    created_at: datetime
    updated_at: datetime


async def create(session: ServiceSession, rows: Sequence[dict[str, Any]]) -> None:
    """Insert counted documents; each row names all columns without a default."""
    if rows:
        await session.execute(insert(Document), list(rows))


async def read(session: AsyncSession, user_id: str, document_id: UUID) -> DocumentRow | None:
    """One document with its whole prompt, or None when it is not this user's."""
    statement = _columns(whole_prompt=True).where(Document.id == document_id, Document.user_id == user_id)
    return _row((await session.execute(statement)).one_or_none())


async def shapes(session: AsyncSession, user_id: str, document_id: UUID) -> list[float]:
    """The shapes of its pages (`domain.shapes`); none for a document from before they were kept."""
    statement = select(Document.page_shapes).where(Document.id == document_id, Document.user_id == user_id)
    return await session.scalar(statement) or []


async def lock(session: ServiceSession, user_id: str, document_id: UUID) -> DocumentRow | None:
    """The same, locked until the transaction ends."""
    statement = _columns(whole_prompt=True).where(Document.id == document_id, Document.user_id == user_id)
    return _row((await session.execute(statement.with_for_update())).one_or_none())


async def of_batch(session: AsyncSession, user_id: str, batch_id: UUID) -> list[DocumentRow]:
    """Every document of a batch, in document order, with its whole prompt."""
    statement = _columns(whole_prompt=True).where(Document.batch_id == batch_id, Document.user_id == user_id)
    rows = await session.execute(statement.order_by(Document.position, Document.id))
    return [found for row in rows if (found := _row(row)) is not None]


async def some(session: AsyncSession, user_id: str, document_ids: Sequence[UUID]) -> list[DocumentRow]:
    """Those of the named documents that are this user's, as lists show them, in document order."""
    statement = _columns(whole_prompt=False).where(Document.id.in_(document_ids), Document.user_id == user_id)
    return [_must(row) for row in await session.execute(statement.order_by(Document.position, Document.id))]


async def page(
    session: AsyncSession,
    user_id: str,
    request: PageRequest,
    *,
    batch_id: UUID | None = None,
    status: DocumentStatus | None = None,
    document_type: str | None = None,
    review: ReviewState | None = None,
    search: str | None = None,
) -> Page[DocumentRow]:
    """One page of a user's documents, newest first unless sorted; `search` looks into names, types and values."""
    statement = _columns(whole_prompt=False).where(Document.user_id == user_id)
    if batch_id is not None:
        statement = statement.where(Document.batch_id == batch_id)
    if status is not None:
        statement = statement.where(Document.status == status)
    if document_type is not None:
        statement = statement.where(Document.document_type == document_type)
    match review:
        case ReviewState.NEEDED:
            statement = statement.where(*_TO_REVIEW)
        case ReviewState.APPROVED | ReviewState.REJECTED:
            statement = statement.where(Document.review == ReviewDecision(review))
        case None:
            pass
    if search:
        statement = statement.where(matches(user_id, search))
    return await paginate(session, statement, request, columns=SORTABLE, identity=Document.id, read=_must)


async def next_position(session: AsyncSession, user_id: str, batch_id: UUID) -> int:
    """The first position behind all documents of a batch."""
    statement = select(func.max(Document.position)).where(Document.batch_id == batch_id, Document.user_id == user_id)
    last = await session.scalar(statement)
    return 0 if last is None else last + 1


async def types(session: AsyncSession, user_id: str) -> list[str]:
    """The document types that a user's documents have, in order."""
    statement = select(Document.document_type).where(Document.user_id == user_id, Document.document_type.is_not(None))
    return sorted(kind for kind in await session.scalars(statement.distinct()) if kind is not None)


async def next_to_review(session: AsyncSession, user_id: str, after: DocumentRow) -> UUID | None:
    """The next document that needs a person, going back in time from one document and beginning again at the newest."""
    statement = (
        select(Document.id)
        .where(Document.user_id == user_id, Document.id != after.id, *_TO_REVIEW)
        .order_by(Document.created_at.desc(), Document.id.desc())
        .limit(1)
    )
    here = tuple_(literal(after.created_at), literal(after.id))
    older = await session.scalar(statement.where(tuple_(Document.created_at, Document.id) < here))
    return older or await session.scalar(statement)


async def count_to_review(session: AsyncSession, user_id: str) -> int:
    """How many documents need a person."""
    statement = select(func.count()).select_from(Document).where(Document.user_id == user_id, *_TO_REVIEW)
    return (await session.scalar(statement)) or 0


async def judge(
    session: ServiceSession, user_id: str, document_id: UUID, concerns: Sequence[str], review: ReviewDecision | None
) -> None:
    """What is the matter with the newest result, and what a person decided about it."""
    await session.execute(
        update(Document)
        .where(Document.id == document_id, Document.user_id == user_id)
        .values(concerns=list(concerns), review=review)
    )


async def queue(
    session: ServiceSession, user_id: str, document_ids: Sequence[UUID], global_prompt: str | None = None
) -> None:
    """-> queued_for_processing, one attempt further, for documents that a submission or retry took in.

    `global_prompt` is what their batch asks of all of them: written on each, because a document outlives its batch (R16).
    """
    await session.execute(
        update(Document)
        .where(Document.id.in_(document_ids), Document.user_id == user_id)
        .values(
            status=DocumentStatus.QUEUED_FOR_PROCESSING,
            error_code=None,
            attempt=Document.attempt + 1,
            **_asked(global_prompt),
        )
    )


def _asked(global_prompt: str | None) -> dict[str, Any]:
    return {} if global_prompt is None else {"extraction_prompt": global_prompt, "prompt_source": PromptSource.GLOBAL}


async def next_attempt(session: ServiceSession, user_id: str, document_id: UUID) -> None:
    """One attempt further while status and result stay: a completed document is read again."""
    await session.execute(
        update(Document)
        .where(Document.id == document_id, Document.user_id == user_id)
        .values(attempt=Document.attempt + 1)
    )


async def fail_unfit(
    session: ServiceSession, user_id: str, document_ids: Sequence[UUID], code: str, global_prompt: str | None = None
) -> None:
    """-> failed at once, one attempt further, for documents that a submission had no pages for. `global_prompt` as for `queue`."""
    await session.execute(
        update(Document)
        .where(Document.id.in_(document_ids), Document.user_id == user_id)
        .values(status=DocumentStatus.FAILED, error_code=code, attempt=Document.attempt + 1, **_asked(global_prompt))
    )


async def end(
    session: ServiceSession, user_id: str, document_ids: Sequence[UUID], status: DocumentStatus, code: str
) -> int:
    """open -> failed or cancelled; answers how many moved. Completed documents keep status and result (R65)."""
    rows = await session.execute(
        update(Document)
        .where(Document.id.in_(document_ids), Document.user_id == user_id, Document.status.in_(OPEN))
        .values(status=status, error_code=code)
        .returning(Document.id)
    )
    return len(rows.all())


async def end_stranded(session: ServiceSession, user_id: str, batch_id: UUID, code: str) -> int:
    """open without a live job -> failed: nothing is left that would ever end them. Answers how many."""
    live = select(Job.id).where(
        Job.document_id == Document.id, Job.status.in_((ExtractionStatus.QUEUED, ExtractionStatus.PROCESSING))
    )
    rows = await session.execute(
        update(Document)
        .where(
            Document.batch_id == batch_id,
            Document.user_id == user_id,
            Document.status.in_(OPEN),
            ~live.exists(),
        )
        .values(status=DocumentStatus.FAILED, error_code=code)
        .returning(Document.id)
    )
    return len(rows.all())


async def write_prompts(session: ServiceSession, user_id: str, batch_id: UUID, prompts: dict[str, str | None]) -> None:
    """Set the own prompts of a draft's documents by client id; None takes a prompt away."""
    for client_id, prompt in prompts.items():
        await session.execute(
            update(Document)
            .where(Document.batch_id == batch_id, Document.user_id == user_id, Document.client_id == client_id)
            .values(extraction_prompt=prompt, prompt_source=None if prompt is None else PromptSource.PER_DOCUMENT)
        )


async def count_by_status(session: AsyncSession, user_id: str, batch_id: UUID) -> dict[DocumentStatus, int]:
    """How many documents of a batch are in each status; absent ones are 0."""
    rows = await session.execute(
        select(Document.status, func.count().label("documents"))
        .where(Document.batch_id == batch_id, Document.user_id == user_id)
        .group_by(Document.status)
    )
    return {row.status: row.documents for row in rows}


async def remove(session: ServiceSession, user_id: str, document_id: UUID) -> None:
    """Delete the row; jobs and results go with it, the ledger stays."""
    await session.execute(delete(Document).where(Document.id == document_id, Document.user_id == user_id))


def _columns(*, whole_prompt: bool) -> Select[*tuple[Any, ...]]:
    prompt = Document.extraction_prompt
    return select(
        Document.id,
        Document.user_id,
        Document.batch_id,
        Document.client_id,
        Document.position,
        Document.original_filename,
        Document.mime_type,
        Document.file_size,
        Document.page_count,
        Document.status,
        Document.document_type,
        (prompt if whole_prompt else func.left(prompt, literal_column(str(SNIPPET_CHARACTERS)))).label("prompt"),
        Document.prompt_source,
        Document.error_code,
        Document.pages_charged,
        Document.attempt,
        Document.storage_path,
        Document.sha256,
        Document.concerns,
        Document.review,
        Document.created_at,
        Document.updated_at,
    )


def _must(row: Any) -> DocumentRow:
    return DocumentRow(
        id=row.id,
        user_id=row.user_id,
        batch_id=row.batch_id,
        client_id=row.client_id,
        position=row.position,
        filename=row.original_filename,
        mime_type=row.mime_type,
        size_bytes=row.file_size,
        page_count=row.page_count,
        status=row.status,
        document_type=row.document_type,
        prompt=row.prompt,
        prompt_source=row.prompt_source,
        error_code=row.error_code,
        pages_charged=row.pages_charged,
        attempt=row.attempt,
        storage_path=row.storage_path,
        sha256=row.sha256,
        concerns=row.concerns,
        review=row.review,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _row(row: Any) -> DocumentRow | None:
    return None if row is None else _must(row)
