"""What an extraction provider is: the small interface behind which the offline engine and Gemini stand (R75)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingestio.domain.fields import Extraction

OTHER = "other"
"""The document type of everything that is none of the others, and of a classifier's unusable answer (R65)."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What kind of document it is: keys of `schemas.DOCUMENT_TYPES`, and a confidence from 0 to 1."""

    document_type: str
    confidence: float
    runner_up: str | None = None


@dataclass(frozen=True, slots=True)
class ClassifyRequest:
    """One document to name. `path` is a local temporary file that the caller removes."""

    path: Path
    mime_type: str
    page_count: int


@dataclass(frozen=True, slots=True)
class ExtractRequest:
    """One document to read. `path` is a local temporary file that the caller removes.

    `document_type` None: not classified, because the user said what to extract; the provider decides how to read the
    fields and reports the type it saw. `prompt` None: the type's default fields. `custom_instructions` refine a prompt,
    they never replace it.
    """

    path: Path
    mime_type: str
    page_count: int
    document_type: str | None = None
    prompt: str | None = None
    custom_instructions: str | None = None


class Provider(Protocol):
    """Reads documents. `name` and `model` are recorded with every result.

    Both methods raise `DocumentFailed` for what repeating does not change and `ModelError` for what a model's service
    answered (retryable or not, as it says). Calling twice with the same request is harmless.
    """

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    async def classify(self, request: ClassifyRequest) -> Classification:
        """The document's type, from its first pages only (R76)."""
        ...

    async def extract(self, request: ExtractRequest) -> Extraction:
        """The document's values, validated against the fields asked for and grounded in its text (R77, R80)."""
        ...
