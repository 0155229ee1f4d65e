"""Whether a list is whole: printed rows that look like its entries and that no entry covers (R79).

A model that stops at its limit says so; one that leaves rows out in silence does not, but the rows are still on paper. What a row of a
list looks like is learnt from the entries that were found: which columns they have and where those stand. That needs no knowledge of the
document's kind or language. Where the document's own sums bear the list out, nothing is missing, whatever else looks like a row.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ingestio.domain.fields import ExtractedField, FieldKind, FieldSpec
from ingestio.domain.text import Box
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.dates import find_days, find_months
from ingestio.extraction.layout import Cell, Layout, Sheet
from ingestio.extraction.local.items import list_entries
from ingestio.extraction.local.labels import columns_of, lexicon_of

# So many entries show what a row looks like; with a single column of numbers or dates, which sums have too, it takes more of them.
_LEAST_ENTRIES, _LEAST_OF_PLAIN = 3, 10
# A column is one that this part of the entries has; its edge one at which this part of its values stands.
_MOST_ENTRIES, _ALIGNED = 0.8, 0.9
_SAME_EDGE = 3.0
_MEASURED = frozenset({FieldKind.AMOUNT, FieldKind.NUMBER, FieldKind.DATE})
_NUMBERS = frozenset({FieldKind.AMOUNT, FieldKind.NUMBER})
_LEFT, _RIGHT = 0, 2
# A row that begins with one of these is a sum or a balance, not an entry; where entries have no date, charges and payments are none either.
_SUMS = (
    "total totals subtotal balance carried brought opening closing summe zwischensumme gesamt gesamtbetrag saldo "
    "kontostand ubertrag vortrag anfangssaldo endsaldo solde totaux totale riporto suma subtotaal totaal overdracht"
)
_SUM_WORDS = frozenset(_SUMS.split())
_CHARGES = "tax vat discount shipping delivery freight payment paid cash change card tip mwst ust rabatt versand tva remise iva btw"
_CHARGE_WORDS = frozenset(_CHARGES.split())
# Words by which a prompt asks for some of the rows only; then a row that is missing may be one that nobody wanted.
_SOME_ONLY = re.compile(
    r"\b(?:only|just|except|without|excluding|exclude|ignore|skip|omit|first|last|top|latest|largest|smallest|highest|lowest|most|least|"
    r"above|below|over|under|more than|less than|greater|at least|at most|exceed\w*|between|since|before|after|until|where|whose|"
    r"which|filter\w*|unless|not|up to|nur|ohne|ausser|außer|erste[nr]?|letzte[nr]?|uber|über|unter|mehr als|weniger als|zwischen|seit|"
    r"seulement|sauf|sans|uniquement|premi\w+|derni\w+|plus de|moins de|entre|solo|sólo|solamente|excepto|sin|primer\w*|ultim\w+|"
    r"tranne|senza|meno|piu|alleen|behalve|zonder|apenas|exceto|sem)\b",
    re.IGNORECASE,
)
_OPENING, _CLOSING = "opening_balance", "closing_balance"
_STATED_SUMS = ("subtotal", "total_amount", "total", "amount_due")
_CENT = Decimal("0.005")


def asks_for_every_row(prompt: str | None, custom_instructions: str | None) -> bool:
    """Whether nothing that the user wrote restricts a list to some of its rows."""
    return not any(text and _SOME_ONLY.search(text) for text in (prompt, custom_instructions))


def incomplete_pages(
    layout: Layout,
    document_type: str,
    fields: Sequence[FieldSpec],
    data: Mapping[str, Any],
    found: Iterable[ExtractedField],
) -> tuple[int, ...]:
    """The pages with rows that belong to a list and are in none of its entries, in order. `found` is what grounding made of `data`."""
    lists = [each for each in _lists(fields, data) if not _adds_up(each.value, data)]
    if not lists:
        return ()
    leaves, singles = _leaves_by_entry(found)
    rows = _Rows(layout)
    taken = {home for leaf in singles if (home := rows.home_of({"": leaf})) is not None}
    pages: set[int] = set()
    for each in lists:
        if each.value:
            pages |= _uncovered(rows, each.spec, list(leaves.get(each.path, {}).values()), taken)
        else:
            pages |= _unread_table(layout, document_type, each.spec)
    return tuple(sorted(pages))


@dataclass(frozen=True, slots=True)
class _List:
    """A list of rows that is wanted, wherever in the data it is."""

    path: str
    spec: FieldSpec
    value: list[Any]


def _lists(fields: Sequence[FieldSpec], data: Any, path: str = "") -> Iterator[_List]:
    for spec in fields:
        value = data.get(spec.name) if isinstance(data, Mapping) else None
        if spec.kind is FieldKind.LIST and spec.children:
            yield _List(path + spec.name, spec, value or [])
        elif spec.kind is FieldKind.OBJECT:
            yield from _lists(spec.children, value, f"{path}{spec.name}.")


Leaves = dict[str, ExtractedField]
Home = tuple[int, int]
"""A printed row: its page, and its number on that page from 0."""


def _leaves_by_entry(found: Iterable[ExtractedField]) -> tuple[dict[str, dict[int, Leaves]], list[ExtractedField]]:
    """The leaves of each list by entry, and the single values."""
    lists: dict[str, dict[int, Leaves]] = {}
    singles: list[ExtractedField] = []
    for leaf in found:
        name, bracket, rest = leaf.path.partition("[")
        if bracket:
            index, _, child = rest.partition("].")
            if child and index.isdigit():
                lists.setdefault(name, {}).setdefault(int(index), {})[child] = leaf
        else:
            singles.append(leaf)
    return lists, singles


def _adds_up(entries: list[Any], data: Mapping[str, Any]) -> bool:
    """Whether the entries' amounts lead from the opening balance to the closing one, or make up one of the document's sums."""
    amounts = [_decimal(entry.get("amount")) for entry in entries if isinstance(entry, Mapping)]
    known = [amount for amount in amounts if amount is not None]
    if not known or len(known) != len(entries):
        return False
    total = sum(known, Decimal(0))
    opening, closing = _decimal(data.get(_OPENING)), _decimal(data.get(_CLOSING))
    if opening is not None and closing is not None:
        return abs(opening + total - closing) < _CENT
    return any(abs(total - stated) < _CENT for name in _STATED_SUMS if (stated := _decimal(data.get(name))) is not None)


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None


def _unread_table(layout: Layout, document_type: str, spec: FieldSpec) -> set[int]:
    """Pages of the type's own table when rules find rows in it and the answer has none."""
    kind = DOCUMENT_TYPES.get(document_type)
    concept = kind.concept(spec.name) if kind else None
    if concept is None or concept.spec.kind is not FieldKind.LIST or not concept.children:
        return set()
    listed = list_entries(layout, concept, columns_of(document_type, concept.name), lexicon_of(document_type))
    places = [next(iter(entry.values())).pieces[0][0] for entry in listed.entries if entry]
    return {cell.page for cell in places} if len(places) >= _LEAST_ENTRIES else set()


