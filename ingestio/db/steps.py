"""What the steps of a document read and write, each in one statement: every document pays for these, so round trips are counted here.

Every statement filters by job and user. Those that write take their locks in the order job, document, batch, usage: within one statement
each part needs what the part before it returned, so PostgreSQL cannot reach a row before the one that is locked first. A part that
changes nothing returns nothing, and then nothing after it changes either: that is what makes a repeat harmless.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ingestio.db.session import ServiceConnection
from ingestio.domain.batches import (
    BatchStatus,
    ExtractionStatus,
    LedgerState,
    PromptSource,
    PromptStrategy,
)

# A job with its document and its batch's wishes.
_WORK = """
       job.status, job.extraction_prompt, job.extraction_options, job.document_type,
       document.extraction_prompt AS document_prompt, document.prompt_source, document.document_type AS known_type,
       document.storage_path, document.sha256, document.mime_type, document.page_count,
       batch.prompt_strategy, batch.extraction_prompt AS batch_prompt
"""
_WORK_FROM = """
FROM extraction_jobs AS job
JOIN documents AS document ON document.id = job.document_id AND document.user_id = job.user_id
LEFT JOIN extraction_batches AS batch ON batch.id = job.batch_id AND batch.user_id = job.user_id
"""

_READ = f"""
SELECT {_WORK} {_WORK_FROM}
WHERE job.id = %(job_id)s AND job.user_id = %(user_id)s AND job.status IN ('queued', 'processing')
"""

# A job that waits for the lock sees its own row as the other transaction left it, but what is joined to it as it was before. What is
# decided from the joined rows must hold either way, or be read again.
_CONFIRM = f"""
SELECT {_WORK},
       job.error_code, job.document_id, job.batch_id,
       batch.status AS batch_status, batch.cancel_requested, batch.paused,
       entry.state AS entry_state
{_WORK_FROM}
LEFT JOIN page_ledger AS entry ON entry.job_id = job.id AND entry.user_id = job.user_id
WHERE job.id = %(job_id)s AND job.user_id = %(user_id)s
FOR UPDATE OF job
"""

# With the prompt, where it is known by now: one new version of each row, not two.
_START = """
WITH started AS (
    UPDATE extraction_jobs
    SET status = 'processing', started_at = now(), extraction_prompt = coalesce(%(prompt)s::text, extraction_prompt),
        document_type = coalesce(%(document_type)s::text, document_type)
    WHERE id = %(job_id)s AND user_id = %(user_id)s AND status = 'queued'
    RETURNING document_id, user_id
)
UPDATE documents AS document
SET status = CASE WHEN document.status IN ('uploaded', 'queued_for_processing') THEN 'processing' ELSE document.status END,
    extraction_prompt = coalesce(%(prompt)s::text, document.extraction_prompt),
    prompt_source = coalesce(%(source)s::prompt_source, document.prompt_source),
    document_type = coalesce(%(document_type)s::text, document.document_type)
FROM started
WHERE document.id = started.document_id AND document.user_id = started.user_id
"""

_START_BATCH = """
UPDATE extraction_batches SET status = 'processing'
WHERE id = %(batch_id)s AND user_id = %(user_id)s AND status = 'queued'
"""

# The document has the effective prompt too, for every strategy: it outlives its batch (R16).
_SAVE_PROMPT = """
WITH job AS (
    UPDATE extraction_jobs
    SET extraction_prompt = %(prompt)s, document_type = coalesce(%(document_type)s::text, document_type),
        extraction_options = extraction_options || coalesce(%(found)s::jsonb, '{}')
    WHERE id = %(job_id)s AND user_id = %(user_id)s AND status IN ('queued', 'processing')
    RETURNING document_id, user_id
)
UPDATE documents
SET extraction_prompt = %(prompt)s, prompt_source = %(source)s::prompt_source,
    document_type = coalesce(%(document_type)s::text, documents.document_type)
