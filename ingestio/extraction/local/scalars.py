"""Label and value: what stands behind a label, right of it in its row, or below it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ingestio.domain.fields import FieldKind
from ingestio.domain.text import Box
from ingestio.extraction.dates import find_dates
from ingestio.extraction.layout import Cell
from ingestio.extraction.local.blocks import is_street_line, is_title
from ingestio.extraction.local.labels import Label, Labels
from ingestio.extraction.local.readers import read, read_bic
from ingestio.extraction.local.reading import Reading, of_span

_STRONG, _WEAK = 0.9, 0.55
_INLINE, _RIGHT, _BELOW = 1.0, 0.95, 0.84
_NOT_LEADING, _INSIDE, _PARTIAL, _PER_PAGE = 0.8, 0.6, 0.35, 0.015
_BELOW_REACH = 2.2
_ABOVE, _ABOVE_REACH = 0.75, 1.2
_CUT = re.compile(r"[^\W_][\w/.-]*\d[\w/.-]*-(?=\s*\Z)")
_REST = re.compile(r"(?=.*\d)[\w/-]{1,16}")
_NUMBER_WORDS = ("nr", "no", "number", "nummer", "numero", "numer", "num")
_LIKE_A_DATE = re.compile(r"[\s:.#]*(\d{1,4}(?P<mark>[/-])\d{1,2}(?P=mark)\d{2,4})(?!\S)")
_LOOSE = frozenset({FieldKind.TEXT, FieldKind.ADDRESS})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that a label claims. `relation`: inline, right or below."""

    reading: Reading
    label: Label
    relation: str

    @property
    def score(self) -> float:
        return self.reading.score


def candidates(labels: Labels, concept: str, kind: FieldKind) -> list[Candidate]:
    """Every value of `kind` that a label of `concept` claims, best first; equal ones in reading order."""
    found: list[Candidate] = []
    for label in labels.of(concept):
        found.extend(_of_label(labels, label, concept, kind))
    return sorted(found, key=lambda each: -each.score)


def best(labels: Labels, concept: str, kind: FieldKind) -> Reading | None:
    """The likeliest value of a concept, or None when no label claims one."""
    found = candidates(labels, concept, kind)
    return found[0].reading if found else None


def _of_label(labels: Labels, label: Label, concept: str, kind: FieldKind) -> Iterator[Candidate]:
    named = label.named(concept)
    if named is None:
        return
    score = _WEAK if named.weak else _STRONG - min(named.rank, 80) * 0.0008
    if not label.leading:
        # `BTW-nummer:` is another label than `nummer`.
        score *= _INSIDE if named.weak else 1.0 if label.closed else _NOT_LEADING
    score *= _PARTIAL if label.partial else 1.0
    score -= _PER_PAGE * min(label.cell.page - 1, 10)
    score += min(len(label.key), 30) * 0.001
    for relation, factor, readings in _places(labels, label, concept, kind):
        first = next(iter(readings), None)
        if first is not None:
            weight = score * factor * _prominence(labels, label, first)
            yield Candidate(replace(first, score=first.score * weight), label, relation)
            return


def _prominence(labels: Labels, label: Label, value: Reading) -> float:
    """Headers stand high and in the usual size; small print at the foot speaks of printing times and form numbers. A small label over a
    value of the usual size is a fashion."""
    sheet = labels.layout.sheet(label.cell)
    low = label.cell.middle / max(sheet.height, 1.0)
    small = max(label.cell.height, value.cell.height) < 0.72 * labels.layout.line_height
    return (1.0 - 0.05 * max(0.0, min(1.0, low))) * (0.75 if small else 1.0)


def _places(labels: Labels, label: Label, concept: str, kind: FieldKind) -> Iterator[tuple[str, float, list[Reading]]]:
    """Where the value of a label may stand, nearest first."""
    stop = labels.after(label)
    loose = kind in _LOOSE
    if kind is FieldKind.IDENTIFIER and stop == len(label.cell.text) and _is_cut(label.cell, label.end):
        code = _over_two_lines(labels, label.cell, label.end)
        if code is not None:
            yield "inline", _INLINE, [code]
        return
    inline = list(_read(concept, kind, label.cell, label.end, stop))
    if kind is FieldKind.IDENTIFIER and not inline and _asks_for_a_number(label):
        inline = _number_like_a_date(label.cell, label.end, stop)
    if inline and not (loose and not _says_something(label, kind)):
        yield "inline", _INLINE, inline
    elif loose and label.cell.text[label.end : stop].strip(" .:-–"):
        return  # a label word inside a sentence
    right = list(_right(labels, label, concept, kind)) if stop == len(label.cell.text) else []
    below = list(_below(labels, label, concept, kind))
    if right and below and _is_heading_over(label, below[0][2][0], right[0][2][0]):
        yield from below
    else:
        yield from right
        yield from below
        if not right and not below and kind not in _LOOSE:
            yield from _above(labels, label, concept, kind)


