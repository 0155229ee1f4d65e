"""Drafts: files come and go one by one, prompts change, and a quote says what submitting would do (R43, R60)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ingestio.db import accounts, batches, documents
from ingestio.db.documents import DocumentRow
from ingestio.db.session import ServiceSession, UserSession
from ingestio.domain.batches import BatchStatus, PromptStrategy
from ingestio.domain.submissions import Quote, QuotedFile, ReceivedFile, RefusedUpload
from ingestio.domain.usage import first_fit
from ingestio.errors import FieldError, InvalidRequest, InvalidTransition, NotFound
from ingestio.services.accounts import PlanBook, require_room
from ingestio.services.submissions import DRAFT, as_document, as_refused, count_draft, lock_draft
from ingestio.services.usage import foresee_usage


async def register_file(
    session: ServiceSession, user_id: str, batch_id: UUID, item: ReceivedFile, book: PlanBook, place: int | None = None
) -> tuple[DocumentRow, DocumentRow | None]:
    """Put a counted file into a draft: answers its document, and the one it replaced (same client id), whose object goes.

    `place` is the position that a new one should have: files that come in side by side then stand as they were chosen. Positions are
    unique, because a run walks along them: where one stands already, and without a place, the newcomer goes to the end.

    The same bytes under the same client id change nothing: then the document that is there is the answer, and the one "replaced" is
    the newcomer's own copy, described so that the caller drops it.
    """
    await lock_draft(session, user_id, batch_id)
    profile = await accounts.read_profile(session, user_id)
    if profile is None:
        raise NotFound("No such account.")
    found = await documents.of_batch(session, user_id, batch_id)
    earlier = next((document for document in found if document.client_id == item.client_id), None)
    if earlier is not None and earlier.sha256 == item.sha256 and earlier.filename == item.filename:
        return earlier, replace(earlier, id=UUID(item.document_id), storage_path=item.storage_path)
    if earlier is None:
        require_room(profile, book, len(found) + 1)
        taken = {document.position for document in found}
        position = max(taken, default=-1) + 1 if place is None or place in taken else place
    else:
        position = earlier.position
        await documents.remove(session, user_id, earlier.id)
    await batches.forgive(session, user_id, batch_id, item.client_id)
    prompt = item.prompt if earlier is None or item.prompt is not None else earlier.prompt
    await documents.create(session, [as_document(user_id, batch_id, replace(item, position=position, prompt=prompt))])
    made = await documents.read(session, user_id, UUID(item.document_id))
    if made is None:
        raise LookupError("a document that was just made is not there")
    await count_draft(session, user_id, batch_id)
    return made, earlier


async def register_refusal(
    session: ServiceSession, user_id: str, batch_id: UUID, item: RefusedUpload
) -> DocumentRow | None:
    """List a refused file in a draft until it is replaced or deleted; answers the document it replaced, whose object goes."""
    await lock_draft(session, user_id, batch_id)
    found = await documents.of_batch(session, user_id, batch_id)
    earlier = next((document for document in found if document.client_id == item.client_id), None)
    if earlier is not None:
        await documents.remove(session, user_id, earlier.id)
    await batches.forgive(session, user_id, batch_id, item.client_id)
    await batches.refuse(session, user_id, batch_id, [as_refused(item)])
    await count_draft(session, user_id, batch_id)
    return earlier


async def remove_file(session: ServiceSession, user_id: str, batch_id: UUID, client_id: str) -> DocumentRow | None:
    """Take a file, or a refusal, out of a draft; answers the document whose object goes. Raises NotFound."""
    await lock_draft(session, user_id, batch_id)
    found = await documents.of_batch(session, user_id, batch_id)
    earlier = next((document for document in found if document.client_id == client_id), None)
    if earlier is not None:
        await documents.remove(session, user_id, earlier.id)
    if not await batches.forgive(session, user_id, batch_id, client_id) and earlier is None:
        raise NotFound("The draft has no such file.")
    await count_draft(session, user_id, batch_id)
    return earlier


@dataclass(frozen=True, slots=True)
class DraftChange:
    """What a PATCH of a draft sets; None leaves a field as it is, "" empties it.

    `prompts`: own prompts by client id, None takes one away.
    """

    name: str | None = None
    strategy: PromptStrategy | None = None
    global_prompt: str | None = None
    prompts: Mapping[str, str | None] | None = None


async def change_draft(session: ServiceSession, user_id: str, batch_id: UUID, change: DraftChange) -> None:
    """Change name, strategy, global prompt or own prompts of a draft; texts are validated by the caller."""
    batch = await lock_draft(session, user_id, batch_id)
    strategy = change.strategy or batch.prompt_strategy
    prompt = batch.extraction_prompt if change.global_prompt is None else change.global_prompt or None
    await batches.change(
        session,
        user_id,
        batch_id,
        DRAFT,
        name=batch.name if change.name is None else change.name or None,
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


async def quote(session: UserSession, user_id: str, batch_id: UUID, book: PlanBook, now: datetime) -> Quote:
    """What submitting this draft would do at this moment, without side effects. Raises NotFound, InvalidTransition."""
    batch = await batches.read(session, user_id, batch_id)
    if batch is None:
        raise NotFound("No such batch.")
    if batch.status is not BatchStatus.PENDING_UPLOAD:
        raise InvalidTransition(f"The batch is {batch.status}; only a draft has a quote.", current=batch.status)
    profile = await accounts.read_profile(session, user_id)
    if profile is None:
        raise NotFound("No such account.")
    found = await documents.of_batch(session, user_id, batch_id)
    current = await foresee_usage(session, profile, book.plan_of(user_id, profile.membership), now)
    pages = [item.page_count for item in found]
    fits = first_fit(pages, current.remaining)
    charged = sum(count for count, fit in zip(pages, fits, strict=True) if fit)
    return Quote(
        documents=len(found),
        pages=sum(pages),
        pages_remaining=current.remaining,
        pages_after=None if current.remaining is None else current.remaining - charged,
        fits=all(fits),
        documents_that_fit=sum(fits),
        files=tuple(
            QuotedFile(str(item.id), item.client_id, item.filename, item.page_count, fit)
            for item, fit in zip(found, fits, strict=True)
        ),
    )
