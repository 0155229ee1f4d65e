"""From uploaded files to queued jobs: the shell of a batch, its acceptance and its submission (R44, R60..R63)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from ingestio.db import accounts, batches, documents, idempotency, jobs, usage
from ingestio.db.batches import BatchRow, Refused
from ingestio.db.documents import DocumentRow
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import BatchStatus, DocumentStatus, ExtractionStatus, PromptSource, PromptStrategy
from ingestio.domain.submissions import BatchSpec, ReceivedFile, RefusedUpload
from ingestio.domain.usage import first_fit
from ingestio.errors import (
    FAILURE_MESSAGES,
    FailureCode,
    FieldError,
    IdempotencyConflict,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    PromptMissing,
    QuotaExceeded,
    RefusalCode,
    Unavailable,
)
from ingestio.services.accounts import PlanBook, require_batches, require_room
from ingestio.services.controls import new_job
from ingestio.services.usage import initialize_usage

DRAFT = (BatchStatus.PENDING_UPLOAD,)
GIVEN_UP = "The upload sent nothing for an hour and was given up; send it again."


@dataclass(frozen=True, slots=True)
class Claim:
    """A client's Idempotency-Key and the content it stands for."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a one-shot submission.

    `batch_id` is the earlier batch when `replayed`: then the caller drops its own shell and objects. `short` when not one document
    fits the quota: the upload stays a draft that can be submitted later.
    """

    batch_id: UUID
    replayed: bool = False
    short: QuotaExceeded | None = None


async def open_batch(
    session: ServiceSession,
    user_id: str,
    batch_id: UUID,
    spec: BatchSpec,
    book: PlanBook,
    *,
    files: int = 0,
    claim: Claim | None = None,
    receiving: bool = False,
) -> UUID:
    """Make a draft, or the shell of a one-shot batch before any file is handled, so that it survives whatever happens to them (R22).

    `receiving`: it is such a shell, whose upload guards its objects for as long as bytes arrive (`keep_receiving`).

    Answers its id, or that of the batch which the claimed key made before. Raises UpgradeRequired, SubscriptionInactive, BatchTooLarge
    and IdempotencyConflict.
    """
    profile = await accounts.read_profile(session, user_id)
    if profile is None:
        raise NotFound("No such account.")
    require_batches(profile, book)
    require_room(profile, book, files)
    holder = await holder_of(session, user_id, "batches", claim, batch_id)
    if holder == batch_id:
        await batches.create(
            session,
            user_id,
            batch_id,
            name=spec.name,
            strategy=spec.strategy,
            prompt=_kept_prompt(spec),
            all_or_nothing=spec.all_or_nothing,
            receiving=receiving,
        )
    return holder


async def keep_receiving(session: ServiceSession, user_id: str, batch_id: UUID) -> bool:
    """Say that bytes still arrive for a shell, which is swept after an hour without; False when it was, and the upload is lost."""
    return await batches.receive_on(session, user_id, batch_id)


async def forget_shell(session: ServiceSession, user_id: str, batch_id: UUID) -> bool:
    """Delete the shell of a one-shot upload that lost to its twin or came to nothing; False when it holds what was accepted after all.

    Only on True may the uploaded objects go: a connection that is lost during a commit leaves open whether it happened.
    """
    batch = await batches.lock(session, user_id, batch_id)
    if batch is None:
        return True
    if batch.status is not BatchStatus.PENDING_UPLOAD or await documents.of_batch(session, user_id, batch_id):
        return False
    await batches.remove(session, user_id, batch_id)
    return True


async def accept_batch(
    session: ServiceSession,
    user_id: str,
    batch_id: UUID,
    received: Sequence[ReceivedFile],
    refused: Sequence[RefusedUpload],
    *,
    claim: Claim | None,
    book: PlanBook,
    now: datetime,
    spec: BatchSpec | None = None,
) -> Accepted:
    """The accepting transaction of a one-shot batch: the key first, then documents, refusals, reservation and jobs.

    `spec` is what the form said, when the shell had to be made before all of it was read. Raises IdempotencyConflict when the key
    stands for other content.
    """
    holder = await holder_of(session, user_id, "batches", claim, batch_id)
    if holder != batch_id:
        return Accepted(holder, replayed=True)
    if spec is not None:
        await _complete_shell(session, user_id, batch_id, spec)
    await documents.create(session, [as_document(user_id, batch_id, item) for item in received])
    await batches.refuse(session, user_id, batch_id, [as_refused(item) for item in refused])
    if not received:
        await batches.change(
            session,
            user_id,
            batch_id,
            DRAFT,
            status=BatchStatus.FAILED,
            failed_count=len(refused),
            completed_at=now,
        )
        return Accepted(batch_id)
    try:
        async with session.begin_nested():
            await submit(session, user_id, batch_id, all_or_nothing=None, book=book, now=now)
    except QuotaExceeded as short:
        await count_draft(session, user_id, batch_id)
        if claim is not None:
            # The same key may try again after an upgrade; what stays is the draft, and the answer names it.
            await idempotency.release(session, user_id, claim.key)
        return Accepted(batch_id, short=short)
    return Accepted(batch_id)


async def holder_of(
    session: ServiceSession, user_id: str, operation: str, claim: Claim | None, resource_id: UUID
) -> UUID:
    """Whose the claimed key is: `resource_id` itself, or what an earlier request with the same content made. Raises IdempotencyConflict."""
    if claim is None:
        return resource_id
    *request, holder = await idempotency.claim(session, user_id, operation, claim.key, claim.fingerprint, resource_id)
    if request != [operation, claim.fingerprint]:
        raise IdempotencyConflict("This Idempotency-Key was used with other content; take a new key.")
    return holder


async def _complete_shell(session: ServiceSession, user_id: str, batch_id: UUID, spec: BatchSpec) -> None:
    changed = await batches.change(
        session,
        user_id,
        batch_id,
        DRAFT,
        name=spec.name,
        prompt_strategy=spec.strategy,
        extraction_prompt=_kept_prompt(spec),
        all_or_nothing=spec.all_or_nothing,
        receiving_at=None,
    )
    if not changed:
        # Upkeep took it for dead and may have taken its first objects since, so the rest cannot be accepted.
        raise Unavailable(GIVEN_UP)


def _kept_prompt(spec: BatchSpec) -> str | None:
    """The batch's row holds the global prompt only when the strategy is global (R15)."""
    return spec.global_prompt if spec.strategy is PromptStrategy.GLOBAL else None


