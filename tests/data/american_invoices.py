"""American invoices: one with a table of headings, and one of a software firm with labels over values."""

from datetime import date
from decimal import Decimal

from tests.data.paper import GREY, INK, LETTER, VERA, Column, Sheet, draw_pdf
from tests.data.tables import Look, ruled_table, totals
from tests.data.trade import Company, Invoice, Made, items, made
from tests.data.writing import US, US_LONG, plain

HARROW = Company(
    "Harrow & Pine Office Supply Co.",
    ("2180 Larkspur Avenue, Suite 4", "Boulder, CO 80302"),
    tax_label="Federal EIN",
    tax_id="84-5550172",
    phone="(303) 555-0148",
    email="billing@harrowpine.example",
    web="www.harrowpine.example",
)

OFFICE = Invoice(
    number="HP-104482",
    issued=date(2026, 3, 14),
    due=date(2026, 4, 13),
    vendor=HARROW,
    customer=Company("Brightwater Dental Group", ("770 Meridian Street", "Fort Collins, CO 80524")),
    currency="USD",
    writing=US,
    order_number="BDG-7719",
    items=items(
        """
        Copy paper, 20 lb, letter, 10-ream case | 12 | 46.75 | case | P-2010 |
        Toner cartridge 78X, black | 4 | 118.40 | each | T-78X |
        Ergonomic task chair, graphite | 3 | 289.00 | each | C-411G |
        Hanging file folders, box of 25 | 18 | 14.95 | box | F-2251 |
        Whiteboard, 48 x 36 in, with tray | 2 | 164.50 | each | W-4836 |
        Delivery and assembly | 1 | 85.00 | job | S-010 |
        """,
        tax_rate="7.25",
    ),
)


def american() -> Made:
    """Bill To and Ship To side by side, a one-row table of headings, totals at the right."""
    invoice, write = OFFICE, OFFICE.writing
    left, right, accent = 50.0, 562.0, "#1d4e4a"

    def draw(sheet: Sheet) -> None:
        sheet.box(left, 44, 26, 26, fill=accent, border=None, radius=3)
        sheet.text(left + 13, 62.5, "H&P", 9.5, bold=True, color="#ffffff", align="center")
        sheet.text(left + 36, 56, HARROW.name, 14, bold=True, color=accent)
        sheet.text(left + 36, 69, f"{', '.join(HARROW.address)}  ·  {HARROW.phone}", 8, color=GREY)
        sheet.text(right, 66, "INVOICE", 22, bold=True, align="right", spacing=1)
        sheet.rule(left, 84, right, color=accent, weight=1.6)
        for x, heading, extra in (
            (left, "BILL TO", "Attn: Accounts Payable"),
            (310, "SHIP TO", "Attn: Front desk, 2nd floor"),
        ):
            sheet.text(x, 108, heading, 7.5, bold=True, color=accent, spacing=0.6)
            sheet.lines(x, 122, (invoice.customer.name, extra, *invoice.customer.address), 9.5, first_bold=True)
        heads = ("INVOICE NO.", "INVOICE DATE", "TERMS", "DUE DATE", "P.O. NUMBER")
        values = (
            invoice.number,
            write.date(invoice.issued),
            "Net 30",
            write.date(date(2026, 4, 13)),
            invoice.order_number,
        )
        width = (right - left) / len(heads)
        sheet.box(left, 192, right - left, 18, fill=accent, border=None)
        for index, (head, value) in enumerate(zip(heads, values, strict=True)):
            middle = left + width * (index + 0.5)
            sheet.text(middle, 204, head, 7.5, bold=True, color="#ffffff", align="center", spacing=0.3)
            sheet.box(left + width * index, 210, width, 22, border="#b9c6c4")
            sheet.text(middle, 224.5, value, 9.5, align="center")
        columns = (
            Column("ITEM", left + 6, 60),
            Column("DESCRIPTION", 118, 230),
            Column("QTY", 390, 40, "right"),
            Column("UNIT PRICE", 476, 70, "right"),
            Column("AMOUNT", right - 6, 80, "right"),
        )
        rows = [
            (i.code, i.description, plain(i.quantity), write.number(i.unit_price), write.number(i.amount))
            for i in invoice.items
        ]
        look = Look(size=9, head_size=7.5, head_fill="#e6eeed", head_rule=accent)
        y = ruled_table(sheet, 250, columns, rows, left=left, right=right, bottom=600, look=look)
        sums = (
            ("Subtotal", write.amount(invoice.subtotal)),
            ("Sales tax (7.25%)", write.amount(invoice.tax)),
            ("Total", write.amount(invoice.total)),
        )
        totals(sheet, y + 24, sums, left=390, right=right - 6, size=9.5, emphasis=(2,))
        sheet.text(left, y + 24, "Thank you for your business.", 10, italic=True, color=accent)
        note = (
            "Please make checks payable to Harrow & Pine Office Supply Co. and write the invoice number on the check. "
            "A charge of 1.5% per month applies to overdue balances."
        )
        sheet.paragraph(left, y + 42, 290, note, 8.5, color=GREY)
        sheet.rule(left, 740, right)
        foot = f"{HARROW.tax_label} {HARROW.tax_id}   ·   {HARROW.email}   ·   {HARROW.web}"
        sheet.text((left + right) / 2, 753, foot, 8, color=GREY, align="center")

    content = draw_pdf(draw, title=f"Invoice {invoice.number}", author=HARROW.name, size=LETTER)
    return made("invoice-HP-104482.pdf", invoice, content)


