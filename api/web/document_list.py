"""Every document of a visitor: looked for, filtered, and dealt with many at a time (R88, R92)."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api import lone
from api.browser import FORM_TOKEN_FIELD
from api.deps import Caller, front_door
from api.schemas.texts import storable
from api.web.lists import choice, link_maker, page_request, search_text
from api.web.visitors import Visitor, VisitorDep, see_other, text_of
from ingestio.db import documents
from ingestio.db.documents import DocumentRow
from ingestio.db.pages import MAXIMUM
from ingestio.domain.batches import DocumentStatus
from ingestio.domain.reviews import ReviewState
from ingestio.errors import InvalidTransition, NotFound, QuotaExceeded, SubscriptionInactive

LIST = "/dashboard/documents"
router = APIRouter(prefix=LIST, include_in_schema=False)

_ON_A_PAGE = 50
# What may become of one of many; the others go on.
_REFUSALS = (InvalidTransition, NotFound, QuotaExceeded, SubscriptionInactive)
_MANY: dict[str, tuple[Callable[[Caller, UUID], Awaitable[None]], str]] = {
    "extract": (lone.extract_again, "extracted-many"),
    "delete": (lone.delete, "deleted-many"),
}


@router.get("")
async def list_documents(request: Request, visitor: VisitorDep) -> Response:
    """Every document, those of batches too, newest first unless sorted."""
    return await _show(request, visitor)


async def _chosen(visitor: VisitorDep, request: Request) -> FormData:
    form = await request.form(max_files=0, max_fields=MAXIMUM + 10)
    front_door(request).browser.require_our_page(request, visitor.browser, text_of(form, FORM_TOKEN_FIELD))
    return form


@router.post("")
async def deal_with_many(
    request: Request, visitor: VisitorDep, form: Annotated[FormData, Depends(_chosen)]
) -> Response:
    """Extract again or delete what was chosen. What is not possible is said by name; the rest is done."""
    if text_of(form, "action") not in _MANY:
        raise NotFound("There is nothing at this address.")
    act, said = _MANY[text_of(form, "action")]
    async with visitor.caller.reading() as session:
        chosen = await documents.some(session, visitor.caller.user_id, _ids(form))
    left: list[tuple[DocumentRow, str]] = []
    for document in chosen:
        try:
            await act(visitor.caller, document.id)
        except _REFUSALS as problem:
            left.append((document, problem.detail))
    if left or not chosen:
        return await _show(request, visitor, left=left, done=len(chosen) - len(left), status_code=409)
    return see_other(f"{LIST}?{request.url.query}" if request.url.query else LIST, said=said)


def _ids(form: FormData) -> list[UUID]:
    """What is no id is none of ours."""
    found: list[UUID] = []
    for text in form.getlist("document_ids"):
        try:
            found.append(UUID(str(text)))
        except ValueError:
            continue
    return found[:MAXIMUM]


async def _show(
    request: Request,
    visitor: Visitor,
    *,
    left: list[tuple[DocumentRow, str]] | None = None,
    done: int = 0,
    status_code: int = 200,
) -> Response:
    user_id = visitor.caller.user_id
    status, review = choice(request, "status", DocumentStatus), choice(request, "review", ReviewState)
    kind, search = _type(request), search_text(request)
    asked = page_request(request, sort="-created_at", limit=_ON_A_PAGE)
    async with visitor.caller.reading() as session:
        found = await documents.page(
            session, user_id, asked, status=status, document_type=kind, review=review, search=search
        )
        kinds = await documents.types(session, user_id)
    link = link_maker(request)
    return await visitor.show(
        "documents/list.html",
        status_code=status_code,
        documents=found.items,
        status=status,
        review=review,
        kind=kind,
        kinds=kinds,
        search=search,
        filtered=bool(status or review or kind or search),
        sort=asked.sort,
        statuses=list(DocumentStatus),
        reviews=list(ReviewState),
        left=left,
        done=done,
        link=link,
        first=link(cursor=None) if asked.cursor else None,
        next=link(cursor=found.next_cursor) if found.next_cursor else None,
    )


def _type(request: Request) -> str | None:
    try:
        return storable(request.query_params.get("type", "")[:64]) or None
    except ValueError:
        return None
