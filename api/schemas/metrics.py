"""A user's last days in figures, on the wire."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from pydantic import BaseModel, Field

from api.schemas.documents import known_code
from ingestio.db.metrics import AttemptCount
from ingestio.domain.batches import ExtractionStatus
from ingestio.errors import FAILURE_MESSAGES, FailureCode


class Day(BaseModel):
    """What was submitted on one day (UTC), by how it stands now. A retry counts as submitted anew."""

    date: date
    documents: int
    completed: int
    failed: int
    cancelled: int
    pages: int = Field(description="Pages charged.")


class TypeCount(BaseModel):
    """Completed documents of one type."""

    document_type: str
    documents: int
    pages: int


class FailureCount(BaseModel):
    """Failed documents with one reason."""

    code: FailureCode
    message: str
    documents: int
    last_at: datetime | None


class Summary(BaseModel):
    """The last 30 days, today included."""

    days: list[Day] = Field(description="Every day, oldest first.")
    documents: int
    pages: int
    success_rate: float | None = Field(description="Completed of completed and failed; null before the first.")
    by_type: list[TypeCount] = Field(description="Most documents first.")
    running_batches: int
    failures: list[FailureCount] = Field(description="Latest first.")

    @classmethod
    def of(cls, days: Sequence[date], counts: Sequence[AttemptCount], running_batches: int) -> "Summary":
        completed = _documents(counts, ExtractionStatus.COMPLETED)
        judged = completed + _documents(counts, ExtractionStatus.FAILED)
        return cls(
            days=[_day(day, [item for item in counts if item.day == day]) for day in days],
            documents=sum(item.documents for item in counts),
            pages=sum(item.pages for item in counts),
            success_rate=completed / judged if judged else None,
            by_type=_by_type(counts),
            running_batches=running_batches,
            failures=_failures(counts),
        )


def _documents(counts: Iterable[AttemptCount], status: ExtractionStatus) -> int:
    return sum(item.documents for item in counts if item.status is status)


def _day(day: date, counts: Sequence[AttemptCount]) -> Day:
    return Day(
        date=day,
        documents=sum(item.documents for item in counts),
        completed=_documents(counts, ExtractionStatus.COMPLETED),
        failed=_documents(counts, ExtractionStatus.FAILED),
        cancelled=_documents(counts, ExtractionStatus.CANCELLED),
        pages=sum(item.pages for item in counts),
    )


def _by_type(counts: Iterable[AttemptCount]) -> list[TypeCount]:
    found: dict[str, TypeCount] = {}
    for item in counts:
        if item.status is ExtractionStatus.COMPLETED:
            name = item.document_type or "other"
            entry = found.setdefault(name, TypeCount(document_type=name, documents=0, pages=0))
            entry.documents += item.documents
            entry.pages += item.pages
    return sorted(found.values(), key=lambda entry: (-entry.documents, entry.document_type))


def _failures(counts: Iterable[AttemptCount]) -> list[FailureCount]:
    found: dict[FailureCode, FailureCount] = {}
    for item in counts:
        if item.status is ExtractionStatus.FAILED:
            code = known_code(item.error_code or "")
            entry = found.setdefault(
                code, FailureCount(code=code, message=FAILURE_MESSAGES[code], documents=0, last_at=None)
            )
            entry.documents += item.documents
            entry.last_at = max(filter(None, (entry.last_at, item.last_at)), default=None)
    return sorted(found.values(), key=lambda entry: entry.last_at or datetime.min.replace(tzinfo=UTC), reverse=True)
