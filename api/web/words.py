"""What pages call things: one word and one shape for each state, and what to do about each failure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from api.web.fields import field_id, field_label
from ingestio.db.batches import BatchRow
from ingestio.db.documents import DocumentRow
from ingestio.db.revisions import RevisionRow
from ingestio.db.usage import Receipt
from ingestio.db.webhooks import EndpointRow
from ingestio.domain.api_keys import Scope
from ingestio.domain.batches import BatchStatus, DocumentStatus, ExtractionStatus, LedgerState, PromptStrategy
from ingestio.domain.concerns import Concern
from ingestio.domain.exports import ExportLayout, ExportValues
from ingestio.domain.media import MediaType
from ingestio.domain.reviews import ReviewDecision, RevisionKind
from ingestio.domain.text import Hiding
from ingestio.domain.webhooks import DISABLED_MESSAGES, DisabledReason
from ingestio.errors import FAILURE_MESSAGES, FailureCode, RefusalCode


class State(NamedTuple):
    """A state's word, its shape in icons.svg, and the tone that the style sheet gives it."""

    word: str
    shape: str
    tone: str


DRAFT = State("Draft", "state-draft", "quiet")
QUEUED = State("Queued", "state-queued", "quiet")
RUNNING = State("Processing", "state-running", "running")
PAUSED = State("Paused", "state-paused", "quiet")
COMPLETED = State("Completed", "state-completed", "good")
PARTIAL = State("Partially completed", "state-partial", "warning")
FAILED = State("Failed", "state-failed", "bad")
CANCELLED = State("Cancelled", "state-cancelled", "quiet")
CANCELLING = State("Cancelling", "state-cancelled", "quiet")

