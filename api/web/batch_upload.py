"""The wizard: files, prompts, review. Every step is a page of a draft that lives on the server, so a reload or a lost line loses nothing.

Scripts only bring files in one by one. Without them one form uploads and submits a whole batch.
"""

import asyncio
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import steering
from api.deps import ONE_OF_THE_UPLOADS
from api.uploads.batches import receive_batch
from api.web.batch_lines import BatchLine, find_line
from api.web.lists import link_maker, page_request
from api.web.prompt_form import PromptForm
from api.web.visitors import PostedForm, PostedPrompts, Visitor, VisitorDep, see_other, text_of
from ingestio.db import documents
from ingestio.domain.batches import PromptStrategy
from ingestio.errors import (
    BatchTooLarge,
    IngestioError,
    InvalidRequest,
    InvalidTransition,
    QuotaExceeded,
    SubscriptionInactive,
    UpgradeRequired,
)
from ingestio.services import drafts, privileged
from ingestio.services.accounts import require_batches

router = APIRouter(prefix="/dashboard/batch-upload", include_in_schema=False)

_FILES_SHOWN = 100


@router.get("")
async def read_start(visitor: VisitorDep) -> Response:
    """The first step of a batch that does not exist yet: it begins with the first file."""
    return await _start(visitor)


@router.post("", dependencies=[ONE_OF_THE_UPLOADS])
async def upload_at_once(request: Request, visitor: VisitorDep) -> Response:
    """A whole batch by one form: what works without scripts."""
    visitor.require_our_origin()
    try:
        made = await receive_batch(visitor.caller, request, None, admit=visitor.admit)
    except QuotaExceeded as short:
        if short.batch_id is None:
            raise
        return see_other(f"/dashboard/batch-upload/{short.batch_id}", step="review")
    except (InvalidRequest, BatchTooLarge) as problem:
        return await _start(visitor, status_code=problem.status, problem=problem)
    if made.queued:
        await visitor.caller.runs.start_batch(visitor.caller.user_id, made.batch_id, made.plan)
    return see_other(f"/dashboard/batches/{made.batch_id}", said="submitted")


@router.get("/{batch_id}")
async def read_draft(batch_id: UUID, request: Request, visitor: VisitorDep, step: str = "files") -> Response:
    """A draft at one of its steps; a batch that was submitted is looked at elsewhere."""
    line = await find_line(visitor.caller, batch_id)
    if not line.is_draft:
        return see_other(line.path)
    if step == "prompts" and line.row.document_count:
        return await _show_prompts(visitor, line)
    if step == "review" and line.row.document_count:
        return await _show_review(request, visitor, line)
    return await _show_files(request, visitor, line)


@router.get("/{batch_id}/{action}")
async def read_nothing(batch_id: UUID, action: str) -> Response:
    """Where a form was posted to there is nothing to read: somebody reloads a page that said what was wrong."""
    return see_other(f"/dashboard/batch-upload/{batch_id}", step=action)


@router.post("/{batch_id}/remove")
async def remove_file(batch_id: UUID, visitor: VisitorDep, form: PostedForm) -> Response:
    """Take a file, or a refusal, out of the draft."""
    await steering.remove_file(visitor.caller, batch_id, text_of(form, "client_id"))
    return see_other(f"/dashboard/batch-upload/{batch_id}")


@router.post("/{batch_id}/prompts")
async def save_prompts(batch_id: UUID, visitor: VisitorDep, form: PostedPrompts) -> Response:
    """Keep what was written, then go on to the review, which needs it whole, or back to the files; or fill the empty prompts and stay."""
    line = await find_line(visitor.caller, batch_id)
    async with visitor.caller.reading() as session:
        found = await documents.of_batch(session, visitor.caller.user_id, batch_id)
    written = PromptForm.read(
        form,
        {item.client_id or "": item.filename for item in found},
        {item.client_id or "": item.prompt for item in found},
    )
    if written.errors:
        return await _show_prompts(visitor, line, written, status_code=422)
    async with visitor.caller.acting() as session:
        await privileged.change_draft(session, visitor.caller.user_id, batch_id, written.change())
    if text_of(form, "go") == "files":
        return see_other(f"/dashboard/batch-upload/{batch_id}")
    missing = {} if written.stays else written.missing()
    if missing:
        return await _show_prompts(visitor, line, written.with_errors(missing), status_code=422)
    if written.stays:
        return see_other(f"/dashboard/batch-upload/{batch_id}", step="prompts", said="spread")
    return see_other(f"/dashboard/batch-upload/{batch_id}", step="review")


