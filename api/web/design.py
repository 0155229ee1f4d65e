"""The design page: every component as it is, to build further pages from. In local mode only."""

from fastapi import APIRouter
from starlette.responses import Response

from api.web import specimens
from api.web.visitors import VisitorDep
from api.web.words import BATCH_STATES, PAUSED
from ingestio.errors import NotFound

router = APIRouter(include_in_schema=False)

COLOURS = ("paper", "sheet", "sunk", "ink", "ink-2", "ink-3", "rule", "rule-2", "accent", "good", "warning", "bad")


@router.get("/design")
async def read_design(visitor: VisitorDep) -> Response:
    """Tokens and components."""
    if not visitor.is_operator:
        raise NotFound("There is nothing at this address.")
    lines = [specimens.RUNNING_BATCH, specimens.ENDED_BATCH]
    return await visitor.show(
        "design/page.html",
        states=[*BATCH_STATES.values(), PAUSED],
        colours=COLOURS,
        lines=lines,
        line=lines[0],
        row=lines[0].row,
        timeline=specimens.TIMELINE,
        summary=specimens.SUMMARY,
        most=max(day.documents for day in specimens.SUMMARY.days),
        most_pages=max(day.pages for day in specimens.SUMMARY.days),
        fields=specimens.FIELDS,
        controls=specimens.CONTROLS,
    )
