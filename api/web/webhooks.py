"""Webhooks: the endpoints, and what was sent to each, with replay."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import hooks
from api.hooks import find_endpoint
from api.web.lists import choice, link_maker, page_request, search_text
from api.web.visitors import PostedForm, Visitor, VisitorDep, see_other, text_of
from ingestio.db import webhooks
from ingestio.db.pages import MAXIMUM, PageRequest
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.webhooks import WebhookEvent
from ingestio.errors import InvalidRequest, InvalidTransition, NotFound
from ingestio.services.webhooks import Made

router = APIRouter(prefix="/dashboard/webhooks", include_in_schema=False)


@router.get("")
async def list_endpoints(visitor: VisitorDep) -> Response:
    """Every endpoint of the visitor, and a form for another one."""
    return await _show_all(visitor)


@router.post("")
async def create_endpoint(visitor: VisitorDep, form: PostedForm) -> Response:
    """Make an endpoint and show its secret, this once: so the answer is the page itself and no redirect."""
    url = text_of(form, "url").strip()
    events = [
        WebhookEvent(str(each)) for each in form.getlist("events") if str(each) in WebhookEvent._value2member_map_
    ]
    try:
        made = await hooks.create(visitor.caller, url, events)
    except InvalidRequest as problem:
        error = problem.errors[0].message if problem.errors else problem.detail
        return await _show_all(visitor, status_code=422, url=url, chosen=events, error=error)
    return await _show_all(visitor, made=made)


@router.get("/{endpoint_id}")
async def read_endpoint(endpoint_id: UUID, request: Request, visitor: VisitorDep) -> Response:
    """One endpoint with its deliveries."""
    return await _show_one(request, visitor, endpoint_id)


@router.get("/{endpoint_id}/{action}")
async def read_nothing(endpoint_id: UUID, action: str) -> Response:  # noqa: ARG001  # any action's address
    """Where a form was posted to there is nothing to read."""
    return see_other(f"/dashboard/webhooks/{endpoint_id}")


@router.post("/{endpoint_id}/{action}")
async def steer_endpoint(
    endpoint_id: UUID, action: str, request: Request, visitor: VisitorDep, form: PostedForm
) -> Response:
    """Switch on or off, rotate the secret, replay a delivery, or delete."""
    at = f"/dashboard/webhooks/{endpoint_id}"
    match action:
        case "enable" | "disable":
            await hooks.change(visitor.caller, endpoint_id, enabled=action == "enable")
            return see_other(at, said=f"endpoint_{action}d")
        case "rotate":
            made = await hooks.rotate(visitor.caller, endpoint_id)
            return await _show_one(request, visitor, endpoint_id, made=made)
        case "replay":
            try:
                await hooks.replay(visitor.caller, endpoint_id, _delivery_of(text_of(form, "delivery_id")))
            except InvalidTransition as problem:
                return await _show_one(request, visitor, endpoint_id, status_code=409, problem=problem.detail)
            return see_other(at, said="replayed")
        case "delete":
            await hooks.delete(visitor.caller, endpoint_id)
            return see_other("/dashboard/webhooks", said="endpoint_deleted")
        case _:
            raise NotFound("There is nothing at this address.")


def _delivery_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("No such delivery.") from None


async def _show_all(
    visitor: Visitor,
    *,
    status_code: int = 200,
    made: Made | None = None,
    url: str = "",
    chosen: list[WebhookEvent] | None = None,
    error: str = "",
) -> Response:
    async with visitor.caller.reading() as session:
        found = await webhooks.page_of_endpoints(session, visitor.caller.user_id, PageRequest(MAXIMUM))
    return await visitor.show(
        "webhooks/list.html",
        status_code=status_code,
        endpoints=found.items,
        made=made,
        url=url,
        chosen=chosen or [],
        error=error,
        events=list(WebhookEvent),
    )


async def _show_one(
    request: Request,
    visitor: Visitor,
    endpoint_id: UUID,
    *,
    status_code: int = 200,
    made: Made | None = None,
    problem: str | None = None,
) -> Response:
    caller = visitor.caller
    endpoint = await find_endpoint(caller, endpoint_id)
    status, event = choice(request, "status", ExtractionStatus), choice(request, "event", WebhookEvent)
    search = search_text(request)
    asked = page_request(request, sort="-created_at", limit=25)
    async with caller.reading() as session:
        found = await webhooks.page_of_deliveries(
            session, caller.user_id, endpoint_id, asked, status=status, event=event, search=search
        )
    link = link_maker(request)
    return await visitor.show(
        "webhooks/page.html",
        status_code=status_code,
        endpoint=endpoint,
        deliveries=found.items,
        made=made,
        problem=problem,
        status=status,
        statuses=list(ExtractionStatus),
        event=event,
        events=list(WebhookEvent),
        search=search,
        first=link(cursor=None) if asked.cursor else None,
        next=link(cursor=found.next_cursor) if found.next_cursor else None,
    )
