"""The offline provider: reads the text in bounded children, that of pictures too, applies the rules, and grounds what they found."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ingestio.domain.evidence import Evidence, FieldState
from ingestio.domain.fields import ExtractedField, Extraction, FieldKind, FieldSpec
from ingestio.domain.media import MediaType
from ingestio.domain.text import DocumentText, PageText
from ingestio.errors import DocumentFailed, FailureCode, FileRefused
from ingestio.extraction.attached import attached_sync
from ingestio.extraction.base import Classification, ClassifyRequest, ExtractRequest
from ingestio.extraction.catalogue import DOCUMENT_TYPES, Concept
from ingestio.extraction.classify import classify_layout
from ingestio.extraction.crosschecks import cross_checks
from ingestio.extraction.einvoice import EInvoice
from ingestio.extraction.einvoice_check import Checked, check, confirmed
from ingestio.extraction.grounding import ground
from ingestio.extraction.layout import Layout
from ingestio.extraction.local.generic import read_own_fields, read_own_list
from ingestio.extraction.local.reading import Entry, Found, Reading
from ingestio.extraction.local.types import read_type
from ingestio.extraction.occurrences import Occurrences
from ingestio.extraction.schemas import Wanted, child_concept, validate, wanted_for
from ingestio.extraction.text_flags import text_flags
from ingestio.extraction.tokens import compact
from ingestio.media.bounded import ChildCrashed, MemoryExceeded, TimeExceeded, run_bounded
from ingestio.media.overlay import pictured_pages, with_recognised
from ingestio.media.scans import recognise
from ingestio.media.text import read_text_sync

R = TypeVar("R", ClassifyRequest, ExtractRequest)
T = TypeVar("T")

NAME = "local"
MODEL = "rules-11"
_CLASSIFY_PAGES = 3
_WALL_SECONDS = 120.0
_MEMORY_BYTES = 1 << 30
_NOT_SURE, _DOUBTED = 0.6, 0.2


Recognised = Mapping[int, PageText]
"""Pages that are pictures as they were read, by their number."""


@dataclass(frozen=True, slots=True)
class Pictured:
    """Instead of an answer: these pages are pictures and must be recognised first."""

    pages: tuple[int, ...]


class LocalProvider:
    """Rules over words with places (R75). It spends no tokens, needs no network and gives the same answer every time."""

    name = NAME
    model = MODEL

    async def classify(self, request: ClassifyRequest) -> Classification:
        """Raises DocumentFailed(no_text) for a document in which nothing can be read, DocumentFailed(file_missing) for one that no reader
        opens."""
        return await _bounded(classify_sync, request, min(request.page_count, _CLASSIFY_PAGES))

    async def extract(self, request: ExtractRequest) -> Extraction:
        """Raises DocumentFailed(no_text) for a document in which nothing can be read, DocumentFailed(file_missing) for one that no reader
        opens."""
        return await _bounded(extract_sync, request, request.page_count)


async def _bounded(function: Callable[[R, Recognised | None], T | Pictured], request: R, pages: int) -> T:
    """Runs in a bounded child; a file that no reader opens, or that breaks the limits, is a file that could not be read.

    A document with a text layer takes one visit to a child; where pages are pictures, they are recognised and it takes another.
    """
    media_type = MediaType(request.mime_type)
    answer: T | Pictured = Pictured(tuple(range(1, pages + 1)))
    try:
        if not media_type.is_image:
            answer = await run_bounded(function, request, None, wall_seconds=_WALL_SECONDS, memory_bytes=_MEMORY_BYTES)
        if not isinstance(answer, Pictured):
            return answer
        recognised = await recognise(request.path, media_type, answer.pages)
        answer = await run_bounded(
            function, request, recognised, wall_seconds=_WALL_SECONDS, memory_bytes=_MEMORY_BYTES
        )
        assert not isinstance(answer, Pictured), "pages are recognised once"
        return answer
    except (FileRefused, TimeExceeded, MemoryExceeded, ChildCrashed):
        raise DocumentFailed(FailureCode.FILE_MISSING) from None


def classify_sync(request: ClassifyRequest, recognised: Recognised | None) -> Classification | Pictured:
    """`LocalProvider.classify` in this process; call it only inside a bounded child. `recognised` None: nothing was tried yet."""
    text = read_text_sync(request.path, MediaType(request.mime_type), max_pages=_CLASSIFY_PAGES)
    if recognised is None and (pages := pictured_pages(text)):
        return Pictured(pages)
    text = with_recognised(text, recognised or {})
    _require_text(text)
    return classify_layout(Layout(text))


def extract_sync(request: ExtractRequest, recognised: Recognised | None) -> Extraction | Pictured:
    """`LocalProvider.extract` in this process; call it only inside a bounded child. `recognised` None: nothing was tried yet."""
    text = read_text_sync(request.path, MediaType(request.mime_type))
    if recognised is None and (pages := pictured_pages(text)):
        return Pictured(pages)
    return extract_from(
        with_recognised(text, recognised or {}), request, attached_sync(request.path, request.mime_type)
    )


def extract_from(text: DocumentText, request: ExtractRequest, attached: EInvoice | None = None) -> Extraction:
    """What the rules find in a text that is read already, with the electronic invoice that came with it. The same text, request and
    attachment give the same extraction."""
    _require_text(text)
    layout = Layout(text)
    document_type = request.document_type or ""
    if document_type not in DOCUMENT_TYPES:
        document_type = "invoice" if attached else classify_layout(layout).document_type
    wanted = wanted_for(document_type, request.prompt)
    reader = _Reader(layout, document_type)
    data = {each.spec.name: value for each, value in ((each, reader.value(each)) for each in wanted)}
    specs = tuple(each.spec for each in wanted)
    held = Checked(data) if attached is None else check(data, wanted, attached, Occurrences(layout))
    reader.forget(held.changed)
    checked = validate(held.data, specs)
    grounded = ground(checked, specs, text, reader.seen, layout=layout, own_reading=True)
    fields = tuple(
        confirmed(field)
        if field.path in held.confirmed
        else _weighed(field, reader.scores.get(field.path), doubted=field.path in reader.doubted)
        for field in grounded
    )
    return Extraction(
        document_type=document_type,
        provider=NAME,
        model=MODEL,
        data=checked,
        fields=fields,
        flags=(*_flags(text, request, reader), *held.flags(), *cross_checks(wanted, checked, fields)),
        schema_version=DOCUMENT_TYPES[document_type].schema_version,
    )


def _require_text(text: DocumentText) -> None:
    if not text.has_text:
        raise DocumentFailed(FailureCode.NO_TEXT)


def _weighed(field: ExtractedField, score: float | None, *, doubted: bool) -> ExtractedField:
    """A value that was read from a weak place is less sure, however clearly it is printed; one that is contradicted is not supported."""
    if score is None or field.state is not FieldState.SUPPORTED:
        return field
    if doubted:
        return replace(field, state=FieldState.UNSUPPORTED, confidence=min(field.confidence, _DOUBTED))
    return replace(field, confidence=round(field.confidence * (_NOT_SURE + (1 - _NOT_SURE) * min(1.0, score)), 3))


def _flags(text: DocumentText, request: ExtractRequest, reader: "_Reader") -> list[dict[str, Any]]:
    flags = text_flags(text)
    if request.custom_instructions and request.custom_instructions.strip():
        flags.append({"code": "instructions_not_applied"})
    flags.extend(
        {"code": "ambiguous_date", "path": path, "readings": readings} for path, readings in reader.ambiguous.items()
    )
    return flags


class _Reader:
    """Values of the wanted fields. A type's rules run once, when its first field is asked for."""

    def __init__(self, layout: Layout, document_type: str) -> None:
        self._layout = layout
        self._type = document_type
        self._by_type: dict[str, tuple[Found, dict[str, list[Entry]]]] = {}
        self.seen: dict[str, Evidence] = {}
        self.scores: dict[str, float] = {}
        self.ambiguous: dict[str, list[str]] = {}
        self.doubted: set[str] = set()

    def forget(self, paths: Iterable[str]) -> None:
        """What was read at these paths is not the value any more."""
        for path in paths:
            self.seen.pop(path, None)
            self.scores.pop(path, None)
            self.ambiguous.pop(path, None)
            self.doubted.discard(path)

    def value(self, wanted: Wanted) -> Any:
        """The value of a field, a list of entries, or None."""
        spec, concept = wanted.spec, wanted.concept
        if concept is None:
            return self._own(spec, spec.name)
        owner = self._owner(concept)
        found, lists = self._read(owner)
        if spec.kind is FieldKind.LIST:
            return self._list(spec, concept, lists.get(concept.name, []))
        if compact(spec.name) != compact(concept.name) and self._asks_for_its_own_words(spec, concept):
            own = read_own_fields(self._layout, self._type, [_by_its_own_name(spec)]).get(spec.name)
            if own is not None:
                return self._take(own, spec.name)
        reading = found.get(concept.name)
        return None if reading is None else self._take(reading, spec.name)

    def _read(self, document_type: str) -> tuple[Found, dict[str, list[Entry]]]:
        if document_type not in self._by_type:
            self._by_type[document_type] = read_type(document_type, self._layout)
        return self._by_type[document_type]

    def _owner(self, concept: Concept) -> str:
        if any(each is concept for each in DOCUMENT_TYPES[self._type].concepts):
            return self._type
        return next(name for name, each in DOCUMENT_TYPES.items() if any(known is concept for known in each.concepts))

    @staticmethod
    def _asks_for_its_own_words(spec: FieldSpec, concept: Concept) -> bool:
        """`booking id` is looked for by these words first, `total` and `date` by what the type knows about them."""
        asked = compact(spec.name)
        weak = {compact(label) for label in concept.weak_labels}
        strong = {compact(label) for label in concept.spec.labels} - weak
        return asked in strong and concept.spec.kind in (FieldKind.IDENTIFIER, FieldKind.DATE)

    def _own(self, spec: FieldSpec, path: str) -> Any:
        if spec.kind is FieldKind.OBJECT:
            return {child.name: self._part(child, spec, f"{path}.{child.name}") for child in spec.children}
        if spec.kind is FieldKind.LIST:
            entries = read_own_list(self._layout, self._type, spec) if spec.children else []
            return self._entries(entries, [(child.name, child.name) for child in spec.children], path)
        reading = read_own_fields(self._layout, self._type, [spec]).get(spec.name)
        return None if reading is None else self._take(reading, path)

    def _part(self, child: FieldSpec, parent: FieldSpec, path: str) -> Any:
        """A part of an object: `vendor: {name}` is the vendor's name."""
        kind = DOCUMENT_TYPES[self._type]
        together = f"{parent.name} {child.name}"
        for each in (kind, *DOCUMENT_TYPES.values()):
            concept = each.concept(together)
            if concept is not None and concept.spec.kind is not FieldKind.LIST:
                reading = self._read(each.name)[0].get(concept.name)
                return None if reading is None else self._take(reading, path)
        return self._own(replace(child, labels=(together, *child.labels)), path)

    def _list(self, spec: FieldSpec, concept: Concept, entries: list[Entry]) -> list[Any] | None:
        if not spec.children:
            values = [each[""] for each in entries if "" in each]
            return [self._take(reading, f"{spec.name}[{index}]") for index, reading in enumerate(values)] or None
        columns: list[tuple[str, str]] = []
        for child in spec.children:
            known = child_concept(child.name, concept)
            columns.append((child.name, known.name if known else child.name))
        return self._entries(entries, columns, spec.name)

    def _entries(self, entries: list[Entry], columns: list[tuple[str, str]], path: str) -> list[Any] | None:
        rows: list[dict[str, Any]] = []
        for entry in entries:
            if not any(column in entry for _, column in columns):
                continue
            at = f"{path}[{len(rows)}]"
            rows.append(
                {
                    name: self._take(entry[column], f"{at}.{name}") if column in entry else None
                    for name, column in columns
                }
            )
        return rows or None

    def _take(self, reading: Reading, path: str) -> str:
        self.seen[path] = reading.evidence()
        self.scores[path] = reading.score
        if reading.doubted:
            self.doubted.add(path)
        cell, start, end = reading.pieces[0]
        for date in cell.dates:
            if date.ambiguous and date.start == start and date.end == end and date.value == reading.value:
                self.ambiguous[path] = list(date.readings)
        return reading.value


def _by_its_own_name(spec: FieldSpec) -> FieldSpec:
    """A field that is looked for by its own name alone."""
    return replace(spec, labels=(spec.name.replace("_", " "),))
