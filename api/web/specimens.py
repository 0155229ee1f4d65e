"""Invented things for the design page to show: what its components are drawn from on the pages themselves."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from api.schemas.metrics import Summary
from api.schemas.results import Evidence, ResultField
from api.web.batch_lines import BatchLine
from api.web.review_form import Control
from api.web.timeline import timeline
from ingestio.db.batches import BatchRow
from ingestio.db.jobs import EndedJobs
from ingestio.db.metrics import AttemptCount
from ingestio.domain.batches import BatchStatus, ExtractionStatus, PromptStrategy
from ingestio.domain.evidence import FieldState

_BEGUN = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
_DAYS = [date(2026, 11, 1) + timedelta(days=number) for number in range(30)]


def _batch(number: int, name: str, status: BatchStatus, *, completed: int, failed: int, cancelled: int) -> BatchLine:
    return BatchLine(
        BatchRow(
            id=UUID(int=number),
            user_id="",
            name=name,
            status=status,
            paused=False,
            cancel_requested=False,
            all_or_nothing=False,
            prompt_strategy=PromptStrategy.AUTO,
            extraction_prompt=None,
            document_count=120,
            completed_count=completed,
            failed_count=failed,
            cancelled_count=cancelled,
            total_pages=1204,
            created_at=_BEGUN,
            updated_at=_BEGUN,
            completed_at=None,
        ),
        refused=(),
    )


RUNNING_BATCH = _batch(1, "October invoices", BatchStatus.PROCESSING, completed=70, failed=5, cancelled=1)
ENDED_BATCH = _batch(2, "Receipts", BatchStatus.PARTIALLY_COMPLETED, completed=115, failed=5, cancelled=0)

TIMELINE = timeline(
    _BEGUN,
    _BEGUN + timedelta(seconds=79),
    [
        EndedJobs(part, status, jobs)
        for part in range(40)
        for status, jobs in (
            (ExtractionStatus.COMPLETED, 2 + part * 7 % 4),
            (ExtractionStatus.FAILED, int(part % 4 == 1)),
            (ExtractionStatus.CANCELLED, int(part == 39)),
        )
        if jobs
    ],
    2,
)

SUMMARY = Summary.of(
    _DAYS,
    [
        AttemptCount(day, status, "invoice", None, documents, 2 * documents, _BEGUN)
        for number, day in enumerate(_DAYS)
        if day.weekday() < 5
        for status, documents in (
            (ExtractionStatus.COMPLETED, 20 + number * 13 % 17),
            (ExtractionStatus.FAILED, number % 3),
            (ExtractionStatus.CANCELLED, int(number == 11)),
            (ExtractionStatus.PROCESSING, 6 if number == 29 else 0),
        )
        if documents
    ],
    running_batches=1,
)

FIELDS = [
    ResultField(
        path="invoice_number",
        value="HP-104482",
        state=FieldState.SUPPORTED,
        confidence=0.98,
        evidence=[Evidence(page=1, quote="HP-104482", box=(300, 30, 380, 46))],
    ),
    ResultField(path="due_date", value=None, state=FieldState.NOT_FOUND, confidence=0, evidence=[]),
    ResultField(path="currency", value="EUR", state=FieldState.UNSUPPORTED, confidence=0.4, evidence=[]),
    ResultField(
        path="total_amount",
        value="1204.00",
        state=FieldState.SUPPORTED,
        confidence=0.9,
        reviewed=True,
        machine_value="1264.00",
        evidence=[Evidence(page=1, quote="1,264.00", box=(320, 150, 380, 166))],
    ),
]
CONTROLS = {item.path: Control("text") for item in FIELDS}
