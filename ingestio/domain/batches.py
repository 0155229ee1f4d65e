"""Batches and documents as states: which there are, which may follow which, and how a batch's end follows from its documents."""

from enum import StrEnum


class PromptStrategy(StrEnum):
    """How the documents of a batch get their prompts (R6)."""

    GLOBAL = "global"
    PER_DOCUMENT = "per_document"
    AUTO = "auto"


class BatchStatus(StrEnum):
    """A batch from draft to its end (R11)."""

    PENDING_UPLOAD = "pending_upload"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    PARTIALLY_COMPLETED = "partially_completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL_BATCH


class DocumentStatus(StrEnum):
    """A document from upload to its end (R11)."""

    UPLOADED = "uploaded"
    QUEUED_FOR_PROCESSING = "queued_for_processing"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL_DOCUMENT


class ExtractionStatus(StrEnum):
    """One attempt to extract one document; exports use the same words."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PromptSource(StrEnum):
    """Where a document's effective prompt came from."""

    GLOBAL = "global"
    PER_DOCUMENT = "per_document"
    AUTO = "auto"
    REQUEST = "request"


class LedgerState(StrEnum):
    """A page reservation, one way from reserved to committed or released (R50)."""

    RESERVED = "reserved"
    COMMITTED = "committed"
    RELEASED = "released"


_TERMINAL_BATCH = frozenset(
    {BatchStatus.COMPLETED, BatchStatus.PARTIALLY_COMPLETED, BatchStatus.FAILED, BatchStatus.CANCELLED}
)
_TERMINAL_DOCUMENT = frozenset({DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.CANCELLED})


def final_status(*, completed: int, failed: int, cancelled: int) -> BatchStatus:
    """How a batch whose documents have all ended is called (R66). Refused files count as failed.

    Any document that was cancelled makes the whole `cancelled`: somebody stopped it, whatever had finished before.
    """
    if cancelled:
        return BatchStatus.CANCELLED
    if completed and failed:
        return BatchStatus.PARTIALLY_COMPLETED
    return BatchStatus.COMPLETED if completed else BatchStatus.FAILED
