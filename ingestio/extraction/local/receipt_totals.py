"""What a receipt's purchase cost, where several amounts could say so: rounded, handed over, given back, or misread by a camera."""

import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal

from ingestio.extraction.amounts import as_amount
from ingestio.extraction.layout import Cell, Layout
from ingestio.extraction.local.reading import Found, Reading, of_span
from ingestio.extraction.local.vocabulary import any_of

_PAID_FIRST = re.compile(rf"^\W*{any_of('receipt', 'paid_by')}(?![^\W_])", re.IGNORECASE)
_TOTAL = re.compile(rf"^\W*{any_of('receipt', 'total')}(?![^\W_])", re.IGNORECASE)
_HANDED_OVER = re.compile(rf"^\W*{any_of('receipt', 'handed_over')}(?![^\W_])", re.IGNORECASE)
_HANDED_BACK = re.compile(
    rf"^\W*(?:{any_of('receipt', 'handed_back')}|{any_of('receipt', 'left_over')})(?![^\W_])", re.IGNORECASE
)
_ROUNDED_TOTAL = re.compile(rf"^\W*{any_of('receipt', 'rounded_total')}", re.IGNORECASE)
_ROUNDING = re.compile(rf"^\W*{any_of('receipt', 'rounding')}", re.IGNORECASE)
# `Rounded Total RM 98.90`, but also `Rounding RM 98.90` and what was paid: `CREDIT RM 98.90`.
_ROUNDED = re.compile(
    rf"^\W*(?:{'|'.join(any_of('receipt', name) for name in ('total', 'rounding', 'rounded_total', 'paid_by', 'by_card'))})",
    re.IGNORECASE,
)
_DOLLAR_MISREAD = re.compile(r"[58]\d{1,4}\.\d{2}")
_BELOW_TOTAL = 4
# To the next coin: five or ten cents where there are cents.
_MOST_ROUNDED = Decimal("0.10")
_DOTTED = frozenset("08")
_ALIKE = frozenset(map(frozenset, ("08", "06", "09", "38", "35", "56", "58", "68", "89", "17", "14", "27")))


def mend_total(layout: Layout, found: Found) -> None:
    """Takes for the total what was paid, and doubts it where what else is printed disagrees."""
    _pay_net(layout, found)
    _replace_nothing(layout, found)
    _add_rounding(layout, found)
    _mend_sign(layout, found)
    _take_what_was_spent(layout, found)
    _compare_total(layout, found)


def _take_what_was_spent(layout: Layout, found: Found) -> None:
    """What was handed over less what came back is the total: a printed amount that is just that outweighs a label's."""
    over, back = (_amounts_behind(layout, words) for words in (_HANDED_OVER, _HANDED_BACK))
    spent = {given - returned for given in over for returned in back if given > returned >= 0}
    # `CHANGE 5.26` and `ROUNDED CHANGE 5.25`: the rounded total is the one that was paid.
    spent = spent.intersection(_amounts_behind(layout, _ROUNDED_TOTAL)) or spent
    total = found.get("total_amount")
    if not spent:
        # Nobody pays more than it cost: a smaller amount behind `Total` is that of a table of taxes.
        totals = set(_amounts_behind(layout, _TOTAL))
        spent = {
            paid
            for paid in _amounts_behind(layout, _PAID_FIRST)
            if paid in totals and total is not None and paid > Decimal(total.value)
        }
    if not spent or (total is not None and Decimal(total.value) in spent):
        return
    for row in (row for sheet in layout.sheets for row in sheet.rows):
        if _HANDED_OVER.match(row[0].read_as) or _HANDED_BACK.match(row[0].read_as):
            continue
        for cell in row:
            for number in cell.amounts:
                if number.value in spent:
                    found["total_amount"] = of_span(cell, number.start, number.end, as_amount(number.value), 0.8)
                    return


def _pay_net(layout: Layout, found: Found) -> None:
    """`Gross 411.60   Round off 0.40   Net amount 412.00`: a net amount that is rounded is what is paid, whatever it is elsewhere."""
    net = found.get("subtotal")
    if net is None or "total_amount" in found or not _TOTAL.match(layout.row_of(net.cell)[0].read_as):
        return
    amount = Decimal(net.value)
    printed = {number.value for cell in layout.cells for number in cell.amounts}
    if any(by and {amount - by, amount + by} & printed for by in _amounts_behind(layout, _ROUNDING)):
        found["total_amount"] = found.pop("subtotal")


def _replace_nothing(layout: Layout, found: Found) -> None:
    """`Total charges 1,204.50   Payment 1,204.50   Balance 0.00`: nothing is left to be paid, but that is not what it cost."""
    total = found.get("total_amount")
    if total is None or Decimal(total.value):
        return
    charged = [
        (cell, number)
        for sheet in layout.sheets
        for row in sheet.rows
        if _TOTAL.match(row[0].read_as)
        for cell in row
        for number in cell.amounts[-1:]
        if number.value > 0 and number.looks_like_money
    ]
    if charged:
        cell, number = max(charged, key=lambda each: each[1].value)
        found["total_amount"] = of_span(cell, number.start, number.end, as_amount(number.value), 0.7)


