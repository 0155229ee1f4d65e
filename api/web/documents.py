"""One document: its pages beside what was read from them."""

import json
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.answers import find_document
from api.routes.documents import PAGE_DPI
from api.schemas.results import Result
from api.web.fields import arranged
from api.web.visitors import Visitor, VisitorDep
from ingestio.db import batches, results
from ingestio.db.batches import BatchRow
from ingestio.db.documents import DocumentRow

router = APIRouter(prefix="/dashboard/review", include_in_schema=False)

_PAGES_AT_ONCE = 20


@router.get("/{document_id}")
async def read_document(document_id: UUID, request: Request, visitor: VisitorDep) -> Response:
    """The pages of one document, drawn when they come into view, and its newest result with the evidence."""
    document = await find_document(visitor.caller, document_id)
    async with visitor.caller.reading() as session:
        found = await results.newest(session, visitor.caller.user_id, document_id)
    batch = await _batch(visitor, document)
    result = None if found is None else Result.of(found)
    first = _first_page(request.query_params.get("from", ""), document.page_count)
    last = min(document.page_count, first + _PAGES_AT_ONCE - 1)
    return await visitor.show(
        "documents/page.html",
        document=document,
        batch=batch,
        result=result,
        fields=None if result is None else arranged(result.fields),
        marks=_marks(result),
        hidden=_hidden(result),
        raw=None if result is None else json.dumps(result.data, indent=2, ensure_ascii=False),
        dpi=PAGE_DPI,
        first=first,
        pages=range(first, last + 1),
        step=_PAGES_AT_ONCE,
    )


async def _batch(visitor: Visitor, document: DocumentRow) -> BatchRow | None:
    if document.batch_id is None:
        return None
    async with visitor.caller.reading() as session:
        return await batches.read(session, visitor.caller.user_id, document.batch_id)


def _first_page(wanted: str, page_count: int) -> int:
    """Where a run of pages begins: 1, 21, 41 and so on."""
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 6 else 1
    number = min(max(1, number), page_count)
    return number - (number - 1) % _PAGES_AT_ONCE


def _hidden(result: Result | None) -> dict[int, list[tuple[str, tuple[float, float, float, float]]]]:
    """Page -> where the file holds words that cannot be seen: the words and their box."""
    found: dict[int, list[tuple[str, tuple[float, float, float, float]]]] = {}
    for flag in result.flags if result else ():
        if flag["code"] == "hidden_text":
            for place in flag["places"]:
                found.setdefault(place["page"], []).append((place["quote"], place["box"]))
    return found


def _marks(result: Result | None) -> dict[int, list[tuple[str, tuple[float, float, float, float]]]]:
    """Page -> where something was read: the field's path and its box."""
    marks: dict[int, list[tuple[str, tuple[float, float, float, float]]]] = {}
    for field in result.fields if result else ():
        for item in field.evidence:
            if item.box is not None:
                marks.setdefault(item.page, []).append((field.path, item.box))
    return marks
