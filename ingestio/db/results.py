"""Queries on results: what a completed attempt found."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import Document, ExtractedData, Job
from ingestio.db.session import ServiceSession
from ingestio.domain.fields import ModelUsage
from ingestio.domain.prices import as_text
from ingestio.domain.reviews import ReviewDecision


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A result of a document, as the machine read it."""

    id: UUID
    document_id: UUID
    prompt: str | None
    """What was asked for."""
    document_type: str
    provider: str
    model: str
    revision: int
    review: ReviewDecision | None
    data: dict[str, Any]
    fields: list[Any]
    flags: list[Any]
    pages: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    thinking_tokens: int
    estimated_cost: Decimal | None
    reused_from: UUID | None

    @property
    def usage(self) -> ModelUsage:
        """What the provider spent on it."""
        return ModelUsage(
            self.input_tokens,
            self.output_tokens,
            self.cached_tokens,
            self.thinking_tokens,
            None if self.estimated_cost is None else as_text(self.estimated_cost),
        )


async def newest(session: AsyncSession, user_id: str, document_id: UUID) -> ResultRow | None:
    """The newest result of a document, or None before its first completion."""
    return next(iter(await latest(session, user_id, document_id, 1)), None)


async def at_revision(session: AsyncSession, user_id: str, document_id: UUID, revision: int) -> ResultRow | None:
    """The result that a revision belongs to: revisions go on counting from one extraction to the next."""
    rows = await latest(session, user_id, document_id, None, from_revision=revision)
    return rows[-1] if rows else await newest(session, user_id, document_id)


async def latest(
    session: AsyncSession, user_id: str, document_id: UUID, limit: int | None, *, from_revision: int = 0
) -> list[ResultRow]:
    """The newest results of a document, the newest first; those that ended before a revision are left out."""
    rows = await session.execute(
        select(
            ExtractedData.id,
            ExtractedData.document_id,
            # The job goes with its batch; the document keeps the prompt.
            func.coalesce(Job.extraction_prompt, Document.extraction_prompt).label("prompt"),
            ExtractedData.document_type,
            ExtractedData.provider,
            ExtractedData.model,
            ExtractedData.revision,
            ExtractedData.review,
            ExtractedData.data,
            ExtractedData.fields,
            ExtractedData.flags,
            ExtractedData.pages,
            ExtractedData.input_tokens,
            ExtractedData.output_tokens,
            ExtractedData.cached_tokens,
            ExtractedData.thinking_tokens,
            ExtractedData.estimated_cost,
            ExtractedData.reused_from,
        )
        .join(Document, (Document.id == ExtractedData.document_id) & (Document.user_id == ExtractedData.user_id))
        .outerjoin(Job, (Job.id == ExtractedData.extraction_job_id) & (Job.user_id == ExtractedData.user_id))
        .where(
            ExtractedData.document_id == document_id,
            ExtractedData.user_id == user_id,
            ExtractedData.revision >= from_revision,
        )
        .order_by(ExtractedData.created_at.desc(), ExtractedData.id.desc())
        .limit(limit)
    )
    return [ResultRow(**row._mapping) for row in rows]


async def revise(
    session: ServiceSession, user_id: str, result_id: UUID, revision: int, review: ReviewDecision | None
) -> None:
    """Move a result to its next revision, and to the verdict that holds from then on."""
    await session.execute(
        update(ExtractedData)
        .where(ExtractedData.id == result_id, ExtractedData.user_id == user_id)
        .values(revision=revision, review=review)
    )
