"""Papers that are only ever seen as scans: a veterinary bill, and a carpenter's invoice with his time sheet."""

from datetime import date
from decimal import Decimal

from tests.data.paper import A4, INK, LETTER, VERA, Column, Sheet, draw_pdf
from tests.data.tables import Look, ruled_table, totals
from tests.data.trade import Company, Invoice, items
from tests.data.writing import DE, US, iban, money, plain, spaced

CLINIC = Invoice(
    number="20418",
    issued=date(2026, 8, 21),
    due=None,
    vendor=Company(
        "Alder Creek Veterinary Clinic", ("3307 Alder Creek Road", "Eugene, OR 97405"), phone="(541) 555-0163"
    ),
    customer=Company("Marguerite Oyelaran", ("915 Fairmount Blvd", "Eugene, OR 97403")),
    currency="USD",
    writing=US,
    items=items(
        """
        Examination, annual wellness | 1 | 68.00
        Vaccine, DHPP booster | 1 | 42.50
        Heartworm antigen test | 1 | 55.00
        Heartworm preventive, 6 chews | 2 | 61.25
        Nail trim | 1 | 18.00
        """
    ),
)


def clinic_page() -> tuple[dict[str, str], bytes]:
    """A plain bill on one page: its expected fields and the page as it was printed."""
    invoice, write = CLINIC, CLINIC.writing

    def draw(sheet: Sheet) -> None:
        left, right = 60.0, 552.0
        sheet.text(306, 70, invoice.vendor.name, 18, bold=True, align="center")
        sheet.text(306, 88, f"{', '.join(invoice.vendor.address)}   {invoice.vendor.phone}", 9.5, align="center")
        sheet.rule(left, 100, right, color=INK, weight=1.2)
        sheet.text(left, 132, "INVOICE", 15, bold=True, spacing=1)
        sheet.text(left, 158, "Client:", 10.5)
        sheet.lines(left + 50, 158, (invoice.customer.name, *invoice.customer.address), 10.5)
        sheet.text(left, 208, "Patient:  Biscuit (canine, 6 y)", 10.5)
        facts = (
            ("Invoice #:", invoice.number),
            ("Date:", write.date(invoice.issued)),
            ("Doctor:", "R. Castellanos, DVM"),
        )
        for index, (label, value) in enumerate(facts):
            sheet.text(350, 158 + index * 17, label, 10.5, bold=True)
            sheet.text(420, 158 + index * 17, value, 10.5)
        columns = (
            Column("Description", left + 4, 240),
            Column("Qty", 360, 40, "right"),
            Column("Price", 440, 70, "right"),
            Column("Amount", right - 4, 80, "right"),
        )
        rows = [
            (i.description, plain(i.quantity), write.number(i.unit_price), write.number(i.amount))
            for i in invoice.items
        ]
        look = Look(size=10.5, head_size=10, row_rule="#8d939c", padding=7)
        y = ruled_table(sheet, 240, columns, rows, left=left, right=right, bottom=700, look=look)
        sums = (
            ("Subtotal", write.amount(invoice.subtotal)),
            ("Tax", write.amount(money(0))),
            ("Total", write.amount(invoice.total)),
        )
        totals(sheet, y + 28, sums, left=400, right=right - 4, size=10.5, emphasis=(2,))
        sheet.text(left, y + 28, "Paid by Visa ending 0492", 10.5)
        sheet.text(
            306,
            728,
            "Next visit due: February 2027. Thank you for trusting us with Biscuit!",
            10,
            italic=True,
            align="center",
        )

    content = draw_pdf(draw, title="Invoice 20418", author=invoice.vendor.name, size=LETTER, face=VERA)
    return invoice.fields(), content


