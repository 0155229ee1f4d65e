"""What the service answers, typed. Ids are texts, times are aware, amounts inside `data` are decimal strings.

Fields may be added to the contract at any time: one that is not named here is an attribute all the same, as it came. Statuses are closed
sets, by which programs decide; codes, types and events may grow, and are plain texts.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ingestio.domain.batches import BatchStatus, DocumentStatus, ExtractionStatus, PromptSource, PromptStrategy
from ingestio.domain.evidence import FieldState
from ingestio.domain.exports import ExportFormat, ExportValues
from ingestio.domain.plans import Membership
from ingestio.domain.reviews import RevisionKind

Verdict = Literal["pending", "approved", "rejected"]
Scalar = str | int | float | bool | None


class Answer(BaseModel):
    """Read from the wire, never changed afterwards."""

    # Built when first needed: a program needs a few of them, and should start at once.
    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)


class RefusedFile(Answer):
    """A file that was not accepted, and why."""

    filename: str
    client_id: str
    code: str
    message: str


class Batch(Answer):
    """Documents that were submitted together. Refused files count as failed from the submission on."""

    id: str
    name: str | None
    status: BatchStatus
    paused: bool
    prompt_strategy: PromptStrategy
    extraction_prompt: str | None
    document_count: int
    completed_count: int
    failed_count: int
    cancelled_count: int
    total_pages: int
    all_or_nothing: bool
    refused_files: tuple[RefusedFile, ...]
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    workflow_id: str | None

    @property
    def has_ended(self) -> bool:
        return self.status.is_terminal


class Progress(Answer):
    """Documents that run and wait, and what the batch itself waits for."""

    running: int
    waiting: int
    paused: bool
    waiting_for: str | None


class QuotedFile(Answer):
    """One accepted file of a draft, and whether its pages would be reserved."""

    document_id: str
    client_id: str | None
    filename: str
    pages: int
    fits: bool


class Quote(Answer):
    """What submitting a draft now would do. Page figures are None where the plan is unlimited."""

    documents: int
    pages: int
    refused_files: tuple[RefusedFile, ...]
    pages_remaining: int | None
    pages_after: int | None
    fits: bool
    documents_that_fit: int
    files: tuple[QuotedFile, ...]


class DocumentError(Answer):
    """Why a document failed or was cancelled."""

    code: str
    message: str


class Document(Answer):
    """One uploaded file. `position` is its place among the files of its batch, from 0; lists hold 200 characters of its prompt."""

    id: str
    batch_id: str | None
    client_id: str | None
    position: int
    filename: str
    mime_type: str
    size_bytes: int
    page_count: int
    status: DocumentStatus
    document_type: str | None
    prompt: str | None
    prompt_source: PromptSource | None
    error: DocumentError | None
    pages_charged: int
    attempt: int
    review: Verdict
    concerns: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    """When it is deleted unless something happens to it until then; None where the plan keeps for ever, and while it is under way."""

    @property
    def has_ended(self) -> bool:
        return self.status.is_terminal


class Evidence(Answer):
    """Where a value was seen: the page from 1, the words, and x0, y0, x1, y1 in PDF points from the page's top left."""

    page: int
    quote: str
    box: tuple[float, float, float, float] | None


class ResultField(Answer):
    """One value at a path such as `line_items[0].amount`. Where it is `reviewed`, `machine_value` is what was read."""

    path: str
    value: Scalar
    state: FieldState
    confidence: float
    reviewed: bool
    machine_value: Scalar
    evidence: tuple[Evidence, ...]


class ResultUsage(Answer):
    """What the extraction cost."""

    pages: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    thinking_tokens: int
    estimated_cost: str | None


class Result(Answer):
    """What a document holds: `data` as one object, `fields` with the evidence of each value. `revision` is named by who corrects it."""

    document_id: str
    document_type: str
    provider: str
    model: str
    revision: int
    review: Verdict
    data: dict[str, Any]
    fields: tuple[ResultField, ...]
    flags: tuple[Any, ...]
    usage: ResultUsage
    reused_from: str | None


class Revision(Answer):
    """One value that changed, or one decision (then `path` is None)."""

    id: str
    revision: int
    kind: RevisionKind
    path: str | None
    before: Any
    after: Any
    by: str
    created_at: datetime


class ExportError(Answer):
    """Why there is no file."""

    code: str
    message: str


class Export(Answer):
    """Results as a file, kept for a week. `url` opens it for an hour without signing in."""

    id: str
    batch_id: str | None
    status: ExtractionStatus
    format: ExportFormat
    values: ExportValues
    explode: bool
    provenance: bool
    bom: bool
    document_count: int
    documents_written: int
    size_bytes: int | None
    filename: str
    error: ExportError | None
    url: str | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    workflow_id: str

    @property
    def has_ended(self) -> bool:
        return self.status not in (ExtractionStatus.QUEUED, ExtractionStatus.PROCESSING)


class Endpoint(Answer):
    """A place that is told of events; no `events` are all of them."""

    id: str
    url: str
    events: tuple[str, ...]
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: str | None
    failing_since: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class EndpointWithSecret(Endpoint):
    """An endpoint with the secret that signs what it gets, which is shown once."""

    secret: str


class DeliveryAttempt(Answer):
    """One request, and what came back; without an answer `error` says why."""

    at: datetime
    milliseconds: int
    request: dict[str, str]
    status: int | None
    response: dict[str, str] | None
    error: str | None


class Delivery(Answer):
    """One event on its way to one endpoint."""

    id: str
    endpoint_id: str
    event_type: str
    payload: dict[str, Any]
    status: ExtractionStatus
    attempts: int
    response_status: int | None
    log: tuple[DeliveryAttempt, ...]
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookMessage(Answer):
    """An event as an endpoint gets it, with ids and counts in `data`. `id` stays the same when it is sent again."""

    id: str
    type: str
    timestamp: datetime
    data: dict[str, Any]


class Usage(Answer):
    """The current billing period. None among pages is unlimited."""

    plan: Membership
    subscription_status: str | None
    period_start: datetime
    period_end: datetime
    pages_limit: int | None
    pages_processed: int
    pages_reserved: int
    pages_remaining: int | None


class Plan(Answer):
    """What a plan allows; None is unlimited, and no `batch_documents` (0) are single documents only."""

    name: Membership
    pages: int | None
    batch_documents: int | None
    file_mb: int | None
    uploads_per_hour: int | None
    extractions_per_hour: int | None
    requests_per_minute: int | None
    retention_days: int | None = None


class Plans(Answer):
    """Every plan, and the limits that hold for the caller."""

    items: tuple[Plan, ...]
    current: Plan


class Account(Answer):
    """The caller's own account."""

    user_id: str
    email: str | None
    full_name: str | None
    avatar_url: str | None
    plan: Membership
    subscription_status: str | None
    created_at: datetime


class ApiKey(Answer):
    """A key as lists show it: never the key itself, only how it begins."""

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    last_used_at: datetime | None
    created_at: datetime


class MadeApiKey(ApiKey):
    """A key that was made just now: the whole of it, which is shown once."""

    key: str