def _asks_for_a_number(label: Label) -> bool:
    """`Faktura nr`, `Invoice no`: what follows is a number, whatever it looks like."""
    return label.key.endswith(_NUMBER_WORDS)


def _number_like_a_date(cell: Cell, start: int, stop: int) -> list[Reading]:
    """`05/03/2025`: the fifth invoice of March, as Poland and Italy count them."""
    match = _LIKE_A_DATE.match(cell.text, start, stop)
    return [of_span(cell, match.start(1), match.end(1), match[1], 0.8)] if match else []


def _is_heading_over(label: Label, below: Reading, right: Reading) -> bool:
    """Whether a value right under its label, edge under edge, is nearer than one far to the right, in another column."""
    under, beside = _box(below), _box(right)
    height = label.cell.height
    return (
        not label.closed
        and label.fills_cell
        and abs(under[0] - label.box[0]) < 3
        and under[1] - label.box[3] < 1.2 * height
        and beside[0] - label.box[2] > 4 * height
        and beside[0] - label.box[2] > 2 * (under[1] - label.box[1])
    )


def _says_something(label: Label, kind: FieldKind) -> bool:
    """Text behind a label counts only when a colon closes the label: `Customer service` names no customer."""
    return kind not in _LOOSE or label.closed


def _right(labels: Labels, label: Label, concept: str, kind: FieldKind) -> Iterator[tuple[str, float, list[Reading]]]:
    if kind in _LOOSE and not (label.closed or label.fills_cell):
        return
    before = label.cell
    for cell in labels.layout.right_of(label.cell)[:4]:
        gap = cell.box[0] - before.box[2]
        if labels.begins(cell) is not None and labels.is_label(cell):
            return
        if kind is FieldKind.IDENTIFIER and (_is_cut(cell, 0) or _is_the_rest(labels, cell)):
            code = _over_two_lines(labels, cell, 0)
            if code is not None and before is label.cell:
                yield "right", _RIGHT, [code]
            return
        readings = list(_read(concept, kind, cell, 0, _up_to_label(labels, cell)))
        if readings:
            nearness = 1.0 if gap < 0.35 * labels.layout.sheet(cell).width else 0.9
            yield "right", _RIGHT * nearness, readings
            return
        if kind in _LOOSE:
            return
        before = cell


def _below(labels: Labels, label: Label, concept: str, kind: FieldKind) -> Iterator[tuple[str, float, list[Reading]]]:
    if not (label.closed or label.fills_cell or kind not in _LOOSE):
        return
    if kind is FieldKind.IDENTIFIER and not (label.fills_cell or _stands_alone(labels, label)):
        return
    box = label.box
    # A small caption stands as far above its value as one of the usual size.
    reach = _BELOW_REACH * max(1.0, labels.layout.line_height / max(label.cell.height, 4.0))
    for number, cell in enumerate(labels.layout.below(label.cell, box, reach=reach)):
        if number > 2:
            return
        if _is_something_else(labels, cell, kind) or (is_title(label.cell.text) and _is_in_a_table(labels, cell)):
            return
        date = _date_over_two_lines(labels, cell) if kind is FieldKind.DATE and not cell.dates else None
        if date is not None and _aligned(_box(date), box, kind):
            yield "below", _BELOW - 0.03 * number, [date]
            return
        if kind is FieldKind.IDENTIFIER and (_is_cut(cell, 0) or _is_the_rest(labels, cell)):
            code = _over_two_lines(labels, cell, 0)
            if code is not None and _aligned(_box(code), box, kind):
                yield "below", _BELOW - 0.03 * number, [code]
            return
        readings = [
            each
            for each in _read(concept, kind, cell, 0, _up_to_label(labels, cell))
            if _aligned(_box(each), box, kind)
        ]
        if readings:
            readings.sort(key=lambda each: _offset(_box(each), box))
            yield "below", _BELOW - 0.03 * number, readings
            return
        if kind in _LOOSE:
            return


def _above(labels: Labels, label: Label, concept: str, kind: FieldKind) -> Iterator[tuple[str, float, list[Reading]]]:
    """`INV-1187   11 Mar 2025`, below them `Invoice number   Issued`: captions under their values, two of them or more in a row."""
    captions = labels.layout.row_of(label.cell)
    over = [next(iter(labels.layout.above(cell, reach=_ABOVE_REACH)), None) for cell in captions]
    if len(captions) < 2 or not label.fills_cell or label.closed or not all(map(labels.is_label, captions)):
        return
    if any(
        value is None or abs(value.box[0] - cell.box[0]) > 4 or labels.begins(value) is not None
        for value, cell in zip(over, captions, strict=True)
    ):
        return
    value = next(iter(labels.layout.above(label.cell, reach=_ABOVE_REACH)))
    readings = list(_read(concept, kind, value, 0, len(value.text)))
    if readings:
        yield "above", _ABOVE, readings


