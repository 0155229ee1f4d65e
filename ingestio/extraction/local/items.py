"""Entries of a list from the rows of its table: line items, ordered goods, bookings."""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from ingestio.domain.fields import FieldKind
from ingestio.extraction.catalogue import Concept
from ingestio.extraction.layout import Cell, Layout, plain
from ingestio.extraction.local.labels import Lexicon, labels_in
from ingestio.extraction.local.readers import read
from ingestio.extraction.local.reading import Entry, Piece, Reading
from ingestio.extraction.local.tables import Column, Row, Table, fill, find_headers
from ingestio.extraction.local.vocabulary import any_of

# A row of sums ends a table, unless quantities and prices stand in it.
_SUMS = frozenset(
    {
        "subtotal",
        "tax_amount",
        "total_amount",
        "amount_due",
        "amount_paid",
        "shipping_amount",
        "discount_amount",
        "opening_balance",
        "closing_balance",
    }
)
_FINAL = frozenset({"total_amount", "amount_due", "closing_balance"})
_CARRIED = re.compile(
    rf"^\W*{any_of('table', 'carried')}(?![^\W_])(?:\W|\d|{any_of('table', 'page')}\b)*(?:[A-Z]{{3}}\W*)?[\d\W]*$",
    re.IGNORECASE,
)
_CONTINUATION = 1.7
_TEXTS = frozenset({FieldKind.TEXT, FieldKind.IDENTIFIER, FieldKind.ADDRESS})


@dataclass(slots=True)
class Listed:
    """The entries of one list, and the cells that headings and rows took, so that no label is read out of them."""

    entries: list[Entry] = field(default_factory=list)
    cells: set[int] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)


def list_entries(layout: Layout, concept: Concept, columns: Lexicon, scalars: Lexicon) -> Listed:
    """The entries of `concept`'s table, in order, over all pages that carry it on."""
    listed = Listed()
    headers = find_headers(layout, columns)
    if not headers:
        return listed
    main = max(headers, key=lambda each: (len(each.names()), -headers.index(each)))
    wanted = [each for each in headers if len(each.names() & main.names()) >= max(2, len(main.names()) - 1)]
    kinds = {child.name: child.spec.kind for child in concept.children}
    tables = _on_pages(layout, wanted)
    for table, below, until in tables:
        fill(table, below, until, lambda row: _is_sum(row, scalars))
        rows = _until_sums(table, scalars)
        _name_quantities(table, rows)
        entries, used = _entries(table, rows, kinds)
        if table is tables[0][0] and not entries:
            continue
        listed.entries.extend(entries)
        listed.cells |= {cell.index for cell in table.head if not _is_beside(table, cell, rows)} | used
        listed.columns |= table.names()
    return listed


def _is_beside(table: Table, head: Cell, rows: list[Row]) -> bool:
    """Whether a heading left of the known columns belongs to a column of the page beside the table: few rows have anything below it."""
    if head.box[2] > min(column.head_left for column in table.columns if column.name):
        return False
    priced = [
        row.cells[0].row for row in rows if any(number.looks_like_money for c in row.cells for number in c.numbers)
    ]
    printed = [table.sheet.rows[number] for number in priced]
    under = [row for row in printed if any(c.box[0] < head.box[2] and c.box[2] > head.box[0] for c in row)]
    return len(priced) < 2 or 2 * len(under) <= len(priced)


def _on_pages(layout: Layout, headers: list[Table]) -> list[tuple[Table, float, float]]:
    """Each header with the stretch of its page; pages without a header of their own carry the last one on, from their top."""
    stretches: list[tuple[Table, float, float]] = []
    by_page: dict[int, list[Table]] = {}
    for header in headers:
        by_page.setdefault(header.sheet.number, []).append(header)
    last: Table | None = None
    for sheet in layout.sheets:
        here = by_page.get(sheet.number, [])
        if not here and last is not None:
            copies = [Column(each.name, each.head_left, each.head_right, each.key, each.rank) for each in last.columns]
            stretches.append((Table(sheet, copies, [], []), 0.0, sheet.height))
            continue
        for number, header in enumerate(here):
            bottom = max(cell.box[3] for cell in header.head)
            until = (
                min((cell.box[1] for cell in here[number + 1].head), default=sheet.height)
                if number + 1 < len(here)
                else sheet.height
            )
            stretches.append((header, bottom - 1, until))
            last = header
    return stretches


