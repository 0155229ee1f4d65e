"""The steps of one job, as the document workflow orders them: confirm, commit, or end without a result.

Each is one transaction, keyed by the job's id, and harmless when it runs twice: the second run finds the job where the first one left
it. Facts and their effects (status, ledger, counters) move together or not at all.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from ingestio.db import batches, documents, jobs, steps, usage
from ingestio.db.session import ServiceConnection, ServiceSession
from ingestio.db.steps import ChosenPrompt, Work
from ingestio.domain.batches import (
    BatchStatus,
    DocumentStatus,
    ExtractionStatus,
    LedgerState,
    PromptSource,
    PromptStrategy,
    final_status,
)
from ingestio.domain.concerns import ReviewRules, concerns_of
from ingestio.domain.messages import BatchSettled, DocumentOutcome, JobRef, ManifestPage, QuotaConfirmed
from ingestio.domain.search import texts_in, words_of
from ingestio.errors import FAILURE_MESSAGES, DocumentFailed, FailureCode
from ingestio.services.accounts import PlanBook
from ingestio.services.reviews import carry_over
from ingestio.services.usage import reserve_for_job

_USUAL_RULES = ReviewRules()


async def confirm(
    connection: ServiceConnection,
    user_id: str,
    job_id: UUID,
    *,
    book: PlanBook,
    now: datetime,
    model_timeout_seconds: float,
) -> QuotaConfirmed:
    """Confirm the reservation of a job, or reserve anew, move job, document and batch to `processing`, and settle its prompt.

    Raises DocumentFailed(prompt_missing) as `resolve_prompt` does; then nothing has moved.
    """
    job = await steps.lock_to_confirm(connection, user_id, job_id)
    if job is None:
        return QuotaConfirmed(may_run=False, finished=DocumentStatus.CANCELLED, code=FailureCode.CANCELLED)
    if job.status not in jobs.LIVE:
        return QuotaConfirmed(may_run=False, finished=_document_status(job.status), code=job.error_code)
    if job.cancel_requested:
        return QuotaConfirmed(may_run=False, code=FailureCode.CANCELLED)
    if job.paused and job.status is ExtractionStatus.QUEUED:
        return QuotaConfirmed(may_run=False, held=True)
    if job.entry_state not in (None, LedgerState.RESERVED):
        return QuotaConfirmed(may_run=False, code=FailureCode.INTERNAL)
    prompt = _prompt_of(job.work)
    if job.status is ExtractionStatus.QUEUED:
        await steps.start(connection, user_id, job_id, prompt)
    else:
        await _save_once(connection, user_id, job_id, job.work, prompt)
    if job.batch_id is not None and job.batch_status is BatchStatus.QUEUED:
        await steps.start_batch(connection, user_id, job.batch_id)
    # The period's row comes last, as everywhere: it is the hottest, and one order of locks knows no deadlock.
    if job.entry_state is None and not await _reserve(connection, user_id, job_id, job, book, now):
        return QuotaConfirmed(may_run=False, code=FailureCode.QUOTA_EXCEEDED)
    return QuotaConfirmed(
        may_run=True,
        pages=job.work.page_count,
        model_timeout_seconds=model_timeout_seconds,
        bulk=job.work.options.get("lane") == "bulk",
        needs_classification=prompt is None,
    )


async def _reserve(
    connection: ServiceConnection, user_id: str, job_id: UUID, job: steps.Confirming, book: PlanBook, now: datetime
) -> bool:
    """Reserve for a job that had no ledger row when its lock was asked for; another run of this step may have been faster."""
    async with connection.session() as session:
        if await usage.read_entry(session, user_id, job_id) is not None:
            return True
        return await reserve_for_job(session, user_id, job_id, job.document_id, job.work.page_count, book, now)


async def resolve_prompt(connection: ServiceConnection, user_id: str, job_id: UUID) -> bool:
    """Write the effective prompt on job and document; True when the document must be classified first (R65).

    Raises DocumentFailed(prompt_missing) when the strategy needs a prompt that is not there.
    """
    work = await load(connection, user_id, job_id)
    prompt = _prompt_of(work)
    await _save_once(connection, user_id, job_id, work, prompt)
    return prompt is None


async def _save_once(
    connection: ServiceConnection, user_id: str, job_id: UUID, work: Work, prompt: ChosenPrompt | None
) -> None:
    """Write a prompt that does not stand on job and document yet."""
    if prompt is not None and (work.prompt, work.document_prompt, work.prompt_source) != (
        prompt.text,
        prompt.text,
        prompt.source,
    ):
        await steps.save_prompt(connection, user_id, job_id, prompt)


def _prompt_of(work: Work) -> ChosenPrompt | None:
    """What the job is to be read with; None when its document must be classified first. Raises DocumentFailed(prompt_missing)."""
    if work.prompt is not None:
        source = work.prompt_source or PromptSource.REQUEST
        if work.options.get("prompt_source") == PromptSource.REQUEST:
            source = PromptSource.REQUEST
        return ChosenPrompt(work.prompt, source)
    strategy = work.strategy or PromptStrategy.AUTO
    prompt = work.batch_prompt if strategy is PromptStrategy.GLOBAL else work.document_prompt
    if prompt is not None and prompt.strip():
        return ChosenPrompt(prompt, _source_of(strategy, work), work.known_type)
    if strategy is PromptStrategy.AUTO:
        return None
    raise DocumentFailed(FailureCode.PROMPT_MISSING)


def _source_of(strategy: PromptStrategy, work: Work) -> PromptSource:
    """Where the prompt of a job without one of its own comes from."""
    if strategy is PromptStrategy.GLOBAL:
        return PromptSource.GLOBAL
    if strategy is PromptStrategy.PER_DOCUMENT:
        return PromptSource.PER_DOCUMENT
    return work.prompt_source or PromptSource.PER_DOCUMENT


async def save_classification(
    connection: ServiceConnection,
    user_id: str,
    job_id: UUID,
    document_type: str,
    default_prompt: str,
    classification: Mapping[str, Any] | None = None,
) -> None:
    """Write the type and its default prompt on job and document, while the job is live; on the job also the `classification`: how sure
    the classifier was (`confidence`), what it would have said next (`runner_up`), and what it spent (`usage`). None: nobody was asked."""
    found = None if classification is None else {"classification": classification}
    prompt = ChosenPrompt(default_prompt, PromptSource.AUTO, document_type)
    await steps.save_prompt(connection, user_id, job_id, prompt, found)


async def load(connection: ServiceConnection, user_id: str, job_id: UUID) -> Work:
    """A live job with its document. Raises DocumentFailed(cancelled) when either is gone or the job has ended."""
    work = await steps.read(connection, user_id, job_id)
    if work is None:
        raise DocumentFailed(FailureCode.CANCELLED)
    return work


async def commit(
    connection: ServiceConnection, user_id: str, job_id: UUID, answer: str, rules: ReviewRules = _USUAL_RULES
) -> DocumentOutcome:
    """Save the result, charge its pages and end the job: one transaction, once per job (R50).

    `answer` is the stored extraction as JSON: document_type, provider, model, schema_version, data, fields, flags, and what it spent
    (the fields of ModelUsage). A job that has ended keeps its end, whatever is committed late.
    """
    read = json.loads(answer)
    concerns, concerns_asked_for = (
        concerns_of(read["document_type"], read["fields"], read["flags"], rules, asked_for=asked_for)
        for asked_for in (False, True)
    )
    committed = await steps.commit(
        connection,
        user_id,
        job_id,
        answer,
        concerns=concerns,
        concerns_asked_for=concerns_asked_for,
        words=words_of(texts_in(read["data"])),
    )
    if not committed.job:
        return await outcome_of(connection, user_id, job_id)
    if not committed.entry:
        # Nothing was reserved, so nothing may be charged or delivered; the workflow ends the job as `internal`.
        raise DocumentFailed(FailureCode.INTERNAL, "A result came without a page reservation.")
    if not committed.period:
        raise LookupError("a reservation without its period, or a job without its document")
    if committed.read_before is not None:
        async with connection.session() as session:
            await carry_over(session, user_id, committed.read_before, rules)
    return DocumentOutcome(status=DocumentStatus.COMPLETED)


async def outcome_of(connection: ServiceConnection, user_id: str, job_id: UUID) -> DocumentOutcome:
    """How a job has ended; as cancelled when it, or its document, is gone."""
    end_of = await steps.end_of(connection, user_id, job_id)
    if end_of is None:
        return DocumentOutcome(status=DocumentStatus.CANCELLED, code=FailureCode.CANCELLED)
    status, code = end_of
    return DocumentOutcome(status=_document_status(status), code=code)


async def end(session: ServiceSession, user_id: str, job_id: UUID, code: FailureCode) -> DocumentOutcome:
    """End a job without a result: its pages are released, nothing is charged. An earlier end stays as it is."""
    job = await jobs.lock(session, user_id, job_id)
    if job is None:
        return DocumentOutcome(status=DocumentStatus.CANCELLED, code=FailureCode.CANCELLED)
    if not job.is_live:
        return DocumentOutcome(status=_document_status(job.status), code=job.error_code)
    cancelled = code is FailureCode.CANCELLED
    entry = await usage.release_entry(session, user_id, job_id)
    await jobs.end(
        session,
        user_id,
        job_id,
        ExtractionStatus.CANCELLED if cancelled else ExtractionStatus.FAILED,
        error_code=code,
        error_message=FAILURE_MESSAGES[code],
    )
    status = DocumentStatus.CANCELLED if cancelled else DocumentStatus.FAILED
    moved = await documents.end(session, user_id, [job.document_id], status, code)
    if job.batch_id is not None and moved:
        await batches.count_ended(
            session, user_id, job.batch_id, failed=0 if cancelled else 1, cancelled=1 if cancelled else 0
        )
    if entry is not None:
        await usage.give_back(session, user_id, entry.usage_id, entry.pages)
    return DocumentOutcome(status=status, code=code)


async def manifest(
    session: ServiceSession, user_id: str, batch_id: UUID, after_position: int, limit: int
) -> ManifestPage:
    """Live jobs of a batch after a position, and what the operator wants of it."""
    batch = await batches.read(session, user_id, batch_id)
    if batch is None:
        return ManifestPage()
    rows = await jobs.live_of_batch(session, user_id, batch_id, after_position, limit)
    last = rows[-1].position if rows else after_position
    remaining = await jobs.count_live_of_batch(session, user_id, batch_id, last) if len(rows) == limit else 0
    return ManifestPage(
        jobs=[JobRef(str(row.id), str(row.document_id), row.attempt, row.position) for row in rows],
        cancel_requested=batch.cancel_requested,
        paused=batch.paused,
        remaining=remaining,
        strategy=batch.prompt_strategy.value,
        documents=batch.document_count,
        pages=batch.total_pages,
    )


async def cancel_live(session: ServiceSession, user_id: str, batch_id: UUID) -> list[JobRef]:
    """End every live job of a batch whose cancel is wished for; answers those that had started, for their runs to be told.

    All in one transaction, so a batch of any size is at rest at once. A result that is being committed at this moment comes first, or
    finds its job ended. Without the wish nothing happens: a step that is repeated late must not stop the batch's next attempt.
    """
    batch = await batches.read(session, user_id, batch_id)
    if batch is None or not batch.cancel_requested:
        return []
    code = FailureCode.CANCELLED
    ended = await jobs.cancel_live_of_batch(session, user_id, batch_id, code, FAILURE_MESSAGES[code])
    if not ended:
        return []
    released = await usage.release_entries(session, user_id, [job.id for job in ended])
    moved = await documents.end(session, user_id, [job.document_id for job in ended], DocumentStatus.CANCELLED, code)
    await batches.count_ended(session, user_id, batch_id, cancelled=moved)
    for usage_id, pages in released.items():
        await usage.give_back(session, user_id, usage_id, pages)
    return [JobRef(str(job.id), str(job.document_id), job.attempt, job.position) for job in ended if job.has_started]


async def settle_batch(session: ServiceSession, user_id: str, batch_id: UUID, now: datetime) -> BatchSettled:
    """Recount a running batch from its rows and give it its final status; with live jobs left it only says how many."""
    batch = await batches.lock(session, user_id, batch_id)
    if batch is None:
        return BatchSettled(open_jobs=0, status=BatchStatus.CANCELLED)
    if batch.status not in batches.RUNNING:
        return BatchSettled(0, batch.status, batch.completed_count, batch.failed_count, batch.cancelled_count)
    open_jobs = await jobs.count_live_of_batch(session, user_id, batch_id)
    if open_jobs:
        return BatchSettled(open_jobs, batch.status)
    await documents.end_stranded(session, user_id, batch_id, FailureCode.INTERNAL)
    counts = await documents.count_by_status(session, user_id, batch_id)
    completed = counts.get(DocumentStatus.COMPLETED, 0)
    cancelled = counts.get(DocumentStatus.CANCELLED, 0)
    failed = counts.get(DocumentStatus.FAILED, 0) + await batches.count_refused(session, user_id, batch_id)
    status = final_status(completed=completed, failed=failed, cancelled=cancelled)
    await batches.change(
        session,
        user_id,
        batch_id,
        batches.RUNNING,
        status=status,
        completed_count=completed,
        failed_count=failed,
        cancelled_count=cancelled,
        paused=False,
        cancel_requested=False,
        completed_at=now,
    )
    return BatchSettled(0, status, completed, failed, cancelled)


def _document_status(status: ExtractionStatus) -> DocumentStatus:
    return {
        ExtractionStatus.COMPLETED: DocumentStatus.COMPLETED,
        ExtractionStatus.FAILED: DocumentStatus.FAILED,
        ExtractionStatus.CANCELLED: DocumentStatus.CANCELLED,
    }.get(status, DocumentStatus.PROCESSING)
