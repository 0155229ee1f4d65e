"""Sums of an invoice, order or receipt: labelled amounts that agree with each other.

A label such as `Total` stands in many places. Among its amounts the one is taken that the others bear out: net plus tax is gross.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from itertools import combinations, product

from ingestio.domain.fields import FieldKind
from ingestio.extraction.amounts import as_amount
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.layout import Cell, Layout
from ingestio.extraction.local.labels import Label, Labels
from ingestio.extraction.local.readers import starts_behind
from ingestio.extraction.local.reading import Found, Reading, of_span
from ingestio.extraction.local.vocabulary import any_of

_STRONG, _WEAK = 0.9, 0.6
_INLINE_OR_RIGHT, _BELOW = 1.0, 0.9
_NOT_LEADING, _PARTIAL = 0.85, 0.4
_AGREES, _FULLY = 0.35, 2.0
_LATER = 0.03
_DUE = 0.8
_COUNTED = re.compile(rf"\s*{any_of('receipt', 'counted')}(?![^\W_])", re.IGNORECASE)
# `MwSt.-% 19,0, Frachtbetrag: 3,00`: the rate of what is named behind it, no tax.
_RATE_OF_ANOTHER = re.compile(r"[\s.\-–]*%[^\w]*[\d.,]*\W*[^\W\d_]{3,}")
_CENT = Decimal("0.011")
# `Totaal EUR incl. btw`: the tax belongs to the label, though its own name is one.
_INCLUDING = re.compile(
    r"\W*(?:[A-Z]{3}\W+)?(?:inc|incl|inkl|including|inclusive of|inclusief|toutes|avec|con|com|z)\W+", re.IGNORECASE
)
# `Payment due in 30 days`, `fällig in 14 Tagen`: the amount is one of time.
_OF_TIME = re.compile(rf"[\s-]*{any_of('value', 'units_of_time')}(?![^\W_])", re.IGNORECASE)
# `94,80 (inclusief 16,45 BTW)`: what a bracket behind an amount says is in it.
_INCLUDED = re.compile(rf"\d\W*\(\s*{any_of('sum', 'included')}\b[^()]*\Z", re.IGNORECASE)
_ROUNDING = re.compile(rf"\W*{any_of('receipt', 'rounding')}", re.IGNORECASE)
# A cell that begins with words and a colon is a label of its own with its value, known or not.
_ANOTHER_LABEL = re.compile(r"[^\W\d_][^\d:]{3,40}:\s+[^\W\d_]")
_MOST = 6
_MOST_RATES = 8
_MOST_COLUMNS = 12
# `Net   VAT   Gross` over the amounts of one rate, or once for each: the total only where it is printed once, with its amount beside it.
_OF_A_RATE = ("gross",)
_BELOW_REACH = 2.2

SUMS = (
    "subtotal",
    "tax_amount",
    "total_amount",
    "amount_due",
    "amount_paid",
    "discount_amount",
    "shipping_amount",
    "tip_amount",
)


@dataclass(frozen=True, slots=True)
class Sum:
    """One labelled amount: the value, and the other amounts of its row before it."""

    reading: Reading
    value: Decimal
    before: tuple[Reading, ...]
    score: float
    label: Label


def read_sums(labels: Labels, concepts: Iterable[str] = SUMS) -> Found:
    """The sums by concept; a concept without a labelled amount is absent."""
    found = {concept: _sums_of(labels, concept) for concept in concepts if labels.of(concept)}
    chosen = _agreeing(found)
    _drop_partial_tax(found, chosen)
    _drop_one_of_several(found, chosen)
    readings = {concept: each.reading for concept, each in chosen.items()}
    _read_columns(found, chosen, readings)
    net = chosen.get("subtotal")
    alone = "total_amount" in found or not {"total_amount", "tax_amount"} & readings.keys()
    taxed = "tax_amount" in chosen and chosen["tax_amount"].value != 0
    if alone and not taxed and "total_amount" not in readings and net is not None and net.label.key.startswith("total"):
        readings["total_amount"] = replace(net.reading, score=0.6)  # `Total charges` with nothing added to it
    return readings


def _drop_partial_tax(found: dict[str, list[Sum]], chosen: dict[str, Sum]) -> None:
    """Of several rates' taxes none is the tax: where only together they lead from net to gross, and no line says so, it is absent."""
    net, tax, total = (chosen.get(name) for name in ("subtotal", "tax_amount", "total_amount"))
    if net is None or tax is None or total is None or _adds_up(chosen):
        return
    by_row = {each.reading.cell.index: each.value for each in found["tax_amount"]}
    values = list(by_row.values())
    wanted = total.value - net.value
    if any(
        abs(sum(some, Decimal(0)) - wanted) <= _CENT
        for count in range(2, min(len(values), 5) + 1)
        for some in combinations(values, count)
    ):
        del chosen["tax_amount"]


