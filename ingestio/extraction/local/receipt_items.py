"""What was bought: the items of a receipt stand without a heading row."""

import re

from ingestio.extraction.amounts import as_amount, as_number
from ingestio.extraction.layout import Cell, Layout, plain
from ingestio.extraction.local.labels import Labels
from ingestio.extraction.local.reading import Entry, of_cells, of_span
from ingestio.extraction.local.totals import SUMS

QUANTITY_BEFORE = re.compile(r"^(\d{1,3})\s?[x×X*]?\s+(?=[^\W\d_])|^(\d{1,3})\s?[x×X*]\s*")
# `2 Stk x 1,49`, `1,284 kg x 1,89 EUR/kg`, `2 @ 3.50`.
_QUANTITY_LINE = re.compile(
    r"^(?P<quantity>\d+(?:[.,]\d{1,3})?)\s*(?:stk\.?|st\.?|pcs?|ea|kg|g|[l1]|[l1I]b|oz|uds?|pz|pce|pi[eè]ces?|x)?\s*[x×X*@à]\s*(?:[€$£]|EUR|USD|GBP|CHF)?\s*(?P<price>\d+[.,]\d{2})",
    re.IGNORECASE,
)
_LEAST_LETTERS = 3
# Nobody carries home so many of a thing.
_AN_ARTICLE_S_NUMBER = 10_000
_TAX_MARK = re.compile(r"^\s*[A-Z*#]{0,2}\d?\s*$")
# Where a till prints no cents, thousands are money.
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[.,]\d{3})+\W*\Z")
_NOT_ITEMS = re.compile(r"^[-=*_.\s]+$")


def is_priced(row: list[Cell]) -> bool:
    """Whether an amount stands in a row: with cents or a currency, or as thousands at its end."""
    return any(number.looks_like_money for cell in row for number in cell.numbers) or bool(
        _GROUPED.search(row[-1].text)
    )


def items_of(layout: Layout, labels: Labels) -> list[Entry]:
    """Lines of words with an amount at their end, from the top to the first sum; a line `2 x 1,49` below belongs to the line above."""
    entries: list[Entry] = []
    for sheet in layout.sheets:
        right = _amount_edge(sheet.rows)
        name: list[Cell] | None = None
        for row in sheet.rows:
            above, name = name, row
            begins = labels.begins(row[0])
            sums = {name.concept for name in begins.names if name.concept in SUMS} if begins is not None else set()
            if any(not _only_tip(concept) for concept in sums) and (entries or _ends_items(row, sums)):
                return entries
            if _NOT_ITEMS.match(row[0].text):
                continue
            below = _priced_below(above, row, labels)
            if below is not None:
                entries.append(below)
                continue
            line = _quantity_line(row)
            if line is not None and entries:
                entries[-1].update({name: reading for name, reading in line.items() if name not in entries[-1]})
                continue
            entry = _item(row, right)
            # `Total discount` names a sum; `Data workshop` begins with what is a label elsewhere.
            if entry is not None and not sums and (begins is None or not labels.is_label(row[0])):
                entries.append(entry)
    return entries


def _ends_items(row: list[Cell], sums: set[str]) -> bool:
    """A total that is printed as money ends the items, also where none was seen before it."""
    return "total_amount" in sums and any(each.looks_like_money for cell in row for each in cell.amounts)


def _only_tip(concept: str) -> bool:
    return concept in ("tip_amount", "discount_amount", "shipping_amount")


def _amount_edge(rows: list[list[Cell]]) -> float:
    """The right edge at which most amounts of the page end."""
    edges = sorted(
        row[-1].box_between(each.start, each.end)[2]
        for row in rows
        for each in row[-1].amounts[-1:]
        if each.looks_like_money
    )
    return edges[len(edges) // 2] if edges else 0.0


def _item(row: list[Cell], right: float) -> Entry | None:
    last = row[-1]
    amounts = [each for each in last.amounts if each.looks_like_money]
    if not amounts or last.dates:
        return None
    amount = amounts[-1]
    if not _TAX_MARK.match(last.text[amount.end :]) or abs(last.box_between(amount.start, amount.end)[2] - right) > 30:
        return None
    first = row[0]
    text_end = len(first.text) if first is not last else amount.start
    text = first.text[:text_end]
    quantity = QUANTITY_BEFORE.match(text)
    start = quantity.end() if quantity else 0
    if first is not last and text.rstrip().endswith(":"):
        return None  # `Discount (10 %):` is a label
    words = text[start:].rstrip(" \u2003.:€$£")
    if sum(char.isalpha() for char in words) < 2:
        return None
    entry: Entry = {
        "description": of_span(first, start, start + len(words)),
        "amount": of_span(last, amount.start, amount.end, as_amount(amount.value)),
    }
    if quantity:
        group = 1 if quantity[1] else 2
        entry["quantity"] = of_span(first, quantity.start(group), quantity.end(group), str(int(quantity[group])))
    _add_middle(entry, row)
    return entry


def _add_middle(entry: Entry, row: list[Cell]) -> None:
    """Quantity and unit price in cells between the description and the amount."""
    for cell in row[1:-1]:
        for number in cell.numbers:
            if number.looks_like_money:
                entry.setdefault("unit_price", of_span(cell, number.start, number.end, as_amount(number.value)))
            elif not number.percent and number.value < _AN_ARTICLE_S_NUMBER:
                entry.setdefault("quantity", of_span(cell, number.start, number.end, as_number(number.value)))


def _priced_below(above: list[Cell] | None, row: list[Cell], labels: Labels) -> Entry | None:
    """`BANANAS`, below it `2.14 lb @ $0.79/lb   1.69`: a name without an amount, and the line that says how much of it."""
    if above is None or len(above) > 1 or len(row) < 2 or is_priced(above):
        return None
    line, name, last = _quantity_line(row[:-1]), above[0], row[-1]
    amounts = [each for each in last.amounts if each.looks_like_money] or (last.amounts if is_priced(row) else [])
    words = sum(map(str.isalpha, name.text))
    if line is None or not amounts or words < _LEAST_LETTERS or name.dates or labels.is_label(name):
        return None
    return {
        "description": of_cells([name]),
        "amount": of_span(last, amounts[-1].start, amounts[-1].end, as_amount(amounts[-1].value)),
        **line,
    }


def _quantity_line(row: list[Cell]) -> Entry | None:
    if len(row) > 1 and row[-1].amounts and row[-1].amounts[-1].looks_like_money:
        return None
    cell = row[0]
    match = _QUANTITY_LINE.match(plain(cell.text)) if len(plain(cell.text)) == len(cell.text) else None
    if match is None:
        return None
    numbers = [
        each
        for each in cell.numbers
        if each.start in (match.start("quantity"), match.start("price")) or each.end == match.end("price")
    ]
    if len(numbers) < 2:
        return None
    first, second = numbers[0], numbers[1]
    return {
        "quantity": of_span(cell, first.start, match.end("quantity"), as_number(first.value)),
        "unit_price": of_span(cell, match.start("price"), match.end("price"), as_amount(second.value)),
    }
