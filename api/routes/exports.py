"""Exports: results as files."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api import exporting
from api.deps import Caller, CallerDep, DownloaderDep
from api.downloads import as_attachment
from api.exporting import find_export, has_file
from api.pagination import Listed, NewestFirst
from api.schemas.exports import Export, NewExport, filename_of
from api.schemas.problems import problems
from api.uploads.claims import REPLAYED, ClaimedKey
from ingestio.db import exports
from ingestio.db.exports import ExportFile
from ingestio.domain.batches import ExtractionStatus
from ingestio.errors import NotFound, ResultNotReady
from ingestio.exporters.formats import MEDIA_TYPES

router = APIRouter(prefix="/exports", tags=["exports"])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {kind.partition(";")[0]: _BINARY for kind in MEDIA_TYPES.values()}}
}


@router.post("", status_code=202, responses=problems(404, 408, 409, 413))
async def create_export(
    body: NewExport, request: Request, response: Response, caller: CallerDep, key: ClaimedKey = None
) -> Export:
    """Export a batch, or some documents, as a file. The answer comes at once; the file when its status is `completed`."""
    export_id, replayed = await exporting.order(caller, body, key)
    if replayed:
        response.headers[REPLAYED] = "true"
    return _answer(request, caller, await find_export(caller, export_id))


@router.get("")
async def list_exports(
    request: Request,
    caller: CallerDep,
    page: NewestFirst,
    batch_id: Annotated[UUID | None, Query()] = None,
    status: Annotated[ExtractionStatus | None, Query()] = None,
) -> Listed[Export]:
    """The caller's exports, newest first unless sorted."""
    async with caller.reading() as session:
        found = await exports.page(session, caller.user_id, page, batch_id=batch_id, status=status)
    return Listed(items=[_answer(request, caller, row) for row in found.items], next_cursor=found.next_cursor)


@router.get("/{export_id}", responses=problems(404))
async def read_export(export_id: UUID, request: Request, caller: CallerDep) -> Export:
    """One export, with how far it has come."""
    return _answer(request, caller, await find_export(caller, export_id))


@router.get("/{export_id}/file", response_class=StreamingResponse, responses=_FILE | problems(404, 409))
async def read_export_file(export_id: UUID, caller: DownloaderDep) -> StreamingResponse:
    """The file as a download, as often as wanted until it expires. A signed `link` stands in for signing in."""
    row = await find_export(caller, export_id)
    if row.status is not ExtractionStatus.COMPLETED:
        raise ResultNotReady(f"The export is {row.status}; it has no file.")
    if row.key is None or not has_file(row, caller.now()):
        raise NotFound("The export's file was kept for a week and is gone; make the export again.")
    size_bytes = await caller.store.size(row.key, caller.user_id)
    return StreamingResponse(
        caller.store.stream(row.key, caller.user_id),
        media_type=MEDIA_TYPES[row.format],
        headers={"Content-Length": str(size_bytes), "Content-Disposition": as_attachment(filename_of(row))},
    )


@router.post("/{export_id}/cancel", status_code=202, responses=problems(404, 409))
async def cancel_export(export_id: UUID, request: Request, caller: CallerDep) -> Export:
    """Stop an export that is being made."""
    await exporting.cancel(caller, export_id)
    return _answer(request, caller, await find_export(caller, export_id))


@router.delete("/{export_id}", status_code=204, responses=problems(404))
async def delete_export(export_id: UUID, caller: CallerDep) -> None:
    """Delete an export with its file; one that is being made is stopped."""
    await exporting.delete(caller, export_id)


def _answer(request: Request, caller: Caller, row: ExportFile) -> Export:
    return Export.of(row, caller.link_to(request, row.id) if has_file(row, caller.now()) else None)