async def submit(
    session: ServiceSession,
    user_id: str,
    batch_id: UUID,
    *,
    all_or_nothing: bool | None,
    book: PlanBook,
    now: datetime,
) -> None:
    """Queue a draft: reserve first fit in document order, make the jobs, move the batch to `queued` (R44).

    Documents that do not fit are failed at once with `quota_exceeded`. Raises QuotaExceeded, with nothing changed, when not one
    fits or `all_or_nothing` (None: as the batch says) is broken; PromptMissing and InvalidRequest for an incomplete draft.
    """
    batch = await lock_draft(session, user_id, batch_id)
    profile = await accounts.read_profile(session, user_id)
    if profile is None:
        raise NotFound("No such account.")
    require_batches(profile, book)
    found = await documents.of_batch(session, user_id, batch_id)
    if not found:
        raise InvalidRequest(
            "The batch has no accepted file.", [FieldError("files", "add at least one file that is not refused")]
        )
    require_room(profile, book, len(found))
    _require_prompts(batch, found)
    await initialize_usage(session, user_id, book, now)
    period = await usage.lock_current(session, user_id, now)
    if period is None:
        raise LookupError("the current period is missing")
    fits = first_fit([item.page_count for item in found], period.remaining)
    pages = sum(item.page_count for item in found)
    used = period.processed + period.reserved
    strict = batch.all_or_nothing if all_or_nothing is None else all_or_nothing
    if strict and not all(fits):
        raise QuotaExceeded(
            f"Insufficient quota for the entire batch: {pages} pages asked, {period.remaining} left.",
            batch_id=str(batch_id),
            limit=book.explain(user_id, profile.membership, "pages", used + pages),
        )
    if not any(fits):
        smallest = min(item.page_count for item in found)
        raise QuotaExceeded(
            f"Page quota exceeded: {period.remaining} pages left, the smallest document has {smallest}. "
            "The upload stays as a draft; upgrade and submit it again.",
            batch_id=str(batch_id),
            limit=book.explain(user_id, profile.membership, "pages", used + smallest),
        )
    taken = [item for item, fit in zip(found, fits, strict=True) if fit]
    unfit = [item for item, fit in zip(found, fits, strict=True) if not fit]
    await _queue(session, user_id, batch, UUID(period.id), taken, unfit)
    await batches.change(
        session,
        user_id,
        batch_id,
        DRAFT,
        status=BatchStatus.QUEUED,
        all_or_nothing=strict,
        document_count=len(found),
        failed_count=len(unfit) + await batches.count_refused(session, user_id, batch_id),
        total_pages=pages,
    )


