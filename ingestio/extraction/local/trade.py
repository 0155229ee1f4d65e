"""Invoices, receipts and purchase orders: number, dates, parties, items, sums, currency and payment details."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from ingestio.domain.fields import FieldKind
from ingestio.extraction.catalogue import DOCUMENT_TYPES, Concept
from ingestio.extraction.dates import FoundDate
from ingestio.extraction.layout import Cell, Layout, plain
from ingestio.extraction.local import scalars
from ingestio.extraction.local.blocks import is_street_line, is_title
from ingestio.extraction.local.items import Listed, list_entries
from ingestio.extraction.local.labels import Label, Labels, columns_of, lexicon_of
from ingestio.extraction.local.money import read_currency
from ingestio.extraction.local.parties import Parties, Party
from ingestio.extraction.local.reading import Entry, Found, Reading, of_cells, of_span
from ingestio.extraction.local.receipts import read_receipt
from ingestio.extraction.local.tax_breakdown import read_tax_breakdown
from ingestio.extraction.local.totals import SUMS, read_sums
from ingestio.extraction.local.vocabulary import any_of
from ingestio.extraction.tokens import compact
from ingestio.extraction.values import find_emails, find_ibans, find_phones

_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?", re.IGNORECASE)
_DATE_OF_PLACE = re.compile(
    r"^[^\W\d_][^\d,:]{1,30},\s*(?:den|le|li|lì|il|a|am|el|op|dnia|dne|dňa)?\s*$", re.IGNORECASE
)
_PAID = re.compile(
    r"\b(?:paid in full|paid|bezahlt|beglichen|pay[ée]e?|acquitt[ée]e?|pagad[oa]|pagat[oa]|betaald|voldaan|pag[oa]|"
    r"deposit|anzahlung|acompte|anticipo|acconto)\b",
    re.IGNORECASE,
)
_EXPLAINS = re.compile(any_of("sum", "explains"), re.IGNORECASE)
_WEAK_SENDER = 0.6
_FEEBLE_SENDER, _UNLESS_PAID, _SURE_ADDRESS = 0.3, 0.55, 0.7
# A series of some system may stand before it: `ACC-SINV-2024-00088`. Peru has letter, series and number: `F001-00002218`.
_INVOICE_CODE = re.compile(
    r"[FB]\w{3}-\d{3,8}|#?\s?(?:[A-Z]{2,5}[-/])?(?:(?i:S?INV(?:OICE)?)|F[ATRSV]|FAC|RE|RG)[-/#_ ]?\d[\w/-]*(?<!-)"
)
_BARE_NUMBER = frozenset({"no", "number", "nummer", "nr", "numero", "nomor", "cislo", "αριθμοσ"})
_FLAT = re.compile(r"#\d{1,3}-\d{1,4}[A-Z]?(?![\w-])")
_SERIES = re.compile(
    rf"(?<![^\W_])(?i:{any_of('value', 'series_captions')})(?:\s?:\s?|\s)(?P<series>[A-Z]{{1,5}}|\d{{3,5}})(?![^\W_])"
)
_LINE_ABOVE = 1.6
_OF_A_REGISTER = re.compile(any_of("address", "register"), re.IGNORECASE)
# `Reference: PO 5561` is the customer's as often as the document's own.
_REFERS = 0.05
_WORDS_OF_A_TITLE = 6
_WHEN_PAID = (
    "paymentdate",
    "fechadepago",
    "fechadecobro",
    "datedepaiement",
    "datedereglement",
    "betaaldatum",
    "datapagamento",
    "betalningsdag",
)
_CREDIT = (
    "avoir",
    "creditn",
    "creditm",
    "gutschrift",
    "korrektur",
    "rechnungskorrektur",
    "notadecredito",
    "kreditnota",
    "kreditfaktura",
    "hyvityslasku",
    "fakturakorygujaca",
    "opravnydanovydoklad",
    "dobropis",
    "notadicredito",
)


@dataclass(frozen=True, slots=True)
class Roles:
    """What a type calls the two parties, its number and its date. `sender` wrote the document."""

    sender: str
    recipient: str
    number: str
    date: str


ROLES = {
    "invoice": Roles("vendor", "customer", "invoice_number", "invoice_date"),
    "receipt": Roles("merchant", "customer", "receipt_number", "receipt_date"),
    "purchase_order": Roles("buyer", "vendor", "purchase_order_number", "order_date"),
}


def read_trade(document_type: str, layout: Layout) -> tuple[Found, dict[str, list[Entry]]]:
    """Everything that rules can tell about a commercial document: readings by concept, and the entries of its lists."""
    kind, roles = DOCUMENT_TYPES[document_type], ROLES[document_type]
    lexicon = lexicon_of(document_type)
    items = next(each for each in kind.concepts if each.name == "line_items")
    listed = list_entries(layout, items, columns_of(document_type, "line_items"), lexicon)
    labels = Labels(layout, lexicon, frozenset(listed.cells) | _explained(layout))
    sums = read_sums(labels, [each.name for each in kind.concepts if each.name in SUMS])
    found: Found = dict(sums)
    _add(found, "currency", read_currency(labels, sums))
    sender, recipient = _add_parties(found, labels, listed, roles)
    for concept in kind.concepts:
        if concept.name in SUMS:
            continue  # what the sums left out, they left out knowingly
        if concept.name not in found and concept.spec.kind is not FieldKind.LIST:
            _add(found, concept.name, _read_scalar(labels, concept, roles, sender, recipient))
    if document_type == "invoice" and roles.number not in found:
        _add(found, roles.number, _number_by_its_prefix(layout))
    if roles.number in found:
        found[roles.number] = _with_its_series(layout, found[roles.number])
    _add_number_and_date(found, labels, roles)
    _drop_past_payment(found, labels, roles)
    _add_payment(found, labels, {each.name for each in kind.concepts})
    _add_period_end(found)
    if document_type == "invoice":
        _add_amount_due(found, layout)
    entries = listed.entries
    if document_type == "receipt":
        entries = read_receipt(layout, labels, found, entries)
    lists = {"line_items": entries, "tax_breakdown": read_tax_breakdown(labels, sums, listed.cells)}
    return found, {name: each for name, each in lists.items() if each}


def _explained(layout: Layout) -> frozenset[int]:
    """The cells of later pages that explain to a customer how to read a bill: the sums on them are examples."""
    cells: set[int] = set()
    for sheet in layout.sheets[1:]:
        if any(_EXPLAINS.search(cell.text) for row in sheet.rows[:4] for cell in row if len(cell.words) < 12):
            cells |= {cell.index for cell in sheet.cells}
    return frozenset(cells)


def _add(found: Found, name: str, reading: Reading | None) -> None:
    if reading is not None:
        found[name] = reading


def _add_parties(found: Found, labels: Labels, listed: Listed, roles: Roles) -> tuple[Party | None, Party | None]:
    parties = Parties(labels, frozenset(listed.cells))
    if not labels.layout.sheets:
        return None, None
    recipient = next(iter(parties.labelled([f"{roles.recipient}_name"])), None)
    if recipient is not None and recipient.score < _WEAK_SENDER:
        recipient = None
    if recipient is None and roles.sender != "merchant":
        recipient = parties.addressed()
    named = parties.labelled([f"{roles.sender}_name"])
    unnamed = parties.senders(recipient, [each for each in named if each.score < _WEAK_SENDER])
    if roles.sender == "merchant":
        # Tills print no envelopes' sender lines: `Tampoi, 81200 Johor Bahru, Johor` goes on with the address above it.
        unnamed = [each for each in unnamed if "sender line" not in each.reasons or each.name.cell.row == 0]
    sender = parties.on_behalf() or max([*named, *unnamed], key=lambda each: each.score, default=None)
    # `Razón social` names whoever its section is about.
    unsure = sender is not None and (not sender.labelled or sender.score < _WEAK_SENDER)
    if sender is not None and unsure and recipient is not None and sender.name.cell is recipient.name.cell:
        sender = next((each for each in unnamed if each.name.cell is not recipient.name.cell), None)
    if recipient is None and roles.sender != "merchant":
        sender, recipient = _told_apart(sender, parties, named, unnamed)
    if recipient is None and roles.sender != "merchant":
        recipient = next(iter(parties.recipients(sender)), None) or next(
            iter(parties.labelled([f"{roles.recipient}_name"])), None
        )
    for role, party in ((roles.sender, sender), (roles.recipient, recipient)):
        if party is not None:
            found[f"{role}_name"] = replace(party.name, score=min(1.0, party.score))
            _add(found, f"{role}_address", parties.address_of(party))
    return sender, recipient


def _told_apart(
    sender: Party | None, parties: Parties, payees: list[Party], senders: list[Party]
) -> tuple[Party | None, Party | None]:
    """The only address of a paper is more likely where it goes than who wrote it, when nothing but its place speaks for the latter, or
    when somebody else is to be paid."""
    if sender is None or sender.labelled:
        return sender, None
    payee = next((each for each in payees if each.key != sender.key), None)
    if sender.score >= (_FEEBLE_SENDER if payee is None else _UNLESS_PAID):
        return sender, None
    blocks = parties.recipients(None)
    if len(blocks) != 1 or blocks[0].name.cell is not sender.name.cell or blocks[0].score < _SURE_ADDRESS:
        return sender, None
    return payee or next((each for each in senders if each.name.cell is not sender.name.cell), None), blocks[0]


def _read_scalar(
    labels: Labels, concept: Concept, roles: Roles, sender: Party | None, recipient: Party | None
) -> Reading | None:
    name, kind = concept.name, concept.spec.kind
    if name.endswith(("_name", "_address")) and name.split("_")[0] in (roles.sender, roles.recipient):
        return None
    if kind is FieldKind.TAX_ID:
        return _tax_id(labels, name, roles, recipient)
    if kind in (FieldKind.EMAIL, FieldKind.PHONE) and name.startswith(roles.sender):
        return _contact(labels, concept, sender, recipient)
    if kind is FieldKind.ADDRESS:
        return _labelled_address(labels, name)
    if name == roles.number:
        return _own_number(scalars.candidates(labels, name, kind))
    return scalars.best(labels, name, kind)


def _with_its_series(layout: Layout, number: Reading) -> Reading:
    """`Punto de Venta: 0003   Comp. Nro: 00001234`, `Seria RBT nr. 4471`, `Folio: 8812   Serie: F`, `Serie   F` over `Folio   8812`:
    a number counts within the series that is captioned beside it or in the line above."""
    cell, start, end = number.pieces[0]
    if len(number.pieces) > 1 or not number.value.isdigit():
        return number  # it has its letters
    before = layout.left_of(cell)[:2]
    above = [over for each in (*before, cell) for over in islice(layout.above(each, reach=_LINE_ABOVE), 1)]
    for other in (*before, cell, *layout.right_of(cell)[:1], *above):
        for holder, span in _series_of(layout, other):
            if other is not cell or span[1] <= start or span[0] >= end:
                series = holder.text[slice(*span)]
                between = "-" if series.isdigit() else " "
                return Reading(f"{series}{between}{number.value}", ((holder, *span), (cell, start, end)), number.score)
    return number


def _series_of(layout: Layout, cell: Cell) -> Iterator[tuple[Cell, tuple[int, int]]]:
    """The series that a cell captions: in it, or in the cell beside it."""
    for match in _SERIES.finditer(cell.text):
        yield cell, match.span("series")
    beside = next(iter(layout.right_of(cell)), None)
    if beside is not None and _SERIES.fullmatch(f"{cell.text.strip(' :')} {beside.text}"):
        yield beside, (0, len(beside.text))


def _number_by_its_prefix(layout: Layout) -> Reading | None:
    """`INV-000231` alone in a line of the first page's upper part says itself what it is."""
    sheet = layout.sheets[0] if layout.sheets else None
    alone = [cell for cell in sheet.cells if _INVOICE_CODE.fullmatch(cell.text.strip())] if sheet else []
    high = [cell for cell in alone if sheet and cell.middle < 0.4 * sheet.height]
    return of_cells(high, score=0.5) if len({cell.text.strip() for cell in high}) == 1 and len(high) == 1 else None


