"""Forms, identity documents and everything else: labelled values as they stand, whatever the labels are."""

import re

from ingestio.domain.fields import FieldKind
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.layout import Cell, Layout, plain
from ingestio.extraction.local import scalars
from ingestio.extraction.local.blocks import could_be_name, is_title
from ingestio.extraction.local.labels import Labels, lexicon_of
from ingestio.extraction.local.money import read_currency
from ingestio.extraction.local.prose import heads_of, title_of
from ingestio.extraction.local.reading import Entry, Found, Reading, of_cells, of_span
from ingestio.extraction.local.totals import read_sums

_PAIR = re.compile(r"^(?P<label>[^\W\d_][^:：\u2003]{1,60}?)\s*[:：]\s*(?!//)(?P<value>\S.*)?$")
_BLANKS = re.compile(r"^[\s_.…\-–:☐□○]*$")
_MAX_LABEL_WORDS = 8
_MAX_VALUE_WORDS = 25
_MAX_PAIRS = 2_000


def read_labelled(document_type: str, layout: Layout) -> tuple[Found, dict[str, list[Entry]]]:
    """The type's fields by their labels, its title, and every pair of label and value where the type has such a list."""
    kind = DOCUMENT_TYPES[document_type]
    labels = Labels(layout, lexicon_of(document_type))
    names = {each.name for each in kind.concepts}
    found: Found = {}
    for concept in kind.concepts:
        if concept.spec.kind in (FieldKind.LIST, FieldKind.AMOUNT, FieldKind.CURRENCY):
            continue
        reading = _labelled(labels, concept.name, concept.spec.kind)
        if reading is not None:
            found[concept.name] = reading
    for name in ("title", "form_title", "id_type"):
        if name in names and name not in found:
            title = _title(layout)
            if title is not None:
                found[name] = title
    sums = read_sums(labels, [each.name for each in kind.concepts if each.spec.kind is FieldKind.AMOUNT])
    found.update(sums)
    if "currency" in names and sums:
        currency = read_currency(labels, sums)
        if currency is not None:
            found["currency"] = currency
    if "form_date" in names and "form_date" not in found:
        date = _date_above_label(labels)
        if date is not None:
            found["form_date"] = date
    lists = {"fields": pairs_of(layout)} if "fields" in names else {}
    return found, {name: entries for name, entries in lists.items() if entries}


def _labelled(labels: Labels, concept: str, kind: FieldKind) -> Reading | None:
    for candidate in scalars.candidates(labels, concept, kind):
        if candidate.label.leading and not candidate.label.partial:
            if concept.endswith("name") and kind is FieldKind.TEXT and not could_be_name(candidate.reading.value):
                continue
            return candidate.reading
    return None


def _title(layout: Layout) -> Reading | None:
    """A heading that is a known title; else the largest line."""
    for cell in heads_of(layout):
        if is_title(cell.text) or (
            len(cell.words) <= 8 and any(is_title(" ".join(cell.text.split()[at:])) for at in range(len(cell.words)))
        ):
            return of_cells([cell], score=0.8)
    return title_of(layout)


def _date_above_label(labels: Labels) -> Reading | None:
    """On paper the date is written on a line above the word `Date`."""
    for label in labels.of("form_date"):
        if label.fills_cell:
            for cell in labels.layout.above(label.cell, label.box, reach=2.0):
                if cell.dates:
                    date = cell.dates[0]
                    return of_span(cell, date.start, date.end, date.value, 0.75)
    return None


def pairs_of(layout: Layout) -> list[Entry]:
    """`Label: value` in one cell, or a label closed by a colon with its value right of it, or below it when nothing is beside it."""
    entries: list[Entry] = []
    taken: set[int] = set()
    for sheet in layout.sheets:
        for row in sheet.rows:
            for place, cell in enumerate(row):
                if cell.index in taken or len(entries) >= _MAX_PAIRS:
                    continue
                match = _PAIR.match(cell.text)
                if match is None or len(match["label"].split()) > _MAX_LABEL_WORDS:
                    continue
                entry = _pair(layout, cell, match, row[place + 1 :], taken)
                if entry is not None:
                    entries.append(entry)
    return entries


def _pair(layout: Layout, cell: Cell, match: re.Match[str], beside: list[Cell], taken: set[int]) -> Entry | None:
    label = of_span(cell, match.start("label"), match.end("label"), score=0.85)
    if match["value"] and not _BLANKS.match(match["value"]):
        if len(match["value"].split()) > _MAX_VALUE_WORDS:
            return None
        return {"label": label, "value": of_span(cell, match.start("value"), match.end("value"), score=0.85)}
    if beside and not _PAIR.match(beside[0].text) and not _BLANKS.match(beside[0].text):
        taken.add(beside[0].index)
        return {"label": label, "value": of_cells([beside[0]], score=0.8)}
    if not beside:
        for below in layout.below(cell, reach=1.3):
            if (
                abs(below.box[0] - cell.box[0]) < 6
                and not _PAIR.match(below.text)
                and not _BLANKS.match(below.text)
                and len(plain(below.text)) < 80
            ):
                taken.add(below.index)
                return {"label": label, "value": of_cells([below], score=0.7)}
            break
    return None
