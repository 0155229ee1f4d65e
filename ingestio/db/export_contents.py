"""Queries on what exports hold: documents with their newest results, a few at a time and in the order that was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text

from ingestio.db.results import ResultRow
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import DocumentStatus
from ingestio.domain.reviews import ReviewDecision

_SELECT = """
    SELECT d.id, d.batch_id, d.original_filename, d.status, d.document_type, d.page_count, d.pages_charged, d.error_code,
           r.id AS result_id, r.document_type AS result_type, r.provider, r.model, r.revision, r.review, r.data, r.fields, r.flags,
           r.pages, r.input_tokens, r.output_tokens, r.cached_tokens, r.thinking_tokens, r.estimated_cost, r.reused_from
    FROM unnest(:ids) WITH ORDINALITY AS wanted (id, place)
    JOIN documents d ON d.id = wanted.id AND d.user_id = :user_id
    LEFT JOIN LATERAL (
        SELECT e.id, e.document_type, e.provider, e.model, e.revision, e.review, e.data, e.fields, e.flags,
               e.pages, e.input_tokens, e.output_tokens, e.cached_tokens, e.thinking_tokens, e.estimated_cost, e.reused_from
        FROM extracted_data e
        WHERE d.status = 'completed' AND e.document_id = d.id AND e.user_id = :user_id
        ORDER BY e.created_at DESC, e.id DESC LIMIT 1
    ) r ON true
    ORDER BY wanted.place
"""


@dataclass(frozen=True, slots=True)
class Content:
    """One document; with a result when it is completed."""

    document_id: UUID
    batch_id: UUID | None
    filename: str
    status: DocumentStatus
    document_type: str | None
    pages: int
    pages_charged: int
    error_code: str | None
    result_id: UUID | None
    result: ResultRow | None


async def contents(session: ServiceSession, user_id: str, document_ids: Sequence[UUID]) -> list[Content]:
    """These documents in this order; those that are gone, or another user's, are left out."""
    statement = text(_SELECT).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
    rows = await session.execute(statement, {"ids": list(document_ids), "user_id": user_id})
    return [
        Content(
            document_id=row.id,
            batch_id=row.batch_id,
            filename=row.original_filename,
            status=DocumentStatus(row.status),
            document_type=row.document_type,
            pages=row.page_count,
            pages_charged=row.pages_charged,
            error_code=row.error_code,
            result_id=row.result_id,
            result=None if row.result_id is None else _result(row),
        )
        for row in rows
    ]


async def ids_of_batch(session: ServiceSession, user_id: str, batch_id: UUID) -> list[UUID]:
    """The documents of a batch, in document order."""
    statement = text("SELECT id FROM documents WHERE batch_id = :batch_id AND user_id = :user_id ORDER BY position, id")
    return list(await session.scalars(statement, {"batch_id": batch_id, "user_id": user_id}))


async def lock_exportable(session: ServiceSession, user_id: str, document_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these documents are this user's and in no draft; none of them can be deleted until the transaction ends."""
    statement = text(
        """
        SELECT d.id FROM documents d
        WHERE d.id = ANY(:ids) AND d.user_id = :user_id
          AND NOT EXISTS (SELECT FROM extraction_batches b WHERE b.id = d.batch_id AND b.status = 'pending_upload')
        ORDER BY d.id FOR KEY SHARE OF d
        """
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
    return set(await session.scalars(statement, {"ids": list(document_ids), "user_id": user_id}))


def _result(row: Any) -> ResultRow:
    return ResultRow(
        id=row.result_id,
        document_id=row.id,
        prompt=None,  # no export says what was asked for
        document_type=row.result_type,
        provider=row.provider,
        model=row.model,
        revision=row.revision,
        review=None if row.review is None else ReviewDecision(row.review),
        data=row.data,
        fields=row.fields,
        flags=row.flags,
        pages=row.pages,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cached_tokens=row.cached_tokens,
        thinking_tokens=row.thinking_tokens,
        estimated_cost=row.estimated_cost,
        reused_from=row.reused_from,
    )
