"""Results: what a document holds."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from api.answers import find_document
from api.deps import CallerDep
from api.schemas.problems import problems
from api.schemas.results import Result
from ingestio.db import results
from ingestio.errors import ResultNotReady

router = APIRouter(prefix="/documents/{document_id}", tags=["results"])


@router.get("/result", responses=problems(404, 409))
async def read_result(
    document_id: UUID,
    caller: CallerDep,
    values: Annotated[  # noqa: ARG001  # corrections come with reviews; until one is made both are the same
        Literal["reviewed", "machine"],
        Query(description="`reviewed`: with people's corrections, where there are any."),
    ] = "reviewed",
) -> Result:
    """The newest result. A document that is being read again keeps the one it has."""
    document = await find_document(caller, document_id)
    async with caller.reading() as session:
        row = await results.newest(session, caller.user_id, document_id)
    if row is None:
        raise ResultNotReady(f"The document is {document.status}; it has no result yet.")
    return Result.of(row)
