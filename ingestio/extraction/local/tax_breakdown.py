"""The tax of each rate: rows that name a rate beside an amount of tax, taken only where together they are the document's tax."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from ingestio.extraction.amounts import FoundNumber, as_amount, as_number
from ingestio.extraction.layout import Cell, Layout
from ingestio.extraction.local.labels import Labels
from ingestio.extraction.local.reading import Entry, Found, Reading, of_span

_CENT = Decimal("0.02")

_Printed = tuple[Cell, FoundNumber]


def read_tax_breakdown(labels: Labels, sums: Found, skip: Iterable[int]) -> list[Entry]:
    """An entry for each rate, in printed order; empty where the rates' taxes are not what leads from net to gross, or to the tax in sum."""
    wanted = _tax_of(sums)
    if wanted is None:
        return []
    skipped = frozenset(skip)
    by_rate: dict[Decimal, Entry] = {}
    for row in _rows(labels.layout, skipped):
        for entry in filter(None, (_entry(labels, row), *(_entry_below(labels, cell) for cell in row))):
            rate = Decimal(entry["rate"].value)
            if rate not in by_rate or len(entry) > len(by_rate[rate]):
                by_rate[rate] = entry
    entries = list(by_rate.values())
    reached = sum((Decimal(each["amount"].value) for each in entries), Decimal(0))
    return entries if entries and abs(reached - wanted) <= _CENT else []


def _tax_of(sums: Found) -> Decimal | None:
    net, tax, total = (
        Decimal(sums[name].value) if name in sums else None for name in ("subtotal", "tax_amount", "total_amount")
    )
    if tax is not None:
        return tax
    return None if net is None or total is None else total - net


def _rows(layout: Layout, skipped: frozenset[int]) -> Iterator[list[Cell]]:
    for sheet in layout.sheets:
        for row in sheet.rows:
            kept = [cell for cell in row if cell.index not in skipped]
            if kept:
                yield kept


def _entry(labels: Labels, row: list[Cell]) -> Entry | None:
    """`MwSt. 19 %  37,62`, or `19 %  198,00  37,62`: the rate, its tax, and the base where base times rate is the tax."""
    rates = [(cell, number) for cell in row for number in cell.numbers if number.percent and 0 <= number.value < 100]
    money = [(cell, number) for cell in row for number in cell.numbers if number.looks_like_money]
    if len(rates) != 1 or not money:
        return None
    rate = rates[0]
    pair = _base_and_tax(rate[1].value, money)
    if pair is not None:
        base, tax = pair
        return {"rate": _number(rate), "taxable_amount": _amount(base), "amount": _amount(tax)}
    if len(money) == 1 and any(_names_tax(labels, cell) for cell in row):
        return {"rate": _number(rate), "amount": _amount(money[0])}
    return None


def _entry_below(labels: Labels, cell: Cell) -> Entry | None:
    """`MwSt. 19 %` in a row of headings, with the tax right below it."""
    rates = [number for number in cell.numbers if number.percent and 0 <= number.value < 100]
    if len(rates) != 1 or not _names_tax(labels, cell) or any(map(_money_in, labels.layout.row_of(cell))):
        return None
    below = next(iter(labels.layout.below(cell, reach=2.0)), None)
    money = _money_in(below) if below is not None else []
    if below is None or len(money) != 1:
        return None
    return {"rate": _number((cell, rates[0])), "amount": _amount((below, money[0]))}


def _money_in(cell: Cell) -> list[FoundNumber]:
    return [number for number in cell.numbers if number.looks_like_money]


def _base_and_tax(rate: Decimal, money: list[_Printed]) -> tuple[_Printed, _Printed] | None:
    for place, base in enumerate(money):
        for tax in (*money[place + 1 :], *money[:place]):
            if abs(base[1].value * rate / 100 - tax[1].value) <= _CENT and base[1].value:
                return base, tax
    return None


def _names_tax(labels: Labels, cell: Cell) -> bool:
    return any(label.leading and label.named("tax_amount") for label in labels.by_cell.get(cell.index, ()))


def _number(printed: _Printed) -> Reading:
    cell, number = printed
    return of_span(cell, number.start, number.end, as_number(number.value))


def _amount(printed: _Printed) -> Reading:
    cell, number = printed
    return of_span(cell, number.start, number.end, as_amount(number.value))
