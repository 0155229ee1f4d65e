"""A document's text with its geometry: cells, their neighbours, and the writing habits that the whole document proves.

A cell is a line of `domain.text`: words on one base line without a wide gap. Cells of one page that overlap in height form a row.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from ingestio.domain.evidence import Evidence
from ingestio.domain.text import Box, DocumentText, Line, PageText, Word, union
from ingestio.extraction.amounts import FoundNumber, find_numbers
from ingestio.extraction.dates import FoundDate, find_dates
from ingestio.extraction.habits import Habits, habits_of
from ingestio.extraction.misprints import put_right
from ingestio.extraction.tokens import Token, tokens

# Between words whose gap exceeds this part of their height no number goes on: `2   150,00` is a quantity and a price.
_NUMBER_GAP = 0.45
# A typewriter's blank is as wide as its letters.
_LETTER_GAP = 1.25
_WIDE_SPACE = "\u2003"
_CODE = re.compile(r"0\d+")


class Cell:
    """One line with what can be read in it. Offsets of tokens, dates and numbers count in `text`."""

    def __init__(self, page: int, index: int, line: Line, layout: "Layout") -> None:
        self.page = page
        self.index = index
        self.words: tuple[Word, ...] = line.words
        self.box: Box = line.box
        self.row = -1
        self._layout = layout
        parts: list[str] = []
        self._starts: list[int] = []
        length = 0
        for position, word in enumerate(self.words):
            if position:
                before = self.words[position - 1]
                gap = word.box[0] - before.box[2]
                letter = (before.box[2] - before.box[0]) / max(1, len(before.text))
                usual = max(_NUMBER_GAP * (word.box[3] - word.box[1]), _LETTER_GAP * letter)
                parts.append(_WIDE_SPACE if gap > usual else " ")
                length += 1
            self._starts.append(length)
            parts.append(word.text)
            length += len(word.text)
        self.text = "".join(parts)

    def __repr__(self) -> str:
        return f"Cell({self.page}, {self.index}, {self.text!r})"

    @property
    def layout(self) -> "Layout":
        """The document that it is a cell of."""
        return self._layout

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> float:
        return (self.box[1] + self.box[3]) / 2

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        return tokens(self.text)

    @cached_property
    def dates(self) -> list[FoundDate]:
        return find_dates(self.text, self._layout.habits.date_order, misread=self.is_recognised)

    @cached_property
    def read_as(self) -> str:
        """The text as labels are looked for in it, offsets unchanged: words that were recognised may be misspelt by a character."""
        return put_right(self.text) if self.is_recognised else self.text

    @property
    def is_recognised(self) -> bool:
        """Whether the words come from a picture, not from text in the file."""
        return any(word.confidence < 1.0 for word in self.words)

    @cached_property
    def label_tokens(self) -> tuple[Token, ...]:
        return self.tokens if self.read_as == self.text else tokens(self.read_as)

    @cached_property
    def undated(self) -> str:
        """The text with blanks where dates stand, offsets unchanged: recognised print may set a time right behind one."""
        text = self.text
        for date in self.dates:
            text = text[: date.start] + " " * (date.end - date.start) + text[date.end :]
        return text

    @cached_property
    def numbers(self) -> list[FoundNumber]:
        """Numbers outside of dates."""
        if not any(char.isdigit() for char in self.text):
            return []
        dates = self.dates
        found = find_numbers(self.text, self._layout.habits.decimal_sign)
        return [each for each in found if all(each.end <= date.start or each.start >= date.end for date in dates)]

    @cached_property
    def amounts(self) -> list[FoundNumber]:
        """Numbers that can be amounts of money: no percentages, no bare years and no codes, which are long or begin with a nought."""
        return [
            each
            for each in self.numbers
            if not each.percent
            and (each.looks_like_money or (each.digits <= 9 and not _CODE.fullmatch(self.text, each.start, each.end)))
        ]

    def span_of(self, index: int) -> tuple[int, int]:
        """Where a word stands in `text`."""
        return self._starts[index], self._starts[index] + len(self.words[index].text)

    def words_between(self, start: int, end: int) -> tuple[Word, ...]:
        """The words that the characters `start:end` touch."""
        first = max(0, bisect_right(self._starts, start) - 1)
        last = max(first + 1, bisect_left(self._starts, end))
        return self.words[first:last]

    def box_between(self, start: int, end: int) -> Box:
        """The box around the words that the characters `start:end` touch."""
        return union(tuple(word.box for word in self.words_between(start, end)))

    def evidence(self, start: int = 0, end: int | None = None) -> Evidence:
        """These characters as evidence: the words verbatim, the box around them."""
        stop = len(self.text) if end is None else end
        quote = self.text[start:stop].replace(_WIDE_SPACE, " ").strip()
        return Evidence(self.page, quote, self.box_between(start, stop))


@dataclass(slots=True)
class Sheet:
    """One page: its size, its cells in reading order and its rows from top to bottom."""

    number: int
    width: float
    height: float
    cells: list[Cell] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)


class Layout:
    """Every cell of a document with its neighbours. Building it is linear in the words; the rest is read on demand."""

    def __init__(self, text: DocumentText, habits: Habits | None = None) -> None:
        """`habits` are those of a whole document of which this is a part; without them the text itself has to show them."""
        self._given_habits = habits
        self.cells: list[Cell] = []
        self.sheets: list[Sheet] = []
        self._pages = {page.number: page for page in text.pages}
        for page in text.pages:
            self.sheets.append(self._sheet(page))
        self._by_page = {sheet.number: sheet for sheet in self.sheets}

    def shown(self, evidence: Evidence) -> Evidence:
        """Evidence on the page as people see it, which may lie crooked or on its side."""
        page = self._pages[evidence.page]
        return replace(evidence, box=page.shown(evidence.box)) if evidence.box else evidence

    def _sheet(self, page: PageText) -> Sheet:
        sheet = Sheet(page.number, page.width, page.height)
        for line in page.lines:
            if line.words:
                cell = Cell(page.number, len(self.cells), line, self)
                self.cells.append(cell)
                sheet.cells.append(cell)
        for cell in sorted(sheet.cells, key=lambda each: (each.middle, each.box[0])):
            last = sheet.rows[-1] if sheet.rows else None
            if last and abs(cell.middle - last[0].middle) < 0.5 * min(cell.height, last[0].height) and _upright(cell):
                last.append(cell)
            else:
                sheet.rows.append([cell])
        _mend_rows(sheet.rows)
        for number, row in enumerate(sheet.rows):
            row.sort(key=lambda each: each.box[0])
            for cell in row:
                cell.row = number
        return sheet

    @cached_property
    def habits(self) -> Habits:
        """How this document writes dates and numbers, and in which language."""
        if self._given_habits is not None:
            return self._given_habits
        sizes = [(sheet.width, sheet.height) for sheet in self.sheets]
        return habits_of([cell.text for cell in self.cells[:4000]], sizes)

    @cached_property
    def line_height(self) -> float:
        """The usual height of a line of text, in points."""
        heights = sorted(cell.height for cell in self.cells[:2000])
        return heights[len(heights) // 2] if heights else 10.0

    def sheet(self, cell: Cell) -> Sheet:
        return self._by_page[cell.page]

    def sheet_after(self, cell: Cell) -> Sheet | None:
        """The page that follows the cell's."""
        return self._by_page.get(cell.page + 1)

    def row_of(self, cell: Cell) -> list[Cell]:
        """All cells of the row, left to right."""
        return self.sheet(cell).rows[cell.row]

    def right_of(self, cell: Cell) -> list[Cell]:
        """The cells of the same row further right, nearest first."""
        row = self.row_of(cell)
        return row[row.index(cell) + 1 :]

    def left_of(self, cell: Cell) -> list[Cell]:
        """The cells of the same row further left, nearest first."""
        row = self.row_of(cell)
        return row[: row.index(cell)][::-1]

    def below(self, cell: Cell, box: Box | None = None, *, reach: float = 3.0) -> Iterator[Cell]:
        """Cells under `box` (default: the cell's own) that overlap it in width, nearest first, up to `reach` line heights away."""
        return self._column(cell, box or cell.box, reach, 1)

    def above(self, cell: Cell, box: Box | None = None, *, reach: float = 3.0) -> Iterator[Cell]:
        """As `below`, upwards."""
        return self._column(cell, box or cell.box, reach, -1)

    def _column(self, cell: Cell, box: Box, reach: float, step: int) -> Iterator[Cell]:
        rows = self.sheet(cell).rows
        number = cell.row + step
        limit = reach * max(cell.height, 4.0)
        while 0 <= number < len(rows):
            row = rows[number]
            gap = (row[0].middle - cell.middle) * step - (row[0].height + cell.height) / 2
            if gap > limit:
                return
            for other in row:
                if other.box[0] < box[2] and other.box[2] > box[0]:
                    yield other
            number += step


def _mend_rows(rows: list[list[Cell]]) -> None:
    """A cell between two rows goes to the one on whose base line it stands: columns set beside each other need not keep step."""
    for number, row in enumerate(rows):
        for cell in [each for each in row if len(row) > 1]:
            own = min((_off_base(cell, other) for other in row if other is not cell), default=0.0)
            if own < 0.18 * cell.height or not _upright(cell):
                continue
            for neighbour in (number - 1, number + 1):
                if 0 <= neighbour < len(rows) and rows[neighbour]:
                    off = min(_off_base(cell, other) for other in rows[neighbour])
                    if off < min(0.1 * cell.height, own / 2):
                        row.remove(cell)
                        rows[neighbour].append(cell)
                        break


def _off_base(cell: Cell, other: Cell) -> float:
    return abs(cell.box[3] - other.box[3])


def _upright(cell: Cell) -> bool:
    return cell.box[2] - cell.box[0] >= 0.5 * cell.height or len(cell.text) <= 2


def plain(text: str) -> str:
    """A cell's text with ordinary blanks."""
    return re.sub(r"\s+", " ", text).strip()
