"""Documents on the wire."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.texts import checked_prompt
from ingestio.db.documents import DocumentRow
from ingestio.domain.batches import DocumentStatus, PromptSource
from ingestio.errors import FAILURE_MESSAGES, FailureCode


class DocumentError(BaseModel):
    """Why a document failed or was cancelled."""

    code: FailureCode
    message: str


class Document(BaseModel):
    """One uploaded file."""

    id: UUID
    batch_id: UUID | None
    client_id: str | None
    position: int
    filename: str
    mime_type: str
    size_bytes: int
    page_count: int
    status: DocumentStatus
    document_type: str | None
    prompt: str | None = Field(description="The effective prompt; lists hold its first 200 characters.")
    prompt_source: PromptSource | None
    error: DocumentError | None
    pages_charged: int
    attempt: int
    review: Literal["pending", "approved", "rejected"]
    concerns: list[str] = Field(
        description="Why a person should look at the result: `unsupported_value`, `missing_value`, `low_confidence`, or the code of one "
        "of its flags. Empty: nobody has to."
    )
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = Field(
        description="When it is deleted, by the `retention_days` of the caller's plan, unless something happens to it until then. Null: "
        "it is kept for ever, or is under way."
    )

    @classmethod
    def of(cls, row: DocumentRow, kept: timedelta | None) -> "Document":
        """`kept`: how long its owner's plan keeps a document after its last change."""
        rests = row.status.is_terminal or row.status is DocumentStatus.UPLOADED
        return cls(
            id=row.id,
            batch_id=row.batch_id,
            client_id=row.client_id,
            position=row.position,
            filename=row.filename,
            mime_type=row.mime_type,
            size_bytes=row.size_bytes,
            page_count=row.page_count,
            status=row.status,
            document_type=row.document_type,
            prompt=row.prompt,
            prompt_source=row.prompt_source,
            error=_error(row.error_code),
            pages_charged=row.pages_charged,
            attempt=row.attempt,
            review="pending" if row.review is None else row.review.value,
            concerns=row.concerns,
            created_at=row.created_at,
            updated_at=row.updated_at,
            expires_at=row.updated_at + kept if kept is not None and rests else None,
        )


def _error(code: str | None) -> DocumentError | None:
    if code is None:
        return None
    known = known_code(code)
    return DocumentError(code=known, message=FAILURE_MESSAGES[known])


def known_code(code: str) -> FailureCode:
    """A stored code; one that an older or newer program wrote and this one does not know is `internal`."""
    return FailureCode(code) if code in FailureCode._value2member_map_ else FailureCode.INTERNAL


class ExtractOptions(BaseModel):
    """How to extract one document."""

    model_config = ConfigDict(extra="forbid")

    skip_classification: bool | None = None
    custom_instructions: str | None = None
    reuse: bool | None = None
    lane: Literal["interactive", "bulk"] | None = None

    def stored(self) -> dict[str, Any]:
        """What was set, as the job keeps it. Raises PromptInvalid."""
        options = self.model_dump(exclude_none=True, exclude={"custom_instructions"})
        text = checked_prompt("options.custom_instructions", self.custom_instructions)
        return options if text is None else options | {"custom_instructions": text}


class Extraction(BaseModel):
    """What to extract; without a prompt the document is classified and its type's default fields are taken."""

    model_config = ConfigDict(extra="forbid")

    prompt: str | None = None
    options: ExtractOptions | None = None
