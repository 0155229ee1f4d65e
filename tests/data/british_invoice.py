"""A British invoice over three pages."""

from datetime import date

from tests.data.paper import GREY, Column, Sheet, draw_pdf
from tests.data.tables import Look, pairs, ruled_table, totals
from tests.data.trade import Company, Invoice, Made, items, made
from tests.data.writing import GB_LONG, iban, plain, spaced

FIELDSTONE = Company(
    "Fieldstone Catering Supplies Ltd",
    ("Unit 9, Marsh Lane Trading Estate", "Sheffield", "S99 4TQ"),
    tax_label="VAT Reg. No.",
    tax_id="GB 927 4410 38",
    registration="Registered in England and Wales No. 99412077",
    phone="0114 496 0192",
    email="accounts@fieldstone-catering.example",
    bank="Penistone & District Bank",
    iban=iban("GB", "PDBX40770531926815"),
    bic="PDBXGB21",
)

PANTRY = """
Mixing bowl, stainless, {} | 8 4 6 | 6.40 9.85 14.20 | 16 cm|24 cm|32 cm
Gastronorm pan 1/1, depth {} | 10 6 4 | 11.95 14.60 18.25 | 40 mm|65 mm|100 mm
Polycarbonate storage box, {} | 12 12 6 | 7.15 9.40 15.90 | 4 litre|6 litre|12 litre
Chef's knife, forged, {} | 2 2 1 | 34.50 39.75 46.00 | 20 cm|23 cm|26 cm
Cutting board, colour coded, {} | 4 4 4 | 12.80 12.80 12.80 | red|green|blue
Aluminium saucepan, {} | 3 3 2 | 21.35 28.90 41.15 | 18 cm|22 cm|28 cm
Non-stick frying pan, {} | 4 4 2 | 17.60 22.45 29.95 | 20 cm|26 cm|32 cm
Piping bags, disposable, {} | 5 5 2 | 8.25 11.10 19.80 | 30 cm, 100 pack|40 cm, 100 pack|55 cm, 200 pack
Baking parchment roll, {} | 6 3 2 | 5.35 9.75 16.40 | 30 cm x 10 m|45 cm x 25 m|60 cm x 50 m
Oven cloth, heavy cotton, {} | 10 10 5 | 3.20 4.15 6.05 | single|double|extra long
Measuring jug, {} | 6 4 2 | 3.95 5.60 8.75 | 0.5 litre|1 litre|3 litre
Serving tongs, {} | 6 6 4 | 4.10 4.85 6.30 | 20 cm|30 cm|40 cm
Ice cream scoop, {} | 3 3 3 | 9.20 9.90 10.60 | size 12|size 16|size 20
Thermometer probe, {} | 2 2 1 | 14.75 19.95 38.50 | standard|waterproof|Bluetooth
Food wrap dispenser, {} | 2 2 1 | 13.40 17.85 26.10 | 30 cm|45 cm|60 cm
Apron, bib, {} | 8 8 4 | 7.90 8.60 9.35 | black|navy stripe|denim
Cleaning spray, food safe, {} | 12 12 6 | 3.65 6.80 12.45 | 750 ml|2 litre|5 litre
Paper napkins, two ply, {} | 10 10 4 | 6.25 8.95 15.70 | white, 500 pack|kraft, 500 pack|burgundy, 1000 pack
Coffee filter papers, {} | 6 6 3 | 4.45 5.20 7.75 | size 2, 200 pack|size 4, 200 pack|basket, 500 pack
Takeaway container, bagasse, {} | 6 6 4 | 18.60 21.30 24.85 | 600 ml, 250 pack|800 ml, 250 pack|1000 ml, 250 pack
Wooden cutlery set, {} | 4 4 2 | 22.40 23.95 41.60 | fork, 1000 pack|spoon, 1000 pack|wrapped set, 500 pack
"""


def _catalogue() -> str:
    """Sixty-three lines from twenty-one products in three sizes each."""
    lines = []
    for number, product in enumerate(PANTRY.strip().splitlines()):
        name, quantities, prices, sizes = product.split(" | ")
        variants = zip(quantities.split(), prices.split(), sizes.split("|"), strict=True)
        for step, (quantity, price, size) in enumerate(variants):
            lines.append(f"{name.format(size)} | {quantity} | {price} | | FC{2100 + number * 17 + step} | 20")
    return "\n".join(lines)


