"""Batches: made, listed, steered, deleted."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request, Response

from api import steering
from api.answers import batch_answer, find_batch
from api.bodies import JSON, MULTIPART, json_body, media_type
from api.deps import ONE_OF_THE_UPLOADS, CallerDep
from api.pagination import InDocumentOrder, Listed, NewestFirst
from api.routes.drafts import make_draft
from api.schemas.batches import Batch, NewDraft, Progress, Retry
from api.schemas.documents import Document
from api.schemas.forms import ONE_SHOT
from api.schemas.problems import problems
from api.schemas.texts import DocumentSearch, checked_prompt
from api.uploads.batches import receive_batch
from api.uploads.claims import REPLAYED, ClaimedKey
from ingestio.db import batches, documents
from ingestio.db.batches import RUNNING
from ingestio.domain.batches import BatchStatus, DocumentStatus
from ingestio.domain.messages import BatchProgress

router = APIRouter(prefix="/batches", tags=["batches"])

_CREATED: dict[int | str, dict[str, Any]] = {
    201: {"model": Batch, "description": "A draft, from a JSON body."},
    202: {"description": "The batch, queued; or failed when every file was refused."},
}


@router.post(
    "",
    status_code=202,
    dependencies=[ONE_OF_THE_UPLOADS],
    responses=_CREATED | problems(402, 403, 404, 408, 409, 413, 415),
    openapi_extra={"requestBody": ONE_SHOT},
)
async def create_batch(request: Request, response: Response, caller: CallerDep, key: ClaimedKey = None) -> Batch:
    """Upload and submit a whole batch in one multipart request, or begin a draft with a JSON body."""
    kind = media_type(request)
    if kind == JSON:
        response.status_code = 201
        batch_id, replayed = await make_draft(caller, await json_body(request, NewDraft), key)
    elif kind == MULTIPART:
        made = await receive_batch(caller, request, key)
        batch_id, replayed = made.batch_id, made.replayed
        if made.queued:
            await caller.runs.start_batch(caller.user_id, batch_id, made.plan)
    else:
        raise HTTPException(415, f"Send {MULTIPART} with files, or {JSON} for a draft.")
    if replayed:
        response.headers[REPLAYED] = "true"
    return await batch_answer(caller, batch_id)


@router.get("")
async def list_batches(
    caller: CallerDep, page: NewestFirst, status: Annotated[BatchStatus | None, Query()] = None
) -> Listed[Batch]:
    """The caller's batches, newest first unless sorted."""
    async with caller.reading() as session:
        found = await batches.page(session, caller.user_id, page, status=status)
        refused = await batches.refused_of(session, caller.user_id, [row.id for row in found.items])
    return Listed(items=[Batch.of(row, refused.get(row.id, [])) for row in found.items], next_cursor=found.next_cursor)


@router.get("/{batch_id}", responses=problems(404))
async def read_batch(batch_id: UUID, caller: CallerDep) -> Batch:
    """One batch."""
    return await batch_answer(caller, batch_id)


@router.get("/{batch_id}/documents", responses=problems(404))
async def list_batch_documents(
    batch_id: UUID,
    caller: CallerDep,
    page: InDocumentOrder,
    status: Annotated[DocumentStatus | None, Query()] = None,
    q: DocumentSearch = None,
) -> Listed[Document]:
    """The documents of a batch, in document order unless sorted."""
    await find_batch(caller, batch_id)
    async with caller.reading() as session:
        found = await documents.page(session, caller.user_id, page, batch_id=batch_id, status=status, search=q)
    kept = await caller.kept()
    return Listed(items=[Document.of(row, kept) for row in found.items], next_cursor=found.next_cursor)


@router.get("/{batch_id}/progress", responses=problems(404))
async def read_progress(batch_id: UUID, caller: CallerDep) -> Progress:
    """Where a batch stands: asked of its run, or counted from its rows when that does not answer within a second."""
    batch = await find_batch(caller, batch_id)
    if batch.status in RUNNING:
        told = await caller.runs.progress(batch_id)
        if told is not None:
            return Progress.of(told)
    async with caller.reading() as session:
        counts = await documents.count_by_status(session, caller.user_id, batch_id)
    return Progress.of(
        BatchProgress(
            running=counts.get(DocumentStatus.PROCESSING, 0),
            waiting=counts.get(DocumentStatus.QUEUED_FOR_PROCESSING, 0),
            paused=batch.paused,
            waiting_for="resume" if batch.paused else None,
        )
    )


@router.post("/{batch_id}/cancel", status_code=202, responses=problems(404, 409))
async def cancel_batch(batch_id: UUID, caller: CallerDep) -> Batch:
    """Stop a batch: running documents end at their next safe point, nothing new starts, finished ones stay finished."""
    await steering.cancel(caller, batch_id)
    return await batch_answer(caller, batch_id)


@router.post("/{batch_id}/pause", status_code=202, responses=problems(404, 409))
async def pause_batch(batch_id: UUID, caller: CallerDep) -> Batch:
    """Start no further document until the batch is resumed; running ones finish."""
    await steering.set_paused(caller, batch_id, paused=True)
    return await batch_answer(caller, batch_id)


@router.post("/{batch_id}/resume", status_code=202, responses=problems(404, 409))
async def resume_batch(batch_id: UUID, caller: CallerDep) -> Batch:
    """Go on after a pause."""
    await steering.set_paused(caller, batch_id, paused=False)
    return await batch_answer(caller, batch_id)


@router.post("/{batch_id}/retry", status_code=202, responses=problems(404, 408, 409, 413))
async def retry_batch(batch_id: UUID, caller: CallerDep, body: Retry | None = None) -> Batch:
    """Run the failed and cancelled documents of an ended batch again, without uploading them again."""
    await steering.retry(caller, batch_id, checked_prompt("prompt", body.prompt if body else None))
    return await batch_answer(caller, batch_id)


@router.delete("/{batch_id}", status_code=204, responses=problems(404, 409))
async def delete_batch(batch_id: UUID, caller: CallerDep) -> None:
    """Delete a draft with its documents, or an ended batch whose documents stay."""
    await steering.delete(caller, batch_id)
