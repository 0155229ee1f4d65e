"""Documents: uploaded by themselves, extracted, looked at, deleted."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api import lone
from api.answers import document_answer, find_document
from api.bodies import require_multipart
from api.deps import ONE_OF_THE_PICTURES, ONE_OF_THE_UPLOADS, CallerDep
from api.downloads import as_attachment
from api.pagination import Listed, NewestFirst
from api.schemas.batches import Retry
from api.schemas.documents import Document, Extraction
from api.schemas.forms import ONE_FILE
from api.schemas.problems import problems
from api.schemas.texts import DocumentSearch, TypeName, checked_prompt
from api.uploads.claims import REPLAYED, ClaimedKey
from api.uploads.singles import receive_lone
from ingestio.db import documents
from ingestio.domain.batches import DocumentStatus
from ingestio.domain.media import MediaType
from ingestio.domain.reviews import ReviewState
from ingestio.errors import NotFound
from ingestio.media.render import render_page

router = APIRouter(prefix="/documents", tags=["documents"])

PAGE_DPI = 110
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file as it was uploaded.", "content": {kind.mime_type: _BINARY for kind in MediaType}}
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The page as people see it.", "content": {"image/png": _BINARY}}
}


@router.post(
    "",
    status_code=201,
    dependencies=[ONE_OF_THE_UPLOADS],
    responses=problems(404, 408, 409, 413, 415),
    openapi_extra={"requestBody": ONE_FILE},
)
async def upload_document(request: Request, response: Response, caller: CallerDep, key: ClaimedKey = None) -> Document:
    """Upload a single document. Nothing runs, and nothing is charged, until it is extracted."""
    require_multipart(request)
    document_id, replayed = await receive_lone(caller, request, key)
    if replayed:
        response.headers[REPLAYED] = "true"
    return await document_answer(caller, document_id)


@router.get("")
async def list_documents(
    caller: CallerDep,
    page: NewestFirst,
    status: Annotated[DocumentStatus | None, Query()] = None,
    document_type: TypeName = None,
    review: Annotated[
        ReviewState | None, Query(description="`needed`: a person should look, and has not decided yet.")
    ] = None,
    q: DocumentSearch = None,
) -> Listed[Document]:
    """The caller's documents, those of batches too, newest first unless sorted."""
    async with caller.reading() as session:
        found = await documents.page(
            session, caller.user_id, page, status=status, document_type=document_type, review=review, search=q
        )
    kept = await caller.kept()
    return Listed(items=[Document.of(row, kept) for row in found.items], next_cursor=found.next_cursor)


@router.get("/{document_id}", responses=problems(404))
async def read_document(document_id: UUID, caller: CallerDep) -> Document:
    """One document with its whole prompt."""
    return await document_answer(caller, document_id)


@router.delete("/{document_id}", status_code=204, responses=problems(404, 409))
async def delete_document(document_id: UUID, caller: CallerDep) -> None:
    """Delete a document with its file and results. What it was charged stays charged."""
    await lone.delete(caller, document_id)


@router.post("/{document_id}/extract", status_code=202, responses=problems(402, 403, 404, 408, 409, 413))
async def extract_document(document_id: UUID, caller: CallerDep, body: Extraction | None = None) -> Document:
    """Extract one document by itself. Its pages are reserved now; a completed one keeps its result until the new one is there."""
    wanted = body or Extraction()
    prompt = checked_prompt("prompt", wanted.prompt)
    await lone.extract(caller, document_id, prompt, wanted.options.stored() if wanted.options else {})
    return await document_answer(caller, document_id)


@router.post("/{document_id}/retry", status_code=202, responses=problems(402, 403, 404, 408, 409, 413))
async def retry_document(document_id: UUID, caller: CallerDep, body: Retry | None = None) -> Document:
    """Extract a single document that failed or was cancelled once more."""
    prompt = checked_prompt("prompt", body.prompt if body else None)
    await lone.retry(caller, document_id, prompt)
    return await document_answer(caller, document_id)


@router.post("/{document_id}/cancel", status_code=202, responses=problems(404, 409))
async def cancel_document(document_id: UUID, caller: CallerDep) -> Document:
    """Stop the extraction of a single document; its pages are released."""
    await lone.cancel(caller, document_id)
    return await document_answer(caller, document_id)


@router.get("/{document_id}/file", response_class=StreamingResponse, responses=_FILE | problems(404))
async def read_file(document_id: UUID, caller: CallerDep) -> StreamingResponse:
    """The file as it was uploaded, as a download."""
    row = await find_document(caller, document_id)
    size_bytes = await caller.store.size(row.storage_path, caller.user_id)
    return StreamingResponse(
        caller.store.stream(row.storage_path, caller.user_id),
        media_type=row.mime_type,
        headers={"Content-Length": str(size_bytes), "Content-Disposition": as_attachment(row.filename)},
    )


@router.get(
    "/{document_id}/pages/{number}.png",
    response_class=Response,
    dependencies=[ONE_OF_THE_PICTURES],
    responses=_PICTURE | problems(404),
)
async def read_page(document_id: UUID, number: int, caller: CallerDep) -> Response:
    """A picture of one page, from 1, at 110 dots per inch; very large pages are coarser. The picture itself says its dots per inch."""
    row = await find_document(caller, document_id)
    if not 1 <= number <= row.page_count:
        raise NotFound(f"The document has pages 1 to {row.page_count}.")
    async with caller.store.local_copy(row.storage_path, caller.user_id) as path:
        picture = await render_page(path, MediaType(row.mime_type), number, PAGE_DPI)
    return Response(picture, media_type="image/png", headers={"Cache-Control": "private, max-age=3600, immutable"})