FROM job
WHERE documents.id = job.document_id AND documents.user_id = job.user_id
"""

# A result that is taken over costs no page of those that were reserved. The row joins itself to tell how many those were: the job is
# locked, so nobody else moves it meanwhile.
# Of a lone document there is no batch to count in; counting the counted ones waits for them all the same.
_COMMIT = """
WITH answer AS (
    SELECT * FROM jsonb_to_record(%(answer)s::jsonb) AS answer (
        document_type text, provider text, model text, schema_version text,
        data jsonb, fields jsonb, flags jsonb, input_tokens integer, output_tokens integer,
        cached_tokens integer, thinking_tokens integer, estimated_cost numeric,
        reuse_key text, reused_from uuid
    )
), job AS (
    UPDATE extraction_jobs AS job
    SET status = 'completed', finished_at = now(), document_type = answer.document_type,
        provider = answer.provider, model = answer.model,
        input_tokens = answer.input_tokens, output_tokens = answer.output_tokens
    FROM answer
    WHERE job.id = %(job_id)s AND job.user_id = %(user_id)s AND job.status IN ('queued', 'processing')
    RETURNING job.id, job.user_id, job.document_id, job.batch_id, job.attempt
), entry AS (
    UPDATE page_ledger AS entry
    SET state = 'committed', reused_from = answer.reused_from,
        pages = CASE WHEN answer.reused_from IS NULL THEN entry.pages ELSE 0 END
    FROM job, answer, page_ledger AS held
    WHERE entry.job_id = job.id AND entry.user_id = job.user_id AND entry.state = 'reserved' AND held.id = entry.id
    RETURNING entry.usage_id, entry.pages, held.pages AS reserved
), result AS (
    INSERT INTO extracted_data (
        user_id, document_id, extraction_job_id, pages,
        document_type, provider, model, schema_version, data, fields, flags, input_tokens, output_tokens,
        cached_tokens, thinking_tokens, estimated_cost, reuse_key, reused_from
    )
    SELECT job.user_id, job.document_id, job.id, entry.pages,
           answer.document_type, answer.provider, answer.model, answer.schema_version,
           answer.data, answer.fields, answer.flags, answer.input_tokens, answer.output_tokens,
           -- The previous version of a worker may have put the answer into storage: it says no more than these two.
           coalesce(answer.cached_tokens, 0), coalesce(answer.thinking_tokens, 0), answer.estimated_cost,
           answer.reuse_key, answer.reused_from
    FROM job, entry, answer
    RETURNING document_id, user_id, document_type, pages
), document AS (
    UPDATE documents AS document
    SET status = 'completed', error_code = NULL, document_type = result.document_type,
        pages_charged = document.pages_charged + result.pages, review = NULL,
        concerns = CASE WHEN coalesce(document.prompt_source, 'auto') = 'auto'
                   THEN %(concerns)s::text[] ELSE %(concerns_asked_for)s::text[] END
    FROM result
    WHERE document.id = result.document_id AND document.user_id = result.user_id
    RETURNING document.id
), words AS (
    INSERT INTO document_words (user_id, word, document_id)
    SELECT job.user_id, found.word, document.id
    FROM job, document, unnest(%(words)s::text[]) AS found (word)
    ON CONFLICT DO NOTHING
), batch AS (
    UPDATE extraction_batches AS batch SET completed_count = batch.completed_count + 1
    FROM job, document
    WHERE batch.id = job.batch_id AND batch.user_id = job.user_id
    RETURNING batch.id
), counted AS (
    SELECT count(*) AS batches FROM batch
), period AS (
    UPDATE user_usage AS period
    SET pages_reserved = period.pages_reserved - entry.reserved, pages_processed = period.pages_processed + entry.pages
    FROM job, entry, document, counted
    WHERE period.id = entry.usage_id AND period.user_id = job.user_id AND counted.batches >= 0
    RETURNING period.id
)
SELECT (SELECT count(*) FROM job) AS jobs, (SELECT count(*) FROM entry) AS entries, (SELECT count(*) FROM period) AS periods,
       (SELECT earlier.document_id FROM extracted_data AS earlier
        JOIN job ON job.document_id = earlier.document_id AND job.user_id = earlier.user_id
        WHERE job.attempt > 1 LIMIT 1) AS read_before
"""

_ATTEMPT_BEFORE = """
SELECT earlier.id
FROM extraction_jobs AS job
JOIN extraction_jobs AS earlier
  ON earlier.document_id = job.document_id AND earlier.user_id = job.user_id AND earlier.attempt < job.attempt
WHERE job.id = %(job_id)s AND job.user_id = %(user_id)s AND earlier.status IN ('failed', 'cancelled')
ORDER BY earlier.attempt DESC
LIMIT 1
"""

_REUSABLE = """
SELECT document_id, extraction_job_id
FROM extracted_data
WHERE user_id = %(user_id)s AND reuse_key = %(reuse_key)s AND reused_from IS NULL AND extraction_job_id IS NOT NULL
  AND review IS DISTINCT FROM 'rejected'
ORDER BY created_at DESC
LIMIT 1
"""

_END_OF = """
SELECT status, error_code FROM extraction_jobs WHERE id = %(job_id)s AND user_id = %(user_id)s
"""


@dataclass(frozen=True, slots=True)
class Work:
    """A live job with its document, and its batch's wishes: what resolving the prompt and extracting need to know."""

    user_id: str
    prompt: str | None
    options: dict[str, Any]
    document_type: str | None
    document_prompt: str | None
    prompt_source: PromptSource | None
    known_type: str | None
    """The type that an earlier attempt found."""
    storage_path: str
    sha256: str
    mime_type: str
    page_count: int
    strategy: PromptStrategy | None
    """None for a lone document."""
    batch_prompt: str | None


@dataclass(frozen=True, slots=True)
class ChosenPrompt:
    """The effective prompt of a job, and the type where that is known."""

    text: str
    source: PromptSource
    document_type: str | None = None


@dataclass(frozen=True, slots=True)
class Confirming:
    """What confirming a job's reservation needs to know. The job is locked."""

    work: Work
    status: ExtractionStatus
    error_code: str | None
    document_id: UUID
    batch_id: UUID | None
    batch_status: BatchStatus | None
    cancel_requested: bool
    paused: bool
    entry_state: LedgerState | None


