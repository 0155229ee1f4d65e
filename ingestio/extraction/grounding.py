"""Evidence for values: every leaf of an answer is looked up in the document's own words (R80).

Deterministic, and the same for every provider: what a model claims about its sources is not asked. A value that stands in the text
is `supported` and carries page, words and box; one that does not is `unsupported`; an absent one is `not_found`.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ingestio.domain.evidence import Evidence, FieldState
from ingestio.domain.fields import ExtractedField, FieldKind, FieldSpec
from ingestio.domain.text import Box, DocumentText
from ingestio.extraction.layout import Cell, Layout
from ingestio.extraction.occurrences import Occurrence, Occurrences
from ingestio.extraction.tokens import compact

_UNSUPPORTED = 0.2
_UNIQUE, _UNIQUE_AND_LABELLED, _LABELLED, _REPEATED = 0.92, 0.98, 0.95, 0.8
_AMBIGUOUS = 0.7
# Their letters with two marks are unknown to the recogniser, which leaves them out and is as sure of the rest as ever.
_LANGUAGES_WITH_UNKNOWN_LETTERS = frozenset({"vi"})
_PAGE = 10_000.0
# A value that is printed more often than this is looked at no further when its label is searched for.
_LOOKED_AT = 500
_NUMBERS = frozenset({FieldKind.AMOUNT, FieldKind.NUMBER})
_PRINTED_AGAIN = frozenset({FieldKind.AMOUNT, FieldKind.DATE})
_WORDS = frozenset({FieldKind.TEXT, FieldKind.IDENTIFIER})
# Numbers whose left or right edges are that near, in points, stand in one column.
_SAME_EDGE = 3.0
# Values of one row of a table stand within about this distance of each other, in points.
_ROW_REACH = 14.0
# No entry of a list is higher than that: a dozen lines of description. Where a page ends within it, heads and feet lie between.
_ENTRY_REACH, _TURNED_ROWS = 170.0, 8


def ground(
    data: Mapping[str, Any],
    fields: Sequence[FieldSpec],
    text: DocumentText,
    seen: Mapping[str, Evidence] | None = None,
    *,
    layout: Layout | None = None,
    own_reading: bool = False,
) -> tuple[ExtractedField, ...]:
    """One entry for each leaf of `data` (validated, normalised), in the fields' order, with state, evidence and confidence.

    `seen` says where a provider read a value, by path: among several places of the same value that one is taken. It is a hint, never
    a proof. `layout` spares a second reading of the same text. Without any text every value is unsupported.

    `own_reading`: the values were read from these very words, so where those are hardly legible nothing bears the values out; they
    are unsupported, with their place. A model looks at the picture itself: that both read the same there is a proof.
    """
    grounding = _Grounding(layout or Layout(text), dict(seen or {}), own_reading)
    for field in fields:
        grounding.add(field, data.get(field.name), field.name)
    return tuple(grounding.found)


class _Grounding:
    def __init__(self, layout: Layout, seen: dict[str, Evidence], own_reading: bool) -> None:
        self._own_reading = own_reading
        self._layout = layout
        self._occurrences = Occurrences(layout)
        self._seen = seen
        self._known: dict[tuple[FieldKind, str], _Places] = {}
        self.found: list[ExtractedField] = []

    def add(self, field: FieldSpec, value: Any, path: str) -> None:
        if isinstance(value, list):
            self._add_list(field, value, path)
        elif isinstance(value, dict):
            for part in field.children:
                self.add(part, value.get(part.name), f"{path}.{part.name}")
        else:
            places = self._places(field, value, path)
            self._append(field, value, path, self._choose(field, places, path) if places.all else None, len(places.all))

    def _add_list(self, field: FieldSpec, entries: list[Any], path: str) -> None:
        """Entries follow each other down the pages: each is anchored where most of its values stand together."""
        if not field.children:
            entry = FieldSpec(field.name, FieldKind.TEXT)
            for index, value in enumerate(entries):
                self.add(entry, value, f"{path}[{index}]")
            return
        before = 0.0
        printed: set[tuple[float, str]] = set()
        for index, value in enumerate(entries):
            parts = value if isinstance(value, dict) else {}
            leaves = [(part, parts.get(part.name), f"{path}[{index}].{part.name}") for part in field.children]
            places = [self._places(part, leaf, where) for part, leaf, where in leaves]
            anchor = _anchor(places, before)
            row = (anchor, repr(value)) if anchor is not None else None
            if row in printed:
                places = [_NOWHERE for _ in places]  # the same row once more, and it is printed once
            elif row is not None:
                printed.add(row)
            text = self._text_of(leaves, places, anchor)
            for (part, leaf, where), each in zip(leaves, places, strict=True):
                if isinstance(leaf, (dict, list)):
                    self.add(part, leaf, where)
                    continue
                chosen = self._hinted(each, where)
                if chosen is None and each.all and anchor is not None:
                    chosen = each.nearest(anchor)
                    if part.kind in _NUMBERS and text is not None and self._is_another_row_s(chosen, text):
                        chosen = None
                together = (
                    chosen is not None and anchor is not None and abs(_position(chosen) - anchor) <= 3 * _ROW_REACH
                )
                self._append(part, leaf, where, chosen, 1 if together else len(each.all), labelled=together)
            if anchor is not None:
                before = max(before, anchor)

    def _text_of(
        self, leaves: list[tuple[FieldSpec, Any, str]], places: list["_Places"], anchor: float | None
    ) -> Occurrence | None:
        """Where the words of an entry stand: they say which row it is, numbers repeat too often for that."""
        for (part, _, where), each in zip(leaves, places, strict=True):
            if each.all and anchor is not None and part.kind in _WORDS:
                return self._hinted(each, where) or each.nearest(anchor)
        return None

    def _is_another_row_s(self, number: Occurrence, text: Occurrence) -> bool:
        """Whether a number stands in another row than its entry's words, while their row has a number of its own in that column, or so far
        from them that it is no part of the entry."""
        if self._is_far(number, text):
            return True
        rows = {(cell.page, cell.row) for cell, _, _ in text.pieces}
        if (number.cell.page, number.cell.row) in rows:
            return False
        return any(
            min(abs(box[0] - number.box[0]), abs(box[2] - number.box[2])) <= _SAME_EDGE
            for cell in self._layout.row_of(text.cell)
            for other in cell.numbers
            if (box := cell.box_between(other.start, other.end))
        )

    def _is_far(self, number: Occurrence, text: Occurrence) -> bool:
        """Further than an entry is high; over the end of a page, only from its last rows to the first of the next."""
        here = [cell for cell, _, _ in text.pieces if cell.page == number.cell.page]
        if here:
            return all(abs(number.cell.middle - cell.middle) > _ENTRY_REACH for cell in here)
        last = text.pieces[-1][0]
        sheet = self._layout.sheet(last)
        at_end = last.row >= len(sheet.rows) - _TURNED_ROWS and last.middle > sheet.height / 2
        follows = at_end and number.cell.page == last.page + 1 and number.cell.row < _TURNED_ROWS
        return not follows

    def _places(self, field: FieldSpec, value: Any, path: str) -> "_Places":
        if value is None or isinstance(value, (dict, list)):
            return _NOWHERE
        key = field.kind, str(value)
        places = self._known.get(key)
        if places is None:
            places = self._known[key] = _Places(self._occurrences.find(*key))
        hint = self._seen.get(path)
        if not places.all and hint is not None and hint.box is not None:
            again = self._read_again(hint, str(value))
            if not again and self._own_reading and field.kind is FieldKind.IDENTIFIER:
                again = self._in_parts(hint, str(value))
            return _Places(again)
        return places

    def _read_again(self, hint: Evidence, value: str) -> list[Occurrence]:
        """A long text that the walk from line to line could not follow: do the words inside the hinted box hold it?"""
        assert hint.box is not None
        cells = [cell for cell in self._layout.cells if cell.page == hint.page and _inside(cell.box, hint.box)]
        if compact(value) and compact(value) in compact(" ".join(cell.text for cell in cells)):
            return [Occurrence(tuple((cell, 0, len(cell.text)) for cell in cells))]
        return []

    def _in_parts(self, hint: Evidence, value: str) -> list[Occurrence]:
        """`0003-00001234`: a series and the number in it, with a caption between them on paper. Each must stand whole where it was read."""
        assert hint.box is not None
        pieces: list[tuple[Cell, int, int]] = []
        for part in re.split(r"[\s-]+", value):
            whole = re.compile(rf"(?<![^\W_]){re.escape(part)}(?![^\W_])")
            places = (
                (cell, *match.span())
                for cell in self._layout.cells
                if cell.page == hint.page and _overlap(cell.box, hint.box)
                for match in whole.finditer(cell.text)
                if _overlap(cell.box_between(*match.span()), hint.box)
            )
            piece = next(places, None)
            if piece is None:
                return []
            pieces.append(piece)
        return [Occurrence(tuple(pieces))]

    def _choose(self, field: FieldSpec, places: "_Places", path: str) -> Occurrence:
        if len(places.all) == 1:
            return places.all[0]
        looked_at = places.all[:_LOOKED_AT]
        chosen = self._hinted(places, path) or max(looked_at, key=lambda each: self._has_label(field, each))
        if self._own_reading and field.kind in _PRINTED_AGAIN and not chosen.is_legible:
            # What was paid and when is printed again on card slips.
            return next((each for each in looked_at if each.is_legible), chosen)
        return chosen

    def _hinted(self, places: "_Places", path: str) -> Occurrence | None:
        hint = self._seen.get(path)
        if hint is None or hint.box is None:
            return None
        box = hint.box
        return next((each for each in places.on_page(hint.page) if _overlap(each.box, box)), None)

    def _has_label(self, field: FieldSpec, place: Occurrence) -> bool:
        """One of the field's labels before the value, in its own cell, left of it or above it."""
        labels = [compact(label) for label in (*field.labels, field.name)]
        cell = place.cell
        before = [cell.text[: place.start]]
        before += [each.text for each in self._layout.left_of(cell)[:2]]
        before += [each.text for each, _ in zip(self._layout.above(cell, place.box), range(2), strict=False)]
        keys = [compact(each) for each in before]
        return any(label and label in key for label in labels for key in keys)

    def _append(
        self,
        field: FieldSpec,
        value: Any,
        path: str,
        place: Occurrence | None,
        count: int,
        *,
        labelled: bool | None = None,
    ) -> None:
        if value is None:
            self.found.append(ExtractedField(path, None, FieldState.NOT_FOUND, 0.0))
            return
        if place is None:
            self.found.append(ExtractedField(path, value, FieldState.UNSUPPORTED, _UNSUPPORTED))
            return
        evidence = tuple(map(self._layout.shown, place.evidence()))
        if self._own_reading and (not place.is_legible or self._may_lack_letters(field, place)):
            confidence = min(_UNSUPPORTED, place.legibility)
            self.found.append(ExtractedField(path, value, FieldState.UNSUPPORTED, round(confidence, 3), evidence))
            return
        if labelled is None:
            labelled = self._has_label(field, place)
        alone = count <= 1
        confidence = {
            (True, True): _UNIQUE_AND_LABELLED,
            (True, False): _UNIQUE,
            (False, True): _LABELLED,
            (False, False): _REPEATED,
        }[alone, labelled]
        # What was misread in a picture is not made right by standing beside its label.
        confidence = min(confidence * (1.0 if place.sure else _AMBIGUOUS), place.legibility)
        self.found.append(ExtractedField(path, value, FieldState.SUPPORTED, round(confidence, 3), evidence))

    def _may_lack_letters(self, field: FieldSpec, place: Occurrence) -> bool:
        """Whether the value consists of words of a picture whose language the recogniser cannot spell."""
        unknown = self._layout.habits.language in _LANGUAGES_WITH_UNKNOWN_LETTERS and place.cell.is_recognised
        return unknown and field.kind in (FieldKind.TEXT, FieldKind.ADDRESS) and any(map(str.isalpha, place.cell.text))


