"""What is particular to receipts: items without a heading row, the time of the purchase, how it was paid."""

import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal

from ingestio.extraction.amounts import as_amount, as_number
from ingestio.extraction.layout import Cell, Layout, plain
from ingestio.extraction.local.blocks import (
    ends_with_legal_form,
    is_contact_line,
    is_street_line,
    is_title,
    is_town_line,
    without_register_number,
)
from ingestio.extraction.local.labels import Labels
from ingestio.extraction.local.names import TITLE_FROM
from ingestio.extraction.local.reading import Entry, Found, Reading, of_cells, of_span
from ingestio.extraction.local.totals import SUMS
from ingestio.extraction.local.vocabulary import any_of
from ingestio.extraction.values import find_phones

_TIME = re.compile(
    r"(?<![\d:.])(?<!\d,)(?<!\d[lIOoSB])([01]?\d|2[0-3])[:.h]([0-5]\d)(?::[0-5]\d)?(?:\s?[AaPp]\.?[Mm]\.?)?(?![\d:%lIOo])"
)
_PAID_BY = re.compile(rf"\b{any_of('receipt', 'paid_by')}\b", re.IGNORECASE)
_QUANTITY_BEFORE = re.compile(r"^(\d{1,3})\s?[x×X*]?\s+(?=[^\W\d_])|^(\d{1,3})\s?[x×X*]\s*")
# `2 Stk x 1,49`, `1,284 kg x 1,89 EUR/kg`, `2 @ 3.50`.
_QUANTITY_LINE = re.compile(
    r"^(?P<quantity>\d+(?:[.,]\d{1,3})?)\s*(?:stk\.?|st\.?|pcs?|ea|kg|g|[l1]|[l1I]b|oz|uds?|pz|pce|pi[eè]ces?|x)?\s*[x×X*@à]\s*(?:[€$£]|EUR|USD|GBP|CHF)?\s*(?P<price>\d+[.,]\d{2})",
    re.IGNORECASE,
)
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
_OTHER_DATE = re.compile(rf"(?<![^\W_]){any_of('receipt', 'other_dates')}", re.IGNORECASE)
# Above it a label, or several signs together, say who the merchant is.
_SURE = 0.8
_STREET_WORD = re.compile(
    r"\b(?:st|street|ave|avenue|rd|road|blvd|drive|lane|way|hwy|jalan|jln|jl|lorong|stra(?:ss|ß)e|str|rue|via|calle|suite|unit|lot|no)\b",
    re.IGNORECASE,
)
_NAME_GOES_ON = re.compile(
    r"(?:&|CO|COMPANY|SDN|BHD|ENTERPRISES?|TRADING|HOLDINGS?|LTD|LIMITED|PTE|INC|LLC|CORP|GMBH)(?![^\W_])",
    re.IGNORECASE,
)
_NEARLY_SDN_BHD = re.compile(r"(?<![^\W_])(?:\wDN|S\wN|SD\w)\.?\s?(?:\wHD|B\wD|BH\w)(?![^\W_])")
_CALLED = re.compile(r"(?<![^\W_])(?:tel|ph|fon|phone|t[eé]l[eé][fp]\w*)\W*$", re.IGNORECASE)
_NOTE = re.compile(r"\s*[^\W\d_]{2,12}\s?[:：](?=\s)")
_HEADING_ROWS, _LEAST_LETTERS, _SPACED_OUT = 5, 3, 1.6
_TAX_MARK = re.compile(r"^\s*[A-Z*#]{0,2}\d?\s*$")
# Where a till prints no cents, thousands are money.
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[.,]\d{3})+\W*\Z")
_NOT_ITEMS = re.compile(r"^[-=*_.\s]+$")


def read_receipt(layout: Layout, labels: Labels, found: Found, entries: list[Entry]) -> list[Entry]:
    """Adds date, time and way of payment to `found`, and mends merchant and total; the items: those of the table, else the lines above
    the first sum."""
    if "receipt_date" not in found:
        date = _date(layout)
        if date is not None:
            found["receipt_date"] = date
    _check_total(layout, found)
    _compare_total(layout, found)
    _name_merchant(layout, labels, found)
    _doubt_legal_form(found)
    _end_address(layout, found)
    _tell_numbers_apart(layout, found)
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
    return entries or _items(layout, labels)