def _drop_one_of_several(found: dict[str, list[Sum]], chosen: dict[str, Sum]) -> None:
    """Each section of a list has its own `Subtotal`, each rate its own `VAT`: of those that no total bears out, none is the sum."""
    if _adds_up(chosen):
        return
    total = chosen.get("total_amount")
    for concept in ("subtotal", "tax_amount"):
        picked = chosen.get(concept)
        if picked is None or total is None:
            continue
        same = {each.reading.cell.index: each for each in found[concept] if each.label.key == picked.label.key}
        values = {each.value for each in same.values()}
        parted = concept == "subtotal" or len({_rate_in_row(each) for each in same.values()}) > 1
        marked = concept == "subtotal" and len(same) > 1 and all(_of_a_part(each) for each in same.values())
        if ((len(values) > 1 and parted) or marked) and total.value not in values and max(values) < total.value:
            del chosen[concept]


def _of_a_part(each: Sum) -> bool:
    """`Subtotal A`: a letter or a word behind the name says of what."""
    return any(map(str.isalpha, each.label.cell.text[each.label.end :])) and each.reading.cell is not each.label.cell


def _rate_in_row(each: Sum) -> Decimal | None:
    """The percentage that stands with a sum: in its label's cell, or beside it."""
    layout = each.label.cell.layout
    cells = [cell for cell in layout.row_of(each.label.cell) if cell.box[0] <= each.reading.cell.box[0]]
    return next((number.value for cell in cells for number in cell.numbers if number.percent), None)


def _sums_of(labels: Labels, concept: str) -> list[Sum]:
    """Every labelled amount of a concept, best first; of equal ones the later, for sums stand below what they sum up."""
    sums: list[Sum] = []
    for label in labels.of(concept):
        named = label.named(concept)
        if named is None:
            continue
        if concept == "total_amount" and named.weak and _COUNTED.match(label.cell.text, label.end):
            continue
        if concept == "tax_amount" and _RATE_OF_ANOTHER.match(label.cell.text, label.end):
            continue
        score = _WEAK if named.weak else _STRONG - min(named.rank, 60) * 0.0005
        score *= 1.0 if label.leading or label.closed else _NOT_LEADING
        score *= _PARTIAL if label.partial else 1.0
        readings, factor = _amounts_of(labels, label, named.weak or concept == "tax_amount")
        of_rates = label.key in _OF_A_RATE and sum(each.key == label.key for each in labels.of(concept)) > 1
        if of_rates or (label.key in _OF_A_RATE and factor == _BELOW):
            continue
        first = labels.begins(label.cell)
        heads = label.leading or label.closed or (first is not None and first.named(concept) is not None)
        if concept == "tax_amount" and not heads:
            # `Item with VAT   1,000.00`, `With VAT` over a column: a tax that is only spoken of.
            readings = [each for each in readings if each.cell is label.cell]
        if readings:
            last = readings[-1]
            total = score * factor * last.score
            sums.append(Sum(last, Decimal(last.value), tuple(readings[:-1]), total, label))
    count = max(1, len(sums) - 1)
    ranked = [replace(each, score=each.score + _LATER * place / count) for place, each in enumerate(sums)]
    return sorted(ranked, key=lambda each: -each.score)


def _amounts_of(labels: Labels, label: Label, one_only: bool) -> tuple[list[Reading], float]:
    """The amounts behind a label and right of it, left to right, else the one below it."""
    layout = labels.layout
    stop = _until_next_sum(labels, label)
    inline = [each for each in _amounts(label.cell, label.end, stop) if _belongs(label, each)]
    readings = list(inline)
    if stop == len(label.cell.text):
        for cell in layout.right_of(label.cell)[:_MOST_COLUMNS]:
            first = labels.begins(cell)
            if first is not None and first.names[0].concept and not cell.amounts:
                break
            if first is not None and first.names[0].concept in SUMS:
                break
            if cell.text.startswith("%"):
                readings = readings[:-1]  # `VAT: 20 | %` set in two cells
            if _ANOTHER_LABEL.match(cell.text) and not readings:
                break  # `Condición frente al IVA: Exento   Domicilio: San Martín 450`
            readings.extend(_amounts(cell, 0, len(cell.text)))
    if readings:
        money = [each for each in readings if each.score == 1.0]
        return money or readings, _INLINE_OR_RIGHT
    rest = label.cell.text[label.end : stop].strip(" .:-–()%€$£0123456789,")
    if len(rest) > 12:
        return [], 0.0
    column = _column_below(labels, label, one_only) or _alone_below(labels, label)
    return (column, _BELOW) if column else ([], 0.0)