def _own_number(candidates: list[scalars.Candidate]) -> Reading | None:
    """A credit note's own number before that of the invoice it refers to."""
    own = [each for each in candidates if not _numbers_something_else(each)]
    own.sort(key=lambda each: _REFERS * each.label.key.startswith("referen") - each.score)
    of_credit = [each for each in own if each.label.key.startswith(_CREDIT)]
    return next((each.reading for each in of_credit or own), None)


def _numbers_something_else(candidate: scalars.Candidate) -> bool:
    """`Waybill Number: 82732`: a bare `Number` behind another word is that thing's. `#03-15` in an address is a flat. What stands behind a
    register's name is a number of it, whatever it is called: `Registro Mercantil de Asturias, folio 88`."""
    label, cell = candidate.label, candidate.label.cell
    before = cell.text[: label.start].rstrip()
    if _OF_A_REGISTER.search(before):
        return True  # `Registered in England and Wales (No. 09263424)`
    if label.key not in _BARE_NUMBER:
        return False
    if candidate.relation == "below" and candidate.reading.value.lstrip("0") == "1":
        return True  # below `Nr.` alone it is the first position of a table
    if label.leading and not label.closed and "," in cell.text and is_street_line(cell.text):
        return True  # `No. 12 & 14, Jalan Tun Razak 3`
    return (label.closed and before[-1:].isalpha()) or bool(_FLAT.match(cell.text[label.start :]))


