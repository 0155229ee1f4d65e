"""Eight ways in which an invoice (or an order) may be laid out; each answers the PDF for facts in any language."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from tests.data.evaluation.facts import Voice
from tests.data.paper import A4, GREY, HELVETICA, LETTER, TIMES, TYPEWRITER, VERA, Column, Face, Sheet, draw_pdf
from tests.data.tables import Look, ruled_table, totals
from tests.data.trade import Company, Invoice
from tests.data.writing import spaced

Draw = Callable[[Invoice, Voice, bool], bytes]


def _sums(paper: Invoice, voice: Voice) -> list[tuple[str, str]]:
    """The block below the table; `paid` makes the amount due another one than the total."""
    write = paper.writing
    rows = [(voice("subtotal"), write.amount(paper.subtotal))]
    rows += [
        (voice("tax").format(plain_rate(paper, rate)), write.amount(tax)) for rate, (_, tax) in paper.taxes.items()
    ]
    rows.append((voice("total"), write.amount(paper.total)))
    if paper.paid:
        rows += [(voice("paid"), write.amount(-paper.paid)), (voice("amount_due"), write.amount(paper.amount_due))]
    return rows


def plain_rate(paper: Invoice, rate: Decimal) -> str:
    return paper.writing.quantity(rate)


def _facts(paper: Invoice, voice: Voice, order: bool) -> list[tuple[str, str]]:
    """Labels and values in an order of the paper's own."""
    write = paper.writing
    facts = [
        (voice("order_number" if order else "number"), paper.number),
        (voice("order_date" if order else "date"), write.date(paper.issued)),
    ]
    if not order:
        assert paper.due is not None
        facts.append((voice("due"), write.date(paper.due)))
        if paper.order_number:
            facts.append((voice("your_order"), paper.order_number))
        facts.append((voice("customer_number"), f"K{sum(map(ord, paper.customer.name)):05}"))
    if voice.random.random() < 0.5:
        head, *rest = facts
        voice.random.shuffle(rest)
        facts = [head, *rest]
    return facts


def _columns(voice: Voice, left: float, right: float) -> tuple[Column, ...]:
    return (
        Column(voice("description"), left, right - left - 230),
        Column(voice("quantity"), right - 170, 40, "right"),
        Column(voice("price"), right - 85, 75, "right"),
        Column(voice("amount"), right, 75, "right"),
    )


def _rows(paper: Invoice) -> list[tuple[str, str, str, str]]:
    write = paper.writing
    return [
        (i.description, write.quantity(i.quantity), write.number(i.unit_price), write.number(i.amount))
        for i in paper.items
    ]


def _title(voice: Voice, order: bool) -> str:
    return voice("order" if order else "invoice")


def _parties(paper: Invoice, order: bool) -> tuple[Company, Company]:
    """Who wrote the paper and who gets it: an order is written by the buyer."""
    return (paper.customer, paper.vendor) if order else (paper.vendor, paper.customer)


def _pdf(paper: Invoice, draw: Callable[[Sheet], None], face: Face, size: tuple[float, float] = A4) -> bytes:
    return draw_pdf(draw, title="", author="", size=size, face=face)


def _turning(voice: Voice, top: float = 70) -> Callable[[Sheet], float]:
    def turn(sheet: Sheet) -> float:
        _page(sheet, voice)
        sheet.next_page()
        return top

    return turn


def _page(sheet: Sheet, voice: Voice) -> None:
    if sheet.page_total > 1:
        text = voice("page").format(sheet.page_number, sheet.page_total)
        sheet.text(sheet.width / 2, sheet.height - 22, text, 7.5, color=GREY, align="center")


def _footer(sheet: Sheet, company: Company, voice: Voice, y: float) -> None:
    columns = (
        (company.name, *company.address),
        (f"{voice('phone')} {company.phone}", company.email, company.web),
        (f"{company.tax_label} {company.tax_id}", f"{voice('bank')}: {company.bank}", f"IBAN {spaced(company.iban)}"),
    )
    for x, texts in zip((50, 235, 370), columns, strict=True):
        sheet.lines(x, y, texts, 7, color=GREY)


