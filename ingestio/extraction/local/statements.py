"""Bank statements: account, period, balances, and every booking of a table that may run over many pages."""

import re
from dataclasses import replace

from ingestio.domain.fields import FieldKind
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.dates import FoundDate, find_days
from ingestio.extraction.layout import Cell, Layout
from ingestio.extraction.local import scalars
from ingestio.extraction.local.items import list_entries
from ingestio.extraction.local.labels import Label, Labels, columns_of, lexicon_of
from ingestio.extraction.local.money import read_currency
from ingestio.extraction.local.parties import Parties
from ingestio.extraction.local.reading import Entry, Found, Reading, of_span
from ingestio.extraction.local.totals import read_sums
from ingestio.extraction.values import find_ibans

_BALANCES = ("opening_balance", "closing_balance", "total_credits", "total_debits")
_BANK = re.compile(
    r"\b(?:bank|banque|banco|banca|sparkasse|kasse|caisse|caja|cassa|credit union|building society|raiffeisen|volksbank)\w*\b",
    re.IGNORECASE,
)
_DEBIT_MARK = re.compile(r"^\s*(?:S|D|DR|Dr|Af|AF|Soll|Debit)\b\.?\s*$")


def read_statement(layout: Layout) -> tuple[Found, dict[str, list[Entry]]]:
    """Readings by concept, and the bookings."""
    kind, lexicon = DOCUMENT_TYPES["bank_statement"], lexicon_of("bank_statement")
    concept = next(each for each in kind.concepts if each.name == "transactions")
    listed = list_entries(layout, concept, columns_of("bank_statement", "transactions"), lexicon)
    # Balances often stand in rows of the table itself: only its headings are kept from the labels.
    labels = Labels(layout, lexicon, frozenset(listed.cells))
    found: Found = read_sums(labels, _BALANCES)
    for each in kind.concepts:
        if (
            each.name not in found
            and each.spec.kind is not FieldKind.LIST
            and each.name not in ("bank_name", "account_holder")
        ):
            reading = scalars.best(labels, each.name, each.spec.kind)
            if reading is not None:
                found[each.name] = reading
    _add_period(found, labels)
    _add_parties(found, labels, frozenset(listed.cells))
    _add_iban(found, layout)
    currency = read_currency(labels, found)
    if currency is not None:
        found["currency"] = currency
    entries = [_with_amount(entry) for entry in listed.entries]
    entries = _with_dates(entries, layout, found)
    return found, {"transactions": entries} if entries else {}


def _add_period(found: Found, labels: Labels) -> None:
    """`01.10.2026 - 31.10.2026` behind one label is both ends of the period."""
    for label in labels.of("period_start"):
        region = _region(labels, label)
        dates = [(cell, date) for cell, start in region for date in cell.dates if date.start >= start]
        if len(dates) >= 2 and dates[0][1].value <= dates[1][1].value:
            (first, start), (second, end) = dates[0], dates[1]
            if first is second or second.row == first.row or second.row == first.row + 1:
                found["period_start"] = of_span(first, start.start, start.end, start.value)
                found["period_end"] = of_span(second, end.start, end.end, end.value)
                return
    start_reading, end_reading = found.get("period_start"), found.get("period_end")
    if start_reading is not None and start_reading.score < 0.6 and end_reading is None:
        del found["period_start"]  # a lone `from` or `von` in a sentence


def _region(labels: Labels, label: Label) -> list[tuple[Cell, int]]:
    """The rest of the label's cell, the two cells right of it, and the one below."""
    region = [(label.cell, label.end)]
    region += [(cell, 0) for cell in labels.layout.right_of(label.cell)[:3]]
    if not any(cell.dates for cell, _ in region):
        region += [
            (cell, 0) for cell, _ in zip(labels.layout.below(label.cell, label.box, reach=2.0), range(1), strict=False)
        ]
    return region


def _add_parties(found: Found, labels: Labels, skip: frozenset[int]) -> None:
    if not labels.layout.sheets:
        return
    parties = Parties(labels, skip)
    holder = next(iter(parties.labelled(["account_holder"])), None)
    named = parties.labelled(["bank_name"])
    banks = [each for each in [*named, *parties.senders(holder)] if _BANK.search(each.name.value) or each.labelled]
    if banks:
        found["bank_name"] = replace(banks[0].name, score=min(1.0, banks[0].score))
    if holder is None or holder.score < 0.6:
        holder = next(iter(parties.recipients(banks[0] if banks else None)), None) or holder
    if holder is not None:
        found["account_holder"] = replace(holder.name, score=min(1.0, holder.score))


def _add_iban(found: Found, layout: Layout) -> None:
    if "iban" in found:
        return
    for cell in layout.cells:
        for value in find_ibans(cell.text):
            if value.sure:
                found["iban"] = of_span(cell, value.start, value.end, value.value, 0.9)
                return


def _with_amount(entry: Entry) -> Entry:
    """The booking's signed amount: a debit column's is negative, and so is one marked `S`, `D` or `Af`."""
    if "amount" not in entry:
        for column, negative in (("debit", True), ("credit", False)):
            reading = entry.get(column)
            if reading is not None and reading.value.strip("-0.") != "":
                value = f"-{reading.value.lstrip('-')}" if negative else reading.value
                return {**entry, "amount": replace(reading, value=value)}
        return entry
    reading = entry["amount"]
    cell, _, end = reading.pieces[0]
    if _DEBIT_MARK.match(cell.text[end:]) and not reading.value.startswith("-"):
        return {**entry, "amount": replace(reading, value=f"-{reading.value}")}
    return entry


def _with_dates(entries: list[Entry], layout: Layout, found: Found) -> list[Entry]:
    """Bookings whose date has no year take it from the period; those without a date take that of the booking above."""
    complete: list[Entry] = []
    last: Reading | None = None
    for entry in entries:
        date = entry.get("date") or _day_in(entry, layout, found)
        if date is None and last is not None:
            date = replace(last, score=0.7)
        if date is not None:
            entry = {**entry, "date": date}
            last = date
        complete.append(entry)
    return complete


def _day_in(entry: Entry, layout: Layout, found: Found) -> Reading | None:
    """`01.10.` or `1 Oct` in the booking's row, with the year of the period in which that day lies."""
    years = sorted(
        {found[name].value[:4] for name in ("period_end", "statement_date", "period_start") if name in found},
        reverse=True,
    )
    any_reading = next(iter(entry.values()))
    if not years:
        return None
    for cell in layout.row_of(any_reading.cell)[:2]:
        days = find_days(cell.text, layout.habits.date_order)
        if days and days[0].start <= 2:
            day: FoundDate = days[0]
            value = _in_period(day.value, years, found)
            return of_span(cell, day.start, day.end, value, 0.8) if value else None
    return None


def _in_period(day: str, years: list[str], found: Found) -> str | None:
    """`--10-01` with the year that puts it between the period's ends, else with the latest year."""
    choices = [f"{year}{day[1:]}" for year in years]
    if "period_start" in found and "period_end" in found:
        inside = [each for each in choices if found["period_start"].value <= each <= found["period_end"].value]
        if inside:
            return inside[0]
    return choices[0] if choices else None
