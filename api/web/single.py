"""A document by itself: uploaded, asked, extracted, on every plan (R2, R40)."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import lone
from api.answers import find_document
from api.deps import ONE_OF_THE_UPLOADS
from api.schemas.texts import checked_prompt
from api.uploads.singles import FILE, receive_lone
from api.web.documents import show_document
from api.web.visitors import PostedForm, Visitor, VisitorDep, see_other, text_of
from ingestio.domain.batches import DocumentStatus
from ingestio.errors import (
    FileRefused,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    PromptInvalid,
    QuotaExceeded,
    SubscriptionInactive,
)

LIST = "/dashboard/documents"
router = APIRouter(prefix=LIST, include_in_schema=False)


@router.get("/new")
async def read_new(visitor: VisitorDep) -> Response:
    """Where one file is chosen. Its pages are counted before anything is asked or charged."""
    return await _show(visitor)


@router.post("/new", dependencies=[ONE_OF_THE_UPLOADS])
async def upload_one(request: Request, visitor: VisitorDep) -> Response:
    """Take the file in, then look at it: what to extract is asked beside its pages."""
    visitor.require_our_origin()
    try:
        document_id, _ = await receive_lone(visitor.caller, request, None, admit=visitor.admit)
    except FileRefused as refused:
        return await _show(visitor, error=refused.detail, status_code=refused.public_status)
    except InvalidRequest as problem:
        return await _show(visitor, error=problem.errors[0].message, status_code=problem.status)
    return see_other(f"/dashboard/review/{document_id}")


async def _show(visitor: Visitor, *, error: str = "", status_code: int = 200) -> Response:
    account = await visitor.caller.account()
    return await visitor.show("documents/new.html", status_code=status_code, plan=account.plan, field=FILE, error=error)


@router.get("/{document_id}/{action}")
async def read_nothing(document_id: UUID, action: str) -> Response:  # noqa: ARG001  # any action's address
    """Where a form was posted to there is nothing to read: somebody reloads a page that said what was wrong."""
    return see_other(f"/dashboard/review/{document_id}")


@router.post("/{document_id}/{action}")
async def steer_document(
    document_id: UUID, action: str, request: Request, visitor: VisitorDep, form: PostedForm
) -> Response:
    """Extract, stop or delete, then look again. What is not possible is said on the page itself."""
    prompt = text_of(form, "prompt")
    try:
        said = await _steer(visitor, document_id, action, prompt)
    except PromptInvalid as wrong:
        return await show_document(
            request, visitor, document_id, prompt=prompt, prompt_error=wrong.detail, status_code=422
        )
    except (InvalidTransition, QuotaExceeded, SubscriptionInactive) as problem:
        return await show_document(
            request, visitor, document_id, prompt=prompt, problem=problem.detail, status_code=problem.status
        )
    return see_other(LIST if action == "delete" else f"/dashboard/review/{document_id}", said=said)


async def _steer(visitor: Visitor, document_id: UUID, action: str, prompt: str) -> str:
    """Does it; answers what to say about it."""
    match action:
        case "extract":
            document = await find_document(visitor.caller, document_id)
            # Whoever asks about a completed document again wants another reading, not the one that is shown.
            options = {"reuse": False} if document.status is DocumentStatus.COMPLETED else {}
            await lone.extract(visitor.caller, document_id, checked_prompt("prompt", prompt), options)
            return "extracted"
        case "cancel":
            await lone.cancel(visitor.caller, document_id)
            return "stopped"
        case "delete":
            await lone.delete(visitor.caller, document_id)
            return "deleted-many"
        case _:
            raise NotFound("There is nothing at this address.")
