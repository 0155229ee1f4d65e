"""Invoices as letters: a German one by DIN 5008 and a Swiss one."""

from datetime import date

from tests.data.paper import GREY, INK, Column, Sheet, draw_pdf
from tests.data.tables import Look, pairs, ruled_table, totals
from tests.data.trade import Company, Invoice, Made, items, made
from tests.data.writing import CH, DE, iban, spaced

NORDLICHT = Company(
    "Nordlicht Elektrotechnik GmbH",
    ("Werftkontor 18", "20999 Hamburg"),
    tax_label="USt-IdNr.",
    tax_id="DE317204958",
    registration="Amtsgericht Hamburg HRB 998214",
    phone="040 66969 214",
    email="buchhaltung@nordlicht-elektro.example",
    web="www.nordlicht-elektro.example",
    bank="Hansekontor Bank AG",
    iban=iban("DE", "209990000417732805"),
    bic="HAKODEHHXXX",
)

WIRING = Invoice(
    number="RE-2026-0417",
    issued=date(2026, 4, 17),
    due=date(2026, 5, 1),
    vendor=NORDLICHT,
    customer=Company("Möbelhaus Brandt & Söhne KG", ("Einkauf", "Industriering 42", "21999 Lüneburg")),
    currency="EUR",
    writing=DE,
    order_number="B-26/1180",
    items=items(
        """
        LED-Panel 60 x 60 cm, 4000 K, dimmbar | 36 | 48.90 | Stk. | 1
        Kabelkanal 60 x 40 mm, weiß, inkl. Befestigung | 120 | 3.85 | m | 2
        Unterverteilung, dreireihig, vollständig bestückt und geprüft nach VDE 0100 | 2 | 412.50 | Stk. | 3
        Arbeitszeit Elektrofachkraft | 41.5 | 62.00 | Std. | 4
        Anfahrtspauschale | 3 | 35.00 | Psch. | 5
        """,
        tax_rate="19",
    ),
)


def german() -> Made:
    """Address window, block of information at the right, subject line, wrapped description, three-column foot with bank data."""
    invoice, write = WIRING, WIRING.writing
    left, right, accent = 71.0, 538.0, "#0b4f8a"

    def draw(sheet: Sheet) -> None:
        sheet.text(right, 62, "NORDLICHT", 21, bold=True, color=accent, align="right", spacing=1.5)
        sheet.text(right, 75, "Elektrotechnik · Beleuchtung · Service", 8.5, color=GREY, align="right")
        sender = f"{NORDLICHT.name} · {' · '.join(NORDLICHT.address)}"
        sheet.text(left, 136, sender, 7, color=GREY)
        sheet.rule(left, 139, left + 230, color=GREY, weight=0.4)
        sheet.lines(left, 158, (invoice.customer.name, *invoice.customer.address), 10.5)
        facts = (
            ("Rechnungsnummer", invoice.number),
            ("Rechnungsdatum", write.date(invoice.issued)),
            ("Leistungsdatum", "30.03. – 14.04.2026"),
            ("Kundennummer", "K-20731"),
            ("Ihre Bestellnummer", invoice.order_number),
            ("Ansprechpartnerin", "Wiebke Petersen"),
            ("Telefon", NORDLICHT.phone),
        )
        pairs(sheet, 350, 148, facts, gap=94, size=9, leading=13.5)
        sheet.text(left, 282, f"Rechnung Nr. {invoice.number}", 13, bold=True)
        sheet.text(left, 306, "Sehr geehrte Damen und Herren,", 10)
        opening = "für die Erneuerung der Beleuchtung in Ihrer Ausstellungshalle berechnen wir Ihnen wie vereinbart:"
        sheet.paragraph(left, 322, right - left, opening, 10)
        columns = (
            Column("Pos.", left, 26),
            Column("Bezeichnung", left + 30, 206),
            Column("Menge", 346, 40, "right"),
            Column("Einheit", 356, 40),
            Column("Einzelpreis", 460, 64, "right"),
            Column("Gesamtpreis", right, 70, "right"),
        )
        rows = [
            (
                i.code,
                i.description,
                write.quantity(i.quantity),
                i.unit,
                write.amount(i.unit_price),
                write.amount(i.amount),
            )
            for i in invoice.items
        ]
        look = Look(size=9.5, head_size=9, head_rule=accent, padding=5)
        y = ruled_table(sheet, 346, columns, rows, left=left, right=right, bottom=640, look=look)
        sums = (
            ("Nettobetrag", write.amount(invoice.subtotal)),
            ("zzgl. 19 % MwSt.", write.amount(invoice.tax)),
            ("Rechnungsbetrag", write.amount(invoice.total)),
        )
        y = totals(sheet, y + 22, sums, left=346, right=right, size=9.5, emphasis=(2,))
        paying = (
            f"Bitte überweisen Sie den Rechnungsbetrag bis zum {write.date(date(2026, 5, 1))} ohne Abzug auf das unten genannte Konto. "
            "Lieferung und Leistung bleiben bis zur vollständigen Bezahlung unser Eigentum."
        )
        y = sheet.paragraph(left, y + 10, right - left, paying, 10)
        y = sheet.paragraph(left, y + 8, right - left, "Mit freundlichen Grüßen", 10)
        sheet.paragraph(left, y + 4, right - left, NORDLICHT.name, 10)
        sheet.rule(left, 762, right, color=accent)
        feet = (
            (left, (NORDLICHT.name, *NORDLICHT.address, "Geschäftsführer: Jens Harms")),
            (
                left + 160,
                (NORDLICHT.registration, f"{NORDLICHT.tax_label} {NORDLICHT.tax_id}", NORDLICHT.email, NORDLICHT.web),
            ),
            (left + 330, (NORDLICHT.bank, f"IBAN {spaced(NORDLICHT.iban)}", f"BIC {NORDLICHT.bic}")),
        )
        for x, lines in feet:
            sheet.lines(x, 774, lines, 7, leading=9.5, color=GREY)

    content = draw_pdf(draw, title=f"Rechnung {invoice.number}", author=NORDLICHT.name)
    return made("Rechnung_RE-2026-0417.pdf", invoice, content)


