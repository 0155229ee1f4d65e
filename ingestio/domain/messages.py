"""What crosses Temporal: one frozen dataclass in, one out, with ids, counts and codes only.

Histories are readable by operators and kept for days, so no document text, prompt or personal data is ever in here (R70). Every field
that is added later needs a default, because runs that were started by older code are still open.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from ingestio.domain.batches import BatchStatus, DocumentStatus, ExtractionStatus
from ingestio.domain.fields import ModelUsage
from ingestio.domain.windows import PageWindow


@dataclass(frozen=True, slots=True)
class BatchInput:
    """Starts, or continues, the run of one batch."""

    batch_id: str
    user_id: str
    plan: str
    tagged: bool = True
    """Whether the server knows our search attributes; starting with unknown ones is refused."""
    after_position: int = -1
    """Jobs up to this position were taken by an earlier run of the chain."""
    stragglers: list["JobRef"] = field(default_factory=list)
    """Jobs whose documents an earlier run of the chain started and did not see end; at most a window of them."""
    upcoming: "ManifestPage | None" = None
    """What an earlier run of the chain had read of the manifest and not started: at most a window of jobs, so that this one need not look
    before it starts the first. None: look."""
    documents_per_run: int | None = None
    """After so many documents the run continues as new; None: the usual number, `workflows.options` has it."""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """How a batch's run ended. `status` is what Postgres says, not what the workflow counted."""

    status: BatchStatus
    completed: int
    failed: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """The answer to the `progress` query."""

    running: int
    waiting: int
    paused: bool
    waiting_for: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentInput:
    """Starts the extraction of one document: one attempt, one job. `batch_id` None for a lone document, whose position is 0."""

    job_id: str
    document_id: str
    user_id: str
    attempt: int
    batch_id: str | None = None
    plan: str = "starter"
    tagged: bool = True
    position: int = 0


@dataclass(frozen=True, slots=True)
class DocumentOutcome:
    """How one attempt ended; `code` says why when it did not complete.

    `queued_for_processing` is no end: its batch was paused before it began, so it stepped back.
    """

    status: DocumentStatus
    code: str | None = None


@dataclass(frozen=True, slots=True)
class JobRef:
    """One live job of a batch, by ids, in document order."""

    job_id: str
    document_id: str
    attempt: int
    position: int


@dataclass(frozen=True, slots=True)
class DocumentEnded:
    """What a document tells its batch when the run that started it is gone."""

    job_id: str


@dataclass(frozen=True, slots=True)
class ManifestRequest:
    """Asks for live jobs of a batch after a position, at most `limit` of them."""

    batch_id: str
    user_id: str
    after_position: int
    limit: int


@dataclass(frozen=True, slots=True)
class ManifestPage:
    """Live jobs in document order, and what an operator wants of the batch now."""

    jobs: list[JobRef] = field(default_factory=list)
    cancel_requested: bool = False
    paused: bool = False
    remaining: int = 0
    """Live jobs after this page's last."""
    strategy: str | None = None
    """The batch's prompt strategy; with the two counts, for operators to see."""
    documents: int = 0
    pages: int = 0
    reader: "Reader | None" = None
    """Who reads documents now: they are best off on the queue where their reading waits. None: a worker of an earlier version looked."""


@dataclass(frozen=True, slots=True)
class BatchRef:
    """One batch of one user."""

    batch_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class PauseWish:
    """Somebody wants a batch to pause, or to go on."""

    batch_id: str
    user_id: str
    paused: bool


@dataclass(frozen=True, slots=True)
class JobsCancelled:
    """The jobs of a batch that were cancelled while they ran: their documents' runs are still to be told."""

    running: list[JobRef] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BatchSettled:
    """What finishing found: live jobs that are still open, or none and the final status."""

    open_jobs: int
    status: BatchStatus
    completed: int = 0
    failed: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One step of one job."""

    job_id: str
    user_id: str


class Reader(StrEnum):
    """Who reads documents, and so which task queue their long steps wait in."""

    CORES = "cores"
    """The offline engine: bound by this machine's cores."""
    SERVICE = "service"
    """A model's service: waited for, and asked no more often than it allows."""


@dataclass(frozen=True, slots=True)
class QuotaConfirmed:
    """Whether the job may go on: its pages are reserved, or `code` says why not; `finished` when the job ended before, `held` while its
    batch is paused: nothing has begun, and nothing may.
    """

    may_run: bool
    code: str | None = None
    finished: DocumentStatus | None = None
    pages: int = 0
    model_timeout_seconds: float = 120.0
    reader: Reader = Reader.SERVICE
    held: bool = False
    whole_pages: int | None = None
    """A longer document is read in parts; None: whoever reads takes any document whole, and only whole."""
    bulk: bool = False
    """The job asks for the bulk lane, and whoever reads has one."""
    needs_classification: bool | None = None
    """Whether the document must be classified before its prompt is known; None from a worker of an earlier version, which settled the
    prompt in a step of its own."""