def _is_something_else(labels: Labels, cell: Cell, kind: FieldKind) -> bool:
    """Whether a cell below a label is a label itself, answers another one, or is an address."""
    first = labels.begins(cell)
    if first is not None:
        # `Geburtsdatum 04.06.1989` answers itself.
        answered = kind not in _LOOSE or any(date.start >= first.end for date in cell.dates)
        return labels.is_label(cell) or (answered and bool(first.names[0].concept) and not first.partial)
    if kind is FieldKind.IDENTIFIER and is_street_line(cell.text):
        return True  # `88 Wharf St` below a title is no number of a document
    return _answers_another(labels, cell)


def _is_in_a_table(labels: Labels, cell: Cell) -> bool:
    """Whether the row holds cells of a table of items: below a title, its first position is no number of a document."""
    return any(other.index in labels.skip for other in labels.layout.row_of(cell))


def _answers_another(labels: Labels, cell: Cell) -> bool:
    """`Punto de Venta: 00004` below a title: the number answers what stands before it."""
    before = next(iter(labels.layout.left_of(cell)), None)
    return before is not None and before.text.endswith(":") and cell.box[0] - before.box[2] < 2 * cell.height


def _is_cut(cell: Cell, start: int) -> bool:
    """`INV-20261014-`: a code that its column was too narrow for."""
    return _CUT.search(cell.text, start) is not None


def _is_the_rest(labels: Labels, cell: Cell) -> bool:
    """Whether a cell is nothing but the rest of a code that the line above it could not hold."""
    above = next(iter(labels.layout.above(cell, reach=0.9)), None)
    return above is not None and _is_cut(above, 0) and _REST.fullmatch(cell.text.strip()) is not None


def _over_two_lines(labels: Labels, cell: Cell, start: int) -> Reading | None:
    """A code with its rest from the line below; None where that line is not plainly the rest."""
    match = _CUT.search(cell.text, start)
    below = next(iter(labels.layout.below(cell, reach=0.9)), None) if match else None
    if match is None or below is None or not _REST.fullmatch(below.text.strip()) or labels.begins(below):
        return None
    pieces = ((cell, match.start(), len(cell.text.rstrip())), (below, 0, len(below.text)))
    return Reading(match.group() + below.text.strip(), pieces, 0.9)


def _date_over_two_lines(labels: Labels, cell: Cell) -> Reading | None:
    """`2025-`, below it `02-28`; `Nov 18,`, below it `2023`: a date that its column was too narrow for."""
    below = next(iter(labels.layout.below(cell, reach=0.9)), None)
    if below is None or labels.begins(below):
        return None
    between = "" if _is_cut(cell, 0) else " "
    written = cell.text.strip() + between + below.text.strip()
    date = next(iter(find_dates(written)), None)
    if date is None or date.end - date.start < len(written):
        return None
    return Reading(date.value, ((cell, 0, len(cell.text.rstrip())), (below, 0, len(below.text))), 0.9)


def _stands_alone(labels: Labels, label: Label) -> bool:
    """Whether only labels share the cell, or the next one follows at once: headings that were set so close that they became one line."""
    cell = label.cell
    if label.leading and any(0 <= each.start - label.end <= 2 for each in labels.by_cell[cell.index]):
        return True
    covered = sum(each.end - each.start for each in labels.by_cell[cell.index])
    return covered >= 0.8 * len(cell.text.strip())


def _up_to_label(labels: Labels, cell: Cell) -> int:
    """A value ends where a closed label begins inside its cell."""
    inner = [each.start for each in labels.by_cell.get(cell.index, ()) if each.start > 0 and each.closed]
    return inner[0] if inner else len(cell.text)


def _read(concept: str, kind: FieldKind, cell: Cell, start: int, stop: int) -> Iterator[Reading]:
    return read_bic(cell, start, stop) if concept == "bic" else read(kind, cell, start, stop)


def _box(reading: Reading) -> Box:
    cell, start, end = reading.pieces[0]
    return cell.box_between(start, end)


def _offset(value: Box, label: Box) -> float:
    """How far a value is from standing under its label, by the nearest of left edges, right edges and middles."""
    middles = abs((value[0] + value[2]) - (label[0] + label[2])) / 2
    return min(abs(value[0] - label[0]), abs(value[2] - label[2]), middles)


def _aligned(value: Box, label: Box, kind: FieldKind) -> bool:
    if kind in _LOOSE:
        return _offset(value, label) < 12
    overlap = min(value[2], label[2]) - max(value[0], label[0])
    return overlap > 0 or _offset(value, label) < 12