ALPENBLICK = Company(
    "Alpenblick Gartenbau AG",
    ("Seestrasse 211", "8999 Oberrieden"),
    tax_label="MWST-Nr.",
    tax_id="CHE-994.208.317 MWST",
    phone="044 999 31 07",
    email="info@alpenblick-garten.example",
    bank="Kantonale Gewerbebank",
    iban=iban("CH", "09991000774120653"),
    bic="KGBZCH22",
)

GARDEN = Invoice(
    number="26-0388",
    issued=date(2026, 7, 6),
    due=date(2026, 8, 5),
    vendor=ALPENBLICK,
    customer=Company(
        "Stockwerkeigentümergemeinschaft Rebhalde", ("c/o Verwaltung Meili Treuhand", "Rebhaldenweg 5", "8998 Stäfa")
    ),
    currency="CHF",
    writing=CH,
    items=items(
        """
        Heckenschnitt Hainbuche, inkl. Abfuhr | 14 | 92.00 | h
        Rasen vertikutieren und nachsäen | 620 | 2.15 | m²
        Trockenmauer aus Jurakalk, Reparatur | 3.5 | 385.00 | m²
        Humus gesiebt, geliefert | 4 | 118.00 | m³
        """,
        tax_rate="8.1",
    ),
)


def swiss() -> Made:
    """Amounts with an apostrophe and the currency as a column head, written dates, values set beside labels with colons."""
    invoice, write = GARDEN, GARDEN.writing
    left, right, accent = 62.0, 540.0, "#3f6b2a"

    def draw(sheet: Sheet) -> None:
        for index, height in enumerate((16, 26, 20)):
            sheet.stroke(((left + 8 + index * 11, 74), (left + 8 + index * 11, 74 - height)), color=accent, weight=3)
            sheet.disc(left + 8 + index * 11, 72 - height, 6, accent)
        sheet.text(left + 52, 62, "Alpenblick Gartenbau AG", 15, bold=True, color=accent)
        sheet.text(
            left + 52, 75, f"{', '.join(ALPENBLICK.address)} · {ALPENBLICK.phone} · {ALPENBLICK.email}", 8, color=GREY
        )
        sheet.lines(330, 142, (invoice.customer.name, *invoice.customer.address), 10.5)
        sheet.text(left, 236, f"Oberrieden, {write.date(invoice.issued)}", 10)
        sheet.text(left, 266, "Rechnung", 18, bold=True)
        facts = (
            ("Rechnungs-Nr.:", invoice.number),
            ("Rechnungsdatum:", write.date(invoice.issued)),
            ("Zahlbar bis:", write.date(date(2026, 8, 5))),
            ("Objekt:", "Rebhaldenweg 5, Umgebung"),
            (f"{ALPENBLICK.tax_label}:", ALPENBLICK.tax_id),
        )
        for index, (label, value) in enumerate(facts):
            sheet.text(left, 290 + index * 14.5, label, 9.5, bold=True)
            sheet.text(left + 100, 290 + index * 14.5, value, 9.5)
        columns = (
            Column("Leistung", left, 220),
            Column("Menge", 342, 50, "right"),
            Column("Einheit", 352, 40),
            Column("Ansatz CHF", 456, 66, "right"),
            Column("Betrag CHF", right, 70, "right"),
        )
        rows = [
            (i.description, write.quantity(i.quantity), i.unit, write.number(i.unit_price), write.number(i.amount))
            for i in invoice.items
        ]
        look = Look(size=9.5, head_size=9, head_fill="#eef3ea", head_rule=None, padding=6)
        y = ruled_table(sheet, 378, columns, rows, left=left, right=right, bottom=620, look=look)
        sums = (
            ("Zwischentotal", write.number(invoice.subtotal)),
            ("MWST 8.1%", write.number(invoice.tax)),
            ("Total CHF", write.number(invoice.total)),
        )
        y = totals(sheet, y + 24, sums, left=352, right=right, size=9.5, emphasis=(2,))
        sheet.paragraph(left, y + 20, 420, "Besten Dank für Ihren Auftrag. Zahlbar innert 30 Tagen netto.", 10)
        sheet.rule(0, 700, sheet.width, color=INK, weight=0.5)
        sheet.text(left, 724, "Zahlteil", 11, bold=True)
        sheet.text(left, 744, "Konto / Zahlbar an", 7.5, bold=True)
        sheet.lines(left, 755, (spaced(ALPENBLICK.iban), ALPENBLICK.name, *ALPENBLICK.address), 9)
        sheet.text(330, 744, "Zahlbar durch", 7.5, bold=True)
        sheet.lines(330, 755, (invoice.customer.name, *invoice.customer.address[1:]), 9)

    content = draw_pdf(draw, title=f"Rechnung {invoice.number}", author=ALPENBLICK.name)
    return made("Alpenblick Rechnung 26-0388.pdf", invoice, content)