def _tax_id(labels: Labels, name: str, roles: Roles, recipient: Party | None) -> Reading | None:
    """A number near the recipient is the recipient's; the sender's is the best of the others."""
    own = scalars.candidates(labels, name, FieldKind.TAX_ID)
    if name == f"{roles.recipient}_tax_id":
        others = scalars.candidates(labels, f"{roles.sender}_tax_id", FieldKind.TAX_ID)
        near = [each for each in others if recipient and _near(labels.layout, each.label.cell, recipient)]
        return own[0].reading if own else near[0].reading if near else None
    far = [each for each in own if not (recipient and _near(labels.layout, each.label.cell, recipient))]
    ranked = sorted(
        far,
        key=lambda each: -each.score + 0.002 * next(named.rank for named in each.label.names if named.concept == name),
    )
    return ranked[0].reading if ranked else None


def _near(layout: Layout, cell: Cell, party: Party) -> bool:
    """In the party's block, or just below it in the same column."""
    if any(cell is each for each in party.cells):
        return True
    name = party.name.cell
    if cell.page != name.page or not 0 < cell.middle - name.middle < 9 * max(name.height, layout.line_height):
        return False
    right_edge = min((other.box[0] for other in layout.right_of(name)), default=layout.sheet(name).width)
    return abs(cell.box[0] - name.box[0]) < 25 and cell.box[0] < right_edge