async def lock_to_confirm(connection: ServiceConnection, user_id: str, job_id: UUID) -> Confirming | None:
    """The job, locked: two runs of one step happen one after the other. None when it or its document is gone."""
    row = await connection.one(_CONFIRM, job_id=job_id, user_id=user_id)
    if row is None:
        return None
    return Confirming(
        work=_work(user_id, row),
        status=ExtractionStatus(row.status),
        error_code=row.error_code,
        document_id=row.document_id,
        batch_id=row.batch_id,
        batch_status=None if row.batch_status is None else BatchStatus(row.batch_status),
        cancel_requested=bool(row.cancel_requested),
        paused=bool(row.paused),
        entry_state=None if row.entry_state is None else LedgerState(row.entry_state),
    )


async def start(connection: ServiceConnection, user_id: str, job_id: UUID, prompt: ChosenPrompt | None) -> None:
    """Job and document queued -> processing; a document that is being read again keeps `completed`."""
    await connection.run(
        _START,
        job_id=job_id,
        user_id=user_id,
        prompt=None if prompt is None else prompt.text,
        source=None if prompt is None else prompt.source.value,
        document_type=None if prompt is None else prompt.document_type,
    )


async def start_batch(connection: ServiceConnection, user_id: str, batch_id: UUID) -> None:
    """queued -> processing, with the first of its documents."""
    await connection.run(_START_BATCH, batch_id=batch_id, user_id=user_id)


async def read(connection: ServiceConnection, user_id: str, job_id: UUID) -> Work | None:
    """A live job; None when it, or its document, is gone or it has ended."""
    row = await connection.one(_READ, job_id=job_id, user_id=user_id)
    return None if row is None else _work(user_id, row)


def _work(user_id: str, row: Any) -> Work:
    return Work(
        user_id=user_id,
        prompt=row.extraction_prompt,
        options=row.extraction_options,
        document_type=row.document_type,
        document_prompt=row.document_prompt,
        prompt_source=None if row.prompt_source is None else PromptSource(row.prompt_source),
        known_type=row.known_type,
        storage_path=row.storage_path,
        sha256=row.sha256,
        mime_type=row.mime_type,
        page_count=row.page_count,
        strategy=None if row.prompt_strategy is None else PromptStrategy(row.prompt_strategy),
        batch_prompt=row.batch_prompt,
    )


async def save_prompt(
    connection: ServiceConnection,
    user_id: str,
    job_id: UUID,
    prompt: ChosenPrompt,
    found: Mapping[str, Any] | None = None,
) -> None:
    """Write the effective prompt, and the type where it is known, on a live job and its document. `found` joins the job's options."""
    await connection.run(
        _SAVE_PROMPT,
        job_id=job_id,
        user_id=user_id,
        prompt=prompt.text,
        source=prompt.source.value,
        document_type=prompt.document_type,
        found=None if found is None else json.dumps(found),
    )


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit changed: all of it or nothing but the job, which is for the caller to refuse."""

    job: bool
    entry: bool
    period: bool
    read_before: UUID | None
    """The document, when it had a result already: what people said about that one is not settled yet."""


async def commit(
    connection: ServiceConnection,
    user_id: str,
    job_id: UUID,
    answer: str,
    *,
    concerns: list[str],
    concerns_asked_for: list[str],
    words: list[str],
) -> Committed:
    """Result, ledger, statuses and counters of a live job that holds a reservation. `answer`: the stored extraction, JSON.

    `concerns` are those of a document whose type decided on its fields, `concerns_asked_for` those of one whose prompt did;
    `words` those by which it is found.
    """
    row = await connection.one(
        _COMMIT,
        job_id=job_id,
        user_id=user_id,
        answer=answer,
        concerns=concerns,
        concerns_asked_for=concerns_asked_for,
        words=words,
    )
    assert row is not None
    return Committed(job=row.jobs == 1, entry=row.entries == 1, period=row.periods == 1, read_before=row.read_before)


async def attempt_before(connection: ServiceConnection, user_id: str, job_id: UUID) -> UUID | None:
    """The last attempt at the same document that did not complete; None for a first one."""
    row = await connection.one(_ATTEMPT_BEFORE, job_id=job_id, user_id=user_id)
    return None if row is None else UUID(str(row.id))


@dataclass(frozen=True, slots=True)
class Source:
    """A result that answers the same question."""

    document_id: UUID
    job_id: UUID


async def reusable(connection: ServiceConnection, user_id: str, reuse_key: str) -> Source | None:
    """The newest result of this user with this key that was not itself taken over, and that nobody rejected."""
    row = await connection.one(_REUSABLE, user_id=user_id, reuse_key=reuse_key)
    return None if row is None else Source(row.document_id, row.extraction_job_id)


async def end_of(
    connection: ServiceConnection, user_id: str, job_id: UUID
) -> tuple[ExtractionStatus, str | None] | None:
    """How a job ended, with its error code; None when it is gone."""
    row = await connection.one(_END_OF, job_id=job_id, user_id=user_id)
    return None if row is None else (ExtractionStatus(row.status), row.error_code)
