"""Invoices from France, Spain and the Netherlands: boxes with labels above values, two tax rates, details in a margin."""

from datetime import date

from tests.data.paper import GREY, TIMES, Column, Sheet, draw_pdf
from tests.data.tables import Look, pairs, ruled_table, stacked, totals
from tests.data.trade import Company, Invoice, Made, items, made
from tests.data.writing import ES, FR, NL, iban, money, spaced

BREVANNE = Company(
    "Atelier Brévanne SARL",
    ("27 rue des Tanneurs", "69099 Lyon"),
    tax_label="N° TVA intracommunautaire",
    tax_id="FR 61 904 417 283",
    registration="SIRET 904 417 283 00018 – RCS Lyon – SARL au capital de 12 000 €",
    phone="01 99 00 47 12",
    email="compta@atelier-brevanne.example",
    bank="Crédit Rhodanien",
    iban=iban("FR", "30998000410009274418M62"),
    bic="CRRHFR2L",
)

BOOKBINDING = Invoice(
    number="F2026-0118",
    issued=date(2026, 3, 12),
    due=date(2026, 4, 11),
    vendor=BREVANNE,
    customer=Company(
        "Médiathèque de Saint-Aubin-sur-Loire",
        ("Service des collections", "4 place de la République", "71999 Saint-Aubin-sur-Loire"),
    ),
    currency="EUR",
    writing=FR,
    items=items(
        """
        Reliure pleine toile, format in-8° | 45 | 38.50 | | RPT-8 | 20
        Restauration de dos, cuir | 12 | 74.00 | | RDC | 20
        Coffret de conservation sur mesure | 8 | 52.80 | | CCM | 20
        « Le Papier et le Temps », ouvrage broché | 25 | 21.90 | | LPT | 5.5
        """
    ),
)


def french() -> Made:
    """A strip of boxes with labels above values, amounts with no-break spaces, two rates of TVA in a table of their own."""
    invoice, write = BOOKBINDING, BOOKBINDING.writing
    left, right, accent = 54.0, 541.0, "#8c1c3a"

    def draw(sheet: Sheet) -> None:
        sheet.text(left, 70, "Atelier Brévanne", 24, font=TIMES.italic, color=accent)
        sheet.text(left, 84, "Reliure d'art et conservation", 8.5, color=GREY)
        sheet.lines(left, 106, (*BREVANNE.address, f"Tél. {BREVANNE.phone}", BREVANNE.email), 8.5)
        sheet.text(right, 70, "FACTURE", 20, bold=True, align="right", spacing=2)
        sheet.box(312, 96, right - 312, 76, radius=4)
        sheet.text(322, 111, "FACTURÉ À", 7, color=GREY, spacing=0.5)
        sheet.lines(322, 125, (invoice.customer.name, *invoice.customer.address), 9.5, first_bold=True)
        boxes = (
            ("N° de facture", invoice.number),
            ("Date de facture", write.date(invoice.issued)),
            ("Date d'échéance", write.date(date(2026, 4, 11))),
            ("Mode de règlement", "Virement"),
        )
        width = (right - left) / len(boxes)
        for index, (label, value) in enumerate(boxes):
            sheet.box(left + width * index, 198, width, 36)
            stacked(sheet, left + width * index + 8, 210, label, value, size=10, label_size=7.5)
        columns = (
            Column("Réf.", left + 4, 44),
            Column("Désignation", left + 52, 190),
            Column("Qté", 334, 40, "right"),
            Column("P.U. HT", 408, 60, "right"),
            Column("TVA", 452, 40, "right"),
            Column("Montant HT", right - 4, 76, "right"),
        )
        rows = [
            (
                i.code,
                i.description,
                write.quantity(i.quantity),
                write.amount(i.unit_price),
                f"{write.quantity(i.tax_rate)} %",
                write.amount(i.amount),
            )
            for i in invoice.items
        ]
        look = Look(size=9, head_size=8, head_color="#ffffff", head_fill=accent, head_rule=None, padding=6)
        y = ruled_table(sheet, 256, columns, rows, left=left, right=right, bottom=600, look=look)
        rates = [
            (f"{write.quantity(rate)} %", write.amount(money(net)), write.amount(tax))
            for rate, (net, tax) in invoice.taxes.items()
        ]
        small = (
            Column("Taux", left + 4, 50),
            Column("Base HT", 170, 70, "right"),
            Column("Montant TVA", 256, 70, "right"),
        )
        ruled_table(
            sheet, y + 20, small, rates, left=left, right=262, bottom=700, look=Look(size=8.5, head_size=7.5, padding=5)
        )
        sums = (
            ("Total HT", write.amount(invoice.subtotal)),
            ("Total TVA", write.amount(invoice.tax)),
            ("Total TTC", write.amount(invoice.total)),
        )
        y = totals(
            sheet, y + 34, sums, left=360, right=right - 4, size=9.5, emphasis=(2,), fill="#f6eaed", color=accent
        )
        sheet.text(left, y + 46, "Coordonnées bancaires", 9, bold=True, color=accent)
        sheet.text(left, y + 60, f"IBAN : {spaced(BREVANNE.iban)}     BIC : {BREVANNE.bic}     {BREVANNE.bank}", 9)
        legal = (
            "En cas de retard de paiement, une pénalité égale à trois fois le taux d'intérêt légal sera exigible, "
            "ainsi qu'une indemnité forfaitaire pour frais de recouvrement de 40 €. Pas d'escompte pour paiement anticipé."
        )
        sheet.paragraph(left, y + 84, right - left, legal, 8, color=GREY)
        sheet.rule(left, 782, right)
        middle = (left + right) / 2
        sheet.text(middle, 795, f"{BREVANNE.name} – {BREVANNE.registration}", 7.5, color=GREY, align="center")
        sheet.text(middle, 806, f"{BREVANNE.tax_label} : {BREVANNE.tax_id}", 7.5, color=GREY, align="center")

    content = draw_pdf(draw, title=f"Facture {invoice.number}", author=BREVANNE.name)
    return made("facture-F2026-0118.pdf", invoice, content)