def _contact(labels: Labels, concept: Concept, sender: Party | None, recipient: Party | None) -> Reading | None:
    """The sender's e-mail or telephone: in its block, then behind a label, then the first that is not the recipient's."""
    finder = find_emails if concept.spec.kind is FieldKind.EMAIL else find_phones
    for cell in sender.cells if sender else ():
        for value in finder(cell.text):
            return of_span(cell, value.start, value.end, value.value, 0.9)
    labelled = scalars.candidates(labels, concept.name, concept.spec.kind)
    far = [each for each in labelled if not (recipient and _near(labels.layout, each.reading.cell, recipient))]
    if far:
        return far[0].reading
    if concept.spec.kind is FieldKind.EMAIL:
        for cell in labels.layout.cells:
            if not (recipient and _near(labels.layout, cell, recipient)):
                for value in find_emails(cell.text):
                    return of_span(cell, value.start, value.end, value.value, 0.7)
    return None


def _labelled_address(labels: Labels, name: str) -> Reading | None:
    """An address below or beside its own label: the name's line and the lines down to the town."""
    parties = Parties(labels)
    party = next(iter(parties.labelled([name])), None)
    if party is None:
        return None
    rest = parties.address_of(party)
    if rest is None:
        return None
    last = rest.pieces[-1][0]
    cells = [party.name.cell]
    for cell in party.cells:
        if cell is not party.name.cell and cells[-1] is not last:
            cells.append(cell)
    start = party.name.pieces[0][1]
    first = plain(cells[0].text[start:]).strip(" ,;")
    value = ", ".join([first, *(plain(cell.text).strip(" ,;") for cell in cells[1:])])
    return Reading(value, ((cells[0], start, len(cells[0].text)), *((cell, 0, len(cell.text)) for cell in cells[1:])))


