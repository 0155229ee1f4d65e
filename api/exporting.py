"""What people do with exports, as routes and pages do it: the row is committed, then its run is started or told (R87)."""

from datetime import datetime
from uuid import UUID, uuid4

from api.deps import Caller
from api.removal import remove_objects
from api.schemas.exports import NewExport
from ingestio.db import exports
from ingestio.db.exports import ExportFile
from ingestio.domain.submissions import fingerprint
from ingestio.errors import NotFound
from ingestio.observability import Event, tell
from ingestio.services import privileged
from ingestio.services.submissions import Claim
from ingestio.storage.keys import export_key


async def order(caller: Caller, wanted: NewExport, key: str | None = None) -> tuple[UUID, bool]:
    """Make an export and start it; answers its id, and True when an earlier request with the same key and content made it.

    Raises NotFound, InvalidTransition for a draft, IdempotencyConflict.
    """
    account = await caller.account()
    claim = None if key is None else Claim(key, fingerprint(wanted.model_dump(mode="json"), []))
    async with caller.acting() as session:
        export_id, replayed = await privileged.order_export(
            session,
            caller.user_id,
            uuid4(),
            batch_id=wanted.batch_id,
            document_ids=wanted.document_ids or (),
            export_format=wanted.format,
            layout=wanted.layout,
            claim=claim,
        )
    if not replayed:
        tell(Event.EXPORT_CREATED, user_id=caller.user_id, export_id=str(export_id), format=wanted.format)
        await caller.runs.start_export(caller.user_id, export_id, account.profile.membership.value)
    return export_id, replayed


async def order_again(caller: Caller, export_id: UUID) -> None:
    """Make another export of the same, with today's values. Raises NotFound."""
    account, new_id = await caller.account(), uuid4()
    async with caller.acting() as session:
        await privileged.order_again(session, caller.user_id, export_id, new_id)
    await caller.runs.start_export(caller.user_id, new_id, account.profile.membership.value)


async def cancel(caller: Caller, export_id: UUID) -> None:
    """Stop an export. Raises NotFound, InvalidTransition."""
    async with caller.acting() as session:
        await privileged.cancel_export(session, caller.user_id, export_id, caller.now())
    await caller.runs.cancel_export(export_id)


async def delete(caller: Caller, export_id: UUID) -> None:
    """Delete an export with its file; one that is being made is stopped. Raises NotFound."""
    was_live = (await find_export(caller, export_id)).is_live
    async with caller.acting() as session:
        await privileged.delete_export(session, caller.user_id, export_id)
    await remove_objects(caller.store, caller.user_id, [export_key(caller.user_id, export_id)])
    if was_live:
        await caller.runs.cancel_export(export_id)


async def find_export(caller: Caller, export_id: UUID) -> ExportFile:
    """The export's row. Raises NotFound."""
    async with caller.reading() as session:
        row = await exports.read(session, caller.user_id, export_id)
    if row is None:
        raise NotFound("No such export.")
    return row


def has_file(row: ExportFile, now: datetime) -> bool:
    """Whether the file can be fetched now; one past its time may not have been removed yet."""
    return row.key is not None and row.expires_at is not None and now < row.expires_at
