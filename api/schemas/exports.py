"""Exports on the wire."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingestio.db.exports import ExportFile
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.exports import (
    EXPORT_FAILURE_MESSAGES,
    ExportFailure,
    ExportFormat,
    ExportLayout,
    ExportValues,
)
from workflows.names import export_workflow_id

MOST_DOCUMENTS = 10_000


class NewExport(BaseModel):
    """What to export, and how: a batch as it is now, or these documents in this order."""

    model_config = ConfigDict(extra="forbid")

    batch_id: UUID | None = None
    document_ids: list[UUID] | None = Field(None, min_length=1, max_length=MOST_DOCUMENTS)
    format: ExportFormat
    values: ExportValues = Field(
        ExportValues.REVIEWED,
        description="`reviewed`: with people's corrections where there are any; `both`: side by side.",
    )
    explode: bool = Field(
        False,
        description="csv and xlsx: a line for each item of each list of objects, with all other values on every one of them. "
        "json and jsonl hold the items nested in their document always, so there it changes nothing.",
    )
    provenance: bool = Field(
        False,
        description="Where each value was read. csv: columns behind each value, `(state)`, `(confidence)`, `(page)` and `(quote)` of the "
        "first place, and `(pages)`, a JSON list of every page, each once. xlsx: a sheet with a line for each place. json and jsonl have "
        "it always.",
    )
    bom: bool = Field(False, description="csv: begin with a byte order mark, by which older spreadsheets know UTF-8.")

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.batch_id is None) == (self.document_ids is None):
            raise ValueError("give either batch_id or document_ids")
        return self

    @property
    def layout(self) -> ExportLayout:
        return ExportLayout(self.values, self.explode, self.provenance, self.bom)


class ExportError(BaseModel):
    """Why there is no file."""

    code: ExportFailure
    message: str


class Export(BaseModel):
    """Results as a file: made by a run, kept for a week, fetched as often as wanted until then."""

    id: UUID
    batch_id: UUID | None
    status: ExtractionStatus
    format: ExportFormat
    values: ExportValues
    explode: bool
    provenance: bool
    bom: bool
    document_count: int
    documents_written: int = Field(description="How far it has come.")
    size_bytes: int | None = Field(description="Of the file; null before there is one.")
    filename: str = Field(description="What the file is saved as.")
    error: ExportError | None
    url: str | None = Field(
        description="The file's address, signed: it works for an hour without signing in. Ask again for a fresh one. "
        "Null before there is a file and after its time."
    )
    expires_at: datetime | None = Field(description="Until when the file is kept.")
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    workflow_id: str = Field(description="The run's id in Temporal.")

    @classmethod
    def of(cls, row: ExportFile, url: str | None) -> "Export":
        return cls(
            id=row.id,
            batch_id=row.batch_id,
            status=row.status,
            format=row.format,
            values=row.layout.values,
            explode=row.layout.explode,
            provenance=row.layout.provenance,
            bom=row.layout.bom,
            document_count=row.document_count,
            documents_written=row.documents_written,
            size_bytes=row.size_bytes,
            filename=filename_of(row),
            error=None if row.error_code is None else error_of(row.error_code),
            url=url,
            expires_at=row.expires_at,
            created_at=row.created_at,
            updated_at=row.updated_at,
            completed_at=row.completed_at,
            workflow_id=export_workflow_id(str(row.id)),
        )


def error_of(code: str) -> ExportError:
    """A stored code with its sentence; one that this program does not know is `internal`."""
    known = ExportFailure(code) if code in ExportFailure._value2member_map_ else ExportFailure.INTERNAL
    return ExportError(code=known, message=EXPORT_FAILURE_MESSAGES[known])


def filename_of(row: ExportFile) -> str:
    """What an export's file is saved as: its day, and enough of its id to tell it from others."""
    return f"export-{row.created_at:%Y-%m-%d}-{str(row.id)[:8]}.{row.format}"