def _add_number_and_date(found: Found, labels: Labels, roles: Roles) -> None:
    """The document's date: labelled, else beside its number in the title, else behind a place, else alone near the top."""
    number = found.get(roles.number)
    dated = scalars.candidates(labels, roles.date, FieldKind.DATE)
    strong = [each for each in dated if (named := each.label.named(roles.date)) and not named.weak]
    sheet = labels.layout.sheets[0] if labels.layout.sheets else None
    headed = [
        each
        for each in dated
        if each.label.leading
        and (each.label.closed or each.label.fills_cell)
        and sheet
        and each.label.cell.middle < 0.6 * sheet.height
    ]
    in_title = [each for each in dated if each.relation == "inline" and _is_titled(each.label, number)]
    if number is not None:
        in_title = [each for each in in_title if each.reading.cell is not number.cell or _dates_outside(number)]
    place = _date_behind_place(labels)
    beside = _date_beside(labels, number)
    in_prose = bool(strong) and not (strong[0].label.leading or strong[0].label.closed)
    if strong and strong[0].score > 0.6 and not (in_prose and beside is not None):
        found[roles.date] = strong[0].reading
    elif in_title:
        found[roles.date] = in_title[0].reading
    elif headed:
        found[roles.date] = headed[0].reading
    elif beside is not None:
        found[roles.date] = beside
    elif number is not None and number.cell.page == 1 and (dates := _dates_outside(number)):
        date = dates[0]
        found[roles.date] = of_span(number.cell, date.start, date.end, date.value, 0.7)
    elif place is not None:
        found[roles.date] = place
    else:
        taken = {(each.cell.index, each.value) for name, each in found.items() if name == "due_date"}
        alone = _unlabelled_date(labels, taken)
        in_prose = not dated or not (dated[0].label.leading or dated[0].label.closed)
        _add(found, roles.date, alone if alone is not None and in_prose else dated[0].reading if dated else None)


def _dates_outside(number: Reading) -> list[FoundDate]:
    """The dates in a number's cell; `FV 12/01/2025` has none in it."""
    cell, start, end = number.pieces[0]
    return [date for date in cell.dates if date.end <= start or date.start >= end]


def _date_beside(labels: Labels, number: Reading | None) -> Reading | None:
    """`Invoice 1002          February 22, 2019`: a date alone, in the line of the title with the number."""
    if number is None or number.cell.page != 1 or not is_title(number.cell.text):
        return None
    others = labels.layout.row_of(number.cell)
    alone = [cell for cell in others if cell.dates and not plain(cell.text[: cell.dates[0].start])]
    if len(alone) != 1 or plain(alone[0].text[alone[0].dates[0].end :]).strip(" .,"):
        return None
    date = alone[0].dates[0]
    return of_span(alone[0], date.start, date.end, date.value, 0.7)