def _position(place: Occurrence) -> float:
    page, middle = place.place
    return page * _PAGE + middle


class _Places:
    """Every place of one value, from the beginning of the document to its end."""

    def __init__(self, places: Sequence[Occurrence]) -> None:
        self.all = sorted(places, key=_position)
        self.positions = [_position(place) for place in self.all]

    def on_page(self, page: int) -> list[Occurrence]:
        return self.all[bisect_left(self.positions, page * _PAGE) : bisect_left(self.positions, (page + 1) * _PAGE)]

    def nearest(self, anchor: float) -> Occurrence:
        """The place nearest to a height; of equally near ones the upper, then the left."""
        at = bisect_left(self.positions, anchor)
        around = {self.positions[index] for index in (at - 1, at) if 0 <= index < len(self.positions)}
        gap = min(abs(position - anchor) for position in around)
        first, last = bisect_left(self.positions, anchor - gap), bisect_right(self.positions, anchor + gap)
        return min(self.all[first:last], key=lambda each: (abs(_position(each) - anchor), each.box[0]))


_NOWHERE = _Places(())


def _anchor(places: list[_Places], before: float) -> float | None:
    """Where the entry stands: the place from which the values of the others are nearest, at or after the entry before."""
    positions = [each.positions for each in places if each.positions]
    if not positions:
        return None

    def cost(candidate: float) -> tuple[float, float]:
        distance = sum(min(_gap(each, candidate), 10 * _ROW_REACH) for each in positions)
        backwards = 5 * _ROW_REACH * len(positions) if candidate < before - _ROW_REACH else 0.0
        again = 2 * _ROW_REACH if before - _ROW_REACH <= candidate < before + 1.0 else 0.0
        return round(distance + backwards + again, 3), candidate  # rows of the same words are equally near

    rarest: list[float] = min(positions, key=len)
    return min(rarest, key=cost)


def _gap(sorted_positions: list[float], candidate: float) -> float:
    at = bisect_left(sorted_positions, candidate)
    around = sorted_positions[max(0, at - 1) : at + 1]
    return min(abs(position - candidate) for position in around)


def _overlap(first: Box, second: Box) -> bool:
    return first[0] < second[2] and first[2] > second[0] and first[1] < second[3] and first[3] > second[1]


def _inside(inner: Box, outer: Box) -> bool:
    middle_x, middle_y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return outer[0] - 1 <= middle_x <= outer[2] + 1 and outer[1] - 1 <= middle_y <= outer[3] + 1
