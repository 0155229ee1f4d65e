"""One answer from the answers about a document's parts: lists in order without what was read twice, single values by their evidence.

Pure and deterministic. Two windows may share a page; which of their rows are the same is told by where they stand on it, never by what
they say: a statement may well list the same booking twice.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median_low
from typing import Any

from ingestio.domain.evidence import FieldState
from ingestio.domain.fields import ExtractedField, Extraction, FieldKind, FieldSpec, ModelUsage
from ingestio.domain.text import DocumentText
from ingestio.domain.windows import PageWindow
from ingestio.extraction.base import OTHER, ExtractRequest, Merged, Part
from ingestio.extraction.completeness import asks_for_every_row, incomplete_pages
from ingestio.extraction.crosschecks import cross_checks
from ingestio.extraction.einvoice import EInvoice
from ingestio.extraction.einvoice_check import Checked, check, confirmed
from ingestio.extraction.grounding import ground
from ingestio.extraction.layout import Layout
from ingestio.extraction.occurrences import Occurrences
from ingestio.extraction.schemas import DOCUMENT_TYPES, validate, wanted_for
from ingestio.extraction.text_flags import text_flags

# Two rows whose middles are nearer than this, in points, are one row.
_SAME_ROW = 4.0
# Words in a field's name that say its value stands at a document's end; any other is looked for from the beginning.
_LAST = frozenset({"closing", "ending", "end", "total", "subtotal", "grand", "due", "final"})

_DISAGREES = "stands in the document with more than one value; the likeliest was taken."


@dataclass(frozen=True, slots=True)
class Joined:
    """The merged data with its fields in order; `disagreeing` names single values for which parts gave different supported values."""

    data: dict[str, Any]
    fields: tuple[ExtractedField, ...]
    disagreeing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a list, its leaves with paths inside it, and its place: `height` None when nothing of it was found."""

    value: Any
    leaves: tuple[ExtractedField, ...]
    page: int
    height: float | None

    @property
    def weight(self) -> tuple[int, int]:
        """How well the document bears it out: the number of its supported leaves, then how much of the document they quote."""
        supported = [leaf for leaf in self.leaves if leaf.state is FieldState.SUPPORTED]
        return len(supported), sum(len(place.quote) for leaf in supported for place in leaf.evidence)

    def is_at(self, other: "_Entry") -> bool:
        if self.height is None or other.height is None or self.page != other.page:
            return False
        return abs(self.height - other.height) <= _SAME_ROW

    def stands_above(self, other: "_Entry") -> bool:
        if self.height is None or other.height is None:
            return False
        return (self.page, self.height + _SAME_ROW) < (other.page, other.height)


def merged(
    request: ExtractRequest,
    parts: Sequence[Part],
    text: DocumentText,
    provider: str,
    attached: EInvoice | None = None,
) -> Merged:
    """The parts as one extraction by `provider`, and what of the document's lists is missing in it. The electronic invoice that came
    with the document leads: what it says outweighs what a model read.

    A part without data was cut off, so it cannot be merged: read its window in halves first.
    """
    document_type = request.document_type or next(
        (part.document_type for part in parts if part.document_type not in (None, OTHER)), OTHER
    )
    wanted = wanted_for(request.document_type, request.prompt)
    fields = tuple(each.spec for each in wanted)
    layout = Layout(text)
    joined = join(parts, fields, text, layout)
    held = Checked(joined.data)
    if attached is not None:
        held = check(joined.data, wanted, attached, Occurrences(layout))
        joined = _with_attached(joined, held, fields, text, layout)
    flags: list[dict[str, Any]] = [
        {"code": "parts_disagree", "path": path, "message": f"{path} {_DISAGREES}"} for path in joined.disagreeing
    ]
    flags.extend(text_flags(text) if text.has_text else [])
    flags.extend(held.flags())
    flags.extend(cross_checks(wanted, joined.data, joined.fields))
    extraction = Extraction(
        document_type=document_type or OTHER,
        provider=provider,
        model=parts[0].model,
        data=joined.data,
        fields=joined.fields,
        flags=tuple(flags),
        usage=sum((part.usage for part in parts), ModelUsage()),
        schema_version=DOCUMENT_TYPES.get(document_type or OTHER, DOCUMENT_TYPES[OTHER]).schema_version,
    )
    if not text.has_text or not asks_for_every_row(request.prompt, request.custom_instructions):
        return Merged(extraction)
    pages = incomplete_pages(layout, extraction.document_type, fields, joined.data, joined.fields)
    return Merged(extraction, pages)


def _with_attached(
    joined: Joined, held: Checked, specs: tuple[FieldSpec, ...], text: DocumentText, layout: Layout
) -> Joined:
    """The values of the electronic invoice in their places, each held against the text as any other."""
    fields = joined.fields
    if held.changed:
        seen = {each.path: each.evidence[0] for each in fields if each.evidence and each.path not in held.changed}
        data = validate(held.data, specs)
        joined = replace(joined, data=data)
        fields = ground(data, specs, text, seen, layout=layout)
    return replace(joined, fields=tuple(confirmed(each) if each.path in held.confirmed else each for each in fields))


