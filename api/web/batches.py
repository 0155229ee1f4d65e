"""The list of batches."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.web.batch_lines import lines_of
from api.web.lists import choice, link_maker, page_request, search_text
from api.web.visitors import VisitorDep
from ingestio.db import batches
from ingestio.domain.batches import BatchStatus

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
