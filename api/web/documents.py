"""One document: its pages beside what was read from them, and beside that what a person makes of it."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from api.answers import find_document
from api.schemas.results import Result
from api.web.fields import arranged
from api.web.review_form import Typed, controls
from api.web.visitors import Visitor
from ingestio.db import batches, documents, jobs, results, revisions
from ingestio.db.documents import DocumentRow
from ingestio.db.pages import PageRequest
from ingestio.domain.batches import PromptSource
from ingestio.domain.shapes import shape_of
from ingestio.services.reviews import fields_of

_PAGES_AT_ONCE = 20
_WIDTH = 1000  # of a page, in no unit: what its height is told beside
_A4 = 297 / 210  # kept for a page whose shape is not known
_ATTEMPTS = 20
_REVISIONS = 50


async def show_document(
    request: Request,
    visitor: Visitor,
    document_id: UUID,
    *,
    typed: Typed | None = None,
    errors: Mapping[str, str] | None = None,
    prompt: str | None = None,
    prompt_error: str = "",
    problem: str | None = None,
    status_code: int = 200,
) -> Response:
    """The page of one document. `typed` is put back into its controls, `errors` stand beside them."""
    user_id = visitor.caller.user_id
    document = await find_document(visitor.caller, document_id)
    async with visitor.caller.reading() as session:
        shapes = await documents.shapes(session, user_id, document_id)
        row = await results.newest(session, user_id, document_id)
        said = await revisions.corrections(session, user_id, [row.id] if row else [])
        before = await revisions.read_before(session, user_id, row.id) if row else {}
        history = await revisions.page(session, user_id, document_id, PageRequest(_REVISIONS))
        attempts = await jobs.attempts(session, user_id, document_id, _ATTEMPTS)
        following = await documents.next_to_review(session, user_id, document)
        batch = None if document.batch_id is None else await batches.read(session, user_id, document.batch_id)
    changes = {} if typed is None else typed.changes
    result = None if row is None else Result.of(row, said.get(row.id, {}))
    first = _first_page(request.query_params.get("from", ""), document.page_count)
    last = min(document.page_count, first + _PAGES_AT_ONCE - 1)
    return await visitor.show(
        "documents/page.html",
        status_code=status_code,
        document=document,
        batch=batch,
        result=result,
        fields=None if result is None else arranged(result.fields),
        controls={} if row is None or result is None else controls(await fields_of(row), result.fields, changes),
        typed=changes,
        errors=errors or {},
        conflict=typed is not None and errors is None,
        prompt=_asked(document) if prompt is None else prompt,
        prompt_error=prompt_error,
        problem=problem,
        before=before,
        history=history.items,
        attempts=attempts,
        following=following,
        marks=_marks(result),
        hidden=_hidden(result),
        raw=None if result is None else json.dumps(result.data, indent=2, ensure_ascii=False),
        first=first,
        pages={number: (_WIDTH, _height(shapes, number)) for number in range(first, last + 1)},
        step=_PAGES_AT_ONCE,
    )


def _asked(document: DocumentRow) -> str:
    """What a person asked for the last time."""
    return "" if document.prompt_source in {None, PromptSource.AUTO} else document.prompt or ""


def _first_page(wanted: str, page_count: int) -> int:
    """Where a run of pages begins: 1, 21, 41 and so on."""
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 6 else 1
    number = min(max(1, number), page_count)
    return number - (number - 1) % _PAGES_AT_ONCE


def _height(shapes: Sequence[float], page_number: int) -> int:
    """How high a page is that is _WIDTH wide."""
    return max(1, round(_WIDTH * (shape_of(shapes, page_number) or _A4)))


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
