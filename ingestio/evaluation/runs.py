"""Reading a data set as the service would, in this process: sniffed, counted, classified where no prompt says what to look for, read."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ingestio.domain.evidence import FieldState
from ingestio.domain.fields import Extraction, FieldKind, ModelUsage
from ingestio.domain.text import DocumentText
from ingestio.errors import DocumentFailed, FileRefused, RefusalCode
from ingestio.evaluation.datasets import Case
from ingestio.evaluation.proofs import is_in_document
from ingestio.evaluation.scores import Score, kinds_of, score
from ingestio.extraction.base import ClassifyRequest, ExtractRequest, Provider
from ingestio.media.bounded import BoundedFailure
from ingestio.media.counting import PageCount, Refusal, count_pages
from ingestio.media.scans import read_document
from ingestio.media.sniff import HEAD_BYTES, sniff

_WALL_SECONDS = 120.0
_MEMORY_BYTES = 1 << 30


@dataclass(slots=True)
class Grounding:
    """States of the values, and of the supported ones those that a second look does not find in the document."""

    supported: int = 0
    unsupported: int = 0
    not_found: int = 0
    not_in_document: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """What became of one document. `code` says why it was refused or failed; `seconds` are the provider's alone."""

    case: Case
    score: Score
    pages: int = 0
    code: str | None = None
    document_type: str | None = None
    seconds: float = 0.0
    usage: ModelUsage = field(default_factory=ModelUsage)
    grounding: Grounding = field(default_factory=Grounding)

    @property
    def type_is_right(self) -> bool | None:
        """None where the truth does not say which type it is."""
        true = self.case.truth.document_type
        return None if true is None else self.document_type == true


async def read_all(
    cases: Sequence[Case], provider: Provider, prompt: str | None, done: Callable[[], None]
) -> list[Outcome]:
    """One document after the other, so that their times say something."""
    outcomes = []
    for case in cases:
        outcomes.append(await _read(case, provider, prompt))
        done()
    return outcomes


async def _read(case: Case, provider: Provider, prompt: str | None) -> Outcome:
    with case.path.open("rb") as file:
        media_type = sniff(file.read(HEAD_BYTES))
    if media_type is None:
        return Outcome(case, score(case.truth, None, prompt), code=RefusalCode.UNSUPPORTED_TYPE.value)
    match await count_pages(case.path, media_type):
        case Refusal(code=code):
            return Outcome(case, score(case.truth, None, prompt), code=code.value)
        case PageCount(pages=pages):
            pass
    started = time.perf_counter()
    try:
        extraction = await _extracted(case, provider, prompt, media_type.value, pages)
    except DocumentFailed as failure:
        return Outcome(case, score(case.truth, None, prompt), pages, failure.reason.value)
    seconds = time.perf_counter() - started
    try:
        text = await read_document(case.path, media_type, wall_seconds=_WALL_SECONDS, memory_bytes=_MEMORY_BYTES)
    except (FileRefused, BoundedFailure):
        text = DocumentText(())
    return Outcome(
        case,
        score(case.truth, extraction, prompt),
        pages,
        None,
        extraction.document_type,
        seconds,
        extraction.usage,
        _grounding(extraction, prompt, text),
    )


async def _extracted(case: Case, provider: Provider, prompt: str | None, mime_type: str, pages: int) -> Extraction:
    document_type, spent = None, ModelUsage()
    if prompt is None:
        answer = await provider.classify(ClassifyRequest(case.path, mime_type, pages))
        document_type, spent = answer.document_type, answer.usage
    extraction = await provider.extract(ExtractRequest(case.path, mime_type, pages, document_type, prompt))
    return replace(extraction, usage=spent + extraction.usage)


def _grounding(extraction: Extraction, prompt: str | None, text: DocumentText) -> Grounding:
    counted = Grounding()
    kinds = kinds_of(extraction.document_type, prompt)
    for each in extraction.fields:
        match each.state:
            case FieldState.SUPPORTED:
                counted.supported += 1
            case FieldState.UNSUPPORTED:
                counted.unsupported += 1
            case FieldState.NOT_FOUND:
                counted.not_found += 1
        kind = kinds.get(_without_indexes(each.path), FieldKind.TEXT)
        if not is_in_document(each, kind, text):
            counted.not_in_document.append(each.path)
    return counted


def _without_indexes(path: str) -> str:
    name, bracket, rest = path.partition("[")
    return f"{name}[]{rest.partition(']')[2]}" if bracket else name
