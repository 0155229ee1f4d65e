"""Queries on results: what a completed attempt found."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import ExtractedData
from ingestio.domain.reviews import ReviewDecision


@dataclass(frozen=True, slots=True)
class ResultRow:
    """The newest result of a document."""

    document_id: UUID
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
    reused_from: UUID | None


async def newest(session: AsyncSession, user_id: str, document_id: UUID) -> ResultRow | None:
    """The newest result of a document, or None before its first completion."""
    row = (
        await session.execute(
            select(
                ExtractedData.document_id,
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
                ExtractedData.reused_from,
            )
            .where(ExtractedData.document_id == document_id, ExtractedData.user_id == user_id)
            .order_by(ExtractedData.created_at.desc(), ExtractedData.id.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else ResultRow(**row._mapping)
