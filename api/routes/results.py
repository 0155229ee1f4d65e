"""Results: what a document holds."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from api.answers import result_answer
from api.deps import CallerDep
from api.schemas.problems import problems
from api.schemas.results import Result

router = APIRouter(prefix="/documents/{document_id}", tags=["results"])


@router.get("/result", responses=problems(404, 409))
async def read_result(
    document_id: UUID,
    caller: CallerDep,
    values: Annotated[
        Literal["reviewed", "machine"],
        Query(description="`reviewed`: with people's corrections, where there are any."),
    ] = "reviewed",
) -> Result:
    """The newest result. A document that is being read again keeps the one it has."""
    return await result_answer(caller, document_id, corrected=values == "reviewed")
