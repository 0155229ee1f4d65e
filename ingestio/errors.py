"""Every error that Ingestio raises on purpose.

    IngestioError                         code, HTTP status, retryable
    |- Unauthenticated                    401
    |- MisdirectedHost                    421
    |- QuotaExceeded                      402
    |- UpgradeRequired                    403
    |- SubscriptionInactive               403
    |- ForeignRequest                     403
    |- InsufficientScope                  403
    |- NotFound                           404  (also for another user's id)
    |  `- ObjectMissing                        the row is there, its stored file is not
    |- Conflict                           409
    |  |- InvalidTransition
    |  |- IdempotencyConflict
    |  |- RevisionConflict
    |  `- ResultNotReady
    |- BatchTooLarge                      413
    |- InvalidRequest                     422  with errors per field
    |- FileRefused                        413 / 415 / 422, a code per reason
    |- RateLimited                        429  with Retry-After
    |- Unavailable                        503  with Retry-After
    |- ExportTooLarge                     no status of its own: the reason an export ends `failed`
    |- DocumentFailed                     no status of its own: the reason a document ends `failed`
    |  `- ModelError                      what a model provider answered, already typed
    `- ConfigurationError                 stops the start, names the variable

A refused file and an unsupported value are outcomes, not exceptions, wherever they can be returned; the classes here serve the
places that must unwind. Messages name the thing, the limit and what to do, never document text, prompts, keys or tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class RefusalCode(StrEnum):
    """Why a file was refused before it could reach extraction (R42)."""

    FILE_TOO_LARGE = "file_too_large"
    UNSUPPORTED_TYPE = "unsupported_type"
    ENCRYPTED = "encrypted"
    CORRUPT = "corrupt"
    NO_PAGES = "no_pages"
    TOO_MANY_PAGES = "too_many_pages"
    IMAGE_TOO_LARGE = "image_too_large"
    PROMPT_MISSING = "prompt_missing"
    PROMPT_INVALID = "prompt_invalid"
    INVALID_REQUEST = "invalid_request"


class FailureCode(StrEnum):
    """Why a document that was accepted ended `failed` or `cancelled`."""

    QUOTA_EXCEEDED = "quota_exceeded"
    PROMPT_MISSING = "prompt_missing"
    FILE_MISSING = "file_missing"
    MODEL_UNAVAILABLE = "model_unavailable"
    MODEL_BLOCKED = "model_blocked"
    MODEL_REJECTED = "model_rejected"
    MODEL_OUTPUT_INVALID = "model_output_invalid"
    MODEL_OUTPUT_TRUNCATED = "model_output_truncated"
    NO_TEXT = "no_text"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


FAILURE_MESSAGES: dict[FailureCode, str] = {
    FailureCode.QUOTA_EXCEEDED: "The pages left in this period do not cover this document. Upgrade the plan, or retry next period.",
    FailureCode.PROMPT_MISSING: "This document has no prompt. Retry with one.",
    FailureCode.FILE_MISSING: "The stored file could not be read. Upload it again.",
    FailureCode.MODEL_UNAVAILABLE: "The model did not answer for too long. Nothing was charged; retry later.",
    FailureCode.MODEL_BLOCKED: "The model's safety rules blocked this document. Nothing was charged.",
    FailureCode.MODEL_REJECTED: "The model refused the request. Nothing was charged; an operator can see why in the log.",
    FailureCode.MODEL_OUTPUT_INVALID: "The model's answer did not fit the schema, even after a repair turn. Nothing was charged.",
    FailureCode.MODEL_OUTPUT_TRUNCATED: "The model's answer was cut off. Nothing was charged; ask for fewer fields or fewer pages.",
    FailureCode.NO_TEXT: "No text could be read in the document, not in its pictures either. Nothing was charged.",
    FailureCode.CANCELLED: "Cancelled before it was finished. Nothing was charged.",
    FailureCode.INTERNAL: "Something went wrong on our side. Nothing was charged; retry, and quote the document id if it stays.",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong input: where (a field name, or `prompts.<client id>`) and what to do."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class PlanLimit:
    """A limit that stood in the way: its name in the plan table, its value, whose it is, and the smallest plan that lifts it."""

    name: str
    value: int | None
    plan: str
    lifted_by: str | None


class IngestioError(Exception):
    """Base of everything we raise on purpose. `detail` is safe to show to the caller; `limit` says which limit of a plan it was."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, *, limit: PlanLimit | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.limit = limit


class Unauthenticated(IngestioError):
    """No credential, or one that does not verify."""

    code = "unauthenticated"
    status = 401
    title = "Sign in first"


class MisdirectedHost(IngestioError):
    """The Host header names none of our hosts (DNS rebinding)."""

    code = "misdirected_host"
    status = 421
    title = "Not a host of this service"