def _is_titled(label: Label, number: Reading | None) -> bool:
    """`Rechnung # 503 vom 13.06.2015`: the date's small word stands in the title's line."""
    return is_title(label.cell.text[: label.start]) or (number is not None and label.cell is number.cell)


def _date_behind_place(labels: Labels) -> Reading | None:
    """`Zürich, 3. Mai 2026` and `München, den` with the date beside it."""
    sheet = labels.layout.sheets[0]
    for cell in sheet.cells:
        if cell.box[1] > 0.6 * sheet.height:
            continue
        for date in cell.dates[:1]:
            if _DATE_OF_PLACE.match(plain(cell.text[: date.start]) + " ") and not plain(cell.text[date.end :]).strip(
                " .,"
            ):
                return of_span(cell, date.start, date.end, date.value, 0.65)
        if _DATE_OF_PLACE.match(plain(cell.text) + " "):
            for beside in labels.layout.right_of(cell)[:1]:
                if beside.dates and beside.dates[0].start == 0:
                    date = beside.dates[0]
                    return of_span(beside, date.start, date.end, date.value, 0.65)
    return None


def _unlabelled_date(labels: Labels, taken: set[tuple[int, str]]) -> Reading | None:
    """The only date that stands alone in the upper part of the first page, perhaps with a time behind it; not one that is another's."""
    sheet = labels.layout.sheets[0]
    alone: list[Reading] = []
    for cell in sheet.cells:
        for date in cell.dates[:1]:
            before, after = plain(cell.text[: date.start]), plain(cell.text[date.end :]).strip(" .,")
            if (cell.index, date.value) in taken:
                continue
            if cell.box[1] < 0.6 * sheet.height and not before and (not after or _TIME.fullmatch(after)):
                alone.append(of_span(cell, date.start, date.end, date.value, 0.5))
    different = {each.value for each in alone}
    return alone[0] if alone and (len(different) == 1 or alone[0].cell.box[1] < 0.3 * sheet.height) else None


def _drop_past_payment(found: Found, labels: Labels, roles: Roles) -> None:
    """A `Payment date` before the document's own is when it was paid, not when it is due."""
    due, date = found.get("due_date"), found.get(roles.date)
    if due is None or date is None or due.value >= date.value:
        return
    named = scalars.candidates(labels, "due_date", FieldKind.DATE)
    if named and named[0].label.key.startswith(_WHEN_PAID):
        del found["due_date"]


def _add_payment(found: Found, labels: Labels, known: set[str]) -> None:
    if "iban" in known and "iban" not in found:
        for cell in labels.layout.cells:
            for value in find_ibans(cell.text):
                if value.sure:
                    found["iban"] = of_span(cell, value.start, value.end, value.value, 0.9)
                    return


def _add_amount_due(found: Found, layout: Layout) -> None:
    """Where nothing was paid and no other amount is named as due, the total is due."""
    total = found.get("total_amount")
    if total is None or "amount_due" in found or "amount_paid" in found or _is_credit(layout):
        return
    if not any(_PAID.search(cell.text) for cell in layout.cells if len(cell.words) <= 3):
        found["amount_due"] = replace(total, score=0.5)


def _is_credit(layout: Layout) -> bool:
    """Whether the first page's upper part is headed as a credit: nobody owes its total."""
    sheet = layout.sheets[0]
    return any(
        compact(cell.text).startswith(_CREDIT) and len(cell.words) <= _WORDS_OF_A_TITLE
        for cell in sheet.cells
        if cell.middle < 0.5 * sheet.height
    )


def _add_period_end(found: Found) -> None:
    """The second date of `01.05.2026 - 31.05.2026` ends the period that the first begins."""
    start = found.get("service_period_start")
    if start is None or "service_period_end" in found:
        return
    cell, _, end = start.pieces[0]
    for date in cell.dates:
        if end <= date.start <= end + 12:
            found["service_period_end"] = of_span(cell, date.start, date.end, date.value, 0.8)
            return
