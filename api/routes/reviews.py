"""Reviews: values corrected, results judged, and the record of both."""

from uuid import UUID

from fastapi import APIRouter

from api.answers import find_document, result_answer
from api.deps import CallerDep
from api.pagination import Listed, NewestFirst
from api.schemas.problems import problems
from api.schemas.results import Result
from api.schemas.reviews import Corrections, Review, Revision
from ingestio.db import revisions
from ingestio.services import privileged

router = APIRouter(prefix="/documents/{document_id}", tags=["reviews"])


@router.patch("/fields", responses=problems(404, 408, 409, 413))
async def correct_fields(document_id: UUID, body: Corrections, caller: CallerDep) -> Result:
    """Correct values: one revision, all changes or none. The machine's values stay beside them; a verdict is open again."""
    changes = [change.wanted for change in body.changes]
    async with caller.acting() as session:
        await privileged.correct_fields(
            session, caller.user_id, document_id, body.revision, changes, caller.review_rules
        )
    return await result_answer(caller, document_id)


@router.post("/review", responses=problems(404, 408, 409, 413))
async def review_document(document_id: UUID, body: Review, caller: CallerDep) -> Result:
    """Approve or reject a result as it stands; that is a revision too."""
    async with caller.acting() as session:
        await privileged.decide_review(session, caller.user_id, document_id, body.revision, body.decision)
    return await result_answer(caller, document_id)


@router.get("/revisions", responses=problems(404))
async def list_revisions(document_id: UUID, caller: CallerDep, page: NewestFirst) -> Listed[Revision]:
    """What people and later extractions changed, newest first unless sorted. Nothing is ever taken away from it."""
    await find_document(caller, document_id)
    async with caller.reading() as session:
        found = await revisions.page(session, caller.user_id, document_id, page)
    return Listed(items=[Revision.of(row) for row in found.items], next_cursor=found.next_cursor)
