"""Batches: the list, one batch with its documents, and what people do to it."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import steering
from api.schemas.texts import checked_prompt
from api.web.batch_lines import BatchLine, find_line, lines_of
from api.web.lists import choice, link_maker, page_request, search_text
from api.web.timeline import timeline_of
from api.web.visitors import PostedForm, Visitor, VisitorDep, see_other, text_of
from ingestio.db import batches, documents
from ingestio.domain.batches import BatchStatus, DocumentStatus
from ingestio.errors import InvalidRequest, InvalidTransition, NotFound
from workflows.names import batch_workflow_id

router = APIRouter(prefix="/dashboard/batches", include_in_schema=False)


@router.get("")
async def list_batches(request: Request, visitor: VisitorDep) -> Response:
    """Every batch of the visitor, newest first unless sorted."""
    user_id = visitor.caller.user_id
    status, search = choice(request, "status", BatchStatus), search_text(request)
    asked = page_request(request, sort="-created_at")
    async with visitor.caller.reading() as session:
        found = await batches.page(session, user_id, asked, status=status, search=search)
        lines = await lines_of(session, user_id, found.items)
    link = link_maker(request)
    return await visitor.show(
        "batches/list.html",
        lines=lines,
        status=status,
        search=search,
        sort=asked.sort,
        statuses=list(BatchStatus),
        link=link,
        first=link(cursor=None) if asked.cursor else None,
        next=link(cursor=found.next_cursor) if found.next_cursor else None,
    )


@router.get("/{batch_id}")
async def read_batch(batch_id: UUID, request: Request, visitor: VisitorDep) -> Response:
    """One batch: where it stands, its documents, and what can be done."""
    line = await find_line(visitor.caller, batch_id)
    return see_other(line.path) if line.is_draft else await _show(request, visitor, line)


@router.get("/{batch_id}/{action}")
async def read_nothing(batch_id: UUID, action: str) -> Response:  # noqa: ARG001  # any action's address
    """Where a form was posted to there is nothing to read: somebody reloads a page that said what was wrong."""
    return see_other(f"/dashboard/batches/{batch_id}")


@router.post("/{batch_id}/{action}")
async def steer_batch(batch_id: UUID, action: str, request: Request, visitor: VisitorDep, form: PostedForm) -> Response:
    """Cancel, pause, resume, retry or delete, then look again. What is not possible is said on the page itself."""
    prompt = text_of(form, "prompt")
    try:
        said = await _steer(visitor, batch_id, action, prompt)
    except InvalidTransition as problem:
        line = await find_line(visitor.caller, batch_id)
        return await _show(request, visitor, line, status_code=409, problem=problem.detail)
    except InvalidRequest as problem:
        line = await find_line(visitor.caller, batch_id)
        return await _show(request, visitor, line, status_code=422, prompt=prompt, prompt_error=problem.detail)
    return see_other("/dashboard/batches" if action == "delete" else f"/dashboard/batches/{batch_id}", said=said)


async def _steer(visitor: Visitor, batch_id: UUID, action: str, prompt: str) -> str:
    """Does it; answers what to say about it."""
    caller = visitor.caller
    match action:
        case "cancel":
            await steering.cancel(caller, batch_id)
            return "cancelled"
        case "pause" | "resume":
            await steering.set_paused(caller, batch_id, paused=action == "pause")
            return f"{action}d"
        case "retry":
            await steering.retry(caller, batch_id, checked_prompt("prompt", prompt))
            return "retried"
        case "delete":
            await steering.delete(caller, batch_id)
            return "deleted"
        case _:
            raise NotFound("There is nothing at this address.")


async def _show(
    request: Request,
    visitor: Visitor,
    line: BatchLine,
    *,
    status_code: int = 200,
    problem: str | None = None,
    prompt: str = "",
    prompt_error: str | None = None,
) -> Response:
    user_id, batch_id = visitor.caller.user_id, line.row.id
    status, search = choice(request, "status", DocumentStatus), search_text(request)
    asked = page_request(request, sort="position")
    async with visitor.caller.reading() as session:
        found = await documents.page(session, user_id, asked, batch_id=batch_id, status=status, search=search)
        counts = await documents.count_by_status(session, user_id, batch_id)
        timeline = await timeline_of(session, user_id, line, visitor.caller.now())
    link = link_maker(request)
    shown: dict[str, Any] = {
        "line": line,
        "counts": counts,
        "timeline": timeline,
        "documents": found.items,
        "status": status,
        "search": search,
        "sort": asked.sort,
        "statuses": [item for item in DocumentStatus if item is not DocumentStatus.UPLOADED],
        "link": link,
        "first": link(cursor=None) if asked.cursor else None,
        "next": link(cursor=found.next_cursor) if found.next_cursor else None,
        "can_retry": line.row.status.is_terminal
        and bool(counts.get(DocumentStatus.FAILED, 0) + counts.get(DocumentStatus.CANCELLED, 0)),
        "run_url": _run_url(visitor, batch_id),
        "problem": problem,
        "prompt": prompt,
        "prompt_error": prompt_error,
    }
    return await visitor.show("batches/page.html", status_code=status_code, **shown)


def _run_url(visitor: Visitor, batch_id: UUID) -> str | None:
    """Where operators inspect the run; other people have nothing to look for there."""
    if visitor.temporal_ui_url is None or not visitor.is_operator:
        return None
    run = quote(batch_workflow_id(str(batch_id)), safe="")
    return f"{visitor.temporal_ui_url.rstrip('/')}/namespaces/{quote(visitor.temporal_namespace)}/workflows/{run}"
