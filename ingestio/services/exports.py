"""Exports: ordered, gathered, finished, cancelled, deleted, and forgotten when their time is over (R86, R87)."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ingestio.db import batches, export_contents, exports, revisions
from ingestio.db.export_contents import Content
from ingestio.db.exports import ExportFile, Order
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import BatchStatus, ExtractionStatus
from ingestio.domain.exports import ExportFailure, ExportFormat, ExportLayout, ExportValues
from ingestio.domain.reviews import Scalar, corrected_data, corrected_fields
from ingestio.errors import FAILURE_MESSAGES, FailureCode, InvalidTransition, NotFound
from ingestio.exporters.rows import ExportRow
from ingestio.services.submissions import Claim, holder_of

LIFETIME = timedelta(days=7)
"""How long the file of an export is kept."""


async def order_export(
    session: ServiceSession,
    user_id: str,
    export_id: UUID,
    *,
    batch_id: UUID | None,
    document_ids: Sequence[UUID],
    export_format: ExportFormat,
    layout: ExportLayout,
    claim: Claim | None = None,
) -> tuple[UUID, bool]:
    """Queue an export of a batch as it is now, or of these documents in this order, each once.

    Answers its id, or with True the id that the claimed key made before. Raises NotFound for whatever is not the user's, with nothing
    made, InvalidTransition for a draft and IdempotencyConflict.
    """
    holder = await holder_of(session, user_id, "exports", claim, export_id)
    if holder != export_id:
        return holder, True
    wanted = list(dict.fromkeys(document_ids))
    if batch_id is not None:
        wanted = await _documents_of(session, user_id, batch_id)
    # Whoever deletes one of them waits for this export to be there, and takes it along.
    owned = await export_contents.lock_exportable(session, user_id, wanted)
    if batch_id is None and len(owned) < len(wanted):
        raise NotFound("One of the documents does not exist, or is in a draft; nothing was exported.")
    await exports.create(
        session, user_id, export_id, Order([each for each in wanted if each in owned], batch_id, export_format, layout)
    )
    return export_id, False


async def _documents_of(session: ServiceSession, user_id: str, batch_id: UUID) -> list[UUID]:
    batch = await batches.read(session, user_id, batch_id)
    if batch is None:
        raise NotFound("No such batch.")
    if batch.status is BatchStatus.PENDING_UPLOAD:
        raise InvalidTransition("The batch is a draft; there is nothing to export yet.", current=batch.status)
    return await export_contents.ids_of_batch(session, user_id, batch_id)


async def order_again(session: ServiceSession, user_id: str, export_id: UUID, new_id: UUID) -> None:
    """Queue another export of what an earlier one held, with today's values. Raises NotFound."""
    order = await exports.read_order(session, user_id, export_id)
    if order is None:
        raise NotFound("No such export.")
    await order_export(
        session,
        user_id,
        new_id,
        batch_id=order.batch_id,
        document_ids=order.document_ids,
        export_format=order.format,
        layout=order.layout,
    )


async def gather(
    session: ServiceSession, user_id: str, document_ids: Sequence[UUID], values: ExportValues
) -> list[ExportRow]:
    """These documents as rows, in this order, with their newest results; those that are gone are left out."""
    found = await export_contents.contents(session, user_id, document_ids)
    with_results = [item.result_id for item in found if item.result_id is not None]
    said = {} if values is ExportValues.MACHINE else await revisions.corrections(session, user_id, with_results)
    return [_row(item, values, said.get(item.result_id, {}) if item.result_id else {}) for item in found]


async def gather_refused(session: ServiceSession, user_id: str, batch_id: UUID) -> list[ExportRow]:
    """The refused files of a batch as rows, in the order in which they came."""
    refused = await batches.refused_of(session, user_id, [batch_id])
    return [
        ExportRow(item.filename, "refused", str(batch_id), error_code=item.code, error_message=item.message)
        for item in refused.get(batch_id, ())
    ]


async def finish(
    session: ServiceSession, user_id: str, export_id: UUID, *, key: str, size_bytes: int, now: datetime
) -> bool:
    """Complete a live export with its file; False when it has ended or is gone, and the file goes."""
    return await exports.complete(
        session, user_id, export_id, key=key, size_bytes=size_bytes, now=now, expires_at=now + LIFETIME
    )


async def end_export(
    session: ServiceSession, user_id: str, export_id: UUID, reason: ExportFailure, now: datetime
) -> ExtractionStatus:
    """End a live export without a file; answers how it has ended, which may be earlier and otherwise."""
    cancelled = reason is ExportFailure.CANCELLED
    status = ExtractionStatus.CANCELLED if cancelled else ExtractionStatus.FAILED
    if await exports.end(session, user_id, export_id, status, reason, now):
        return status
    ended = await exports.read(session, user_id, export_id)
    return ExtractionStatus.CANCELLED if ended is None else ended.status


async def cancel_export(session: ServiceSession, user_id: str, export_id: UUID, now: datetime) -> None:
    """End a live export as cancelled; the caller then tells its run. Raises NotFound, InvalidTransition."""
    export = await _find(session, user_id, export_id)
    if not await exports.end(session, user_id, export_id, ExtractionStatus.CANCELLED, ExportFailure.CANCELLED, now):
        raise InvalidTransition(f"The export is {export.status}; there is nothing to cancel.", current=export.status)


async def delete_export(session: ServiceSession, user_id: str, export_id: UUID) -> None:
    """Delete an export in whatever state; its file goes after that, and a run that works on it stops. Raises NotFound."""
    if not await exports.remove(session, user_id, export_id):
        raise NotFound("No such export.")


async def _find(session: ServiceSession, user_id: str, export_id: UUID) -> ExportFile:
    export = await exports.read(session, user_id, export_id)
    if export is None:
        raise NotFound("No such export.")
    return export


def _row(item: Content, values: ExportValues, said: Mapping[str, Scalar]) -> ExportRow:
    code = item.error_code or ""
    known = FailureCode(code) if code in FailureCode._value2member_map_ else FailureCode.INTERNAL
    return ExportRow(
        file=item.filename,
        status=item.status.value,
        batch=None if item.batch_id is None else str(item.batch_id),
        document_id=str(item.document_id),
        document_type=item.document_type,
        pages=item.pages,
        pages_charged=item.pages_charged,
        error_code=known.value if code else None,
        error_message=FAILURE_MESSAGES[known] if code else None,
        result=None if item.result is None else _result(item.result, values, said),
    )


def _result(row: Any, values: ExportValues, said: Mapping[str, Scalar]) -> dict[str, Any]:
    """A result in the contract's shape, with what people `said` of it; with both kinds of values, the machine's beside those."""
    fields = [{"reviewed": False, "machine_value": None} | field for field in corrected_fields(row.fields, said)]
    result = {
        "document_id": str(row.document_id),
        "document_type": row.document_type,
        "provider": row.provider,
        "model": row.model,
        "revision": row.revision,
        "review": "pending" if row.review is None else row.review.value,
        "data": corrected_data(row.data, said),
        "fields": fields,
        "flags": row.flags,
        "usage": {"pages": row.pages, **dataclasses.asdict(row.usage)},
        "reused_from": None if row.reused_from is None else str(row.reused_from),
    }
    if values is ExportValues.BOTH:
        result["machine_data"] = row.data
        result["fields"] = [
            field if field["reviewed"] else field | {"machine_value": field["value"]} for field in fields
        ]
    return result