MARISMA = Company(
    "Talleres Marisma, S.L.",
    ("Polígono Las Salinas, nave 14", "11999 Puerto Real (Cádiz)"),
    tax_label="NIF",
    tax_id="B99417206",
    phone="956 99 04 18",
    email="administracion@talleresmarisma.example",
    bank="Banco de la Bahía",
    iban=iban("ES", "99990417610200817745"),
    bic="BAHIESMM",
)

WORKSHOP = Invoice(
    number="2026/A-0093",
    issued=date(2026, 5, 22),
    due=date(2026, 6, 21),
    vendor=MARISMA,
    customer=Company("Cooperativa Frutos del Estrecho", ("Camino del Molino, 8", "11998 Barbate (Cádiz)")),
    currency="EUR",
    writing=ES,
    order_number="PED-5521",
    items=items(
        """
        Revisión carretilla elevadora 2,5 t | 3 | 245.00
        Neumático superelástico 7.00-12 | 6 | 318.75
        Batería de tracción 48 V 625 Ah | 1 | 2890.00
        Mano de obra, técnico | 17.5 | 46.00
        """,
        tax_rate="21",
    ),
)


def spanish() -> Made:
    """Vendor and customer as two columns of `label: value` lines under a coloured band."""
    invoice, write = WORKSHOP, WORKSHOP.writing
    left, right, accent = 48.0, 547.0, "#b45309"

    def draw(sheet: Sheet) -> None:
        sheet.box(0, 0, sheet.width, 92, fill=accent, border=None)
        sheet.text(left, 46, "TALLERES MARISMA", 20, bold=True, color="#ffffff", spacing=0.8)
        sheet.text(left, 64, "Mantenimiento industrial y carretillas", 9.5, color="#fde9d0")
        sheet.text(right, 46, "FACTURA", 20, bold=True, color="#ffffff", align="right")
        sheet.text(right, 64, f"Nº {invoice.number}", 10.5, color="#fde9d0", align="right")
        blocks = (
            (left, "Emisor", MARISMA, f"{MARISMA.tax_label}: {MARISMA.tax_id}", MARISMA.email),
            (310, "Cliente", invoice.customer, "NIF: F99302815", "Ref. cliente: C-0448"),
        )
        for x, heading, company, tax, last in blocks:
            sheet.text(x, 122, heading, 10, bold=True, color=accent)
            sheet.rule(x, 127, x + 230, color=accent)
            sheet.lines(x, 143, (company.name, *company.address, tax, last), 9.5, first_bold=True)
        boxes = (
            ("Número de factura", invoice.number),
            ("Fecha de factura", write.date(invoice.issued)),
            ("Fecha de vencimiento", write.date(date(2026, 6, 21))),
            ("Nº de pedido", invoice.order_number),
        )
        for index, (label, value) in enumerate(boxes):
            stacked(sheet, left + index * 128, 232, label, value, size=10.5, label_size=8)
        columns = (
            Column("Concepto", left + 4, 250),
            Column("Cantidad", 356, 50, "right"),
            Column("Precio unitario", 446, 80, "right"),
            Column("Importe", right - 4, 80, "right"),
        )
        rows = [
            (i.description, write.quantity(i.quantity), write.amount(i.unit_price), write.amount(i.amount))
            for i in invoice.items
        ]
        look = Look(size=9.5, head_size=8.5, head_fill="#fdf1e3", head_rule=accent, padding=7)
        y = ruled_table(sheet, 272, columns, rows, left=left, right=right, bottom=600, look=look)
        sums = (
            ("Base imponible", write.amount(invoice.subtotal)),
            ("IVA 21 %", write.amount(invoice.tax)),
            ("TOTAL FACTURA", write.amount(invoice.total)),
        )
        y = totals(sheet, y + 28, sums, left=350, right=right - 4, size=10, emphasis=(2,), fill="#fdf1e3", color=accent)
        sheet.text(left, y + 40, "Forma de pago: transferencia bancaria a 30 días", 9.5)
        sheet.text(left, y + 55, f"{MARISMA.bank}   IBAN: {spaced(MARISMA.iban)}   BIC: {MARISMA.bic}", 9.5)
        foot = "Inscrita en el Registro Mercantil de Cádiz, tomo 9914, folio 27, hoja CA-99318."
        sheet.text((left + right) / 2, 800, foot, 7.5, color=GREY, align="center")

    content = draw_pdf(draw, title=f"Factura {invoice.number}", author=MARISMA.name)
    return made("factura-2026-A-0093.pdf", invoice, content)