def letterhead(paper: Invoice, voice: Voice, order: bool) -> bytes:
    """A business letter: the sender small above the window, facts at the right, the title below, particulars in the footer."""
    sender, recipient = _parties(paper, order)

    def draw(sheet: Sheet) -> None:
        sheet.text(545, 60, sender.name, 15, bold=True, align="right", color="#274060")
        sheet.text(62, 128, " · ".join((sender.name, *sender.address)), 6.5, color=GREY)
        sheet.lines(62, 146, (recipient.name, *recipient.address), 10)
        y = 150.0
        for label, value in _facts(paper, voice, order):
            sheet.text(370, y, f"{label}:", 9)
            sheet.text(545, y, value, 9, align="right")
            y += 14
        sheet.text(62, 255, _title(voice, order), 14, bold=True)
        sheet.text(62, 275, voice("thanks"), 9)
        end = ruled_table(
            sheet,
            292,
            _columns(voice, 62, 545),
            _rows(paper),
            left=62,
            right=545,
            bottom=690,
            look=Look(),
            turn=_turning(voice),
        )
        totals(sheet, end + 20, _sums(paper, voice), left=360, right=545, emphasis=(len(_sums(paper, voice)) - 1,))
        _page(sheet, voice)
        _footer(sheet, sender, voice, 782)

    return _pdf(paper, draw, HELVETICA)


def banded(paper: Invoice, voice: Voice, order: bool) -> bytes:
    """Headings of the facts in a coloured band, their values in the row below; both parties side by side in boxes."""
    sender, recipient = _parties(paper, order)

    def draw(sheet: Sheet) -> None:
        sheet.text(306, 58, _title(voice, order), 20, bold=True, align="center")
        to = voice("supplier") if order else voice("bill_to")
        for x, heading, company in ((40, None, sender), (320, to, recipient)):
            texts = (heading, company.name, *company.address) if heading else (company.name, *company.address)
            if heading is None:
                texts += (f"{company.tax_label} {company.tax_id}",) if company.tax_id else ()
            sheet.box(x, 78, 252, 86)
            sheet.lines(x + 8, 93, texts, 9, first_bold=True)
        facts = _facts(paper, voice, order)
        width = 532 / len(facts)
        sheet.box(40, 182, 532, 18, fill="#dfe7ee", border=None)
        for index, (label, value) in enumerate(facts):
            sheet.text(44 + width * index, 194, label, 7.5, bold=True)
            sheet.text(44 + width * index, 213, value, 9)
        look = Look(head_fill="#dfe7ee", zebra="#f6f8fa", row_rule=None)
        columns = (Column("#", 46, 20), *_columns(voice, 70, 566))
        rows = [(str(number), *row) for number, row in enumerate(_rows(paper), 1)]
        end = ruled_table(sheet, 240, columns, rows, left=40, right=572, bottom=640, look=look, turn=_turning(voice))
        totals(
            sheet,
            end + 22,
            _sums(paper, voice),
            left=370,
            right=566,
            emphasis=(len(_sums(paper, voice)) - 1,),
            fill="#dfe7ee",
        )
        if not order:
            sheet.text(40, end + 22, f"IBAN: {spaced(paper.vendor.iban)}", 8.5)
            sheet.text(40, end + 36, f"{voice('bank')}: {paper.vendor.bank}", 8.5)
        sheet.text(40, 760, f"{sender.email}  {sender.web}", 8, color=GREY)
        _page(sheet, voice)

    return _pdf(paper, draw, VERA, LETTER)


