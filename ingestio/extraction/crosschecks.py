"""What values say about each other: sums that do not add up, dates in the wrong order, wrong check digits, another currency.

A finding is a flag for whoever reviews: the values stay as they are, because the document itself may be wrong. Every flag has a `code`
and a `path`; nothing is flagged for a value that is not there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import combinations
from typing import Any

from ingestio.domain.evidence import FieldState
from ingestio.domain.fields import ExtractedField, FieldKind
from ingestio.extraction.checksums import tax_id_is_valid
from ingestio.extraction.currencies import find_currencies
from ingestio.extraction.schemas import Wanted, child_concept
from ingestio.extraction.values import iban_is_valid

Flag = dict[str, Any]

_CENT = Decimal("0.01")
# The first must not come after the second.
_ORDERED_DATES = (
    ("invoice_date", "due_date"),
    ("service_period_start", "service_period_end"),
    ("order_date", "delivery_date"),
    ("period_start", "period_end"),
    ("effective_date", "expiration_date"),
    ("issue_date", "expiry_date"),
    ("date_of_birth", "issue_date"),
    ("start_date", "end_date"),
)
# What may stand between the subtotal and the total beside the tax, and with which sign.
_EXTRAS = (("shipping_amount", 1), ("tip_amount", 1), ("discount_amount", -1))


@dataclass(frozen=True, slots=True)
class _Row:
    """One entry of a list, by the types' own names for its columns; `paths` say where each stands in the result."""

    values: Mapping[str, Any]
    paths: Mapping[str, str]


class _Seen:
    """The values under the types' own names, whatever the prompt calls them."""

    def __init__(self, wanted: Iterable[Wanted], data: Mapping[str, Any]) -> None:
        self.values: dict[str, Any] = {}
        self.paths: dict[str, str] = {}
        self.rows: dict[str, list[_Row]] = {}
        for each in wanted:
            if each.concept is None:
                continue
            name, value = each.concept.name, data.get(each.spec.name)
            if isinstance(value, list):
                self.rows[name] = [
                    _row(row, f"{each.spec.name}[{index}]", each)
                    for index, row in enumerate(value)
                    if isinstance(row, dict)
                ]
            elif value is not None:
                self.values.setdefault(name, value)
                self.paths.setdefault(name, each.spec.name)

    def amount(self, name: str) -> Decimal | None:
        return _decimal(self.values.get(name))


def _row(row: Mapping[str, Any], path: str, listed: Wanted) -> _Row:
    assert listed.concept is not None
    own = {
        known.name if (known := child_concept(child.name, listed.concept)) else child.name: child.name
        for child in listed.spec.children
    }
    return _Row(
        {name: row.get(column) for name, column in own.items()},
        {name: f"{path}.{column}" for name, column in own.items()},
    )


def cross_checks(wanted: Sequence[Wanted], data: Mapping[str, Any], fields: Sequence[ExtractedField]) -> list[Flag]:
    """The flags of a result, in a fixed order."""
    seen = _Seen(wanted, data)
    return [
        *_items(seen),
        *_totals(seen),
        *_amount_due(seen),
        *_balances(seen),
        *_dates(seen),
        *_check_digits(wanted, data),
        *_currency(seen, fields, _amount_paths(wanted)),
    ]


def _decimal(value: Any) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None


def _items(seen: _Seen) -> Iterator[Flag]:
    """The lines come to the subtotal, or to the total where prices hold the tax or nothing was added."""
    amounts = [_decimal(row.values.get("amount")) for row in seen.rows.get("line_items", ())]
    known = [amount for amount in amounts if amount is not None]
    bases = [base for name in ("subtotal", "total_amount") if (base := seen.amount(name)) is not None]
    if not known or len(known) < len(amounts) or not bases:
        return
    allowed = max(2 * _CENT, _CENT * len(known) / 2)
    added = _sums_of_extras(seen)
    reached = sum(known, Decimal(0))
    if not any(abs(reached + extra - base) <= allowed for base in bases for extra in added):
        path = seen.paths.get("subtotal") or seen.paths["total_amount"]
        yield {"code": "line_items_do_not_add_up", "path": path, "sum": str(reached)}


def _sums_of_extras(seen: _Seen) -> list[Decimal]:
    """Every sum of some of tax, shipping, tip and discount: which of them the lines hold already differs from paper to paper."""
    extras = [sign * abs(value) for name, sign in _EXTRAS if (value := seen.amount(name)) is not None]
    tax = _tax(seen)
    if tax is not None:
        extras.append(tax)
    return [sum(some, Decimal(0)) for count in range(len(extras) + 1) for some in combinations(extras, count)]