def _heads_sums(row: Row, scalars: Lexicon) -> bool:
    """`Subtotal   VAT 20 %   Total`: names of sums side by side, whose amounts stand in the row below; or that of the final one beside
    other labels, `Due by   Total due`."""
    if any(number.looks_like_money for cell in row.cells for number in cell.numbers):
        return False
    leading = [next((label for label in labels_in(cell, scalars) if label.leading), None) for cell in row.cells]
    named = [{name.concept for name in label.names} & _SUMS for label in leading if label is not None]
    net_and_tax = any("subtotal" in concepts for concepts in named) and any(
        "tax_amount" in concepts for concepts in named
    )
    final = any(concepts & _FINAL for concepts in named)
    if sum(map(bool, named)) > 1 and (net_and_tax or final):
        return True
    return final and sum(label is not None and label.fills_cell for label in leading) > 1


def _holds_sums(row: Row, scalars: Lexicon) -> bool:
    """`Imponibile 500,00   IVA 22% 110,00   TOTALE 610,00`: two sums or more in one row, one of them final, each before its amount."""
    named: set[str] = set()
    for cell, following in zip(row.cells, (*row.cells[1:], None), strict=True):
        label = next((label for label in labels_in(cell, scalars) if label.leading), None)
        concepts = {name.concept for name in label.names} & _SUMS if label is not None else set()
        if cell is row.cells[0] and not concepts:
            return False
        if any(number.looks_like_money for each in (cell, following) if each is not None for number in each.numbers):
            named |= concepts
    return len(named) > 1 and bool(named & _FINAL)


def _is_sum(row: Row, scalars: Lexicon) -> bool:
    """A row of at most three cells that begins with the label of a sum and holds an amount."""
    if _heads_sums(row, scalars) or _holds_sums(row, scalars):
        return True
    if len(row.cells) > 3 or not any(cell.amounts for cell in row.cells):
        return False
    labels = [label for cell in row.cells for label in labels_in(cell, scalars) if label.leading]
    return any(name.concept in _SUMS for label in labels for name in label.names)


def _until_sums(table: Table, scalars: Lexicon) -> list[Row]:
    """The rows that belong to the table: rows of sums are left out, and nothing follows the final one."""
    kept: list[Row] = []
    for row in table.rows:
        if kept and (_heads_sums(row, scalars) or _holds_sums(row, scalars)):
            break
        labels = [label for cell in row.cells for label in labels_in(cell, scalars) if label.leading]
        sums = [(label, name) for label in labels for name in label.names if name.concept in _SUMS]
        alone = any(label.fills_cell and name.concept in _FINAL for label, name in sums)
        if sums and not _has_numbers_of_an_item(table, row, {label.cell.index for label, _ in sums}, alone):
            final = any(name.concept in _FINAL for _, name in sums) and any(cell.amounts for cell in row.cells)
            if final and kept:
                break
            continue
        kept.append(row)
    return kept


def _has_numbers_of_an_item(table: Table, row: Row, labelled: set[int], alone: bool) -> bool:
    """Whether a quantity, price or date stands in its column, outside of the cells that hold a label of a sum.

    Behind nothing but `Total`, quantities are summed up too; prices never are.
    """
    names: tuple[str, ...] = ("quantity", "unit_price", "date") if "amount" in table.names() else ("quantity", "date")
    if alone:
        # Where prices have the last column, the total stands in it too.
        names = ("unit_price", "date") if {"unit_price", "amount"} <= table.names() else ("date",)
    columns = [index for index, column in enumerate(table.columns) if column.name in names]
    cells = [(cell, at) for index in columns for cell, at in row.words.get(index, ()) if cell.index not in labelled]
    return any(any(map(str.isdigit, cell.words[at].text)) and not _is_percentage(cell, at) for cell, at in cells)


