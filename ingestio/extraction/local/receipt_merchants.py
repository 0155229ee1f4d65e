"""Whose receipt it is: shops print their name above the address, and mostly without a label or a legal form."""

import re
from dataclasses import replace

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
from ingestio.extraction.local.reading import Found, Reading, of_cells, of_span
from ingestio.extraction.local.receipt_items import QUANTITY_BEFORE, is_priced
from ingestio.extraction.values import find_phones

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


def mend_merchant(layout: Layout, labels: Labels, found: Found) -> None:
    """Adds the merchant's name where nothing told it, doubts one that was misread, and takes from the address what was bought and from
    the telephone what is paid to the tax office."""
    _name_merchant(layout, labels, found)
    _doubt_legal_form(found)
    _end_address(layout, found)
    _tell_numbers_apart(layout, found)


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
        if is_priced(row):
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
        or is_priced(layout.row_of(cell))
        or (QUANTITY_BEFORE.match(cell.text) and not is_town_line(cell.text) and not is_street_line(cell.text))
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