QUILL = Company(
    "Quillstack, Inc.",
    ("415 Embarcadero Terrace, Floor 6", "Oakland, CA 94607", "United States"),
    phone="+1 510 555 0117",
    email="support@quillstack.example",
)

SOFTWARE = Invoice(
    number="8F2C41D0-0007",
    issued=date(2026, 9, 3),
    due=date(2026, 9, 17),
    vendor=QUILL,
    customer=Company("Tamarind Labs LLC", ("58 Foundry Row", "Austin, TX 78702", "United States")),
    currency="USD",
    writing=US_LONG,
    items=items(
        """
        Team plan, September 2026 | 24 | 29.00
        Additional storage, per 100 GB | 7 | 4.50
        Priority support | 1 | 180.00
        Usage above plan: 41,250 API calls | 1 | 61.88
        """,
        tax_rate="8.25",
    ),
    paid=Decimal("250.00"),
)


def software() -> Made:
    """Labels over values, a headline with the amount due, and a credit that makes the amount due less than the total."""
    invoice, write = SOFTWARE, SOFTWARE.writing
    left, right, accent = 54.0, 541.0, "#4338ca"

    def draw(sheet: Sheet) -> None:
        sheet.box(0, 0, sheet.width, 7, fill=accent, border=None)
        sheet.text(left, 70, "Invoice", 24, bold=True)
        sheet.text(right, 68, "Quillstack", 17, bold=True, color=accent, align="right")
        facts = (
            ("Invoice number", invoice.number),
            ("Date of issue", write.date(invoice.issued)),
            ("Date due", write.date(date(2026, 9, 17))),
        )
        for index, (label, value) in enumerate(facts):
            sheet.text(left, 96 + 14 * index, label, 8.5, bold=index == 0)
            sheet.text(left + 96, 96 + 14 * index, value, 8.5, bold=index == 0)
        sheet.lines(left, 164, (QUILL.name, *QUILL.address, QUILL.phone, QUILL.email), 8.5, leading=13, first_bold=True)
        bill = ("Bill to", invoice.customer.name, *invoice.customer.address, "ap@tamarindlabs.example")
        sheet.lines(300, 164, bill, 8.5, leading=13, first_bold=True)
        headline = f"{write.amount(invoice.amount_due)} USD due {write.date(date(2026, 9, 17))}"
        sheet.text(left, 280, headline, 15, bold=True)
        sheet.text(left, 300, "Pay online at pay.quillstack.example", 8.5, color=accent)
        columns = (
            Column("Description", left, 230),
            Column("Qty", 350, 40, "right"),
            Column("Unit price", 440, 70, "right"),
            Column("Amount", right, 80, "right"),
        )
        rows = [
            (i.description, plain(i.quantity), write.amount(i.unit_price), write.amount(i.amount))
            for i in invoice.items
        ]
        look = Look(size=9, head_size=7.5, head_color=GREY, head_rule=INK, row_rule="#eceef1", padding=7)
        y = ruled_table(sheet, 334, columns, rows, left=left, right=right, bottom=700, look=look)
        sums = (
            ("Subtotal", write.amount(invoice.subtotal)),
            ("Sales tax (8.25%)", write.amount(invoice.tax)),
            ("Total", write.amount(invoice.total)),
            ("Applied balance", write.amount(-invoice.paid)),
            ("Amount due", f"{write.amount(invoice.amount_due)} USD"),
        )
        totals(sheet, y + 22, sums, left=300, right=right, size=8.5, emphasis=(4,))
        sheet.rule(left, 778, right)
        sheet.text(left, 792, f"{invoice.number}  ·  {headline}", 7.5, color=GREY)
        sheet.text(right, 792, "Page 1 of 1", 7.5, color=GREY, align="right")

    content = draw_pdf(draw, title=f"Invoice {invoice.number}", author=QUILL.name, face=VERA)
    return made("Invoice-8F2C41D0-0007.pdf", invoice, content, with_amount_due=True)