def _is_percentage(cell: Cell, at: int) -> bool:
    """`19 %` of a tax is no quantity."""
    following = cell.words[at + 1].text if at + 1 < len(cell.words) else ""
    return "%" in cell.words[at].text or following.startswith("%")


def _entries(table: Table, rows: list[Row], kinds: dict[str, FieldKind]) -> tuple[list[Entry], set[int]]:
    """Anchors are rows with an amount; rows of words alone go to the nearest anchor."""
    names = table.names()
    keys: tuple[str, ...] = ("amount", "debit", "credit")
    key_columns = [name for name in keys if name in names] or ["balance" if "balance" in names else "unit_price"]
    anchors: list[tuple[Row, Entry]] = []
    others: list[Row] = []
    for row in rows:
        entry = _read_row(table, row, kinds)
        has_amount = any(name in entry for name in key_columns)
        has_text = any(name in entry for name in ("description", "item_code", "quantity", "unit_price", "date"))
        if has_amount and has_text and not _is_carried(row) and not _is_a_label(row, entry):
            anchors.append((row, entry))
        else:
            others.append(row)
    printed_as_money = [_is_money(entry, key_columns) for _, entry in anchors]
    if 2 * sum(printed_as_money) >= len(anchors):  # where amounts have cents, `Page 1 of 3` has none
        others.extend(row for (row, _), money in zip(anchors, printed_as_money, strict=True) if not money)
        anchors = [anchor for anchor, money in zip(anchors, printed_as_money, strict=True) if money]
    anchors = _without_their_sum(anchors)
    return _with_continuations(table, anchors, others)


def _without_their_sum(anchors: list[tuple[Row, Entry]]) -> list[tuple[Row, Entry]]:
    """Without a last row that says only what the others add up to, whatever it calls it."""
    if len(anchors) < 3:
        return anchors
    *rows, (_, last) = anchors
    if "amount" not in last or not all("amount" in entry for _, entry in rows):
        return anchors
    counted = all({"quantity", "unit_price", "date"} & entry.keys() for _, entry in rows)
    sums_up = sum((Decimal(entry["amount"].value) for _, entry in rows), Decimal(0)) == Decimal(last["amount"].value)
    return rows if counted and sums_up and not {"quantity", "unit_price", "date"} & last.keys() else anchors


def _is_money(entry: Entry, keys: list[str]) -> bool:
    return any(entry[name].score == 1.0 for name in keys if name in entry)


def _name_quantities(table: Table, rows: list[Row]) -> None:
    """A column without a known heading holds the quantities when, times the unit price, it gives the amount, row by row."""
    by_name = {column.name: index for index, column in enumerate(table.columns)}
    if "quantity" in by_name or not {"unit_price", "amount"} <= by_name.keys():
        return
    for index, column in enumerate(table.columns):
        if column.name:
            continue
        right = wrong = 0
        for row in rows:
            factor = _read_words(row.words.get(index, []), FieldKind.NUMBER)
            price = _read_words(row.words.get(by_name["unit_price"], []), FieldKind.AMOUNT)
            amount = _read_words(row.words.get(by_name["amount"], []), FieldKind.AMOUNT)
            if factor and price and amount:
                product = Decimal(factor.value) * Decimal(price.value)
                near = abs(product - Decimal(amount.value)) <= max(Decimal("0.02"), abs(product) / 100)
                right, wrong = right + near, wrong + (not near)
        if right > wrong:
            column.name = "quantity"
            return


def _is_a_label(row: Row, entry: Entry) -> bool:
    """`Discount (10 %):  44.49`: words with a colon behind them, and nothing that an item has."""
    return row.cells[0].text.rstrip().endswith(":") and not {"quantity", "unit_price", "date"} & entry.keys()


def _is_carried(row: Row) -> bool:
    """`Carried forward`, `Übertrag Seite 2`: an amount that was listed before."""
    text = " ".join(cell.text for cell in row.cells if not cell.amounts or any(map(str.isalpha, cell.text)))
    return bool(_CARRIED.match(plain(text)))