@dataclass(frozen=True, slots=True)
class _Column:
    """Where the values of a column stand: the edge by which they are aligned, and its positions in points."""

    kind: FieldKind
    side: int
    positions: tuple[float, ...]

    def has(self, box: Box) -> bool:
        at = bisect_left(self.positions, box[self.side] - _SAME_EDGE)
        return at < len(self.positions) and self.positions[at] <= box[self.side] + _SAME_EDGE

    def is_in(self, row: Sequence[Cell], layout: Layout) -> bool:
        """Whether a value of the column's kind stands in its place in a printed row."""
        if self.kind in _NUMBERS:
            return any(self.has(cell.box_between(number.start, number.end)) for cell in row for number in cell.numbers)
        if self.kind is FieldKind.DATE:
            return any(self.has(box) for cell in row for box in _date_boxes(cell, layout))
        return any(self.has(word.box) for cell in row for word in cell.words)


def _date_boxes(cell: Cell, layout: Layout) -> list[Box]:
    if not any(char.isdigit() for char in cell.text):
        return []
    dates = [*cell.dates, *find_days(cell.text, layout.habits.date_order), *find_months(cell.text)]
    return [cell.box_between(date.start, date.end) for date in dates]


def _uncovered(rows: "_Rows", spec: FieldSpec, entries: list[Leaves], taken: set[Home]) -> set[int]:
    """`taken`: rows whose values were read as single ones, such as sums; the last booking of a statement holds its closing balance, so
    that says nothing where a row is known by several columns."""
    columns = [column for child in spec.children if (column := _column(child, entries)) is not None]
    measured = sum(column.kind in _MEASURED for column in columns)
    least = _LEAST_ENTRIES if measured > 1 else _LEAST_OF_PLAIN
    if not measured or len(columns) < 2 or len(entries) < least:
        return set()
    layout = rows.layout
    words = _SUM_WORDS if any(column.kind is FieldKind.DATE for column in columns) else _SUM_WORDS | _CHARGE_WORDS
    homes = {home for entry in entries if (home := rows.home_of(entry)) is not None}
    alike = [home for home in homes if all(column.is_in(rows.at(home), layout) for column in columns)]
    if not alike or len(alike) < _MOST_ENTRIES * len(homes):
        return set()  # its rows are printed over several lines: what one looks like cannot be said
    pages = set()
    for sheet in layout.sheets:
        for number, row in enumerate(sheet.rows):
            home = (sheet.number, number)
            if home in homes or (measured == 1 and home in taken) or _begins_with(words, row):
                continue
            if all(column.is_in(row, layout) for column in columns):
                pages.add(sheet.number)
                break
    return pages


