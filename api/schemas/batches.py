"""Batches on the wire."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.texts import Name
from ingestio.db.batches import BatchRow, Refused
from ingestio.domain import submissions
from ingestio.domain.batches import BatchStatus, PromptStrategy
from ingestio.domain.messages import BatchProgress
from ingestio.errors import RefusalCode
from workflows.names import batch_workflow_id


class RefusedFile(BaseModel):
    """A file that was not accepted, and why."""

    filename: str
    client_id: str
    code: RefusalCode
    message: str

    @classmethod
    def of(cls, item: Refused) -> "RefusedFile":
        return cls(filename=item.filename, client_id=item.client_id, code=RefusalCode(item.code), message=item.message)


class Batch(BaseModel):
    """Documents that were submitted together. While it is a draft the counts say what is in it."""

    id: UUID
    name: str | None
    status: BatchStatus
    paused: bool
    prompt_strategy: PromptStrategy
    extraction_prompt: str | None = Field(description="The global prompt; null under the other strategies.")
    document_count: int = Field(description="Accepted files.")
    completed_count: int
    failed_count: int = Field(description="Failed documents and refused files.")
    cancelled_count: int
    total_pages: int
    all_or_nothing: bool
    refused_files: list[RefusedFile]
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    workflow_id: str | None = Field(description="The run's id in Temporal; null while there is none.")

    @classmethod
    def of(cls, row: BatchRow, refused: Sequence[Refused]) -> "Batch":
        has_run = row.status is not BatchStatus.PENDING_UPLOAD and row.document_count > 0
        return cls(
            id=row.id,
            name=row.name,
            status=row.status,
            paused=row.paused,
            prompt_strategy=row.prompt_strategy,
            extraction_prompt=row.extraction_prompt,
            document_count=row.document_count,
            completed_count=row.completed_count,
            failed_count=row.failed_count,
            cancelled_count=row.cancelled_count,
            total_pages=row.total_pages,
            all_or_nothing=row.all_or_nothing,
            refused_files=[RefusedFile.of(item) for item in refused],
            created_at=row.created_at,
            updated_at=row.updated_at,
            completed_at=row.completed_at,
            workflow_id=batch_workflow_id(str(row.id)) if has_run else None,
        )


class NewDraft(BaseModel):
    """A batch whose files follow one by one."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    prompt_strategy: PromptStrategy = PromptStrategy.GLOBAL
    global_prompt: str | None = Field(None, description="Under the global strategy; at most 20,000 characters.")


class DraftPatch(BaseModel):
    """What to change of a draft. Absent fields stay; null or blank takes a text away."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    prompt_strategy: PromptStrategy | None = None
    global_prompt: str | None = None
    prompts: dict[str, str | None] | None = Field(None, description="Documents' own prompts by client id.")


class Submission(BaseModel):
    """How to submit a draft."""

    model_config = ConfigDict(extra="forbid")

    all_or_nothing: bool | None = Field(None, description="Refuse the whole when one document does not fit the quota.")


class Retry(BaseModel):
    """Run again what failed or was cancelled."""

    model_config = ConfigDict(extra="forbid")

    prompt: str | None = Field(None, description="Replaces the documents' prompts.")


class QuotedFile(BaseModel):
    """One accepted file of a draft."""

    document_id: UUID
    client_id: str | None
    filename: str
    pages: int
    fits: bool = Field(description="Whether its pages would be reserved, first fit in document order.")


class Quote(BaseModel):
    """What submitting the draft now would do. Page figures are null where the plan is unlimited."""

    documents: int
    pages: int
    refused_files: list[RefusedFile]
    pages_remaining: int | None
    pages_after: int | None
    fits: bool = Field(description="Whether every document fits.")
    documents_that_fit: int
    files: list[QuotedFile]

    @classmethod
    def of(cls, quote: submissions.Quote, refused: Sequence[Refused]) -> "Quote":
        return cls(
            documents=quote.documents,
            pages=quote.pages,
            refused_files=[RefusedFile.of(item) for item in refused],
            pages_remaining=quote.pages_remaining,
            pages_after=quote.pages_after,
            fits=quote.fits,
            documents_that_fit=quote.documents_that_fit,
            files=[
                QuotedFile(
                    document_id=UUID(item.document_id),
                    client_id=item.client_id,
                    filename=item.filename,
                    pages=item.pages,
                    fits=item.fits,
                )
                for item in quote.files
            ],
        )


class Progress(BaseModel):
    """Where a batch stands: documents running and waiting, and what the batch itself waits for."""

    running: int
    waiting: int
    paused: bool
    waiting_for: str | None

    @classmethod
    def of(cls, progress: BatchProgress) -> "Progress":
        return cls(
            running=progress.running,
            waiting=progress.waiting,
            paused=progress.paused,
            waiting_for=progress.waiting_for,
        )
