"""What is particular to receipts: nobody labels their date, the time of the purchase or how it was paid."""

import re

from ingestio.extraction.layout import Layout
from ingestio.extraction.local.labels import Labels
from ingestio.extraction.local.reading import Entry, Found, Reading, of_span
from ingestio.extraction.local.receipt_items import items_of
from ingestio.extraction.local.receipt_merchants import mend_merchant
from ingestio.extraction.local.receipt_totals import mend_total
from ingestio.extraction.local.vocabulary import any_of

_TIME = re.compile(
    r"(?<![\d:.])(?<!\d,)(?<!\d[lIOoSB])([01]?\d|2[0-3])[:.h]([0-5]\d)(?::[0-5]\d)?(?:\s?[AaPp]\.?[Mm]\.?)?(?![\d:%lIOo])"
)
_PAID_BY = re.compile(rf"\b{any_of('receipt', 'paid_by')}\b", re.IGNORECASE)
_OTHER_DATE = re.compile(rf"(?<![^\W_]){any_of('receipt', 'other_dates')}", re.IGNORECASE)


def read_receipt(layout: Layout, labels: Labels, found: Found, entries: list[Entry]) -> list[Entry]:
    """Adds date, time and way of payment to `found`, and mends merchant and total; the items: those of the table, else the lines above
    the first sum."""
    if "receipt_date" not in found:
        date = _date(layout)
        if date is not None:
            found["receipt_date"] = date
    mend_total(layout, found)
    mend_merchant(layout, labels, found)
    if "receipt_time" not in found or not _TIME.search(found["receipt_time"].value):
        found.pop("receipt_time", None)
        time = _time(layout, found.get("receipt_date"))
        if time is not None:
            found["receipt_time"] = time
    else:
        cell, start, end = found["receipt_time"].pieces[0]
        match = _TIME.search(cell.undated, start, end)
        if match:
            found["receipt_time"] = of_span(cell, match.start(), match.end())
    method = _payment_method(layout, found)
    if method is not None:
        found["payment_method"] = method
    return entries or items_of(layout, labels)


def _date(layout: Layout) -> Reading | None:
    """A date beside a time of day, else the first one that says nothing of its own: till receipts label neither."""
    first: Reading | None = None
    for cell in layout.cells:
        for date in cell.dates:
            if len(date.value) < 10 or _OTHER_DATE.search(cell.text[max(0, date.start - 16) : date.start]):
                continue
            reading = of_span(cell, date.start, date.end, date.value, 0.6)
            beside = " ".join(other.undated for other in layout.row_of(cell) if other is not cell)
            if _TIME.search(cell.undated, date.end) or _TIME.search(beside):
                return reading
            first = first or reading
    return first


def _time(layout: Layout, date: Reading | None) -> Reading | None:
    """The time behind or near the date, else the first one."""
    first: Reading | None = None
    for cell in layout.cells:
        for match in _TIME.finditer(cell.undated):
            if "." in match.group() and date and cell is not date.cell:
                continue
            if any(each.start <= match.start() < each.end and each.looks_like_money for each in cell.numbers):
                continue
            reading = of_span(cell, match.start(), match.end(), score=0.8)
            if date is not None and cell.page == date.cell.page and cell.row == date.cell.row:
                return reading
            first = first or reading
    return first


def _payment_method(layout: Layout, found: Found) -> Reading | None:
    """The name of a card or of cash in a line with an amount, or behind the label; the words of its line without the amount."""
    known = found.get("payment_method")
    if known is not None and _PAID_BY.search(known.value):
        return known
    ranked: list[tuple[float, Reading]] = []
    for cell in layout.cells:
        match = _PAID_BY.search(cell.text)
        if match is None or len(cell.words) > 6:
            continue
        beside = any(other.amounts for other in layout.row_of(cell))
        start, end = match.start(), match.end()
        for following in _PAID_BY.finditer(cell.text, end):
            if not cell.text[end : following.start()].strip():
                end = following.end()
        ranked.append(
            ((1.0 if beside else 0.0) + (0.5 if match.start() == 0 else 0.0), of_span(cell, start, end, score=0.8))
        )
    if not ranked:
        return known
    return max(ranked, key=lambda each: each[0])[1]
