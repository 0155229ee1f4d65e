"""A purchase order and a filled-in form."""

from datetime import date

from tests.data.paper import GREY, INK, LETTER, Column, Sheet, draw_pdf
from tests.data.tables import Look, ruled_table, totals
from tests.data.trade import Company, Invoice, Made, item_fields, items
from tests.data.writing import ISO_USD, plain

BUYER = Company(
    "Meridian Marine Instruments, Inc.",
    ("1200 Breakwater Drive", "Gloucester, MA 01930"),
    phone="(978) 555-0136",
    email="purchasing@meridianmarine.example",
)

ORDER = Invoice(
    number="4500017832",
    issued=date(2026, 5, 4),
    due=None,
    vendor=Company("Kestrel Precision Castings LLC", ("88 Foundry Park", "Dayton, OH 45402")),
    customer=BUYER,
    currency="USD",
    writing=ISO_USD,
    items=items(
        """
        Housing, cast aluminium A356, rev C | 150 | 42.60 | ea | MM-20418-C | 0
        Bezel ring, anodised, black | 150 | 11.35 | ea | MM-20422-A | 0
        Gasket, fluorosilicone, 84 mm | 300 | 2.18 | ea | MM-30107-B | 0
        First article inspection report | 1 | 650.00 | lot | SVC-FAI | 0
        """
    ),
)
FREIGHT = 310


def purchase_order() -> Made:
    """Three address boxes, a strip of headings, ISO dates, freight beside tax in the totals."""
    order, write = ORDER, ORDER.writing
    left, right, accent = 46.0, 566.0, "#12355b"
    total = order.total + FREIGHT

    def draw(sheet: Sheet) -> None:
        sheet.text(left, 62, "MERIDIAN", 20, bold=True, color=accent, spacing=3)
        sheet.text(left, 75, "marine instruments", 9, color=GREY, spacing=1.6)
        sheet.text(right, 58, "PURCHASE ORDER", 18, bold=True, align="right")
        sheet.text(right, 75, f"PO Number: {order.number}", 10.5, bold=True, align="right")
        boxes = (
            ("BUYER", (BUYER.name, *BUYER.address, BUYER.phone, BUYER.email)),
            ("VENDOR", (order.vendor.name, *order.vendor.address, "Vendor ID: 300417")),
            (
                "SHIP TO",
                (
                    "Meridian Receiving, Dock 3",
                    "1216 Breakwater Drive",
                    "Gloucester, MA 01930",
                    "Mon - Fri 7:00 - 15:30",
                ),
            ),
        )
        for index, (heading, lines) in enumerate(boxes):
            x = left + index * 176
            sheet.box(x, 96, 168, 88, border="#aab4c2")
            sheet.box(x, 96, 168, 15, fill=accent, border=None)
            sheet.text(x + 6, 106.5, heading, 7.5, bold=True, color="#ffffff", spacing=0.5)
            sheet.lines(x + 6, 123, lines, 8.2, leading=12, first_bold=True)
        heads = (
            ("Order date", write.date(order.issued)),
            ("Delivery date", "2026-06-22"),
            ("Payment terms", "Net 45"),
            ("Incoterms", "FCA Dayton"),
            ("Requested by", "Priya Raghunathan"),
        )
        width = (right - left) / len(heads)
        for index, (label, value) in enumerate(heads):
            sheet.box(left + width * index, 198, width, 34, border="#aab4c2")
            sheet.text(left + width * index + 6, 209, label, 7.5, color=GREY)
            sheet.text(left + width * index + 6, 224, value, 9.5)
        columns = (
            Column("Line", left + 4, 24),
            Column("Part number", left + 34, 70),
            Column("Description", 162, 190),
            Column("Qty", 386, 36, "right"),
            Column("UoM", 396, 30),
            Column("Unit price", 480, 56, "right"),
            Column("Extended", right - 4, 70, "right"),
        )
        rows = [
            (
                f"{n * 10}",
                i.code,
                i.description,
                plain(i.quantity),
                i.unit,
                write.number(i.unit_price),
                write.number(i.amount),
            )
            for n, i in enumerate(order.items, 1)
        ]
        look = Look(size=9, head_size=8, head_fill="#e8edf3", head_rule=accent, padding=6)
        y = ruled_table(sheet, 248, columns, rows, left=left, right=right, bottom=600, look=look)
        sums = (
            ("Subtotal", write.amount(order.subtotal)),
            ("Freight", f"${FREIGHT:,.2f}"),
            ("Sales tax (exempt)", "$0.00"),
            ("Order total", write.amount(total)),
        )
        y = totals(sheet, y + 24, sums, left=396, right=right - 4, size=9.5, emphasis=(3,))
        sheet.text(left, y + 12, "Instructions to vendor", 9, bold=True, color=accent)
        notes = (
            "1. Quote this purchase order number on all packing slips, invoices and correspondence.",
            "2. Certificates of conformance and material test reports are required with each shipment.",
            "3. Confirm receipt and delivery date by e-mail within two business days.",
        )
        sheet.lines(left, y + 28, notes, 8.5, leading=13)
        for x, name, role in ((left, "Priya Raghunathan", "Requested by"), (320, "Thomas Eklund", "Authorised by")):
            sheet.rule(x, 690, x + 200, color=INK)
            sheet.text(x, 702, f"{role}: {name}", 8.5, color=GREY)
        sheet.text(right, 760, "Page 1 of 1", 8, color=GREY, align="right")

    content = draw_pdf(draw, title=f"Purchase Order {order.number}", author=BUYER.name, size=LETTER)
    fields = {
        "purchase_order_number": order.number,
        "order_date": order.issued.isoformat(),
        "delivery_date": "2026-06-22",
        "buyer_name": BUYER.name,
        "vendor_name": order.vendor.name,
        "currency": "USD",
        "subtotal": str(order.subtotal),
        "tax_amount": "0.00",
        "shipping_amount": f"{FREIGHT}.00",
        "total_amount": str(total),
        "payment_terms": "Net 45",
        "requested_by": "Priya Raghunathan",
    } | item_fields(order.items)
    return Made("PO-4500017832.pdf", content, {"document_type": "purchase_order", "pages": 1, "fields": fields})


