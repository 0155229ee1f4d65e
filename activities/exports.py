"""Exports: documents are gathered a few at a time into a local file, written from there by the format's writer, and stored."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from temporalio import activity

from activities.failures import database_step, long_step
from activities.heartbeats import heartbeating
from ingestio.bootstrap import WorkerDeps
from ingestio.db import exports as rows
from ingestio.db.exports import Order
from ingestio.db.session import service_session
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.exports import ExportFailure
from ingestio.domain.messages import ExportEnding, ExportOutcome, ExportRef
from ingestio.exporters.formats import writer_of
from ingestio.exporters.rows import ExportRow
from ingestio.observability import Event, tell
from ingestio.services import exports
from ingestio.storage.keys import export_key
from ingestio.storage.staging import Stage

# Results in memory at the same time: a long statement's is half a megabyte.
PAGE = 50


class ExportActivities:
    """Implements `ports.write_export` and `ports.end_export`."""

    def __init__(self, deps: WorkerDeps) -> None:
        self._deps = deps

    @activity.defn
    @long_step
    async def write_export(self, request: ExportRef) -> ExportOutcome:
        async with heartbeating():
            return await self.write(request.user_id, UUID(request.export_id))

    async def write(self, user_id: str, export_id: UUID) -> ExportOutcome:
        """The same outside an activity, for measuring."""
        async with service_session(self._deps.engine) as session:
            order = await rows.begin(session, user_id, export_id)
        if order is None:
            return await self._outcome(user_id, export_id)
        key = export_key(user_id, export_id)
        # Tables read their rows twice, and both times must see the same: so the database is read once, into a file that is never kept.
        async with self._deps.store.stage(key, user_id) as gathered:
            if not await self._gather(user_id, export_id, order, gathered):
                return await self._outcome(user_id, export_id)
            async with self._deps.store.stage(key, user_id) as file:
                await _write(gathered.path, order, file)
                await file.keep()
                size_bytes = file.size_bytes
        async with service_session(self._deps.engine) as session:
            now = self._deps.clock()
            done = await exports.finish(session, user_id, export_id, key=key, size_bytes=size_bytes, now=now)
        outcome = await self._outcome(user_id, export_id)
        if done:
            tell(Event.EXPORT_COMPLETED, user_id=user_id, export_id=str(export_id), size_bytes=size_bytes)
        if not done and outcome.status is not ExtractionStatus.COMPLETED:
            # Cancelled or deleted meanwhile: no row names what was just stored.
            await self._deps.store.delete(key, user_id)
        return outcome

    @activity.defn
    @database_step
    async def end_export(self, request: ExportEnding) -> ExportOutcome:
        known = request.code in ExportFailure._value2member_map_
        reason = ExportFailure(request.code) if known else ExportFailure.INTERNAL
        async with service_session(self._deps.engine) as session:
            now = self._deps.clock()
            status = await exports.end_export(session, request.user_id, UUID(request.export_id), reason, now)
        return ExportOutcome(status)

    async def _gather(self, user_id: str, export_id: UUID, order: Order, gathered: Stage) -> bool:
        """Put every row into `gathered`; False when nobody wants the export any more."""
        for start in range(0, len(order.document_ids), PAGE):
            some = order.document_ids[start : start + PAGE]
            async with service_session(self._deps.engine) as session:
                found = await exports.gather(session, user_id, some, order.layout.values)
                if not await rows.advance(session, user_id, export_id, start + len(some)):
                    return False
            for row in found:
                await gathered.write(row.line())
        if order.batch_id is not None:
            async with service_session(self._deps.engine) as session:
                refused = await exports.gather_refused(session, user_id, order.batch_id)
            for row in refused:
                await gathered.write(row.line())
        return True

    async def _outcome(self, user_id: str, export_id: UUID) -> ExportOutcome:
        async with service_session(self._deps.engine) as session:
            export = await rows.read(session, user_id, export_id)
        if export is None:
            return ExportOutcome(ExtractionStatus.CANCELLED)
        return ExportOutcome(export.status, export.documents_written, export.size_bytes or 0)


async def _write(gathered: Path, order: Order, file: Stage) -> None:
    """Have the format's writer write the gathered rows, in a thread that a cancel ends at its next row."""
    found = _Gathered(gathered)
    writing = asyncio.ensure_future(file.fill(lambda target: writer_of(order.format)(found, target, order.layout)))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        found.stop()
        with suppress(_Stopped):
            await writing
        raise


class _Stopped(Exception):
    """Nobody waits for the file any more."""


class _Gathered:
    """Rows of a file, one in memory at a time, as often as wanted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stopped = threading.Event()

    def __iter__(self) -> Iterator[ExportRow]:
        with self._path.open("rb") as lines:
            for line in lines:
                if self._stopped.is_set():
                    raise _Stopped
                yield ExportRow.read(line)

    def stop(self) -> None:
        """Whoever reads gets an error instead of the next row."""
        self._stopped.set()
