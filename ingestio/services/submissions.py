"""From uploaded files to queued jobs: the shell of a batch, its files, its quote and its submission (R43, R44, R60..R63)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from ingestio.db import accounts, batches, documents, idempotency, jobs, usage
from ingestio.db.batches import BatchRow, Refused
from ingestio.db.documents import DocumentRow
from ingestio.db.session import ServiceSession, UserSession
from ingestio.domain.batches import BatchStatus, DocumentStatus, ExtractionStatus, PromptSource, PromptStrategy
from ingestio.domain.plans import Plan
from ingestio.domain.submissions import BatchSpec, Quote, ReceivedFile, RefusedUpload
from ingestio.domain.usage import first_fit
from ingestio.errors import (
    FAILURE_MESSAGES,
    BatchTooLarge,
    FailureCode,
    FieldError,
    IdempotencyConflict,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    PromptMissing,
    QuotaExceeded,
    RefusalCode,
)
from ingestio.services.accounts import PlanBook, require_batches
from ingestio.services.usage import initialize_usage

DRAFT = (BatchStatus.PENDING_UPLOAD,)


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
    session: ServiceSession, user_id: str, batch_id: UUID, spec: BatchSpec, book: PlanBook, *, files: int = 0
) -> None:
    """Commit the shell of a batch before any file is handled, so that it survives whatever happens to them (R22)."""
    profile = await accounts.read_profile(session, user_id)
    if profile is None:
        raise NotFound("No such account.")
    plan = book.plan_of(user_id, profile.membership)
    require_batches(profile, plan)
    _require_room(plan, files)
    await batches.create(
        session,
        user_id,
        batch_id,
        name=spec.name,
        strategy=spec.strategy,
        prompt=spec.global_prompt if spec.strategy is PromptStrategy.GLOBAL else None,
        all_or_nothing=spec.all_or_nothing,
    )


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
) -> Accepted:
    """The accepting transaction of a one-shot batch: the key first, then documents, refusals, reservation and jobs.

    Raises IdempotencyConflict when the key stands for other content, QuotaExceeded when all_or_nothing does not fit.
    """
    if claim is not None:
        holder = await idempotency.claim(session, user_id, "batches", claim.key, claim.fingerprint, batch_id)
        if holder[0] != claim.fingerprint:
            raise IdempotencyConflict("This Idempotency-Key was used with other content; take a new key.")
        if holder[1] != batch_id:
            return Accepted(holder[1], replayed=True)
    await documents.create(session, [_document(user_id, batch_id, item) for item in received])
    await batches.refuse(session, user_id, batch_id, [_refused(item) for item in refused])
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
        if claim is not None:
            # The same key may try again after an upgrade; what stays is the draft, and the answer names it.
            await idempotency.release(session, user_id, "batches", claim.key)
        return Accepted(batch_id, short=short)
    return Accepted(batch_id)


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
    batch = await _lock_draft(session, user_id, batch_id)
    profile = await accounts.read_profile(session, user_id)
    if profile is None:
        raise NotFound("No such account.")
    plan = book.plan_of(user_id, profile.membership)
    require_batches(profile, plan)
    found = await documents.of_batch(session, user_id, batch_id)
    if not found:
        raise InvalidRequest(
            "The batch has no accepted file.", [FieldError("files", "add at least one file that is not refused")]
        )
    _require_room(plan, len(found))
    _require_prompts(batch, found)
    await initialize_usage(session, user_id, plan, now)
    period = await usage.lock_current(session, user_id, now)
    if period is None:
        raise LookupError("the current period is missing")
    fits = first_fit([item.page_count for item in found], period.remaining)
    strict = batch.all_or_nothing if all_or_nothing is None else all_or_nothing
    if strict and not all(fits):
        raise QuotaExceeded(
            f"Insufficient quota for the entire batch: {sum(item.page_count for item in found)} pages asked, {period.remaining} left.",
            batch_id=str(batch_id),
        )
    if not any(fits):
        raise QuotaExceeded(
            f"Page quota exceeded: {period.remaining} pages left, the smallest document has "
            f"{min(item.page_count for item in found)}. The upload stays as a draft; upgrade and submit it again.",
            batch_id=str(batch_id),
        )
    taken = [item for item, fit in zip(found, fits, strict=True) if fit]
    unfit = [item for item, fit in zip(found, fits, strict=True) if not fit]
    await _queue(session, user_id, batch_id, UUID(period.id), taken, unfit)
    await batches.change(
        session,
        user_id,
        batch_id,
        DRAFT,
        status=BatchStatus.QUEUED,
        all_or_nothing=strict,
        document_count=len(found),
        failed_count=len(unfit) + await batches.count_refused(session, user_id, batch_id),
        total_pages=sum(item.page_count for item in found),
    )


async def _queue(
    session: ServiceSession,
    user_id: str,
    batch_id: UUID,
    usage_id: UUID,
    taken: Sequence[DocumentRow],
    unfit: Sequence[DocumentRow],
) -> None:
    job_ids = {item.id: uuid4() for item in [*taken, *unfit]}
    common = {"user_id": user_id, "batch_id": batch_id}
    await jobs.create(
        session,
        [
            common
            | {
                "id": job_ids[item.id],
                "document_id": item.id,
                "attempt": item.attempt + 1,
                "position": item.position,
                "status": ExtractionStatus.QUEUED,
            }
            for item in taken
        ],
    )
    code = FailureCode.QUOTA_EXCEEDED
    await jobs.create(
        session,
        [
            common
            | {
                "id": job_ids[item.id],
                "document_id": item.id,
                "attempt": item.attempt + 1,
                "position": item.position,
                "status": ExtractionStatus.FAILED,
                "error_code": code,
                "error_message": FAILURE_MESSAGES[code],
            }
            for item in unfit
        ],
    )
    await documents.queue(session, user_id, [item.id for item in taken])
    await documents.fail_unfit(session, user_id, [item.id for item in unfit], code)
    pages = sum(item.page_count for item in taken)
    if not await usage.take(session, user_id, usage_id, pages):
        raise LookupError("a locked period changed under us")
    await usage.write_reservations(
        session, user_id, usage_id, [(job_ids[item.id], item.id, item.page_count) for item in taken]
    )


async def register_file(
    session: ServiceSession, user_id: str, batch_id: UUID, item: ReceivedFile, book: PlanBook
) -> tuple[DocumentRow, DocumentRow | None]:
    """Put a counted file into a draft: answers its document, and the one it replaced (same client id), whose object goes.

    The same bytes under the same client id change nothing: then the document that is there is the answer, and the one "replaced" is
    the newcomer's own copy, described so that the caller drops it.
    """
    await _lock_draft(session, user_id, batch_id)
    profile = await accounts.read_profile(session, user_id)
    if profile is None:
        raise NotFound("No such account.")
    found = await documents.of_batch(session, user_id, batch_id)
    earlier = next((document for document in found if document.client_id == item.client_id), None)
    if earlier is not None and earlier.sha256 == item.sha256 and earlier.filename == item.filename:
        return earlier, replace(earlier, id=UUID(item.document_id), storage_path=item.storage_path)
    if earlier is None:
        _require_room(book.plan_of(user_id, profile.membership), len(found) + 1)
        position = max((document.position for document in found), default=-1) + 1
    else:
        position = earlier.position
        await documents.remove(session, user_id, earlier.id)
    await batches.forgive(session, user_id, batch_id, item.client_id)
    prompt = item.prompt if earlier is None or item.prompt is not None else earlier.prompt
    await documents.create(session, [_document(user_id, batch_id, replace(item, position=position, prompt=prompt))])
    made = await documents.read(session, user_id, UUID(item.document_id))
    if made is None:
        raise LookupError("a document that was just made is not there")
    return made, earlier


async def register_refusal(
    session: ServiceSession, user_id: str, batch_id: UUID, item: RefusedUpload
) -> DocumentRow | None:
    """List a refused file in a draft until it is replaced or deleted; answers the document it replaced, whose object goes."""
    await _lock_draft(session, user_id, batch_id)
    found = await documents.of_batch(session, user_id, batch_id)
    earlier = next((document for document in found if document.client_id == item.client_id), None)
    if earlier is not None:
        await documents.remove(session, user_id, earlier.id)
    await batches.forgive(session, user_id, batch_id, item.client_id)
    await batches.refuse(session, user_id, batch_id, [_refused(item)])
    return earlier


async def remove_file(session: ServiceSession, user_id: str, batch_id: UUID, client_id: str) -> DocumentRow | None:
    """Take a file, or a refusal, out of a draft; answers the document whose object goes. Raises NotFound."""
    await _lock_draft(session, user_id, batch_id)
    found = await documents.of_batch(session, user_id, batch_id)
    earlier = next((document for document in found if document.client_id == client_id), None)
    if earlier is not None:
        await documents.remove(session, user_id, earlier.id)
    if not await batches.forgive(session, user_id, batch_id, client_id) and earlier is None:
        raise NotFound("The draft has no such file.")
    return earlier


@dataclass(frozen=True, slots=True)
class DraftChange:
    """What a PATCH of a draft sets; None leaves a field as it is. `prompts`: own prompts by client id, None takes one away."""

    name: str | None = None
    strategy: PromptStrategy | None = None
    global_prompt: str | None = None
    prompts: Mapping[str, str | None] | None = None


async def change_draft(session: ServiceSession, user_id: str, batch_id: UUID, change: DraftChange) -> None:
    """Change name, strategy, global prompt or own prompts of a draft; texts are validated by the caller."""
    batch = await _lock_draft(session, user_id, batch_id)
    strategy = change.strategy or batch.prompt_strategy
    prompt = batch.extraction_prompt if change.global_prompt is None else change.global_prompt
    await batches.change(
        session,
        user_id,
        batch_id,
        DRAFT,
        name=batch.name if change.name is None else change.name,
        prompt_strategy=strategy,
        extraction_prompt=prompt if strategy is PromptStrategy.GLOBAL else None,
    )
    if change.prompts:
        known = {document.client_id for document in await documents.of_batch(session, user_id, batch_id)}
        unknown = sorted(set(change.prompts) - known)
        if unknown:
            raise InvalidRequest(
                "Prompts for files that the draft does not have.",
                [FieldError(f"prompts.{client_id}", "no such client id") for client_id in unknown],
            )
        await documents.write_prompts(session, user_id, batch_id, dict(change.prompts))


async def quote(session: UserSession, user_id: str, batch_id: UUID, now: datetime) -> Quote:
    """What submitting this batch would do at this moment, without side effects. Raises NotFound."""
    if await batches.read(session, user_id, batch_id) is None:
        raise NotFound("No such batch.")
    found = await documents.of_batch(session, user_id, batch_id)
    current = await usage.read_current(session, user_id, now)
    remaining = 0 if current is None else current.remaining
    pages = [item.page_count for item in found]
    fits = first_fit(pages, remaining)
    charged = sum(count for count, fit in zip(pages, fits, strict=True) if fit)
    return Quote(
        documents=len(found),
        pages=sum(pages),
        pages_remaining=remaining,
        pages_after=None if remaining is None else remaining - charged,
        fits=all(fits),
        documents_that_fit=sum(fits),
    )


async def _lock_draft(session: ServiceSession, user_id: str, batch_id: UUID) -> BatchRow:
    batch = await batches.lock(session, user_id, batch_id)
    if batch is None:
        raise NotFound("No such batch.")
    if batch.status is not BatchStatus.PENDING_UPLOAD:
        raise InvalidTransition(f"The batch is {batch.status}; only a draft can be changed.", current=batch.status)
    return batch


def _require_room(plan: Plan, count: int) -> None:
    if plan.batch_documents is not None and count > plan.batch_documents:
        raise BatchTooLarge(
            f"A batch holds at most {plan.batch_documents} documents on this plan, this one has {count}."
        )


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


def _document(user_id: str, batch_id: UUID | None, item: ReceivedFile) -> dict[str, object]:
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
        "status": DocumentStatus.UPLOADED,
        "extraction_prompt": item.prompt,
        "prompt_source": None if item.prompt is None else PromptSource.PER_DOCUMENT,
    }


def _refused(item: RefusedUpload) -> Refused:
    return Refused(item.filename, item.client_id, RefusalCode(item.code), item.message, item.position)


async def register_lone(session: ServiceSession, user_id: str, item: ReceivedFile) -> DocumentRow:
    """Insert a lone document. Only counted files get here (R42)."""
    await documents.create(session, [_document(user_id, None, item)])
    made = await documents.read(session, user_id, UUID(item.document_id))
    if made is None:
        raise LookupError("a document that was just made is not there")
    return made
