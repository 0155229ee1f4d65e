"""What people do to documents by themselves, as routes and pages do it: the rows are committed, then the run is nudged (R2, R65)."""

from typing import Any
from uuid import UUID

from api.deps import Caller
from api.removal import remove_stored
from ingestio.domain.plans import Rate
from ingestio.services import privileged
from ingestio.services.documents import QueuedJob


async def extract(caller: Caller, document_id: UUID, prompt: str | None, options: dict[str, Any]) -> None:
    """Queue one document; `prompt`, already checked, is None for the fields of its type.

    Raises as `services.extract_lone` does, and RateLimited.
    """
    await caller.spend(Rate.EXTRACTIONS)
    async with caller.acting() as session:
        job = await privileged.extract_lone(
            session,
            caller.user_id,
            document_id,
            prompt=prompt,
            options=options,
            book=caller.book,
            now=caller.now(),
        )
    await _start(caller, document_id, job)


async def extract_again(caller: Caller, document_id: UUID) -> None:
    """The same, asked as the last time and read anew."""
    await caller.spend(Rate.EXTRACTIONS)
    async with caller.acting() as session:
        job = await privileged.extract_again(session, caller.user_id, document_id, book=caller.book, now=caller.now())
    await _start(caller, document_id, job)


async def retry(caller: Caller, document_id: UUID, prompt: str | None) -> None:
    """Queue a lone document that failed or was cancelled once more. Raises as `extract` does."""
    await caller.spend(Rate.EXTRACTIONS)
    async with caller.acting() as session:
        job = await privileged.retry_lone(
            session, caller.user_id, document_id, prompt=prompt, book=caller.book, now=caller.now()
        )
    await _start(caller, document_id, job)


async def cancel(caller: Caller, document_id: UUID) -> None:
    """Stop the extraction of a lone document; its pages are released. Raises NotFound, InvalidTransition."""
    async with caller.acting() as session:
        job = await privileged.cancel_lone(session, caller.user_id, document_id)
    await caller.runs.cancel_document(document_id, job.attempt)


async def delete(caller: Caller, document_id: UUID) -> None:
    """Delete a document with its file and results. Raises NotFound, InvalidTransition."""
    async with caller.acting() as session:
        removed = await privileged.delete_document(session, caller.user_id, document_id)
    await remove_stored(caller.store, caller.user_id, removed)


async def _start(caller: Caller, document_id: UUID, job: QueuedJob) -> None:
    account = await caller.account()
    plan = account.profile.membership.value
    await caller.runs.start_document(caller.user_id, document_id, job.job_id, job.attempt, plan)