def _alone_below(labels: Labels, label: Label) -> list[Reading]:
    """The amount that is all of the row below a total that is all of its own: slips set the name left and the amount right."""
    sheet = labels.layout.sheet(label.cell)
    row, below = sheet.rows[label.cell.row], sheet.rows[label.cell.row + 1 : label.cell.row + 2]
    if label.named("total_amount") is None or not label.fills_cell or len(row) > 1 or not below or len(below[0]) > 1:
        return []
    cell = below[0][0]
    near = cell.box[1] - label.cell.box[3] < _BELOW_REACH * label.cell.height
    readings = _amounts(cell, 0, len(cell.text))
    whole = [each for each in readings if each.score == 1.0 and each.pieces[0][1:] == (0, len(cell.text.rstrip()))]
    return whole if near else []


def _column_below(labels: Labels, label: Label, one_only: bool) -> list[Reading]:
    """The amount below a label. Where each rate has a row, as under `Netto  MwSt  Endbetrag`, the last row is what they add up to."""
    column: list[Reading] = []
    cell = label.cell
    while len(column) < _MOST_RATES:
        reading = _next_below(labels, cell, label)
        if reading is None:
            break
        column.append(reading)
        cell = reading.cell
    so_far = Decimal(0)
    for number, reading in enumerate(column):
        if number > 1 and Decimal(reading.value) == so_far:
            return [reading]
        so_far += Decimal(reading.value)
    # `Date   Amount` over two instalments, `VAT` over those of two rates: the name is that of a column, not of a sum.
    return [] if len(column) > 1 and one_only else column[:1]


def _next_below(labels: Labels, cell: Cell, label: Label) -> Reading | None:
    """The first amount under `cell` that stands under the label too, unless another label comes first."""
    # A small caption stands as far above its amount as one of the usual size.
    reach = _BELOW_REACH * max(1.0, labels.layout.line_height / max(cell.height, 4.0))
    for below in labels.layout.below(cell, label.box, reach=reach):
        if labels.is_label(below):
            return None
        under = [each for each in _amounts(below, 0, len(below.text)) if _under(each, label)]
        if under:
            return under[0]
    return None


def _until_next_sum(labels: Labels, label: Label) -> int:
    """Where in the cell another amount's label begins; other labels (`vom`, `per`) may stand between a sum and its amount."""
    text = label.cell.text
    following = (
        each
        for each in labels.by_cell[label.cell.index]
        if each.start >= label.end and not _INCLUDING.fullmatch(text, label.end, each.start)
    )
    return next(
        (each.start for each in following if any(name.concept in _amount_concepts() for name in each.names)),
        len(text),
    )


@lru_cache(maxsize=1)
def _amount_concepts() -> frozenset[str]:
    """Every field of every type that is an amount."""
    kinds = DOCUMENT_TYPES.values()
    return frozenset(each.name for kind in kinds for each in kind.concepts if each.spec.kind is FieldKind.AMOUNT)


def _belongs(label: Label, reading: Reading) -> bool:
    """An amount in a sentence (`het bedrag binnen 30 dagen`) is none of the label's."""
    between = label.cell.text[label.end : reading.pieces[0][1]]
    letters = sum(char.isalpha() for char in between)
    if not (label.leading or label.closed):
        return reading.score == 1.0 and letters <= 8
    return letters <= 24


def _amounts(cell: Cell, start: int, stop: int) -> list[Reading]:
    return [
        of_span(cell, number.start, number.end, as_amount(number.value), 1.0 if number.looks_like_money else 0.75)
        for number in cell.amounts
        if starts_behind(cell, number, start)
        and number.end <= stop
        and not _OF_TIME.match(cell.text, number.end)
        and not _INCLUDED.search(cell.text[start : number.start])
    ]


def _under(reading: Reading, label: Label) -> bool:
    cell, start, end = reading.pieces[0]
    value, box = cell.box_between(start, end), label.box
    middles = abs((value[0] + value[2]) - (box[0] + box[2])) / 2
    return value[0] < box[2] and value[2] > box[0] and min(abs(value[0] - box[0]), abs(value[2] - box[2]), middles) < 30


