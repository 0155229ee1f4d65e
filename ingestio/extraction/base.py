"""What an extraction provider is: the small interface behind which the offline engine and Gemini stand (R75)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ingestio.domain.fields import Extraction, ModelUsage
from ingestio.domain.messages import BulkState
from ingestio.domain.windows import PageWindow
from ingestio.errors import FailureCode, ModelError

OTHER = "other"
"""The document type of everything that is none of the others, and of a classifier's unusable answer (R65)."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What kind of document it is: keys of `schemas.DOCUMENT_TYPES`, and a confidence from 0 to 1."""

    document_type: str
    confidence: float
    runner_up: str | None = None
    # The same answer, whatever it cost.
    usage: ModelUsage = field(default_factory=ModelUsage, compare=False)


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


class CutOff(ModelError):
    """The answer is not whole: it reached the model's limit, or rows are missing. `usage` is what it cost all the same."""

    def __init__(self, usage: ModelUsage, detail: str | None = None) -> None:
        super().__init__(FailureCode.MODEL_OUTPUT_TRUNCATED, detail)
        self.usage = usage


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


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """What a bulk lane is sent for a document: the `document` as it can be read there and the `line` that asks about it. And what had to
    be found out for that."""

    document: bytes
    line: bytes
    document_type: str | None
    usage: ModelUsage = field(default_factory=ModelUsage)


class BulkLane(Protocol):
    """Reads whole documents within hours, for less. What is sent lies in the service's own store, and is found again by the name under
    which it was sent. The methods raise as `Provider.extract` does."""

    async def prepare(self, request: ExtractRequest, document_url: str) -> BulkRequest:
        """The request about a document that will lie at `document_url`."""
        ...

    async def send(self, name: str, source_url: str, target_url: str) -> None:
        """Sends the line at `source_url`, once: under a name that is known nothing is sent again."""
        ...

    async def state(self, name: str) -> BulkState:
        """Whether it was read, still will be, or never."""
        ...

    async def cancel(self, name: str) -> None:
        """Ends what is not read yet; nothing to end is nothing wrong."""
        ...

    async def read(self, request: ExtractRequest, line: bytes) -> Extraction | ModelUsage:
        """The document's values from a line of the answer, for the request with its prepared `document_type`; where they are no whole valid
        answer, only what they cost."""
        ...


@runtime_checkable
class ReadsInBulk(Protocol):
    """A provider that may have a bulk lane."""

    @property
    def bulk(self) -> BulkLane | None: ...


@dataclass(frozen=True, slots=True)
class PartsPlan:
    """The windows in which a document is read, and the type that was found where nothing else said which fields are meant.

    `overlap`: narrower windows may share a page, because rows that are read twice will be told by their place.
    """

    windows: tuple[PageWindow, ...]
    overlap: bool
    document_type: str | None
    usage: ModelUsage = field(default_factory=ModelUsage)


@dataclass(frozen=True, slots=True)
class Part:
    """The answer for one window: validated data, or None when it was cut off. `document_type` is what was seen there, if it was asked."""

    window: PageWindow
    data: dict[str, Any] | None
    document_type: str | None
    model: str
    usage: ModelUsage = field(default_factory=ModelUsage)


@dataclass(frozen=True, slots=True)
class Merged:
    """All parts as one answer, and the pages with rows that are in none of them: with such pages it is no result."""

    extraction: Extraction
    incomplete_pages: tuple[int, ...] = ()


@runtime_checkable
class ReadsInParts(Protocol):
    """A provider whose answers have a limit, so that long documents are read window by window (R79).

    The methods raise as `Provider.extract` does; an answer that was cut off is a value. All get the request as `extract` would, with the
    plan's `document_type` once there is a plan.
    """

    @property
    def whole_pages(self) -> int:
        """Up to so many pages a document is read at once."""
        ...

    async def plan(self, request: ExtractRequest, window_pages: int | None = None) -> PartsPlan:
        """The windows, cut where the document's own structure allows it."""
        ...

    async def read_part(self, request: ExtractRequest, window: PageWindow) -> Part:
        """The answer for the pages of one window, which are all that is sent."""
        ...

    async def merge(self, request: ExtractRequest, parts: Sequence[Part]) -> Merged:
        """One grounded answer from whole parts that together hold every page. The same parts give the same answer."""
        ...