def _tax(seen: _Seen) -> Decimal | None:
    """The tax in sum: as printed, else that of all rates together."""
    rates = [_decimal(row.values.get("amount")) for row in seen.rows.get("tax_breakdown", ())]
    known = [rate for rate in rates if rate is not None]
    return seen.amount("tax_amount") or (sum(known, Decimal(0)) if known and len(known) == len(rates) else None)


def _totals(seen: _Seen) -> Iterator[Flag]:
    net, tax, total = seen.amount("subtotal"), _tax(seen), seen.amount("total_amount")
    if net is None or tax is None or total is None:
        return
    # A net amount may be after the discount, and prices may hold the tax already.
    if not any(abs(net + extra - total) <= 2 * _CENT for extra in _sums_of_extras(seen)):
        yield {"code": "totals_do_not_add_up", "path": seen.paths["total_amount"], "sum": str(net + tax)}


def _amount_due(seen: _Seen) -> Iterator[Flag]:
    total, paid, due = (seen.amount(name) for name in ("total_amount", "amount_paid", "amount_due"))
    if total is not None and paid is not None and due is not None and abs(total - abs(paid) - due) > _CENT:
        yield {"code": "amount_due_differs", "path": seen.paths["amount_due"], "sum": str(total - abs(paid))}


def _balances(seen: _Seen) -> Iterator[Flag]:
    """A statement's movements lead from its first balance to its last."""
    first, last = seen.amount("opening_balance"), seen.amount("closing_balance")
    moves = [_decimal(row.values.get("amount")) for row in seen.rows.get("transactions", ())]
    known = [move for move in moves if move is not None]
    if first is None or last is None or not known or len(known) < len(moves):
        return
    if abs(first + sum(known, Decimal(0)) - last) > _CENT:
        reached = first + sum(known, Decimal(0))
        yield {"code": "balances_do_not_add_up", "path": seen.paths["closing_balance"], "sum": str(reached)}


def _dates(seen: _Seen) -> Iterator[Flag]:
    for first, second in _ORDERED_DATES:
        if _is_after(seen.values.get(first), seen.values.get(second)):
            yield {"code": "dates_out_of_order", "path": seen.paths[second], "before": seen.paths[first]}
        for row in (row for rows in seen.rows.values() for row in rows):
            if _is_after(row.values.get(first), row.values.get(second)):
                yield {"code": "dates_out_of_order", "path": row.paths[second], "before": row.paths[first]}


def _is_after(first: Any, second: Any) -> bool:
    """Whether one date is surely later than the other; dates without a day or month are compared as far as they go."""
    if not isinstance(first, str) or not isinstance(second, str):
        return False
    length = min(len(first), len(second))
    return first[:length] > second[:length]


def _check_digits(wanted: Sequence[Wanted], data: Mapping[str, Any]) -> Iterator[Flag]:
    for each in wanted:
        value = data.get(each.spec.name)
        if not isinstance(value, str):
            continue
        if each.spec.kind is FieldKind.IBAN and not iban_is_valid(value):
            yield {"code": "check_digits_wrong", "path": each.spec.name}
        if each.spec.kind is FieldKind.TAX_ID and tax_id_is_valid(value) is False:
            yield {"code": "check_digits_wrong", "path": each.spec.name}


def _amount_paths(wanted: Sequence[Wanted]) -> frozenset[str]:
    own = {each.spec.name for each in wanted if each.spec.kind is FieldKind.AMOUNT}
    columns = {
        f"{each.spec.name}[].{child.name}"
        for each in wanted
        for child in each.spec.children
        if child.kind is FieldKind.AMOUNT
    }
    return frozenset(own | columns)


def _currency(seen: _Seen, fields: Sequence[ExtractedField], amounts: frozenset[str]) -> Iterator[Flag]:
    """An amount that is printed with another currency than the document's; one flag, at the first."""
    currency = seen.values.get("currency")
    if not isinstance(currency, str):
        return
    for field in fields:
        name, bracket, rest = field.path.partition("[")
        path = f"{name}[]{rest.partition(']')[2]}" if bracket else name
        if path not in amounts or field.state is not FieldState.SUPPORTED:
            continue
        printed = {code for place in field.evidence for found in find_currencies(place.quote) for code in found.codes}
        if printed and currency not in printed:
            yield {"code": "currency_differs", "path": field.path, "currencies": sorted(printed)}
            return