WATERLINIE = Company(
    "Drukkerij De Waterlinie B.V.",
    ("Handelskade 77", "3999 ZX Houten"),
    tax_label="Btw-nr.",
    tax_id="NL862204417B01",
    registration="KvK 99270418",
    phone="030 299 04 41",
    email="administratie@dewaterlinie.example",
    bank="Vechtstroom Bank",
    iban=iban("NL", "VSTB0417906228"),
    bic="VSTBNL2U",
)

PRINTING = Invoice(
    number="20260588",
    issued=date(2026, 10, 28),
    due=date(2026, 11, 27),
    vendor=WATERLINIE,
    customer=Company("Stichting Zomerpodium", ("t.a.v. mevr. A. Terpstra", "Oude Singel 112", "2399 RA Leiden")),
    currency="EUR",
    writing=NL,
    items=items(
        """
        Programmaboekje A5, 32 pagina's, full colour | 2500 | 0.84
        Affiche A2, 170 g mat | 400 | 1.35
        Toegangskaarten, genummerd | 3000 | 0.11
        Ontwerpcorrecties (uren) | 2.5 | 78.00
        Bezorging op drie adressen | 1 | 64.50
        """,
        tax_rate="21",
    ),
)


def dutch() -> Made:
    """The euro sign before the amount, dates with hyphens, the quantity as the first column, all details in a margin at the left."""
    invoice, write = PRINTING, PRINTING.writing
    left, main, right, accent = 42.0, 196.0, 547.0, "#0f766e"

    def draw(sheet: Sheet) -> None:
        sheet.box(0, 0, 172, sheet.height, fill="#eef6f5", border=None)
        sheet.text(left, 70, "De Waterlinie", 17, bold=True, color=accent)
        sheet.text(left, 84, "drukkerij sinds 1961", 8.5, color=GREY)
        sheet.lines(left, 124, (WATERLINIE.name, *WATERLINIE.address, "", WATERLINIE.phone), 8, leading=12)
        sheet.text(left, 190, WATERLINIE.email, 6.8)
        registers = (
            WATERLINIE.registration,
            f"{WATERLINIE.tax_label} {WATERLINIE.tax_id}",
            "",
            WATERLINIE.bank,
            "IBAN",
        )
        y = sheet.lines(left, 216, registers, 8, leading=12)
        sheet.lines(left, y, (spaced(WATERLINIE.iban), f"BIC {WATERLINIE.bic}"), 8, leading=12)
        sheet.text(main, 72, "Factuur", 24, bold=True)
        sheet.lines(main, 116, (invoice.customer.name, *invoice.customer.address), 10)
        facts = (
            ("Factuurnummer", invoice.number),
            ("Factuurdatum", write.date(invoice.issued)),
            ("Vervaldatum", write.date(date(2026, 11, 27))),
            ("Debiteurnummer", "10482"),
        )
        pairs(sheet, main, 196, facts, gap=96, size=9.5, leading=15)
        columns = (
            Column("Aantal", main + 34, 36, "right"),
            Column("Omschrijving", main + 46, 160),
            Column("Prijs", 462, 60, "right"),
            Column("Bedrag", right, 70, "right"),
        )
        rows = [
            (write.quantity(i.quantity), i.description, write.amount(i.unit_price), write.amount(i.amount))
            for i in invoice.items
        ]
        y = ruled_table(
            sheet, 272, columns, rows, left=main, right=right, bottom=620, look=Look(head_size=8.5, head_rule=accent)
        )
        sums = (
            ("Subtotaal excl. btw", write.amount(invoice.subtotal)),
            ("Btw 21%", write.amount(invoice.tax)),
            ("Totaal te betalen", write.amount(invoice.total)),
        )
        y = totals(sheet, y + 26, sums, left=350, right=right, size=9.5, emphasis=(2,), color=accent)
        paying = f"Wij verzoeken u het bedrag binnen 30 dagen over te maken onder vermelding van factuurnummer {invoice.number}."
        sheet.paragraph(main, y + 34, right - main, paying, 9, color=GREY)

    content = draw_pdf(draw, title=f"Factuur {invoice.number}", author=WATERLINIE.name)
    return made("Factuur 20260588.pdf", invoice, content)
