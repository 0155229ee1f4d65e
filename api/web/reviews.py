"""Reviewing: the queue of documents that need a person, and what that person sends from a document's page (R85)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api.browser import FORM_TOKEN_FIELD
from api.deps import Caller, front_door
from api.web.documents import show_document
from api.web.lists import link_maker, page_request, search_text
from api.web.review_form import MOST_CONTROLS, Typed, read_form
from api.web.visitors import Visitor, VisitorDep, see_other, text_of
from ingestio.db import documents
from ingestio.domain.reviews import ReviewDecision, ReviewState
from ingestio.errors import InvalidRequest, NotFound, RevisionConflict
from ingestio.services import privileged

QUEUE = "/dashboard/review"
router = APIRouter(prefix=QUEUE, include_in_schema=False)

_DECISIONS = {"approve": ReviewDecision.APPROVED, "reject": ReviewDecision.REJECTED}


@router.get("")
async def list_queue(request: Request, visitor: VisitorDep) -> Response:
    """The documents that a person should look at, newest first unless sorted."""
    user_id = visitor.caller.user_id
    asked, search = page_request(request, sort="-created_at"), search_text(request)
    async with visitor.caller.reading() as session:
        found = await documents.page(session, user_id, asked, review=ReviewState.NEEDED, search=search)
        waiting = await documents.count_to_review(session, user_id)
    link = link_maker(request)
    return await visitor.show(
        "reviews/list.html",
        documents=found.items,
        waiting=waiting,
        search=search,
        sort=asked.sort,
        link=link,
        first=link(cursor=None) if asked.cursor else None,
        next=link(cursor=found.next_cursor) if found.next_cursor else None,
    )


@router.get("/{document_id}")
async def read_document(document_id: UUID, request: Request, visitor: VisitorDep) -> Response:
    """The pages of one document, drawn when they come into view, beside its newest result, which can be corrected there."""
    return await show_document(request, visitor, document_id)


async def _large_form(visitor: VisitorDep, request: Request) -> FormData:
    form = await request.form(max_files=0, max_fields=MOST_CONTROLS + 10)
    front_door(request).browser.require_our_page(request, visitor.browser, text_of(form, FORM_TOKEN_FIELD))
    return form


@router.post("/{document_id}")
async def review_document(
    document_id: UUID, request: Request, visitor: VisitorDep, form: Annotated[FormData, Depends(_large_form)]
) -> Response:
    """Save what was corrected, and decide if that was asked for. Who came second sees both: what is there now, and what they typed."""
    typed = await read_form(visitor.caller, document_id, form)
    if typed.action not in {"save", *_DECISIONS}:
        raise NotFound("There is nothing at this address.")
    try:
        await _save(visitor.caller, document_id, typed)
    except RevisionConflict:
        return await show_document(request, visitor, document_id, typed=typed, status_code=409)
    except InvalidRequest as problem:
        errors = {item.field.removeprefix("changes."): item.message for item in problem.errors}
        return await show_document(request, visitor, document_id, typed=typed, errors=errors, status_code=422)
    if typed.action == "save":
        return see_other(f"{QUEUE}/{document_id}", said="saved")
    return await _after_decision(visitor, document_id, typed.action)


async def _save(caller: Caller, document_id: UUID, typed: Typed) -> None:
    revision = typed.revision
    async with caller.acting() as session:
        if typed.changes:
            await privileged.correct_fields(
                session, caller.user_id, document_id, revision, typed.wanted, caller.review_rules
            )
            revision += 1
        if typed.action in _DECISIONS:
            decision = _DECISIONS[typed.action]
            await privileged.decide_review(session, caller.user_id, document_id, revision, decision)


async def _after_decision(visitor: Visitor, document_id: UUID, action: str) -> Response:
    """On to the next document that waits; when none does, the document stays."""
    async with visitor.caller.reading() as session:
        document = await documents.read(session, visitor.caller.user_id, document_id)
        following = document and await documents.next_to_review(session, visitor.caller.user_id, document)
    said = "approved" if action == "approve" else "rejected"
    return see_other(f"{QUEUE}/{following or document_id}", said=f"{said}-next" if following else said)