BATCH_STATES = {
    BatchStatus.PENDING_UPLOAD: DRAFT,
    BatchStatus.QUEUED: QUEUED,
    BatchStatus.PROCESSING: RUNNING,
    BatchStatus.COMPLETED: COMPLETED,
    BatchStatus.PARTIALLY_COMPLETED: PARTIAL,
    BatchStatus.FAILED: FAILED,
    BatchStatus.CANCELLED: CANCELLED,
}
REVIEW_STATES = {
    ReviewDecision.APPROVED: State("Approved", "state-completed", "good"),
    ReviewDecision.REJECTED: State("Rejected", "state-failed", "bad"),
}
ATTEMPT_STATES = {
    ExtractionStatus.QUEUED: QUEUED,
    ExtractionStatus.PROCESSING: RUNNING,
    ExtractionStatus.COMPLETED: COMPLETED,
    ExtractionStatus.FAILED: FAILED,
    ExtractionStatus.CANCELLED: CANCELLED,
}
CONCERNS = {
    Concern.UNSUPPORTED.value: "a value is not seen on the page",
    Concern.MISSING.value: "a value is missing",
    Concern.LOW_CONFIDENCE.value: "a value is uncertain",
    "pages_without_text": "pages without text",
    "text_truncated": "not read to its end",
    "ambiguous_date": "a date has two readings",
    "type_uncertain": "its type is uncertain",
    "not_verifiable": "values could not be compared with the page",
}
DOCUMENT_STATES = {
    DocumentStatus.UPLOADED: State("Uploaded", "state-draft", "quiet"),
    DocumentStatus.QUEUED_FOR_PROCESSING: QUEUED,
    DocumentStatus.PROCESSING: RUNNING,
    DocumentStatus.COMPLETED: COMPLETED,
    DocumentStatus.FAILED: FAILED,
    DocumentStatus.CANCELLED: CANCELLED,
}
EXPORT_STATES = {
    ExtractionStatus.QUEUED: QUEUED,
    ExtractionStatus.PROCESSING: State("Being made", "state-running", "running"),
    ExtractionStatus.COMPLETED: State("Ready", "state-completed", "good"),
    ExtractionStatus.FAILED: FAILED,
    ExtractionStatus.CANCELLED: CANCELLED,
}
DELIVERY_STATES = {
    ExtractionStatus.QUEUED: QUEUED,
    ExtractionStatus.PROCESSING: State("On its way", "state-running", "running"),
    ExtractionStatus.COMPLETED: State("Delivered", "state-completed", "good"),
    ExtractionStatus.FAILED: State("Given up", "state-failed", "bad"),
    ExtractionStatus.CANCELLED: State("Not sent", "state-cancelled", "quiet"),
}
EXPORT_VALUES = {
    ExportValues.MACHINE: "values as read",
    ExportValues.REVIEWED: "with corrections",
    ExportValues.BOTH: "as read and corrected",
}
LEDGER_STATES = {
    LedgerState.RESERVED: State("Reserved", "state-running", "running"),
    LedgerState.COMMITTED: State("Charged", "state-completed", "good"),
    LedgerState.RELEASED: State("Released, not charged", "state-cancelled", "quiet"),
}
STRATEGIES = {
    PromptStrategy.GLOBAL: "One prompt for all",
    PromptStrategy.PER_DOCUMENT: "A prompt per document",
    PromptStrategy.AUTO: "Detect each type",
}
NEXT_STEPS = {
    FailureCode.QUOTA_EXCEEDED: "Upgrade, or retry when the next period begins",
    FailureCode.PROMPT_MISSING: "Retry with a prompt",
    FailureCode.FILE_MISSING: "Upload it again in a new batch",
    FailureCode.MODEL_UNAVAILABLE: "Retry later",
    FailureCode.MODEL_BLOCKED: "Check what the document holds",
    FailureCode.MODEL_REJECTED: "Ask the operator for the log",
    FailureCode.MODEL_OUTPUT_INVALID: "Retry with a plainer prompt",
    FailureCode.MODEL_OUTPUT_TRUNCATED: "Ask for fewer fields or fewer pages",
    FailureCode.NO_TEXT: "Scan it again, sharper and with more light",
    FailureCode.CANCELLED: "Retry to run it again",
    FailureCode.INTERNAL: "Retry; quote the document id if it stays",
}
REMEDIES = {
    RefusalCode.FILE_TOO_LARGE: "Split it, or make its pictures smaller",
    RefusalCode.UNSUPPORTED_TYPE: "Save it as PDF, PNG, JPEG, TIFF, WebP or HEIC",
    RefusalCode.ENCRYPTED: "Most readers can save a copy without one",
    RefusalCode.CORRUPT: "Open and save it anew, then send it again",
    RefusalCode.NO_PAGES: "Check that the file has pages",
    RefusalCode.TOO_MANY_PAGES: "Split it into smaller files",
    RefusalCode.IMAGE_TOO_LARGE: "Make the picture smaller",
    RefusalCode.PROMPT_MISSING: "Write a prompt for it",
    RefusalCode.PROMPT_INVALID: "Correct its prompt",
    RefusalCode.INVALID_REQUEST: "Check its name and send it again",
}
SCOPE_HINTS = {
    Scope.READ: "Look at batches, documents, results and usage, and download them.",
    Scope.WRITE: "Upload, submit, steer, review and delete.",
    Scope.BILLING: "Begin a checkout and open the billing portal.",
}
SUM_FLAGS = {
    "line_items_do_not_add_up": "The line items add up to {sum}, which is neither the subtotal nor the total.",
    "totals_do_not_add_up": "Subtotal and tax add up to {sum}, which is not the total.",
    "amount_due_differs": "The total less what was paid is {sum}, which is not the amount due.",
    "balances_do_not_add_up": "The opening balance and the transactions add up to {sum}, which is not the closing balance.",
}
HIDINGS = {
    Hiding.INVISIBLE: "drawn invisibly",
    Hiding.PAPER_COLOUR: "in the colour of its background",
    Hiding.TINY: "too small to read",
    Hiding.OFF_PAGE: "beside the page",
    Hiding.COVERED: "behind something else",
    Hiding.CLIPPED: "cut off by its frame",
    Hiding.LAYER: "in a layer that is not shown",
}
_TYPES = {
    MediaType.PDF: "PDF",
    MediaType.PNG: "PNG",
    MediaType.JPEG: "JPEG",
    MediaType.TIFF: "TIFF",
    MediaType.WEBP: "WebP",
    MediaType.HEIC: "HEIC",
}


def batch_state(batch: BatchRow) -> State:
    """A batch's state as people see it: what they asked for counts before the rows have followed."""
    if batch.status in {BatchStatus.QUEUED, BatchStatus.PROCESSING}:
        if batch.cancel_requested:
            return CANCELLING
        if batch.paused:
            return PAUSED
    return BATCH_STATES[batch.status]


def document_state(status: DocumentStatus) -> State:
    """A document's state."""
    return DOCUMENT_STATES[status]