def _read_row(table: Table, row: Row, kinds: dict[str, FieldKind]) -> Entry:
    entry: Entry = {}
    for index, column in enumerate(table.columns):
        words = row.words.get(index)
        if not column.name or not words:
            continue
        reading = _read_words(words, kinds[column.name])
        if reading is not None:
            entry[column.name] = reading
    return entry


def _read_words(words: list[tuple[Cell, int]], kind: FieldKind) -> Reading | None:
    """The value in some words of a row: the whole text for texts, the last value of the kind for others."""
    pieces = _pieces(words)
    if kind in _TEXTS:
        text = " ".join(plain(cell.text[start:end]) for cell, start, end in pieces)
        return Reading(text, tuple(pieces)) if any(char.isalnum() for char in text) else None
    readings = [reading for cell, start, end in pieces for reading in read(kind, cell, start, end)]
    if kind is FieldKind.AMOUNT:
        readings = [each for each in readings if each.score == 1.0] or readings  # printed as money before bare numbers
        return readings[-1] if readings else None
    return readings[0] if readings else None


def _pieces(words: list[tuple[Cell, int]]) -> list[Piece]:
    """Neighbouring words of one cell as one stretch of it."""
    pieces: list[Piece] = []
    for cell, index in sorted(words, key=lambda each: (each[0].box[0], each[1])):
        start, end = cell.span_of(index)
        if pieces and pieces[-1][0] is cell and start - pieces[-1][2] <= 1:
            pieces[-1] = (cell, pieces[-1][1], end)
        else:
            pieces.append((cell, start, end))
    return pieces


def _with_continuations(
    table: Table, anchors: list[tuple[Row, Entry]], others: list[Row]
) -> tuple[list[Entry], set[int]]:
    used = {cell.index for row, _ in anchors for cell in row.cells}
    if not anchors:
        return [], used
    text_columns = {index for index, column in enumerate(table.columns) if column.name == "description"}
    number = next(iter(text_columns), None)
    height = sorted(row.bottom - row.top for row, _ in anchors)[len(anchors) // 2]
    added: dict[int, list[Row]] = {index: [] for index in range(len(anchors))}
    for row in others:
        if (
            number is None
            or not row.words.get(number)
            or any(
                row.words.get(index)
                for index, column in enumerate(table.columns)
                if column.name in ("amount", "unit_price", "balance")
            )
        ):
            continue
        near = _nearest_anchor(
            row, [anchor for anchor, _ in anchors], [each for rows in added.values() for each in rows], height
        )
        if near is not None:
            added[near].append(row)
            used |= {cell.index for cell in row.cells}
    entries: list[Entry] = []
    for index, (row, entry) in enumerate(anchors):
        pieces: list[Piece] = []
        if number is not None:
            for part in sorted([row, *added[index]], key=lambda each: each.top):
                pieces.extend(_pieces(part.words.get(number, [])))
        if pieces:
            text = " ".join(plain(cell.text[start:end]) for cell, start, end in pieces)
            if any(char.isalnum() for char in text):
                entry["description"] = Reading(text, tuple(pieces))
        entries.append(entry)
    return entries, used


def _nearest_anchor(row: Row, anchors: list[Row], taken: list[Row], height: float) -> int | None:
    """The anchor that a row of words continues: the one whose block of rows is nearest, the one above when both are as near."""
    best: tuple[float, int] | None = None
    for index, anchor in enumerate(anchors):
        block = [anchor, *(each for each in taken if abs(each.middle - anchor.middle) < 12 * height)]
        gap = min(_gap(row, each) for each in block if _same_side(each, anchor, anchors))
        rank = gap + (0.35 * height if row.middle < anchor.middle else 0.0)
        if gap <= (_CONTINUATION - 1) * height and (best is None or rank < best[0]):
            best = rank, index
    return best[1] if best else None


def _same_side(row: Row, anchor: Row, anchors: list[Row]) -> bool:
    """Whether no other anchor stands between a row and its anchor."""
    low, high = sorted((row.middle, anchor.middle))
    return not any(low < each.middle < high for each in anchors if each is not anchor)


def _gap(first: Row, second: Row) -> float:
    return max(0.0, max(first.top, second.top) - min(first.bottom, second.bottom))