@dataclass(frozen=True, slots=True)
class PromptResolved:
    """Whether a prompt stands on the job now, or the document must be classified first."""

    needs_classification: bool


@dataclass(frozen=True, slots=True)
class Classified:
    """The type that was found; its default prompt is saved on the document."""

    document_type: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """The answer is in storage under a key that follows from the job id, and committed.

    `outcome` None: a worker of an earlier version read the document, and left the commit to a step of its own.
    """

    document_type: str
    input_tokens: int
    output_tokens: int
    outcome: DocumentOutcome | None = None


class BulkState(StrEnum):
    """Where a document stands that was meant for the bulk lane."""

    WAITING = "waiting"
    DONE = "done"
    ENDED = "ended"
    """It will not be read there."""


@dataclass(frozen=True, slots=True)
class BulkSeen:
    """`done`: the answer is in storage under a key that follows from the job id. Waiting ends `deadline_seconds` after it was sent, the
    first pause is `poll_seconds`."""

    state: BulkState
    deadline_seconds: float = 0.0
    poll_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class PartsWanted:
    """Asks in which windows a job's document is to be read, each of at most `window_pages`; None: the reader's usual number."""

    job_id: str
    user_id: str
    window_pages: int | None = None


@dataclass(frozen=True, slots=True)
class PartsPlanned:
    """The windows, in page order; together they hold every page, or there are none because an earlier answer was taken over.

    `overlap`: narrower ones may share a page too.
    """

    windows: list[PageWindow]
    overlap: bool = True


@dataclass(frozen=True, slots=True)
class PartWanted:
    """One window of a job's document."""

    job_id: str
    user_id: str
    window: PageWindow


@dataclass(frozen=True, slots=True)
class PartRead:
    """The window's answer is in storage under a key that follows from job and window, unless it was `cut_off` at the model's limit."""

    cut_off: bool
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    thinking_tokens: int = 0
    estimated_cost: str | None = None

    @property
    def usage(self) -> ModelUsage:
        return _usage(self)


@dataclass(frozen=True, slots=True)
class MergeWanted:
    """All windows of a job whose answers are in storage, and the tokens that reading took, wider windows that were given up included."""

    job_id: str
    user_id: str
    windows: list[PageWindow]
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    thinking_tokens: int = 0
    estimated_cost: str | None = None

    @property
    def usage(self) -> ModelUsage:
        return _usage(self)


@dataclass(frozen=True, slots=True)
class PartsMerged:
    """The whole answer is in storage, unless rows of some pages are in none of the answers: then nothing is."""

    incomplete_pages: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class JobEnding:
    """Ends a job without a result: `failed` or `cancelled`, with the reason."""

    job_id: str
    user_id: str
    code: str


@dataclass(frozen=True, slots=True)
class UserRef:
    """A user, by id."""

    user_id: str


@dataclass(frozen=True, slots=True)
class WorkEnded:
    """What of a user's work was stopped, and how many batches and jobs are still on their way to their end."""

    batches: int
    documents: int
    still_open: int


@dataclass(frozen=True, slots=True)
class AccountErased:
    """What an erasure removed, in numbers."""

    objects: int


@dataclass(frozen=True, slots=True)
class DeliveryRef:
    """One event on its way to one endpoint of one user."""

    delivery_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class DeliveryEnding:
    """Ends a delivery without another attempt."""

    delivery_id: str
    user_id: str
    status: ExtractionStatus


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """Where a delivery stands after a step; `pause_seconds` until the next attempt, None when there is none."""

    status: ExtractionStatus
    attempts: int = 0
    pause_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ExportInput:
    """Starts the making of one export."""

    export_id: str
    user_id: str
    plan: str = "starter"
    tagged: bool = True


@dataclass(frozen=True, slots=True)
class ExportRef:
    """One export of one user."""

    export_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class ExportEnding:
    """Ends an export without a file, with the reason."""

    export_id: str
    user_id: str
    code: str


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """How an export ended, as its row says; `documents` and `size_bytes` of its file."""

    status: ExtractionStatus
    documents: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class StripeEventRef:
    """An event in the inbox of Stripe's webhooks, by id."""

    event_id: str


def _usage(message: PartRead | MergeWanted) -> ModelUsage:
    return ModelUsage(
        message.input_tokens,
        message.output_tokens,
        message.cached_tokens,
        message.thinking_tokens,
        message.estimated_cost,
    )