def _agreeing(found: dict[str, list[Sum]]) -> dict[str, Sum]:
    """The choice of one amount a concept with the highest scores, where amounts that add up count more."""
    best = {concept: sums[0] for concept, sums in found.items() if sums}
    totals = _distinct(found.get("total_amount", []))
    nets = _distinct(found.get("subtotal", []))
    taxes = _distinct(found.get("tax_amount", []))
    if "amount_due" in best and "amount_paid" not in best:
        # Where nothing was paid, what is due is the total.
        # Nothing is due where all was paid: that is no total.
        due = [replace(each, score=each.score * _DUE) for each in found["amount_due"] if each.value or not totals]
        totals = _distinct(sorted([*totals, *due], key=lambda each: -each.score))
        best.setdefault("total_amount", totals[0])
    if not totals or not (nets or taxes):
        return best
    extras = [each.value for concept in ("shipping_amount", "tip_amount") for each in found.get(concept, [])[:1]]
    less = [abs(each.value) for each in found.get("discount_amount", [])[:1]]
    rounding = _roundings(totals[0].label.cell.layout)
    ranked: list[tuple[float, tuple[Sum, Sum | None, Sum | None]]] = []
    for total, net, tax in product(totals, [*nets, None], [*taxes, None]):
        score = total.score + (net.score if net else 0.0) * 0.6 + (tax.score if tax else 0.0) * 0.6
        score += _AGREES * _agreement(total, net, tax, extras, less, rounding)
        if net and tax and total.value and net.value > total.value > 0:
            score -= 0.5
        ranked.append((score, (total, net, tax)))
    if not nets:
        # `Total 50.00  Tax 9.50  To pay 59.50`: what two totals call the same is net and gross when the tax leads from one to the other.
        for total, first, tax in product(totals, totals, taxes):
            if tax.value and _agreement(total, first, tax, extras, less, rounding) == _FULLY:
                ranked.append((total.score + _AGREES * _FULLY + tax.score, (total, first, tax)))
    total, net, tax = max(ranked, key=lambda each: each[0])[1]
    best["total_amount"] = total
    for concept, chosen in (("subtotal", net), ("tax_amount", tax)):
        if chosen is not None:
            best[concept] = chosen
        else:
            best.pop(concept, None)
    return best


def _roundings(layout: Layout) -> list[Decimal]:
    """What was rounded off or up, as printed."""
    rows = (row for sheet in layout.sheets for row in sheet.rows if _ROUNDING.match(row[0].read_as))
    return [abs(number.value) for row in rows for cell in row for number in cell.amounts[-1:] if number.value]


def _agreement(
    total: Sum, net: Sum | None, tax: Sum | None, extras: list[Decimal], less: list[Decimal], rounding: list[Decimal]
) -> float:
    """How well a total is borne out by net and tax, with what else is printed: tips, discounts, a rounding."""
    if net is None or tax is None:
        return 0.0
    plain = net.value + tax.value
    choices = {plain, *(plain + each for each in extras), *(plain - each for each in less)}
    choices |= {plain + extra - each for extra in extras for each in less}
    if sum(extras) != 0:
        choices.add(plain + sum(extras))
    choices |= {choice + by for choice in choices for each in rounding for by in (each, -each)}
    if any(abs(choice - total.value) <= _CENT for choice in choices):
        return _FULLY if tax.value else 1.2
    if net.value == total.value and total.label.cell is not net.label.cell:
        return 0.1
    return 0.0


def _distinct(sums: list[Sum]) -> list[Sum]:
    """The best few with different values."""
    kept: dict[Decimal, Sum] = {}
    for each in sums:
        kept.setdefault(each.value, each)
    return list(kept.values())[:_MOST]


def _read_columns(found: dict[str, list[Sum]], chosen: dict[str, Sum], readings: Found) -> None:
    """A row `Total | 24.99 | 5.00 | 29.99` gives net and tax when they add up, and the ones chosen so far do not."""
    total = chosen.get("total_amount")
    if total is None or _adds_up(chosen):
        return
    for row in [total, *(each for each in found.get("total_amount", []) if each.value == total.value)]:
        if len(row.before) < 2:
            continue
        net, tax = row.before[-2], row.before[-1]
        if abs(Decimal(net.value) + Decimal(tax.value) - total.value) <= _CENT:
            readings["subtotal"], readings["tax_amount"] = net, tax
            return


def _adds_up(chosen: dict[str, Sum]) -> bool:
    parts = [chosen.get("subtotal"), chosen.get("tax_amount"), chosen.get("total_amount")]
    net, tax, total = (each.value if each else None for each in parts)
    return net is not None and tax is not None and total is not None and abs(net + tax - total) <= _CENT
