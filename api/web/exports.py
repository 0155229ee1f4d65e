"""Exports: the list with what is being made, what can be fetched and until when; ordering one, from here and from other pages."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import Response

from api import exporting
from api.errors import invalid_request
from api.exporting import has_file
from api.schemas.exports import NewExport, error_of, filename_of
from api.web.lists import choice, link_maker, page_request
from api.web.visitors import PostedForm, Visitor, VisitorDep, see_other, text_of
from ingestio.db import exports
from ingestio.domain.batches import ExtractionStatus
from ingestio.errors import InvalidRequest, InvalidTransition, NotFound

router = APIRouter(prefix="/dashboard/exports", include_in_schema=False)

_DONE = {"cancel": "export_cancelled", "delete": "export_deleted", "again": "export_ordered"}


@router.get("")
async def list_exports(request: Request, visitor: VisitorDep) -> Response:
    """Every export of the visitor, newest first unless sorted."""
    return await _show(request, visitor)


@router.post("")
async def order_export(request: Request, visitor: VisitorDep, form: PostedForm) -> Response:
    """Make an export of a batch, or of the documents that were chosen, and look at the list."""
    try:
        await exporting.order(visitor.caller, _wanted(form))
    except (InvalidRequest, InvalidTransition) as problem:
        return await _show(request, visitor, status_code=problem.status, problem=problem.detail)
    return see_other("/dashboard/exports", said="export_ordered")


@router.get("/{export_id}/{action}")
async def read_nothing(export_id: UUID, action: str) -> Response:  # noqa: ARG001  # any action's address
    """Where a form was posted to there is nothing to read: somebody reloads a page that said what was wrong."""
    return see_other("/dashboard/exports")


@router.post("/{export_id}/{action}")
async def steer_export(
    export_id: UUID,
    action: str,
    request: Request,
    visitor: VisitorDep,
    form: PostedForm,  # noqa: ARG001  # asking for it checks it
) -> Response:
    """Cancel, delete, or make again, then look at the list. What is not possible is said there."""
    try:
        await _steer(visitor, export_id, action)
    except InvalidTransition as problem:
        return await _show(request, visitor, status_code=409, problem=problem.detail)
    return see_other("/dashboard/exports", said=_DONE[action])


async def _steer(visitor: Visitor, export_id: UUID, action: str) -> None:
    match action:
        case "cancel":
            await exporting.cancel(visitor.caller, export_id)
        case "delete":
            await exporting.delete(visitor.caller, export_id)
        case "again":
            await exporting.order_again(visitor.caller, export_id)
        case _:
            raise NotFound("There is nothing at this address.")


def _wanted(form: FormData) -> NewExport:
    """What a form asks for. Raises InvalidRequest."""
    wanted: dict[str, Any] = {
        name: value for name in ("batch_id", "format", "values") if (value := text_of(form, name))
    }
    wanted |= {name: text_of(form, name) == "on" for name in ("explode", "provenance", "bom")}
    if chosen := [str(value) for value in form.getlist("document_ids")]:
        wanted["document_ids"] = chosen
    elif "batch_id" not in wanted:
        raise InvalidRequest("Nothing was chosen. Tick the documents first, or choose a batch.")
    try:
        return NewExport.model_validate(wanted)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False, include_input=False, include_context=False)) from None


async def _show(request: Request, visitor: Visitor, *, status_code: int = 200, problem: str | None = None) -> Response:
    caller = visitor.caller
    status = choice(request, "status", ExtractionStatus)
    asked = page_request(request, sort="-created_at", limit=25)
    async with caller.reading() as session:
        found = await exports.page(session, caller.user_id, asked, status=status)
    link = link_maker(request)
    return await visitor.show(
        "exports/list.html",
        status_code=status_code,
        exports=found.items,
        names={row.id: filename_of(row) for row in found.items},
        ready={row.id for row in found.items if has_file(row, caller.now())},
        reasons={row.id: error_of(row.error_code).message for row in found.items if row.error_code},
        status=status,
        statuses=list(ExtractionStatus),
        sort=asked.sort,
        link=link,
        first=link(cursor=None) if asked.cursor else None,
        next=link(cursor=found.next_cursor) if found.next_cursor else None,
        problem=problem,
    )