CATERING = Invoice(
    number="INV-2026-0291",
    issued=date(2026, 6, 9),
    due=date(2026, 7, 9),
    vendor=FIELDSTONE,
    customer=Company("The Copper Ladle Restaurants Ltd", ("14 Ropewalk Court", "Bristol", "BS99 7HD")),
    currency="GBP",
    writing=GB_LONG,
    order_number="CL-PO-3340",
    items=items(_catalogue()),
)


def british() -> Made:
    """Sixty-three lines over three pages, the table's head repeated on each, totals and bank details on the last."""
    invoice, write = CATERING, CATERING.writing
    left, right, accent = 48.0, 547.0, "#7a2e1d"

    def footer(sheet: Sheet) -> None:
        sheet.rule(left, 790, right)
        sheet.text(
            left, 803, f"{FIELDSTONE.registration}  ·  {FIELDSTONE.tax_label} {FIELDSTONE.tax_id}", 7.5, color=GREY
        )
        sheet.text(right, 803, f"Page {sheet.page_number} of {sheet.page_total}", 7.5, color=GREY, align="right")

    def turn(sheet: Sheet) -> float:
        sheet.text(right, 782, "Continued on next page", 8, italic=True, color=GREY, align="right")
        footer(sheet)
        sheet.next_page()
        sheet.text(left, 54, FIELDSTONE.name, 10, bold=True, color=accent)
        sheet.text(right, 54, f"Invoice {invoice.number}", 9, color=GREY, align="right")
        return 66

    def draw(sheet: Sheet) -> None:
        sheet.text(left, 64, "Fieldstone", 24, bold=True, color=accent)
        sheet.text(left, 79, "CATERING SUPPLIES", 8, color=GREY, spacing=2.2)
        letterhead = (FIELDSTONE.name, *FIELDSTONE.address, FIELDSTONE.phone, FIELDSTONE.email)
        sheet.lines(right, 52, letterhead, 8.5, first_bold=True, align="right")
        sheet.text(left, 136, "VAT Invoice", 17, bold=True)
        sheet.text(left, 160, "Invoice to:", 8.5, color=GREY)
        sheet.lines(left, 174, (invoice.customer.name, *invoice.customer.address), 9.5, first_bold=True)
        facts = (
            ("Invoice number:", invoice.number),
            ("Invoice date:", write.date(invoice.issued)),
            ("Your order number:", invoice.order_number),
            ("Delivery note:", "DN-88213"),
            ("Payment due:", write.date(date(2026, 7, 9))),
        )
        pairs(sheet, 330, 160, facts, gap=104)
        columns = (
            Column("Code", left + 4, 50),
            Column("Description", 104, 240),
            Column("Quantity", 388, 50, "right"),
            Column("Unit price", 456, 60, "right"),
            Column("Net amount", right - 4, 70, "right"),
        )
        rows = [
            (i.code, i.description, plain(i.quantity), write.number(i.unit_price), write.number(i.amount))
            for i in invoice.items
        ]
        look = Look(
            size=8.5, head_size=8, head_color="#ffffff", head_fill=accent, head_rule=None, zebra="#faf4f2", padding=5.5
        )
        y = ruled_table(sheet, 250, columns, rows, left=left, right=right, bottom=768, look=look, turn=turn)
        sums = (
            ("Total net", write.amount(invoice.subtotal)),
            ("VAT at 20%", write.amount(invoice.tax)),
            ("Invoice total", write.amount(invoice.total)),
        )
        totals(sheet, y + 26, sums, left=380, right=right - 4, size=9.5, emphasis=(2,))
        sheet.text(left, y + 26, "How to pay", 9.5, bold=True, color=accent)
        bank = (
            ("Bank", FIELDSTONE.bank),
            ("Account name", FIELDSTONE.name),
            ("IBAN", spaced(FIELDSTONE.iban)),
            ("BIC", FIELDSTONE.bic),
            ("Reference", invoice.number),
        )
        pairs(sheet, left, y + 42, bank, gap=76)
        terms = (
            "Goods remain the property of Fieldstone Catering Supplies Ltd until paid in full. "
            "Shortages must be reported within three working days of delivery."
        )
        sheet.paragraph(left, y + 128, right - left, terms, 8, color=GREY)
        footer(sheet)

    content = draw_pdf(draw, title=f"Invoice {invoice.number}", author=FIELDSTONE.name)
    return made("invoice-fieldstone-INV-2026-0291.pdf", invoice, content, pages=3)