def cards(paper: Invoice, voice: Voice, order: bool) -> bytes:
    """Small grey labels over large values; who wrote it stands at the right, and the amount is said once more at the top."""
    sender, recipient = _parties(paper, order)

    def draw(sheet: Sheet) -> None:
        sheet.box(0, 0, sheet.width, 96, fill="#20323f", border=None)
        sheet.text(48, 58, _title(voice, order), 24, bold=True, color="#ffffff")
        sheet.text(547, 48, paper.writing.amount(paper.total), 16, bold=True, color="#ffffff", align="right")
        for index, (label, value) in enumerate(_facts(paper, voice, order)):
            x, y = 48 + 170 * (index % 3), 114 + 26 * (index // 3)
            sheet.text(x, y, label.upper(), 6.5, color=GREY)
            sheet.text(x, y + 13, value, 9.5, bold=True)
        headings = (voice("supplier"), None) if order else (voice("bill_to"), voice("from"))
        for x, heading, company in ((48, headings[0], recipient), (330, headings[1], sender)):
            if heading:
                sheet.text(x, 176, heading, 8, color=GREY)
            sheet.lines(x, 191, (company.name, *company.address), 9.5, leading=13, first_bold=True)
            if company.tax_id:
                sheet.text(x, 234, f"{company.tax_label}: {company.tax_id}", 8.5)
        look = Look(size=9.5, head_size=7.5, head_color=GREY, row_rule="#e8eaee", padding=7)
        end = ruled_table(
            sheet,
            268,
            _columns(voice, 48, 547),
            _rows(paper),
            left=48,
            right=547,
            bottom=660,
            look=look,
            turn=_turning(voice),
        )
        totals(
            sheet,
            end + 24,
            _sums(paper, voice),
            left=330,
            right=547,
            size=9.5,
            emphasis=(len(_sums(paper, voice)) - 1,),
        )
        sheet.text(48, 790, f"{sender.web} · {sender.phone}", 8, color=GREY)
        _page(sheet, voice)

    return _pdf(paper, draw, HELVETICA)


def gridded(paper: Invoice, voice: Voice, order: bool) -> bytes:
    """Everything in boxes: labels in the left cell, values in the right one; tax worked out in a table of rate, net, tax and gross."""
    sender, recipient = _parties(paper, order)

    def draw(sheet: Sheet) -> None:
        sheet.box(45, 40, 260, 74)
        sheet.lines(53, 56, (sender.name, *sender.address, f"{voice('phone')} {sender.phone}"[:44]), 9, first_bold=True)
        sheet.box(305, 40, 245, 26, fill="#eeeeee")
        sheet.text(427, 58, _title(voice, order), 13, bold=True, align="center")
        y = 66.0
        for label, value in _facts(paper, voice, order):
            sheet.box(305, y, 120, 18)
            sheet.box(425, y, 125, 18)
            sheet.text(310, y + 12.5, label, 8)
            sheet.text(430, y + 12.5, value, 9)
            y += 18
        sheet.box(45, 114, 260, y - 114 if y > 190 else 76)
        sheet.text(53, 128, voice("supplier") if order else voice("bill_to"), 7.5, italic=True)
        sheet.lines(53, 142, (recipient.name, *recipient.address), 9, first_bold=True)
        look = Look(size=8.5, head_size=8, head_fill="#eeeeee", row_rule="#999999", padding=5)
        end = ruled_table(
            sheet,
            212,
            _columns(voice, 50, 545),
            _rows(paper),
            left=45,
            right=550,
            bottom=650,
            look=look,
            turn=_turning(voice, 60),
        )
        totals(
            sheet, end + 20, _sums(paper, voice), left=350, right=545, size=9, emphasis=(len(_sums(paper, voice)) - 1,)
        )
        if not order:
            sheet.text(50, end + 20, f"{sender.tax_label}: {sender.tax_id}", 8)
            sheet.text(50, end + 33, f"IBAN {paper.vendor.iban}", 8)
        _page(sheet, voice)

    return _pdf(paper, draw, TIMES)


def typed(paper: Invoice, voice: Voice, order: bool) -> bytes:
    """As an old program prints it: one typeface, labels with dots, nothing ruled."""
    sender, recipient = _parties(paper, order)

    def draw(sheet: Sheet) -> None:
        sheet.lines(60, 60, (sender.name, *sender.address), 10)
        if sender.tax_id:
            sheet.text(60, 100, f"{sender.tax_label} {sender.tax_id}", 10)
        sheet.text(60, 136, _title(voice, order).upper(), 12, bold=True)
        y = 160.0
        for label, value in _facts(paper, voice, order):
            sheet.text(60, y, f"{label + ' ':.<28} {value}", 10)
            y += 14
        y += 12
        sheet.text(60, y, f"{voice('supplier') if order else voice('bill_to')}:", 10)
        sheet.lines(60, y + 14, (recipient.name, *recipient.address), 10, leading=13)
        look = Look(size=9, head_size=9, head_rule=None, row_rule=None, padding=3)
        end = ruled_table(
            sheet,
            y + 72,
            _columns(voice, 60, 540),
            _rows(paper),
            left=60,
            right=540,
            bottom=690,
            look=look,
            turn=_turning(voice),
        )
        totals(sheet, end + 22, _sums(paper, voice), left=300, right=540, size=10)
        sheet.text(60, 770, voice("thanks"), 9)
        _page(sheet, voice)

    return _pdf(paper, draw, TYPEWRITER)


def sidebar(paper: Invoice, voice: Voice, order: bool) -> bytes:
    """A narrow column at the left with the sender and the facts, each label above its value; the letter fills the rest."""
    sender, recipient = _parties(paper, order)

    def draw(sheet: Sheet) -> None:
        def column() -> None:
            sheet.box(0, 0, 158, sheet.height, fill="#f1efe9", border=None)
            y = sheet.paragraph(24, 60, 120, sender.name, 12, bold=True) + 8
            y = sheet.lines(24, y, [part for each in sender.address for part in each.split(", ")], 8) + 18
            for label, value in _facts(paper, voice, order):
                sheet.text(24, y, label, 7, color=GREY)
                sheet.text(24, y + 12, value, 9.5, bold=True)
                y += 30
            if sender.tax_id:
                sheet.text(24, y, sender.tax_label, 7, color=GREY)
                sheet.text(24, y + 12, sender.tax_id, 8.5)
            sheet.text(24, 800, sender.email, 6.5, color=GREY)

        column()
        sheet.text(180, 66, _title(voice, order), 22, bold=True)
        sheet.text(180, 104, voice("supplier") if order else voice("bill_to"), 7.5, color=GREY)
        sheet.lines(180, 118, (recipient.name, *recipient.address), 10)
        look = Look(size=8.5, head_size=7.5)
        end = ruled_table(
            sheet,
            190,
            _columns(voice, 180, 560),
            _rows(paper),
            left=180,
            right=560,
            bottom=680,
            look=look,
            turn=_turning(voice),
        )
        totals(sheet, end + 22, _sums(paper, voice), left=380, right=560, emphasis=(len(_sums(paper, voice)) - 1,))
        _page(sheet, voice)

    return _pdf(paper, draw, HELVETICA)


def slip(paper: Invoice, voice: Voice, order: bool) -> bytes:
    """A sheet on its side: the sums stand in a row below their names, and a slip to tear off says number and amount once more."""
    sender, recipient = _parties(paper, order)
    facts, sums = _facts(paper, voice, order), _sums(paper, voice)

    def draw(sheet: Sheet) -> None:
        sheet.text(40, 50, sender.name, 16, bold=True)
        contact = f"{voice('phone')} {sender.phone}" if sender.phone else ""
        sheet.lines(40, 66, (*sender.address, contact), 8, color=GREY)
        sheet.text(802, 50, _title(voice, order), 18, bold=True, align="right")
        sheet.text(330, 66, voice("supplier") if order else voice("bill_to"), 7.5, italic=True)
        sheet.lines(330, 79, (recipient.name, *recipient.address), 9)
        y = 70.0
        for label, value in facts:
            sheet.text(600, y, label, 8, color=GREY)
            sheet.text(802, y, value, 9, align="right")
            y += 13
        look = Look(size=8.5, head_size=7.5, head_fill="#eef2e6", row_rule=None, zebra="#f8faf4", padding=4)
        columns = (Column("#", 46, 20), *_columns(voice, 72, 796))
        rows = [(str(number), *row) for number, row in enumerate(_rows(paper), 1)]
        y = ruled_table(sheet, 152, columns, rows, left=40, right=802, bottom=380, look=look, turn=_turning(voice, 50))
        y += 20
        width = 500 / len(sums)
        for index, (label, value) in enumerate(sums):
            right = 302 + width * (index + 1)
            sheet.text(right, y, label, 7.5, color=GREY, align="right")
            sheet.text(right, y + 13, value, 9.5, bold=index == len(sums) - 1, align="right")
        if not order:
            sheet.text(40, y, f"{sender.tax_label} {sender.tax_id}", 8)
            sheet.text(40, y + 13, f"IBAN {spaced(sender.iban)}", 8)
            sheet.rule(20, 480, 822, color="#999999")
            sheet.text(40, 505, sender.name, 9, bold=True)
            sheet.text(40, 520, f"{facts[0][0]} {paper.number}", 8.5)
            sheet.text(802, 520, f"{sums[-1][0]} {sums[-1][1]}", 10, bold=True, align="right")
        _page(sheet, voice)

    return _pdf(paper, draw, HELVETICA, (A4[1], A4[0]))


def centred(paper: Invoice, voice: Voice, order: bool) -> bytes:
    """The sender in the middle on one line after the other, the recipient at the right, all facts in one line between bars, and a
    table that begins with how many."""
    sender, recipient = _parties(paper, order)

    def draw(sheet: Sheet) -> None:
        sheet.text(297, 52, sender.name, 17, bold=True, align="center")
        sheet.text(297, 68, " - ".join(sender.address), 8.5, align="center")
        if sender.tax_id:
            sheet.text(297, 80, f"{sender.tax_label} {sender.tax_id} - {sender.web}", 8.5, align="center")
        sheet.rule(60, 90, 535)
        sheet.lines(330, 122, (recipient.name, *recipient.address), 10.5)
        sheet.text(60, 205, _title(voice, order), 15, bold=True, italic=True)
        facts = [f"{label}: {value}" for label, value in _facts(paper, voice, order)]
        y = 225.0
        for part in (facts[:3], facts[3:]):
            if part:
                sheet.text(60, y, "  |  ".join(part), 8.5)
                y += 13
        columns = (
            Column(voice("quantity"), 95, 40, "right"),
            Column(voice("description"), 110, 250),
            Column(voice("price"), 450, 75, "right"),
            Column(voice("amount"), 535, 75, "right"),
        )
        rows = [(quantity, description, price, amount) for description, quantity, price, amount in _rows(paper)]
        look = Look(size=9, head_size=8.5, head_rule="#555555", row_rule=None, padding=4)
        y = ruled_table(sheet, y + 10, columns, rows, left=60, right=535, bottom=660, look=look, turn=_turning(voice))
        totals(sheet, y + 18, _sums(paper, voice), left=60, right=250, emphasis=(len(_sums(paper, voice)) - 1,))
        if not order:
            sheet.text(535, y + 18, f"IBAN {spaced(sender.iban)}", 8.5, align="right")
            sheet.text(535, y + 31, f"{voice('bank')}: {sender.bank}", 8.5, align="right")
        sheet.text(297, 790, voice("thanks"), 8, color=GREY, align="center")
        _page(sheet, voice)

    return _pdf(paper, draw, TIMES)


LAYOUTS: Sequence[Draw] = (letterhead, banded, cards, gridded, typed, sidebar, slip, centred)
