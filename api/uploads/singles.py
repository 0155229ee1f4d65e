"""One file at a time: into a draft by a raw body, or as a lone document by a form."""

from uuid import UUID

from starlette.requests import Request

from api.deps import Caller
from api.removal import remove_objects
from api.requests import lift_body_limit
from api.uploads.intake import Intake, file_bytes, refused, too_large
from api.uploads.multipart import Admit, form_parts
from api.uploads.names import display_name
from ingestio.db import batches
from ingestio.db.documents import DocumentRow
from ingestio.domain.batches import BatchStatus
from ingestio.domain.plans import Rate
from ingestio.domain.submissions import ReceivedFile, RefusedUpload, fingerprint
from ingestio.errors import FieldError, FileRefused, InvalidRequest, InvalidTransition, NotFound, PlanLimit
from ingestio.services import privileged
from ingestio.services.submissions import Claim

FILE = "file"
MOST_FILES = 100_000


async def receive_draft_file(
    caller: Caller, request: Request, batch_id: UUID, client_id: str, filename: str, position: int | None
) -> DocumentRow:
    """Put the raw body into a draft under `client_id`, replacing what is there; `position` is where a new one should stand.

    A refused file raises FileRefused and stays listed until it is replaced or deleted. Raises NotFound, InvalidTransition,
    BatchTooLarge and RateLimited.
    """
    account = await caller.account()
    await _require_draft(caller, batch_id)
    await caller.spend(Rate.UPLOADS, account=account)
    lift_body_limit(request)
    limit = caller.file_limit(account)
    name = display_name(filename, client_id)
    most = file_bytes(limit)
    if most is not None and _declared_bytes(request) > most:
        refusal = too_large(limit)
        raise await _refused(caller, batch_id, RefusedUpload(client_id, 0, name, refusal.code, refusal.message), limit)
    async with Intake(caller.store, caller.user_id, limit) as intake:
        await intake.take(request.stream(), client_id=client_id, position=0, filename=name)
        (item,) = await intake.settled()
        if isinstance(item, RefusedUpload):
            raise await _refused(caller, batch_id, item, limit)
        return await _register(caller, batch_id, item, position, intake)


async def receive_lone(
    caller: Caller, request: Request, key: str | None, *, admit: Admit | None = None
) -> tuple[UUID, bool]:
    """Take a lone document in; answers its id, and True when an earlier request with the same key and content made it.

    `admit` looks at the form's parts before anything is read of them. Raises FileRefused, InvalidRequest, IdempotencyConflict and
    RateLimited; nothing of a refused file stays.
    """
    account = await caller.account()
    await caller.spend(Rate.UPLOADS, account=account)
    limit = caller.file_limit(account)
    lift_body_limit(request)
    async with Intake(caller.store, caller.user_id, limit) as intake:
        await _read_one(request, intake, admit)
        (item,) = await intake.settled()
        if isinstance(item, RefusedUpload):
            raise refused(item, limit)
        claim = None if key is None else Claim(key, fingerprint({}, [intake.arrivals[0].mark]))
        with intake.committing([item.document_id]):
            document_id, replayed = await _register_lone(caller, item, claim)
        if not replayed:
            intake.hand_over([item.document_id])
    return document_id, replayed


async def _read_one(request: Request, intake: Intake, admit: Admit | None) -> None:
    parts = form_parts(request.headers.get("content-type", ""), request.stream(), most_parts=4, most_bytes=None)
    async for part in parts if admit is None else admit(parts):
        if part.name != FILE or intake.arrivals:
            message = "send exactly one file" if part.name == FILE else f"unknown field; the field is {FILE}"
            raise InvalidRequest("The form is not valid.", [FieldError(part.name[:64], message)])
        name = display_name(part.filename or "", "document-1")
        await intake.take(part.chunks(), client_id="0", position=0, filename=name)
    if not intake.arrivals:
        raise InvalidRequest("The form has no file.", [FieldError(FILE, "send one file")])


async def _register_lone(caller: Caller, item: ReceivedFile, claim: Claim | None) -> tuple[UUID, bool]:
    async with caller.acting() as session:
        return await privileged.register_lone(session, caller.user_id, item, claim)


async def _register(
    caller: Caller, batch_id: UUID, item: ReceivedFile, position: int | None, intake: Intake
) -> DocumentRow:
    with intake.committing([item.document_id]):
        async with caller.acting() as session:
            row, replaced = await privileged.register_file(
                session, caller.user_id, batch_id, item, caller.book, position
            )
    if str(row.id) == item.document_id:
        intake.hand_over([item.document_id])
    if replaced is not None:
        await remove_objects(caller.store, caller.user_id, [replaced.storage_path])
    return row


async def _refused(caller: Caller, batch_id: UUID, item: RefusedUpload, limit: PlanLimit) -> FileRefused:
    """List the file as refused, and answer the error to raise."""
    async with caller.acting() as session:
        replaced = await privileged.register_refusal(session, caller.user_id, batch_id, item)
    if replaced is not None:
        await remove_objects(caller.store, caller.user_id, [replaced.storage_path])
    return refused(item, limit)


async def _require_draft(caller: Caller, batch_id: UUID) -> None:
    async with caller.reading() as session:
        batch = await batches.read(session, caller.user_id, batch_id)
    if batch is None:
        raise NotFound("No such batch.")
    if batch.status is not BatchStatus.PENDING_UPLOAD:
        raise InvalidTransition(f"The batch is {batch.status}; only a draft can be changed.", current=batch.status)


def _declared_bytes(request: Request) -> int:
    value = request.headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() else 0