def _name_merchant(layout: Layout, labels: Labels, found: Found) -> None:
    """The first line that can be a name, where no label and no legal form tells the merchant: shops print theirs above the address."""
    named = found.get("merchant_name")
    if (
        named is not None
        and named.score < _SURE
        and _says_something_else(labels, layout.row_of(named.cell), named.cell)
    ):
        del found["merchant_name"]
        named = None
    # `WARISAN BERHAD INDUSTRIAL PARK` and `102 St NW Edmonton AB` are where the shop is.
    whole = (
        named is not None
        and ends_with_legal_form(named.value)
        and not _is_end_of_name(named.value)
        and not (named.value.endswith(" AB") and _STREET_WORD.search(named.cell.text))
    )
    if whole or (named is not None and (named.score >= _SURE or TITLE_FROM.match(named.cell.text))):
        return
    for place, row in enumerate(layout.sheets[0].rows[:_HEADING_ROWS] if layout.sheets else ()):
        if _is_priced(row):
            # What was bought begins here: a slip that does not name the shop.
            if named is not None and named.cell.page == 1 and named.cell.row >= row[0].row:
                del found["merchant_name"]
            return
        # `Receipt        Quill Labs`: the heading says what it is, the cell beside it whose.
        cells = row[1:] if len(row) > 1 and is_title(row[0].text) else row
        run = [cells[0]]
        for cell in cells[1:]:
            # Spaced-out print falls into several cells.
            if cell.box[0] - run[-1].box[2] > _SPACED_OUT * cell.height:
                break
            run.append(cell)
        text = " ".join(plain(cell.text) for cell in run)
        letters = sum(char.isalpha() for char in text)
        if (
            letters < _LEAST_LETTERS
            or letters < sum(char.isdigit() for char in text) * (1 if row is layout.sheets[0].rows[0] else 2)
            or any(cell.dates for cell in run)
            or _says_something_else(labels, row, cells[0])
        ):
            continue
        # The first line of all is no street, though there is a number in it: `MINI MART 24`, `99 SPEEDY MART`.
        is_first = row is layout.sheets[0].rows[0] and "," not in text and not _STREET_WORD.search(text)
        if not (
            is_title(text) or is_contact_line(text) or (is_street_line(text) and not is_first) or is_town_line(text)
        ):
            below = layout.sheets[0].rows[place + 1 : place + 3]
            found["merchant_name"] = _without_number(of_cells([*run, *_rest_of_name(text, below)], score=0.6))
            return


def _doubt_legal_form(found: Found) -> None:
    """`MAJU SDN SHD`: what is nearly a legal form, which has but one spelling, was misread, and the name with it."""
    named = found.get("merchant_name")
    if named is not None and named.cell.is_recognised:
        written = [re.sub(r"\W", "", each.group()) for each in _NEARLY_SDN_BHD.finditer(named.value.upper())]
        if any(each != "SDNBHD" for each in written):
            found["merchant_name"] = replace(named, doubted=True)


def _says_something_else(labels: Labels, row: list[Cell], cell: Cell) -> bool:
    """`Invoice # R-100`, `Table   A07   Order #  3`, `NOTE: reduced rate`: labels, with their values or without, and the
    headings of a table."""
    first = labels.begins(cell)
    numbered = first is not None and any(map(str.isdigit, cell.text[first.end :])) and not cell.text.isupper()
    others = [each for each in row if each.box[0] > cell.box[0] or not is_title(each.text)]
    others = [each for each in others if each is not cell]
    beside = [label.names[0].concept for each in others for label in labels.by_cell.get(each.index, ())]
    return (
        numbered
        or cell.index in labels.skip
        or labels.is_label(cell)
        or _NOTE.match(cell.text) is not None
        or any(concept and not concept.endswith(("_name", "_address")) for concept in beside)
    )