@router.post("/{batch_id}/submit")
async def submit_draft(batch_id: UUID, request: Request, visitor: VisitorDep, form: PostedForm) -> Response:
    """Submit, once: a second press finds the batch submitted and leads there too."""
    line = await find_line(visitor.caller, batch_id)
    strict = text_of(form, "all_or_nothing") == "on"
    try:
        await steering.submit(visitor.caller, batch_id, all_or_nothing=strict)
    except InvalidTransition:
        return see_other(f"/dashboard/batches/{batch_id}")
    except (QuotaExceeded, InvalidRequest, BatchTooLarge, UpgradeRequired, SubscriptionInactive) as problem:
        return await _show_review(request, visitor, line, problem=problem)
    return see_other(f"/dashboard/batches/{batch_id}", said="submitted")


async def _start(visitor: Visitor, *, status_code: int = 200, problem: IngestioError | None = None) -> Response:
    account = await visitor.caller.account()
    try:
        require_batches(account.profile, visitor.caller.book)
    except (UpgradeRequired, SubscriptionInactive) as barred:
        offers = {name: plan for name, plan in visitor.caller.book.table.items() if plan.batch_documents != 0}
        return await visitor.show("batch_upload/barred.html", barred=barred, offers=offers)
    errors = {item.field: item.message for item in problem.errors} if isinstance(problem, InvalidRequest) else {}
    return await visitor.show(
        "batch_upload/start.html",
        status_code=status_code,
        step="files",
        draft=None,
        plan=account.plan,
        errors=errors,
        problem=None if problem is None or errors else problem.detail,
    )


async def _show_files(request: Request, visitor: Visitor, line: BatchLine) -> Response:
    caller, batch_id = visitor.caller, line.row.id
    asked = page_request(request, sort="position", limit=_FILES_SHOWN)
    account = await caller.account()
    async with caller.reading() as session:
        found = await documents.page(session, caller.user_id, asked, batch_id=batch_id)
        quote = await drafts.quote(session, caller.user_id, batch_id, caller.book, caller.now())
        position = await documents.next_position(session, caller.user_id, batch_id)
    link = link_maker(request)
    return await visitor.show(
        "batch_upload/files.html",
        step="files",
        draft=line,
        plan=account.plan,
        quote=quote,
        position=position,
        documents=found.items,
        first=link(cursor=None) if asked.cursor else None,
        next=link(cursor=found.next_cursor) if found.next_cursor else None,
    )


async def _show_prompts(
    visitor: Visitor, line: BatchLine, written: PromptForm | None = None, *, status_code: int = 200
) -> Response:
    async with visitor.caller.reading() as session:
        found = await documents.of_batch(session, visitor.caller.user_id, line.row.id)
    form = written or PromptForm.of(line.row, {item.client_id or "": item.prompt for item in found})
    return await visitor.show(
        "batch_upload/prompts.html",
        status_code=status_code,
        step="prompts",
        draft=line,
        documents=found,
        form=form,
        strategies=list(PromptStrategy),
        type_prompts=await asyncio.to_thread(_type_prompts),
    )


def _type_prompts() -> list[tuple[str, str]]:
    """Each type's title and what is asked of its documents."""
    # Imported when it is wanted: the catalogue of types is a good part of a front door's start.
    from ingestio.extraction.catalogue import DOCUMENT_TYPES

    return [(kind.title, kind.default_prompt) for kind in DOCUMENT_TYPES.values()]


async def _show_review(
    request: Request, visitor: Visitor, line: BatchLine, *, problem: IngestioError | None = None
) -> Response:
    caller, batch_id = visitor.caller, line.row.id
    asked = page_request(request, sort="position", limit=_FILES_SHOWN)
    async with caller.reading() as session:
        quote = await drafts.quote(session, caller.user_id, batch_id, caller.book, caller.now())
        found = await documents.page(session, caller.user_id, asked, batch_id=batch_id)
    here = f"/dashboard/batch-upload/{batch_id}?step=review"  # also where the answer is to a form that was posted
    return await visitor.show(
        "batch_upload/review.html",
        status_code=200 if problem is None else problem.status,
        step="review",
        draft=line,
        quote=quote,
        fitting={item.document_id for item in quote.files if item.fits},
        documents=found.items,
        first=here if asked.cursor else None,
        next=f"{here}&{urlencode({'cursor': found.next_cursor})}" if found.next_cursor else None,
        problem=problem,
    )