def endpoint_state(endpoint: EndpointRow) -> State:
    """Whether an endpoint is told anything, and whether it gets through."""
    if endpoint.disabled_at is not None:
        return (
            State("Switched off", "state-paused", "quiet")
            if endpoint.disabled_reason == "by_owner"
            else State("Disabled", "state-failed", "bad")
        )
    if endpoint.failing_since is not None:
        return State("Failing", "state-partial", "warning")
    return State("On", "state-completed", "good")


def disabled_words(reason: str | None) -> str:
    """Why an endpoint was disabled."""
    return DISABLED_MESSAGES[DisabledReason(reason or DisabledReason.FAILING)]


def export_words(layout: ExportLayout) -> str:
    """What an export holds, in a few words."""
    further = {"a line for each item": layout.explode, "where each value was read": layout.provenance}
    return ", ".join([EXPORT_VALUES[layout.values], *(words for words, wanted in further.items() if wanted)])


def ledger_state(receipt: Receipt) -> State:
    """What became of reserved pages."""
    if receipt.reused_from is not None:
        return State("Reused, free", "state-completed", "good")
    return LEDGER_STATES[receipt.state]


def next_step(code: str | None) -> str:
    """What to do about a failed document."""
    return NEXT_STEPS[FailureCode(code)] if code is not None and code in FailureCode._value2member_map_ else ""


def failure_message(code: str) -> str:
    """Why a document failed, and that it cost nothing; what to do is `next_step`, which pages set apart."""
    known = FailureCode(code) if code in FailureCode._value2member_map_ else FailureCode.INTERNAL
    why, _, rest = FAILURE_MESSAGES[known].partition(". ")
    return f"{why}. Nothing was charged." if "Nothing was charged" in rest else f"{why}."


def flag_text(flag: Mapping[str, Any]) -> str:
    """What a result warns of."""
    match flag.get("code"):
        case "pages_without_text":
            pages = ", ".join(str(number) for number in flag["pages"])
            return f"No text could be read on page {pages}; nothing was taken from there."
        case "text_truncated":
            return "The document is longer than what could be read at once; values from its end may be missing."
        case "instructions_not_applied":
            return "This engine does not follow free instructions; only the prompt was used."
        case "lane_not_available":
            return "The bulk lane is not set up or was too slow: the document was read as any other."
        case "ambiguous_date":
            label = field_label(str(flag.get("path", "")))
            return f"{label} can be read as more than one date. Compare it with the page."
        case "type_uncertain":
            taken = document_type(flag["document_type"])
            other = f" It may be: {document_type(flag['runner_up'])}." if flag["runner_up"] else ""
            return f"It is not sure what kind of document this is. It was read as: {taken}.{other}"
        case code if code in SUM_FLAGS:
            return SUM_FLAGS[code].format(sum=flag["sum"])
        case "dates_out_of_order":
            first, second = (field_label(str(flag.get(key, ""))) for key in ("before", "path"))
            return f"{second} lies before {first[:1].lower()}{first[1:]}."
        case "check_digits_wrong":
            label = field_label(str(flag.get("path", "")))
            return f"{label} has wrong check digits: it may be misread, or wrong in the document."
        case "currency_differs":
            label, others = field_label(str(flag.get("path", ""))), " or ".join(flag["currencies"][:3])
            return f"{label} is printed in {others}, another currency than the document's."
        case "hidden_text" | "einvoice_mismatch" | "einvoice_only":
            return _unseen_text(flag)
        case code:
            return str(flag.get("message") or f"The result carries the flag {code}.")


def _unseen_text(flag: Mapping[str, Any]) -> str:
    """What is in the file and not on its pages, or otherwise there."""
    if flag["code"] == "einvoice_mismatch":
        label = field_label(str(flag.get("path", "")))
        both = f"the page shows {flag['printed']}, the electronic invoice in the file says {flag['attached']}"
        return f"{label}: {both}. Find out which one holds."
    if flag["code"] == "einvoice_only":
        labels = ", ".join(field_label(str(path)) for path in flag["paths"])
        return f"Only the electronic invoice in the file says this, no page shows it: {labels}."
    pages = ", ".join(str(number) for number in flag["pages"])
    first = flag["places"][0]
    return (
        f"The file holds text that nobody sees on page {pages}, such as “{first['quote']}” ({HIDINGS[Hiding(first['hiding'])]}). "
        "No value rests on it; its places are marked."
    )


