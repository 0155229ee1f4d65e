"""Exports: results as files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from ingestio.client.asking import Core, given, part
from ingestio.client.downloads import save as save_answer
from ingestio.client.errors import ApiError
from ingestio.client.models import Export
from ingestio.client.plans import Call, Doing, Finding
from ingestio.client.waiting import until_ended
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.exports import ExportFormat
from ingestio.errors import InvalidRequest

Values = Literal["reviewed", "machine", "both"]


def create(
    core: Core,
    format: ExportFormat | str,  # noqa: A002 - the contract's word
    *,
    batch_id: str | None = None,
    document_ids: Sequence[str] | None = None,
    values: Values = "reviewed",
    explode: bool = False,
    provenance: bool = False,
    bom: bool = False,
    idempotency_key: str | None = None,
) -> Doing[Export]:
    """Order a file of a batch as it is now, or of these documents in this order: `json`, `jsonl`, `csv` or `xlsx`.

    `explode` gives tables a line for each line item (JSON holds them nested always), `provenance` says where each value was read, `bom` is
    for older versions of Excel.
    """
    body: dict[str, Any] = {
        "batch_id": batch_id,
        "document_ids": None if document_ids is None else list(document_ids),
        "format": format,
        "values": values,
        "explode": explode,
        "provenance": provenance,
        "bom": bom,
    }
    key = {"Idempotency-Key": idempotency_key or str(uuid4())}
    return core.read(Export, Call("POST", "/exports", json=given(body), headers=key))


def get(core: Core, export_id: str) -> Doing[Export]:
    """One export, with how far it has come."""
    return core.read(Export, Call("GET", _path(export_id)))


def list_all(
    core: Core,
    *,
    batch_id: str | None = None,
    status: ExtractionStatus | str | None = None,
    sort: str = "-created_at",
) -> Finding[Export]:
    """All exports, newest first unless sorted."""
    return core.pages(Export, "/exports", {"batch_id": batch_id, "status": status, "sort": sort})


def wait(core: Core, export_id: str, *, timeout: float | None = None) -> Doing[Export]:
    """The export as it ended, however it did. Raises StillRunning after `timeout` seconds."""
    return until_ended(f"the export {export_id}", lambda: get(core, export_id), timeout)


def download(core: Core, export_id: str, path: str | os.PathLike[str]) -> Doing[Path]:
    """Write a completed export's file to `path`, streamed."""
    return save_answer(core, Call("GET", _path(export_id, "file")), path)


def save(
    core: Core,
    path: str | os.PathLike[str],
    *,
    batch_id: str | None = None,
    document_ids: Sequence[str] | None = None,
    values: Values = "reviewed",
    explode: bool = False,
    provenance: bool = False,
    bom: bool = False,
    timeout: float | None = None,
) -> Doing[Export]:
    """Order a file in the format of `path`'s suffix, wait for it and write it there. Raises ApiError when none could be made.

    Options as with `create`. Raises StillRunning when it is not made after `timeout` seconds.
    """
    target = Path(path)
    ordered = yield from create(
        core,
        _format(target),
        batch_id=batch_id,
        document_ids=document_ids,
        values=values,
        explode=explode,
        provenance=provenance,
        bom=bom,
    )
    export = yield from wait(core, ordered.id, timeout=timeout)
    if export.error is not None:
        raise ApiError(409, export.error.code, export.error.message, title="The export could not be made")
    yield from download(core, export.id, target)
    return export


def cancel(core: Core, export_id: str) -> Doing[Export]:
    """Stop an export that is being made."""
    return core.read(Export, Call("POST", _path(export_id, "cancel"), repeatable=False))


def delete(core: Core, export_id: str) -> Doing[None]:
    """Delete an export with its file; one that is being made is stopped."""
    return core.done(Call("DELETE", _path(export_id)))


def _format(target: Path) -> ExportFormat:
    suffix = target.suffix.removeprefix(".").lower()
    if suffix not in ExportFormat._value2member_map_:
        raise InvalidRequest(f"{target}: use one of {', '.join(f'.{each}' for each in ExportFormat)}")
    return ExportFormat(suffix)


def _path(export_id: str, *more: str) -> str:
    return "/".join(["/exports", part(export_id), *more])