CARPENTER = Invoice(
    number="2026-077",
    issued=date(2026, 8, 31),
    due=date(2026, 9, 14),
    vendor=Company(
        "Zimmerei Holzapfel",
        ("Inh. Matthias Holzapfel", "Am Sägewerk 2", "83999 Bergham"),
        tax_label="Steuernummer",
        tax_id="199/204/41783",
        iban=iban("DE", "719990000003318047"),
    ),
    customer=Company("Familie Ruth und Anton Wiesinger", ("Kirchfeldweg 11", "83998 Oberleiten")),
    currency="EUR",
    writing=DE,
    items=items(
        """
        Carport, Fichte KVH, 6,0 x 5,5 m | 1 | 4180.00
        Trapezblech anthrazit, verlegt | 38 | 31.50
        Regenrinne mit Fallrohr | 11.5 | 27.80
        Arbeitsstunden laut Nachweis | 34 | 58.00
        """,
        tax_rate="19",
    ),
)
HOURS = (
    ("17.08.2026", "Fundamente setzen", "8,0"),
    ("18.08.2026", "Abbund, Transport", "7,5"),
    ("19.08.2026", "Pfosten und Rahmen stellen", "8,5"),
    ("20.08.2026", "Dachfläche, Rinne", "7,0"),
    ("21.08.2026", "Restarbeiten, Reinigung", "3,0"),
)


def carpenter_pages() -> tuple[dict[str, str], bytes]:
    """An invoice and the signed time sheet that belongs to it, two pages: the expected fields and the pages."""
    invoice, write = CARPENTER, CARPENTER.writing
    left, right = 70.0, 530.0

    def draw(sheet: Sheet) -> None:
        vendor = invoice.vendor
        sheet.text(left, 70, vendor.name, 20, bold=True)
        sheet.text(left, 88, f"{' · '.join(vendor.address)}", 9)
        sheet.rule(left, 98, right, color=INK, weight=1.5)
        sheet.lines(left, 140, (invoice.customer.name, *invoice.customer.address), 11)
        sheet.text(left, 226, f"Rechnung Nr. {invoice.number}", 14, bold=True)
        sheet.text(right, 226, f"Datum: {write.date(invoice.issued)}", 11, align="right")
        columns = (
            Column("Leistung", left, 220),
            Column("Menge", 350, 50, "right"),
            Column("Preis", 430, 70, "right"),
            Column("Betrag", right, 80, "right"),
        )
        rows = [
            (i.description, write.quantity(i.quantity), write.amount(i.unit_price), write.amount(i.amount))
            for i in invoice.items
        ]
        look = Look(size=10.5, head_size=10, row_rule="#8d939c", padding=7)
        y = ruled_table(sheet, 256, columns, rows, left=left, right=right, bottom=700, look=look)
        sums = (
            ("Summe netto", write.amount(invoice.subtotal)),
            ("MwSt. 19 %", write.amount(invoice.tax)),
            ("Gesamtbetrag", write.amount(invoice.total)),
        )
        y = totals(sheet, y + 28, sums, left=340, right=right, size=10.5, emphasis=(2,))
        sheet.text(left, y + 36, f"Zahlbar bis {write.date(date(2026, 9, 14))} ohne Abzug.", 10.5)
        sheet.text(left, y + 54, f"IBAN {spaced(vendor.iban)}", 10.5)
        sheet.text(left, y + 72, f"{vendor.tax_label} {vendor.tax_id}", 10.5)
        sheet.next_page()
        sheet.text(left, 80, "Stundennachweis", 18, bold=True)
        sheet.text(left, 102, f"zu Rechnung Nr. {invoice.number}, Bauvorhaben Carport Wiesinger", 10.5)
        log = (Column("Datum", left, 80), Column("Tätigkeit", 160, 260), Column("Stunden", right, 60, "right"))
        y = ruled_table(sheet, 130, log, HOURS, left=left, right=right, bottom=700, look=look)
        done = sum((Decimal(hours.replace(",", ".")) for _, _, hours in HOURS), Decimal(0))
        totals(
            sheet,
            y + 26,
            (("Summe Stunden", write.quantity(done) + ",0"),),
            left=380,
            right=right,
            size=10.5,
            emphasis=(0,),
        )
        for x, label, name in ((left, "Auftragnehmer", "Matthias Holzapfel"), (320, "Auftraggeber", "Anton Wiesinger")):
            sheet.signature(x + 12, y + 112, name)
            sheet.rule(x, y + 124, x + 190, color=INK)
            sheet.text(x, y + 138, label, 9)

    content = draw_pdf(draw, title="Rechnung 2026-077", author=invoice.vendor.name, size=A4, face=VERA)
    return invoice.fields(), content