async def _queue(
    session: ServiceSession,
    user_id: str,
    batch: BatchRow,
    usage_id: UUID,
    taken: Sequence[DocumentRow],
    unfit: Sequence[DocumentRow],
) -> None:
    code = FailureCode.QUOTA_EXCEEDED
    ended = {"status": ExtractionStatus.FAILED, "error_code": code, "error_message": FAILURE_MESSAGES[code]}
    job_ids = {item.id: uuid4() for item in [*taken, *unfit]}
    rows = {
        item.id: new_job(user_id, item, None, {}, batch_id=batch.id, job_id=job_ids[item.id])
        for item in [*taken, *unfit]
    }
    await jobs.create(session, [rows[item.id] for item in taken])
    await jobs.create(session, [rows[item.id] | ended for item in unfit])
    # What the batch asks of all: it has such a prompt under the global strategy only.
    asked = batch.extraction_prompt
    await documents.queue(session, user_id, [item.id for item in taken], asked)
    await documents.fail_unfit(session, user_id, [item.id for item in unfit], code, asked)
    pages = sum(item.page_count for item in taken)
    if not await usage.take(session, user_id, usage_id, pages):
        raise LookupError("a locked period changed under us")
    await usage.write_reservations(
        session, user_id, usage_id, [(job_ids[item.id], item.id, item.page_count) for item in taken]
    )


async def count_draft(session: ServiceSession, user_id: str, batch_id: UUID) -> None:
    """Let a draft's row say what is in it: accepted files, their pages, refused files."""
    found = await documents.of_batch(session, user_id, batch_id)
    await batches.change(
        session,
        user_id,
        batch_id,
        DRAFT,
        document_count=len(found),
        failed_count=await batches.count_refused(session, user_id, batch_id),
        total_pages=sum(item.page_count for item in found),
    )


async def lock_draft(session: ServiceSession, user_id: str, batch_id: UUID) -> BatchRow:
    """The draft, locked until the transaction ends. Raises NotFound, InvalidTransition when it was submitted."""
    batch = await batches.lock(session, user_id, batch_id)
    if batch is None:
        raise NotFound("No such batch.")
    if batch.status is not BatchStatus.PENDING_UPLOAD:
        raise InvalidTransition(f"The batch is {batch.status}; only a draft can be changed.", current=batch.status)
    return batch


def _require_prompts(batch: BatchRow, found: Sequence[DocumentRow]) -> None:
    if batch.prompt_strategy is PromptStrategy.GLOBAL and not (batch.extraction_prompt or "").strip():
        raise PromptMissing(
            "The global strategy needs a prompt.", [FieldError("global_prompt", "write what to extract")]
        )
    if batch.prompt_strategy is PromptStrategy.PER_DOCUMENT:
        missing = [item for item in found if not (item.prompt or "").strip()]
        if missing:
            raise PromptMissing(
                "Every document needs its own prompt under this strategy.",
                [FieldError(f"prompts.{item.client_id}", f"no prompt for {item.filename}") for item in missing],
            )


def as_document(user_id: str, batch_id: UUID | None, item: ReceivedFile) -> dict[str, object]:
    """A counted file as a row for `documents.create`; `batch_id` None for a lone one."""
    return {
        "id": UUID(item.document_id),
        "user_id": user_id,
        "batch_id": batch_id,
        "client_id": item.client_id,
        "position": item.position,
        "original_filename": item.filename,
        "storage_path": item.storage_path,
        "mime_type": item.mime_type,
        "file_size": item.size_bytes,
        "sha256": item.sha256,
        "page_count": item.page_count,
        "page_shapes": list(item.page_shapes),
        "status": DocumentStatus.UPLOADED,
        "extraction_prompt": item.prompt,
        "prompt_source": None if item.prompt is None else PromptSource.PER_DOCUMENT,
    }


def as_refused(item: RefusedUpload) -> Refused:
    """A refused file as its batch lists it. The code must be one of ours."""
    return Refused(item.filename, item.client_id, RefusalCode(item.code), item.message, item.position)