def review_state(document: DocumentRow) -> State:
    """What a person decided, or whether one should look."""
    if document.review is not None:
        return REVIEW_STATES[document.review]
    if document.concerns:
        return State("To review", "alert", "warning")
    return State("Not reviewed", "state-draft", "quiet")


def concern_word(code: str) -> str:
    """Why a person should look, in a few words."""
    return CONCERNS.get(code, code.replace("_", " "))


def revision_text(row: RevisionRow) -> str:
    """What one revision changed."""
    before, after = (f"“{value}”" if value not in (None, "") else "nothing" for value in (row.before, row.after))
    match row.kind:
        case RevisionKind.DECISION:
            return f"{str(row.after).capitalize()}."
        case RevisionKind.CORRECTION:
            return f"{field_label(row.path)}: {before} corrected to {after}."
        case RevisionKind.KEPT:
            return f"{field_label(row.path)}: read again as {before}; a person's {after} stays."
        case RevisionKind.EXTRACTION:
            return f"{field_label(row.path)}: read again as {after}; it was {before}."


def summary_of(errors: Mapping[str, str]) -> list[dict[str, str]]:
    """What is wrong with a form of a result, with the way to each control."""
    return [
        {"field": f"{field_id(path)}-value", "message": f"{field_label(path)}: {message}"}
        for path, message in errors.items()
    ]


def remedy(code: str) -> str:
    """What to do about a refused file."""
    return REMEDIES[RefusalCode(code)] if code in RefusalCode._value2member_map_ else ""


def error_advice(status: int, code: str) -> str:
    """What to do about a page that did not come; "" where the detail says it already."""
    return _ADVICE_OF_CODE.get(code) or _ADVICE_OF_STATUS.get(status, "")


def file_type(mime_type: str) -> str:
    """`application/pdf` -> PDF."""
    return _TYPES[MediaType(mime_type)] if mime_type in MediaType._value2member_map_ else mime_type


def document_type(name: str | None) -> str:
    """`bank_statement` -> Bank statement; a dash before it is known."""
    return "–" if name is None else name.replace("_", " ").capitalize()


def batch_name(batch: BatchRow) -> str:
    """Its name, or one that tells it from others."""
    return batch.name or f"Batch {str(batch.id)[:8]}"


_ADVICE_OF_CODE = {
    "foreign_request": "A page that was opened before you last signed in cannot send any more: go back, load it again, then send it.",
    "upgrade_required": "Nothing was charged. The plans say which of them takes this.",
    "subscription_inactive": "What was extracted stays yours to read and to export meanwhile.",
}
_ADVICE_OF_STATUS = {
    404: "Look at the address again. What was deleted is gone, and what belongs to another account is not shown.",
    500: "What was saved before is safe, and batches that run go on. Trying once more may be enough.",
    503: "What was saved before is safe, and batches that run go on by themselves.",
}
EXAMPLES = (
    "Extract the invoice number, the invoice date, the vendor's name, the currency and the total amount",
    "Extract the merchant, the date, every item with its amount, the tax and the total",
    "Extract the parties, the effective date, the term, the notice period and the governing law",
)
"""Prompts to start from."""

WORDS = {
    "examples": EXAMPLES,
    "batch_state": batch_state,
    "batch_word": lambda status: BATCH_STATES[status].word,
    "document_state": document_state,
    "delivery_state": DELIVERY_STATES.__getitem__,
    "disabled_words": disabled_words,
    "endpoint_state": endpoint_state,
    "export_state": EXPORT_STATES.__getitem__,
    "export_words": export_words,
    "attempt_state": ATTEMPT_STATES.__getitem__,
    "review_state": review_state,
    "concern_word": concern_word,
    "revision_text": revision_text,
    "summary_of": summary_of,
    "ledger_state": ledger_state,
    "ledger_word": lambda state: LEDGER_STATES[state].word,
    "strategy_word": STRATEGIES.__getitem__,
    "next_step": next_step,
    "flag_text": flag_text,
    "field_id": field_id,
    "field_label": field_label,
    "failure_message": failure_message,
    "remedy": remedy,
    "error_advice": error_advice,
    "file_type": file_type,
    "type_word": document_type,
    "batch_name": batch_name,
    "scope_hint": SCOPE_HINTS.__getitem__,
}
"""What templates may say."""