def _compare_total(layout: Layout, found: Found) -> None:
    """A total that a camera read is compared with what else is printed of the purchase: where two amounts differ in figures that look
    alike, one of them is misread. What stands twice, or what the parts add up to, is the total; else it is not to be believed."""
    total = found.get("total_amount")
    if total is None or not total.cell.is_recognised:
        return
    mine = Decimal(total.value)
    others = [
        (cell, number)
        for sheet in layout.sheets
        for row in sheet.rows
        if _ROUNDED.match(row[0].read_as) or total.cell.row < row[0].row <= total.cell.row + _BELOW_TOTAL
        for cell in row
        for number in cell.amounts
        if not (cell is total.cell and number.start < total.pieces[0][2] and number.end > total.pieces[0][1])
    ]
    if any(number.value == mine for _, number in others):
        return
    parts = [Decimal(found[name].value) for name in ("subtotal", "tax_amount", "tip_amount") if name in found]
    added = {sum(parts[:count], Decimal(0)) for count in range(2, len(parts) + 1)}
    if mine in added:
        return
    alike = [(cell, number) for cell, number in others if _look_alike(number.value, mine)]
    times = Counter(number.value for cell in layout.cells for number in cell.amounts)
    for cell, number in alike:
        if times[number.value] > 1 or number.value in added:
            twice = of_span(cell, number.start, number.end, as_amount(number.value), 0.8)
            # A typeface whose noughts are taken for eights is misread twice as easily as once.
            found["total_amount"] = replace(
                twice, doubted=number.value not in added and _all_dotted(number.value, mine)
            )
            return
    elsewhere = any(_ends_alike(number.value, mine) for cell in layout.cells for number in cell.amounts)
    if alike or elsewhere or any(_look_alike(each, mine) for each in added):
        found["total_amount"] = replace(total, doubted=True)


def _differing(one: Decimal, other: Decimal) -> list[tuple[int, frozenset[str]]]:
    """Where two amounts of as many figures differ, counted from their ends, and in which figures; nothing for other amounts."""
    first, second = (as_amount(each).replace(".", "")[::-1] for each in (one, other))
    if len(first) != len(second):
        return []
    return [
        (place, frozenset(pair)) for place, pair in enumerate(zip(first, second, strict=True)) if len(set(pair)) > 1
    ]


def _all_dotted(one: Decimal, other: Decimal) -> bool:
    """`72.08` and `72.80`: they differ in noughts with a dot or stroke, which are taken for eights."""
    differing = _differing(one, other)
    return bool(differing) and all(pair == _DOTTED for _, pair in differing)


def _look_alike(one: Decimal, other: Decimal) -> bool:
    """`72.08` and `72.80`, `5.60` and `6.60`: one may have been taken for the other."""
    differing = _differing(one, other)
    return _all_dotted(one, other) or (len(differing) == 1 and differing[0][1] in _ALIKE)


def _ends_alike(one: Decimal, other: Decimal) -> bool:
    """`412.90` and `412.98`, `198.000` and `198.800`: at their very end, or in several figures, prices seldom differ so by chance."""
    differing = _differing(one, other)
    return _all_dotted(one, other) and (len(differing) > 1 or differing[0][0] == 0)


def _add_rounding(layout: Layout, found: Found) -> None:
    """Where a rounding is printed, the total is the one behind it: the amount that was to be paid."""
    total = found.get("total_amount")
    if total is None:
        return
    for rounded in _amounts_behind(layout, _ROUNDED_TOTAL):
        behind = _total_of(layout, rounded, total.cell)
        if behind is not None and abs(rounded - Decimal(total.value)) < _MOST_ROUNDED:
            found["total_amount"] = behind
            return
    for by in filter(None, _amounts_behind(layout, _ROUNDING)):
        for rounded in (Decimal(total.value) + by, Decimal(total.value) - by):
            behind = _total_of(layout, rounded, total.cell)
            if behind is not None:
                found["total_amount"] = behind
                return


def _mend_sign(layout: Layout, found: Found) -> None:
    """`TOTAL 524.96` where `$24.96` was paid: a camera takes the dollar's sign for a digit. A part that is more than the whole for that
    reason is given up: as it is, it is printed nowhere."""
    total = found.get("total_amount")
    if total is None or not total.cell.is_recognised:
        return
    if _DOLLAR_MISREAD.fullmatch(total.value):
        without_sign = Decimal(total.value[1:])
        same = [
            (cell, each)
            for cell in layout.cells
            for each in cell.amounts
            if each.value == without_sign and each.currency
        ]
        for cell, number in same[:1]:
            found["total_amount"] = total = of_span(
                cell, number.start, number.end, as_amount(number.value), total.score
            )
    for name in ("subtotal", "tax_amount"):
        part = found.get(name)
        misread = part is not None and _DOLLAR_MISREAD.fullmatch(part.value)
        if part is not None and misread and Decimal(part.value[1:]) <= Decimal(total.value) < Decimal(part.value):
            del found[name]


def _total_of(layout: Layout, value: Decimal, above: Cell) -> Reading | None:
    """The amount of that value below a cell, in a row of a total, of the rounding or of what was paid."""
    for row in layout.sheet(above).rows[above.row + 1 :]:
        if _ROUNDED.match(row[0].read_as):
            for cell in row:
                for number in cell.amounts:
                    if number.value == value:
                        return of_span(cell, number.start, number.end, as_amount(number.value), 0.85)
    return None


def _amounts_behind(layout: Layout, words: re.Pattern[str]) -> list[Decimal]:
    """The last amounts of the rows that begin with one of the words; where a cell further right does, the one behind it."""
    found: list[Decimal] = []
    for sheet in layout.sheets:
        for row in sheet.rows:
            if words.match(row[0].read_as):
                found.extend([number.value for cell in row for number in cell.amounts][-1:])
                continue
            at = next((place for place, cell in enumerate(row) if words.match(cell.read_as)), len(row))
            found.extend([number.value for cell in row[at:] for number in cell.amounts][:1])
    return found