MEMBER = (
    (
        "Applicant",
        (
            ("Full name", "Ottoline Marchetti"),
            ("Date of birth", "11 February 1989"),
            ("Street address", "6 Quarry Cottages"),
            ("Town", "Matlock"),
            ("Postcode", "DE99 5RT"),
            ("Telephone", "01632 960 877"),
            ("Email", "o.marchetti@postbox.example"),
        ),
    ),
    (
        "Membership",
        (
            ("Application number", "DV-2026-1183"),
            ("Date of application", "2 September 2026"),
            ("Type of membership", "Family"),
            ("Start date", "1 October 2026"),
            ("Annual fee", "£145.00"),
            ("Payment method", "Direct debit"),
        ),
    ),
    (
        "In case of emergency",
        (
            ("Contact name", "Lorenzo Marchetti"),
            ("Relationship", "Brother"),
            ("Contact telephone", "01632 960 412"),
        ),
    ),
)


def form() -> Made:
    """Sections of `label: value` lines, the values typed on ruled fields, boxes to tick."""
    left, right, accent = 56.0, 539.0, "#24507a"

    def draw(sheet: Sheet) -> None:
        sheet.text(left, 66, "Derwent Valley Climbing Club", 17, bold=True, color=accent)
        sheet.text(left, 84, "Membership application form", 12)
        sheet.text(right, 66, "Form M-2 (rev. 01/2026)", 8, color=GREY, align="right")
        sheet.paragraph(
            left,
            108,
            right - left,
            "Please complete all sections in block letters or by typing and return the form to the membership secretary.",
            9,
            color=GREY,
        )
        y = 142.0
        for number, (section, lines) in enumerate(MEMBER, 1):
            sheet.box(left, y - 13, right - left, 19, fill="#e6edf5", border=None)
            sheet.text(left + 6, y, f"{number}. {section}", 10.5, bold=True, color=accent)
            y += 26
            for label, value in lines:
                sheet.text(left + 6, y, f"{label}:", 9.5)
                sheet.text(left + 136, y, value, 10, font="Courier")
                sheet.rule(left + 132, y + 4, right, color="#9aa5b1", weight=0.5)
                y += 21
            y += 12
        choices = (
            ("I have read the participation statement", True),
            ("I agree to the club rules", True),
            ("Send me the newsletter", False),
        )
        for label, ticked in choices:
            sheet.box(left + 6, y - 8, 10, 10, border=INK, weight=0.8)
            if ticked:
                sheet.stroke(((left + 8, y - 3.5), (left + 10.5, y), (left + 15, y - 8)), weight=1.4)
            sheet.text(left + 24, y, label, 9.5)
            y += 17
        sheet.rule(left + 6, y + 40, left + 220, color=INK)
        sheet.signature(left + 22, y + 28, "Ottoline Marchetti")
        sheet.text(left + 6, y + 52, "Signature of applicant", 8, color=GREY)
        sheet.rule(330, y + 40, right, color=INK)
        sheet.text(334, y + 36, "2 September 2026", 10, font="Courier")
        sheet.text(330, y + 52, "Date", 8, color=GREY)

    content = draw_pdf(draw, title="Membership application form", author="Derwent Valley Climbing Club")
    fields = {
        "form_title": "Membership application form",
        "form_date": "2026-09-02",
        "applicant_name": "Ottoline Marchetti",
    }
    for index, (label, value) in enumerate(line for _, lines in MEMBER for line in lines):
        fields[f"fields[{index}].label"] = label
        fields[f"fields[{index}].value"] = value
    return Made(
        "membership-application-marchetti.pdf", content, {"document_type": "form", "pages": 1, "fields": fields}
    )
