"""A freight invoice as an old system prints it: one typeface, columns made of spaces; it arrives under the name of a text file."""

from datetime import date

from tests.data.paper import LETTER, TYPEWRITER, Sheet, draw_pdf
from tests.data.trade import Company, Invoice, Made, items, made
from tests.data.writing import ISO_USD, plain

FREIGHT = Invoice(
    number="771203",
    issued=date(2026, 9, 28),
    due=date(2026, 10, 28),
    vendor=Company("NORTHGATE FREIGHT LINES", ("4400 TERMINAL WAY", "DULUTH MN 55802"), phone="218-555-0190"),
    customer=Company("BIRCHWOOD CABINET WORKS", ("210 MILL ST", "EAU CLAIRE WI 54703")),
    currency="USD",
    writing=ISO_USD,
    order_number="BCW-20881",
    items=items(
        """
        LTL FREIGHT CLASS 85, DULUTH-EAU CLAIRE | 1240 | 0.31
        FUEL SURCHARGE PER MILE | 162 | 0.58
        LIFTGATE AT DELIVERY | 1 | 95.00
        RESIDENTIAL NOTIFICATION | 1 | 15.00
        """
    ),
)


def typed() -> Made:
    """Everything in Courier; the heads of the table are underlined with hyphens; terms and totals follow the lines."""
    invoice, write = FREIGHT, FREIGHT.writing
    page = [
        f"{invoice.vendor.name:<48}{'INVOICE':>24}",
        *(f"{line:<48}" for line in invoice.vendor.address),
        f"TEL {invoice.vendor.phone}",
        "",
        f"{'BILL TO:':<44}{'INVOICE NO:':<14}{invoice.number}",
        f"{invoice.customer.name:<44}{'INVOICE DATE:':<14}{write.date(invoice.issued)}",
        f"{invoice.customer.address[0]:<44}{'DUE DATE:':<14}{write.date(date(2026, 10, 28))}",
        f"{invoice.customer.address[1]:<44}{'PO NUMBER:':<14}{invoice.order_number}",
        f"{'':<44}{'PRO NUMBER:':<14}4471-208836",
        "",
        "",
        f"{'QTY':>6}  {'DESCRIPTION':<42}{'RATE':>9}{'AMOUNT':>13}",
        f"{'-' * 6}  {'-' * 40}  {'-' * 9}  {'-' * 11}",
    ]
    for item in invoice.items:
        prices = f"{write.number(item.unit_price):>9}{write.number(item.amount):>13}"
        page += [f"{plain(item.quantity):>6}  {item.description:<42}{prices}"]
    page += [
        "",
        f"{'SUBTOTAL':>57}{write.number(invoice.subtotal):>15}",
        f"{'TAX':>57}{write.number(invoice.tax):>15}",
        f"{'TOTAL DUE USD':>57}{write.number(invoice.total):>15}",
        "",
        "",
        "TERMS NET 30 DAYS. REMIT TO: NORTHGATE FREIGHT LINES, PO BOX 9914, DULUTH",
        "MN 55816. CLAIMS FOR LOSS OR DAMAGE WITHIN 9 MONTHS OF DELIVERY.",
    ]

    def draw(sheet: Sheet) -> None:
        sheet.lines(54, 72, page, 11.2, leading=14.5)

    content = draw_pdf(draw, title="Invoice 771203", author="Northgate Freight Lines", size=LETTER, face=TYPEWRITER)
    return made("invoice-771203.txt", invoice, content)
