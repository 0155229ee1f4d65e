"""Queries on revisions: what people and later extractions changed; rows are added and never changed (R85)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import FieldRevision
from ingestio.db.pages import Page, PageRequest, paginate
from ingestio.db.session import ServiceSession
from ingestio.domain.reviews import RevisionKind, Scalar

SORTABLE = {
    "created_at": FieldRevision.created_at,
    "revision": FieldRevision.revision,
    "path": FieldRevision.path,
}
_PEOPLES = (RevisionKind.CORRECTION, RevisionKind.KEPT)


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """One value that changed, or one decision, whose path is empty."""

    id: UUID
    result_id: UUID
    revision: int
    kind: RevisionKind
    path: str
    before: Any
    after: Any
    user_id: str
    created_at: datetime


async def append(
    session: ServiceSession,
    user_id: str,
    document_id: UUID,
    result_id: UUID,
    revision: int,
    changes: Sequence[tuple[RevisionKind, str, Any, Any]],
) -> None:
    """Record changes of one revision of a result: (kind, path, before, after)."""
    rows = [
        {
            "user_id": user_id,
            "document_id": document_id,
            "extracted_data_id": result_id,
            "revision": revision,
            "kind": kind,
            "path": path,
            "value_before": before,
            "value_after": after,
        }
        for kind, path, before, after in changes
    ]
    if rows:
        await session.execute(insert(FieldRevision), rows)


async def corrections(
    session: AsyncSession, user_id: str, result_ids: Sequence[UUID], *, up_to: int | None = None
) -> dict[UUID, dict[str, Scalar]]:
    """People's values by result and path, the newest of each; a result without any is absent. `up_to`: as of that revision."""
    if not result_ids:
        return {}
    statement = (
        select(FieldRevision.extracted_data_id, FieldRevision.path, FieldRevision.value_after)
        .where(
            FieldRevision.extracted_data_id.in_(result_ids),
            FieldRevision.user_id == user_id,
            FieldRevision.kind.in_(_PEOPLES),
        )
        .order_by(FieldRevision.revision)
    )
    if up_to is not None:
        statement = statement.where(FieldRevision.revision <= up_to)
    rows = await session.execute(statement)
    found: dict[UUID, dict[str, Scalar]] = {}
    for row in rows:
        found.setdefault(row.extracted_data_id, {})[row.path] = row.value_after
    return found


async def read_before(session: AsyncSession, user_id: str, result_id: UUID) -> dict[str, Any]:
    """What stood in the fields that this result's extraction read differently, by path."""
    rows = await session.execute(
        select(FieldRevision.path, FieldRevision.value_before).where(
            FieldRevision.extracted_data_id == result_id,
            FieldRevision.user_id == user_id,
            FieldRevision.kind == RevisionKind.EXTRACTION,
        )
    )
    return {row.path: row.value_before for row in rows}


async def page(session: AsyncSession, user_id: str, document_id: UUID, request: PageRequest) -> Page[RevisionRow]:
    """One page of a document's revisions, those of earlier results too."""
    statement = select(
        FieldRevision.id,
        FieldRevision.extracted_data_id,
        FieldRevision.revision,
        FieldRevision.kind,
        FieldRevision.path,
        FieldRevision.value_before,
        FieldRevision.value_after,
        FieldRevision.user_id,
        FieldRevision.created_at,
    ).where(FieldRevision.document_id == document_id, FieldRevision.user_id == user_id)
    return await paginate(session, statement, request, columns=SORTABLE, identity=FieldRevision.id, read=_row)


def _row(row: Any) -> RevisionRow:
    return RevisionRow(
        id=row.id,
        result_id=row.extracted_data_id,
        revision=row.revision,
        kind=row.kind,
        path=row.path,
        before=row.value_before,
        after=row.value_after,
        user_id=row.user_id,
        created_at=row.created_at,
    )
