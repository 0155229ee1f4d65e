"""What a front door hands over: files that are stored and counted, files that were refused, and how they may be recognised again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingestio.domain.batches import PromptStrategy


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file whose bytes are in storage and whose pages were counted by us. `prompt`: its own, if any; `page_shapes`: `domain.shapes`."""

    document_id: str
    client_id: str
    position: int
    filename: str
    mime_type: str
    size_bytes: int
    sha256: str
    page_count: int
    storage_path: str
    prompt: str | None = None
    page_shapes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedUpload:
    """A file that was refused: nothing of it is kept but this line."""

    client_id: str
    position: int
    filename: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class FileMark:
    """What identifies one uploaded file among repeats: never the raw body, whose multipart boundary changes each time."""

    position: int
    filename: str
    sha256: str
    size_bytes: int


def fingerprint(fields: Mapping[str, object], files: Sequence[FileMark]) -> str:
    """One value for one request content: the form's fields and the files in order (R63)."""
    marks = [[mark.position, mark.filename, mark.sha256, mark.size_bytes] for mark in files]
    text = json.dumps({"fields": fields, "files": marks}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """What a batch is to be: its name, strategy and global prompt, already validated."""

    name: str | None
    strategy: PromptStrategy
    global_prompt: str | None
    all_or_nothing: bool = False


@dataclass(frozen=True, slots=True)
class QuotedFile:
    """One accepted file of a draft: its pages, and whether they would be reserved."""

    document_id: str
    client_id: str | None
    filename: str
    pages: int
    fits: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """What a submission would do now, without doing it (R43). None among the page figures is unlimited."""

    documents: int
    pages: int
    pages_remaining: int | None
    pages_after: int | None
    fits: bool
    documents_that_fit: int
    files: tuple[QuotedFile, ...] = ()
    """In document order, which is the order of first fit."""