class QuotaExceeded(IngestioError):
    """Not enough pages left. `batch_id` names the draft that stays when a whole submission did not fit."""

    code = "quota_exceeded"
    status = 402
    title = "Page quota exceeded"

    def __init__(self, detail: str, *, batch_id: str | None = None, limit: PlanLimit | None = None) -> None:
        super().__init__(detail, limit=limit)
        self.batch_id = batch_id


class UpgradeRequired(IngestioError):
    """The plan does not include this."""

    code = "upgrade_required"
    status = 403
    title = "Upgrade required"


class SubscriptionInactive(IngestioError):
    """The subscription is paused, unpaid or ended."""

    code = "subscription_inactive"
    status = 403
    title = "Subscription inactive"


class ForeignRequest(IngestioError):
    """A write in a browser session that did not come from one of our own pages."""

    code = "foreign_request"
    status = 403
    title = "Not sent by our own page"


class InsufficientScope(IngestioError):
    """The API key was not made for this, or no key is."""

    code = "insufficient_scope"
    status = 403
    title = "Not allowed to this API key"


class NotFound(IngestioError):
    """No such thing for this user; another user's id looks the same."""

    code = "not_found"
    status = 404
    title = "Not found"


class ObjectMissing(NotFound):
    """The storage answers, and holds nothing under this key. Repeating does not bring it back; an outage is `Unavailable`."""

    title = "Stored file missing"


class Conflict(IngestioError):
    """The request does not fit the present state."""

    status = 409


class InvalidTransition(Conflict):
    """The action is not allowed in the present status, which `current` names."""

    code = "invalid_transition"
    title = "Not possible in this status"

    def __init__(self, detail: str, *, current: str) -> None:
        super().__init__(detail)
        self.current = current


class IdempotencyConflict(Conflict):
    """The Idempotency-Key was used before with other content."""

    code = "idempotency_conflict"
    title = "Idempotency key used with other content"


class RevisionConflict(Conflict):
    """Another revision came first; `current` is the one to look at."""

    code = "revision_conflict"
    title = "Changed by someone else"

    def __init__(self, detail: str, *, current: int) -> None:
        super().__init__(detail)
        self.current = current


class ResultNotReady(Conflict):
    """The document has no result yet."""

    code = "result_not_ready"
    title = "Result not ready"


class BatchTooLarge(IngestioError):
    """More documents than the plan allows in one batch."""

    code = "batch_too_large"
    status = 413
    title = "Too many documents"


class InvalidRequest(IngestioError):
    """The input is malformed; `errors` lists each field. `code` may be narrowed to prompt_missing or prompt_invalid."""

    code = "invalid_request"
    status = 422
    title = "Invalid request"

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)


class PromptMissing(InvalidRequest):
    """The strategy needs a prompt that is not there."""

    code = "prompt_missing"
    title = "Prompt missing"


class PromptInvalid(InvalidRequest):
    """A prompt is too long or holds control characters."""

    code = "prompt_invalid"
    title = "Prompt invalid"


_REFUSAL_STATUS = {RefusalCode.FILE_TOO_LARGE: 413, RefusalCode.UNSUPPORTED_TYPE: 415}


class FileRefused(IngestioError):
    """A file that cannot be accepted, with its typed reason."""

    title = "File refused"

    def __init__(self, reason: RefusalCode, detail: str, *, limit: PlanLimit | None = None) -> None:
        super().__init__(detail, limit=limit)
        self.reason = reason

    @property
    def public_status(self) -> int:
        return _REFUSAL_STATUS.get(self.reason, 422)


class RateLimited(IngestioError):
    """Too many requests; try again after `retry_after_seconds`."""

    code = "rate_limited"
    status = 429
    title = "Too many requests"
    retryable = True

    def __init__(self, detail: str, *, retry_after_seconds: int, limit: PlanLimit | None = None) -> None:
        super().__init__(detail, limit=limit)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(IngestioError):
    """A part we depend on is away for the moment; nothing was lost."""

    code = "unavailable"
    status = 503
    title = "Temporarily unavailable"
    retryable = True

    def __init__(self, detail: str, *, retry_after_seconds: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class ExportTooLarge(IngestioError):
    """What was found does not fit into a file of the wanted format."""

    code = "too_large_for_format"
    title = "Too large for the format"


class DocumentFailed(IngestioError):
    """A document cannot be completed, for a reason that repeating does not change."""

    title = "Document failed"

    def __init__(self, reason: FailureCode, detail: str | None = None) -> None:
        super().__init__(detail or FAILURE_MESSAGES[reason])
        self.reason = reason


class ModelError(DocumentFailed):
    """What the model's service answered. Retryable ones carry the delay that the service asked for, in seconds."""

    def __init__(
        self,
        reason: FailureCode,
        detail: str | None = None,
        *,
        retryable: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(reason, detail)
        self.can_retry = retryable
        self.retry_after_seconds = retry_after_seconds


class ConfigurationError(IngestioError):
    """A setting is wrong or contradicts another; `detail` is one line that names the variable."""

    code = "configuration"
    title = "Configuration error"
