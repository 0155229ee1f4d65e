"""The dashboard: the last days in figures, what runs, what came last, and why some of it failed."""

from fastapi import APIRouter
from starlette.responses import Response

from api.routes.metrics import read_summary
from api.web.batch_lines import lines_of
from api.web.visitors import VisitorDep
from ingestio.db import batches, documents
from ingestio.db.pages import PageRequest

router = APIRouter(prefix="/dashboard", include_in_schema=False)

_RECENT = 8


@router.get("")
async def read_dashboard(visitor: VisitorDep) -> Response:
    """The first page after sign-in."""
    user_id = visitor.caller.user_id
    summary = await read_summary(visitor.caller)
    async with visitor.caller.reading() as session:
        found = await batches.page(session, user_id, PageRequest(limit=_RECENT))
        lines = await lines_of(session, user_id, found.items)
        to_review = await documents.count_to_review(session, user_id)
    return await visitor.show(
        "dashboard/page.html",
        summary=summary,
        most=max(day.documents for day in summary.days),
        most_pages=max(1, *(day.pages for day in summary.days)),
        lines=lines,
        more=found.next_cursor is not None,
        to_review=to_review,
    )