def join(parts: Sequence[Part], fields: Sequence[FieldSpec], text: DocumentText, layout: Layout) -> Joined:
    """`parts` in page order, each with data; `layout` is that of the whole `text`, whose habits of writing hold for every part."""
    if len(parts) == 1:
        data = parts[0].data or {}
        return Joined(data, ground(data, fields, text, layout=layout), ())
    joining = _Joining([(part, _by_path(part, fields, text, layout)) for part in parts])
    data = {spec.name: joining.value(spec, spec.name) for spec in fields}
    return Joined(data, tuple(joining.found), tuple(joining.disagreeing))


def _by_path(
    part: Part, fields: Sequence[FieldSpec], text: DocumentText, layout: Layout
) -> Mapping[str, ExtractedField]:
    own = replace(text, pages=tuple(page for page in text.pages if part.window.holds(page.number)))
    return {each.path: each for each in ground(part.data or {}, fields, own, layout=Layout(own, layout.habits))}


class _Joining:
    """Collects the merged fields in their order."""

    def __init__(self, grounded: Sequence[tuple[Part, Mapping[str, ExtractedField]]]) -> None:
        self._grounded = grounded
        self.found: list[ExtractedField] = []
        self.disagreeing: list[str] = []

    def value(self, spec: FieldSpec, path: str) -> Any:
        """The merged value of a field at this path, normalised as the parts have it."""
        if spec.kind is FieldKind.LIST:
            entries = self._entries(path)
            self.found.extend(_numbered(path, entries))
            return [entry.value for entry in entries] or None
        if spec.kind is FieldKind.OBJECT:
            before = len(self.found)
            whole = {child.name: self.value(child, f"{path}.{child.name}") for child in spec.children}
            if any(value is not None for value in whole.values()):
                return whole
            self.found[before:] = [_absent(path)]
            return None
        chosen = self._chosen(spec, path)
        self.found.append(chosen)
        return chosen.value

    def _chosen(self, spec: FieldSpec, path: str) -> ExtractedField:
        """The value that most parts bear out; of equal ones the one at that end of the document where such a value belongs."""
        given = [found[path] for _, found in self._grounded if path in found and found[path].value is not None]
        if not given:
            return _absent(path)
        supported = [each for each in given if each.state is FieldState.SUPPORTED] or given
        votes = Counter(each.value for each in supported)
        if len(votes) > 1:
            self.disagreeing.append(path)
        ordered = supported[::-1] if _LAST & set(spec.name.split("_")) else supported
        return max(ordered, key=lambda each: (votes[each.value], each.confidence))

    def _entries(self, path: str) -> list[_Entry]:
        merged: list[_Entry] = []
        reached = 0
        for part, found in self._grounded:
            entries = _entries_of(path, part, found)
            again = [entry for entry in entries if entry.page <= reached]
            if again:
                merged = _at_seam(merged, again, part.window)
            merged += [entry for entry in entries if entry.page > reached]
            reached = max(reached, part.window.last_page)
        return merged


def _absent(path: str) -> ExtractedField:
    return ExtractedField(path, None, FieldState.NOT_FOUND, 0.0)


def _at(path: str, data: Any) -> Any:
    for name in path.split("."):
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def _entries_of(path: str, part: Part, found: Mapping[str, ExtractedField]) -> list[_Entry]:
    values = _at(path, part.data) or []
    leaves: list[list[ExtractedField]] = [[] for _ in values]
    beginning = re.compile(rf"{re.escape(path)}\[(\d+)\]")
    for where, leaf in found.items():
        if match := beginning.match(where):
            leaves[int(match[1])].append(replace(leaf, path=where[match.end() :]))
    entries: list[_Entry] = []
    page = part.window.first_page
    for value, own in zip(values, leaves, strict=True):
        places = [place for leaf in own for place in leaf.evidence[:1] if place.box is not None]
        counts = Counter(place.page for place in places)
        page = max(counts, key=lambda number: (counts[number], -number)) if counts else page
        middles = [(place.box[1] + place.box[3]) / 2 for place in places if place.page == page and place.box]
        entries.append(_Entry(value, tuple(own), page, median_low(middles) if middles else None))
    return entries


def _at_seam(before: list[_Entry], again: list[_Entry], window: PageWindow) -> list[_Entry]:
    """`before` with what a window that begins inside it adds: rows that stand where none was read, and better readings of those there.

    What the window has above the first row of the shared pages is the end of a row that `before` holds whole.
    """
    start = next((index for index, entry in enumerate(before) if entry.page >= window.first_page), len(before))
    head, tail = before[:start], before[start:]
    top = next((entry for entry in tail if entry.height is not None), None)
    free = set(range(len(tail)))
    added: list[_Entry] = []
    for entry in again:
        same = [index for index in sorted(free) if tail[index].is_at(entry)]
        same += [index for index in sorted(free) if entry.height is None and tail[index].value == entry.value]
        if same:
            index = next((each for each in same if tail[each].value == entry.value), same[0])
            free.discard(index)
            if entry.weight > tail[index].weight:
                tail[index] = entry
        elif top is None or not entry.stands_above(top):
            added.append(entry)
    for entry in added:
        at = next((index for index, each in enumerate(tail) if entry.stands_above(each)), len(tail))
        tail.insert(at, entry)
    return head + tail


def _numbered(path: str, entries: Iterable[_Entry]) -> list[ExtractedField]:
    numbered = [
        replace(leaf, path=f"{path}[{index}]{leaf.path}")
        for index, entry in enumerate(entries)
        for leaf in entry.leaves
    ]
    return numbered or [_absent(path)]