def _column(child: FieldSpec, entries: list[Leaves]) -> _Column | None:
    if child.kind in (FieldKind.LIST, FieldKind.OBJECT):
        return None
    boxes = [
        box
        for entry in entries
        if (leaf := entry.get(child.name)) and leaf.evidence and (box := leaf.evidence[0].box) is not None
    ]
    if len(boxes) < _MOST_ENTRIES * len(entries):
        return None
    sides = (_RIGHT, _LEFT) if child.kind in _NUMBERS else (_LEFT,)
    for side in sides:
        positions, aligned = _positions([box[side] for box in boxes])
        if aligned >= _ALIGNED * len(boxes):
            return _Column(child.kind, side, positions)
    return None


def _positions(edges: list[float]) -> tuple[tuple[float, ...], int]:
    """Where several edges stand together, from left to right, and how many edges that are in all."""
    groups: list[list[float]] = []
    for edge in sorted(edges):
        if groups and edge - groups[-1][0] <= _SAME_EDGE:
            groups[-1].append(edge)
        else:
            groups.append([edge])
    kept = [group for group in groups if len(group) >= max(2, len(edges) // 20)]
    return tuple(sum(group) / len(group) for group in kept), sum(map(len, kept))


class _Rows:
    """Printed rows by page and height."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._sheets: dict[int, Sheet] = {sheet.number: sheet for sheet in layout.sheets}
        self._middles = {number: [row[0].middle for row in sheet.rows] for number, sheet in self._sheets.items()}
        self._line_height = layout.line_height

    def at(self, home: Home) -> list[Cell]:
        page, number = home
        return self._sheets[page].rows[number]

    def home_of(self, entry: Leaves) -> Home | None:
        """The printed row in which most of an entry's values stand; None when nothing of it was found."""
        places = [place for leaf in entry.values() for place in leaf.evidence[:1]]
        homes = Counter(
            (place.page, self._nearest(place.page, place.box))
            for place in places
            if place.box is not None and place.box[3] - place.box[1] < 2 * self._line_height
        )
        return max(homes, key=lambda home: (homes[home], -home[1])) if homes else None

    def _nearest(self, page: int, box: Box) -> int:
        middles, middle = self._middles[page], (box[1] + box[3]) / 2
        at = bisect_left(middles, middle)
        return min(range(max(0, at - 1), min(len(middles), at + 1)), key=lambda index: abs(middles[index] - middle))


def _begins_with(words: frozenset[str], row: Sequence[Cell]) -> bool:
    """Whether one of these is among the first two words of a row, dates and numbers aside."""
    first = [token.key for cell in row for token in cell.tokens if not any(char.isdigit() for char in token.key)]
    return not words.isdisjoint(first[:2])
