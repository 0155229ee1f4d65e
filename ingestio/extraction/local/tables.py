"""Tables by their header row: columns from the headings, rows from what stands below them, over as many pages as they run."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from ingestio.domain.text import Word
from ingestio.extraction.layout import Cell, Layout, Sheet
from ingestio.extraction.local.labels import Label, Lexicon, labels_in
from ingestio.extraction.local.vocabulary import words
from ingestio.extraction.tokens import Token

# Between two words for what one column holds.
_JOINS = re.compile(r"\W*[/&+,]\W*|\s(?:y|e|o|u|und|oder|and|or|et|ou|of|en)\s", re.IGNORECASE)
_NUMERIC = frozenset(
    {"quantity", "unit_price", "amount", "debit", "credit", "balance", "tax_rate", "discount", "date", "value_date"}
)
_AMOUNTS = ("amount", "balance", "debit", "credit", "unit_price")
_FITTED_CELLS = 160
_EDGE = 8.0
_THROUGH_WORD, _THROUGH_CELL, _WRONG_SIDE = 1.0, 0.6, 0.5
# Words that stand in headings without naming a column: they qualify the word beside or above them.
_QUALIFIERS = frozenset(words("table", "qualifiers"))


@dataclass(slots=True)
class Column:
    """One column. `name` is the child concept, or empty for a column that nobody asked for. Edges in points, fitted to the words."""

    name: str
    head_left: float
    head_right: float
    key: str = ""
    rank: int = 0
    left: float = 0.0
    right: float = 0.0

    @property
    def middle(self) -> float:
        return (self.head_left + self.head_right) / 2


@dataclass(slots=True)
class Row:
    """The words of one printed row by column, left to right, and the cells that they came from."""

    cells: list[Cell]
    words: dict[int, list[tuple[Cell, int]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def top(self) -> float:
        return min(cell.box[1] for cell in self.cells)

    @property
    def bottom(self) -> float:
        return max(cell.box[3] for cell in self.cells)

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


@dataclass(slots=True)
class Table:
    """One header and the printed rows below it on the same page."""

    sheet: Sheet
    columns: list[Column]
    head: list[Cell]
    rows: list[Row]

    def names(self) -> set[str]:
        return {column.name for column in self.columns if column.name}


def find_headers(layout: Layout, lexicon: Lexicon) -> list[Table]:
    """Every header row with at least two known columns, one of them for amounts or two of them numeric; without rows yet."""
    found: list[Table] = []
    for sheet in layout.sheets:
        number = 0
        while number < len(sheet.rows):
            head = _header_at(sheet, number, lexicon)
            if head is None:
                number += 1
                continue
            table, last = head
            found.append(table)
            number = last + 1
    return found


def _header_at(sheet: Sheet, number: int, lexicon: Lexicon) -> tuple[Table, int] | None:
    row = sheet.rows[number]
    if not _is_header(row, lexicon):
        return None
    band, last = list(row), number
    height = max(cell.height for cell in row)
    best, best_names = list(row), _names(row, lexicon)
    # Headings over two or three lines: rows set close together that hold headings and qualifiers only.
    for following in range(number + 1, min(number + 6, len(sheet.rows))):
        lower = sheet.rows[following]
        if lower[0].box[1] - max(cell.box[3] for cell in band) > 0.6 * height or not _belongs_to_header(lower, lexicon):
            break
        band, last = band + lower, following
        best, best_names = list(band), best_names | _names(lower, lexicon)
    for earlier in range(number - 1, max(number - 4, -1), -1):
        upper = sheet.rows[earlier]
        if min(cell.box[1] for cell in best) - upper[0].box[3] > 0.4 * height or not _belongs_to_header(upper, lexicon):
            break
        best = upper + best
    columns = _columns(best, lexicon)
    if len({column.name for column in columns if column.name}) < 2:
        return None
    return Table(sheet, columns, best, []), last


def _names(row: list[Cell], lexicon: Lexicon) -> set[str]:
    return {label.names[0].concept for cell in row for label in labels_in(cell, lexicon)}


def _is_header(row: list[Cell], lexicon: Lexicon) -> bool:
    names: set[str] = set()
    known = total = 0
    for cell in row:
        if any(number.looks_like_money for number in cell.numbers) or cell.dates:
            return False
        labels = labels_in(cell, lexicon)
        for label in labels:
            if label.closed:
                return False
            names |= {each.concept for each in label.names}
        known += sum(_tokens_of(cell, label) for label in labels)
        known += sum(1 for token in cell.tokens if token.key in _QUALIFIERS and not _covered(token, labels))
        total += len(cell.tokens)
    distinct = _assignable(row, lexicon)
    if distinct < 2 or not names & set(_AMOUNTS) or known * 2 < total:
        return False
    return distinct >= 3 or bool(names & {"description", "date", "quantity"})


def _assignable(row: list[Cell], lexicon: Lexicon) -> int:
    return len({label.names[0].concept for cell in row for label in labels_in(cell, lexicon)})


def _tokens_of(cell: Cell, label: Label) -> int:
    return sum(1 for token in cell.tokens if label.start <= token.start and token.end <= label.end)


def _covered(token: Token, labels: list[Label]) -> bool:
    return any(label.start <= token.start < label.end for label in labels)


def _belongs_to_header(row: list[Cell], lexicon: Lexicon) -> bool:
    if any(cell.numbers or cell.dates for cell in row):
        return False
    known = total = 0
    for cell in row:
        labels = labels_in(cell, lexicon)
        covered = {token.start for label in labels for token in cell.tokens if label.start <= token.start < label.end}
        known += sum(1 for token in cell.tokens if token.start in covered or token.key in _QUALIFIERS)
        total += len(cell.tokens)
    return total > 0 and known >= 0.75 * total


def _columns(head: list[Cell], lexicon: Lexicon) -> list[Column]:
    """Columns from left to right. Headings above each other are one column; unknown ones keep their place without a name."""
    parts: list[Column] = []
    for cell in head:
        labels = labels_in(cell, lexicon)
        covered: set[int] = set()
        for number, label in enumerate(labels):
            box = label.cell.box_between(label.start, label.end)
            before = labels[number - 1] if number else None
            if before and before.names[0].concept == label.names[0].concept and _is_joined(before, label):
                parts[-1].head_right = box[2]  # `Product / Service`
            else:
                parts.append(Column(label.names[0].concept, box[0], box[2], label.key, label.names[0].rank))
            covered |= {token.start for token in cell.tokens if label.start <= token.start < label.end}
        rest = [token for token in cell.tokens if token.start not in covered]
        if rest and not labels:
            parts.append(Column("", cell.box[0], cell.box[2]))
        elif rest and labels and all(token.key not in _QUALIFIERS for token in rest):
            for token in rest:
                box = cell.box_between(token.start, token.end)
                parts.append(Column("", box[0], box[2]))
    parts.sort(key=lambda part: part.head_left)
    columns: list[Column] = []
    for part in parts:
        over = next((each for each in columns if _over(each, part)), None)
        if over is None:
            columns.append(part)
            continue
        if part.name and (not over.name or (part.name == over.name and len(part.key) > len(over.key))):
            over.name, over.key, over.rank = part.name, part.key, part.rank
        over.head_left, over.head_right = min(over.head_left, part.head_left), max(over.head_right, part.head_right)
    _without_doubles(columns)
    names = {column.name for column in columns}
    if "unit_price" in names and not {"amount", "quantity"} & names:
        for column in columns:  # with one price a line, the price is the line's amount
            column.name = "amount" if column.name == "unit_price" else column.name
    return columns


def _is_joined(first: Label, second: Label) -> bool:
    return _JOINS.fullmatch(first.cell.text, first.end, second.start) is not None


def _over(first: Column, second: Column) -> bool:
    overlap = min(first.head_right, second.head_right) - max(first.head_left, second.head_left)
    return overlap > 0.4 * min(first.head_right - first.head_left, second.head_right - second.head_left)


def _without_doubles(columns: list[Column]) -> None:
    """A name holds for one column: the net one of several amounts, else the last; the best-named one of several descriptions."""
    by_name: dict[str, list[Column]] = defaultdict(list)
    for column in columns:
        if column.name:
            by_name[column.name].append(column)
    for name, same in by_name.items():
        if len(same) == 1:
            continue
        if name == "amount":
            net = [each for each in same if any(mark in each.key for mark in ("net", "ht", "excl", "taxable"))]
            keep = net[-1] if net else same[-1]
        elif name == "unit_price":
            keep = max(same, key=lambda each: len(each.key))
            if "amount" not in by_name:  # `Prix ... Prix HT`: the last price of a line is the line's
                keep = max(same[:-1], key=lambda each: len(each.key))
                same[-1].name = "amount"
                same = same[:-1]
        else:
            keep = min(same, key=lambda each: each.rank)
        for each in same:
            if each is not keep:
                each.name = ""


def fill(table: Table, below: float, until: float, ends: Callable[[Row], bool]) -> None:
    """Gives the table the rows between two heights of its page, and its columns edges that fit the words.

    `ends` tells the rows that are no entries (sums): what follows the first of them says nothing about the columns.
    """
    rows = [row for row in table.sheet.rows if below <= min(cell.box[1] for cell in row) and row[0].middle < until]
    entries = next((number for number, row in enumerate(rows) if number and ends(Row(row))), len(rows))
    left = min(column.head_left for column in table.columns if column.name)
    if _begins_at(rows[:entries], left):
        rows = _without_sidebar(rows, left)
    table.rows = [Row(list(row)) for row in rows if any(cell.tokens or cell.text.strip() for cell in row)]
    first_sum = next((number for number, row in enumerate(table.rows) if number and ends(row)), len(table.rows))
    _fit_edges(table, table.rows[:first_sum])
    for row in table.rows:
        for cell in row.cells:
            for index, word in enumerate(cell.words):
                row.words[_column_of(table.columns, word)].append((cell, index))


def _begins_at(rows: list[list[Cell]], left: float) -> bool:
    """Whether rows with amounts begin under the first known heading, rather than left of it."""
    priced = [row for row in rows if any(number.looks_like_money for cell in row for number in cell.numbers)]
    at_edge = [row for row in priced if any(abs(cell.box[0] - left) < _EDGE for cell in row)]
    before_it = [row for row in priced if row not in at_edge and any(cell.box[2] < left for cell in row)]
    return len(at_edge) > len(before_it)


def _without_sidebar(rows: list[list[Cell]], left: float) -> list[list[Cell]]:
    """Without what stands left of the table: another column of the page, or numbers that count the rows."""
    kept = ([cell for cell in row if cell.box[2] > left - _EDGE] for row in rows)
    return [row for row in kept if row]


def _fit_edges(table: Table, rows: list[Row]) -> None:
    columns = table.columns
    # Rows with several cells are the table's; a line of prose across the page says nothing about its columns.
    cells = [
        (cell, 1.0 if len(row.cells) > 2 else 0.3 if len(row.cells) == 2 else 0.02)
        for row in rows
        for cell in row.cells
    ]
    for before, after in pairwise(columns):
        before.right = after.left = _edge_between(before, after, cells)
    columns[0].left, columns[-1].right = float("-inf"), float("inf")


def _edge_between(before: Column, after: Column, cells: list[tuple[Cell, float]]) -> float:
    """The cut between two headings that hurts least: it goes through few words and cells, and leaves words under their heading."""
    low = min(before.head_right, before.middle) if before.name in _NUMERIC else before.middle
    high = after.middle if after.name in _NUMERIC else min(after.head_left + 2, after.middle + 1)
    middle = (before.head_right + after.head_left) / 2
    if high <= low:
        return middle
    near = [
        (cell, weight) for cell, weight in cells[:_FITTED_CELLS] if cell.box[2] > low - 40 and cell.box[0] < high + 40
    ]
    steps = 24
    cuts = (low + (high - low) * step / steps for step in range(steps + 1))
    return min(
        cuts,
        key=lambda cut: (sum(weight * _harm(cell, cut, before, after) for cell, weight in near), abs(cut - middle)),
    )


def _harm(cell: Cell, cut: float, before: Column, after: Column) -> float:
    harm = 0.0
    if cell.box[0] < cut - 0.5 and cell.box[2] > cut + 0.5:
        through_word = any(word.box[0] < cut - 0.5 and word.box[2] > cut + 0.5 for word in cell.words)
        harm += _THROUGH_WORD if through_word else _THROUGH_CELL
    for word in cell.words:
        under_before, under_after = _overlap(word, before), _overlap(word, after)
        right = (word.box[0] + word.box[2]) / 2 > cut
        if (under_before > under_after and right) or (under_after > under_before and not right):
            harm += _WRONG_SIDE
    return harm


def _overlap(word: Word, column: Column) -> float:
    return max(0.0, min(word.box[2], column.head_right) - max(word.box[0], column.head_left))


def _column_of(columns: list[Column], word: Word) -> int:
    middle = (word.box[0] + word.box[2]) / 2
    return next((index for index, column in enumerate(columns) if middle < column.right), len(columns) - 1)