def _end_address(layout: Layout, found: Found) -> None:
    """A shop's address ends above the first line of the purchase: one with a date, an amount or a quantity."""
    address = found.get("merchant_address")
    if address is None or len(address.pieces) < 2:
        return
    bought = (
        place
        for place, (cell, _, _) in enumerate(address.pieces)
        if any(each.dates for each in layout.row_of(cell))
        or _is_priced(layout.row_of(cell))
        or (_QUANTITY_BEFORE.match(cell.text) and not is_town_line(cell.text) and not is_street_line(cell.text))
    )
    end = next(bought, None)
    if end is None:
        return
    del found["merchant_address"]
    kept = address.pieces[:end]
    if any(is_town_line(cell.text) or is_street_line(cell.text) for cell, _, _ in kept):
        text = ", ".join(plain(cell.text[start:stop]).strip(" ,;") for cell, start, stop in kept)
        found["merchant_address"] = Reading(text, kept, address.score)


def _tell_numbers_apart(layout: Layout, found: Found) -> None:
    """`NIF 502118934`: the number that taxes are paid under is not called as well; the telephone is another, or none is printed."""
    phone, tax_id = found.get("merchant_phone"), found.get("merchant_tax_id")
    if phone is None or tax_id is None or _digits(phone.value) != _digits(tax_id.value):
        return
    others = [
        of_span(cell, each.start, each.end, each.value, 0.7)
        for cell in layout.cells
        for each in find_phones(cell.text)
        if _CALLED.search(cell.text[: each.start]) and _digits(each.value) != _digits(tax_id.value)
    ]
    if others:
        found["merchant_phone"] = others[0]
    else:
        del found["merchant_phone"]


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _is_priced(row: list[Cell]) -> bool:
    """Whether an amount stands in a row: with cents or a currency, or as thousands at its end."""
    return any(number.looks_like_money for cell in row for number in cell.numbers) or bool(
        _GROUPED.search(row[-1].text)
    )


def _is_end_of_name(text: str) -> bool:
    """`CO. (M) SDN BHD`, `ALAM) SDN BHD`: the line above says whose."""
    return bool(_NAME_GOES_ON.match(text)) or text.count(")") > text.count("(")


def _rest_of_name(text: str, below: list[list[Cell]]) -> list[Cell]:
    """The lines in which a name goes on up to its legal form: `POPULAR BOOK`, below it `CO. (M) SDN BHD`."""
    rest: list[Cell] = []
    for row in below:
        if ends_with_legal_form(text) or len(row) > 1 or not (rest or _NAME_GOES_ON.match(row[0].text)):
            break
        rest.append(row[0])
        text = plain(row[0].text)
    return rest if ends_with_legal_form(text) else []


def _without_number(name: Reading) -> Reading:
    """A name on one cell, without the register's number behind it."""
    if len(name.pieces) > 1:
        return name
    cell, start, _ = name.pieces[0]
    kept = without_register_number(cell.text[start:].rstrip())
    return of_span(cell, start, start + len(kept), score=name.score) if kept else name


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


def _check_total(layout: Layout, found: Found) -> None:
    """What was handed over less what came back is the total: a printed amount that is just that outweighs a label's."""
    _pay_net(layout, found)
    _replace_nothing(layout, found)
    _add_rounding(layout, found)
    _mend_sign(layout, found)
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


def _items(layout: Layout, labels: Labels) -> list[Entry]:
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
    quantity = _QUANTITY_BEFORE.match(text)
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
            elif not number.percent:
                entry.setdefault("quantity", of_span(cell, number.start, number.end, as_number(number.value)))


def _priced_below(above: list[Cell] | None, row: list[Cell], labels: Labels) -> Entry | None:
    """`BANANAS`, below it `2.14 lb @ $0.79/lb   1.69`: a name without an amount, and the line that says how much of it."""
    if above is None or len(above) > 1 or len(row) < 2 or _is_priced(above):
        return None
    line, name, last = _quantity_line(row[:-1]), above[0], row[-1]
    amounts = [each for each in last.amounts if each.looks_like_money] or (last.amounts if _is_priced(row) else [])
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
