"""Till receipts: an English cafe, a German supermarket, and two that are only ever seen as a picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.data.paper import GREY, TYPEWRITER, VERA, Face, Sheet, draw_pdf
from tests.data.trade import Item, Made, item_fields, items
from tests.data.writing import money

ROLL_WIDTH = 226.0  # 80 mm


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a till printed. Prices include tax, so the net amount is what remains of the total."""

    merchant: str
    day: date
    time: str
    currency: str
    bought: tuple[Item, ...]
    tax: Decimal
    method: str

    @property
    def total(self) -> Decimal:
        return sum((item.amount for item in self.bought), Decimal("0.00"))

    @property
    def net(self) -> Decimal:
        return self.total - self.tax

    def fields(self, *, subtotal: str = "", counted: bool = False) -> dict[str, str]:
        """The expected values: `subtotal` as the receipt names it, if it does; `counted` where lines say how many, not at what price."""
        head = {
            "merchant_name": self.merchant,
            "receipt_date": self.day.isoformat(),
            "receipt_time": self.time,
            "currency": self.currency,
            "subtotal": subtotal,
            "tax_amount": str(self.tax),
            "total_amount": str(self.total),
            "payment_method": self.method,
        }
        lines = item_fields(self.bought)
        for index, item in enumerate(self.bought):
            if counted or item.quantity == 1:
                del lines[f"line_items[{index}].unit_price"]
            if not counted and item.quantity == 1:
                del lines[f"line_items[{index}].quantity"]
        return {path: value for path, value in head.items() if value} | lines


def roll(draw: Callable[[Sheet], float], *, title: str, author: str, face: Face = TYPEWRITER) -> bytes:
    """A strip of paper as long as what is drawn on it: `draw` answers where it ended."""
    length = 400.0

    def measure(sheet: Sheet) -> None:
        nonlocal length
        length = draw(sheet)

    draw_pdf(measure, title=title, author=author, size=(ROLL_WIDTH, length), face=face)
    return draw_pdf(measure, title=title, author=author, size=(ROLL_WIDTH, length + 24), face=face)


def columns(sheet: Sheet, y: float, rows: Sequence[tuple[str, str]], *, size: float = 8.5, bold: bool = False) -> float:
    """Left text and right amount per row; answers the base line after the last."""
    for left, right in rows:
        sheet.text(14, y, left, size, bold=bold)
        sheet.text(ROLL_WIDTH - 14, y, right, size, bold=bold, align="right")
        y += size * 1.4
    return y


def dashes(sheet: Sheet, y: float) -> float:
    """A printed line of hyphens; answers the next base line."""
    sheet.text(
        ROLL_WIDTH / 2,
        y,
        "-" * (38 if sheet.face is TYPEWRITER else 54),
        8.5 if sheet.face is TYPEWRITER else 8,
        align="center",
    )
    return y + 12


def bars(sheet: Sheet, y: float, code: str) -> float:
    """Something like a bar code with its number; answers the lower edge."""
    weights = [0.7 + (ord(char) * (index + 3)) % 4 * 0.55 for index, char in enumerate(code * 2)]
    x = (ROLL_WIDTH - sum(weights) - 2.1 * (len(weights) - 1)) / 2
    for weight in weights:
        sheet.stroke(((x, y), (x, y + 24)), color="#000000", weight=weight)
        x += weight + 2.1
    sheet.text(ROLL_WIDTH / 2, y + 36, code, 7, align="center")
    return y + 40


CAFE = Receipt(
    merchant="KETTLE & CRUMB",
    day=date(2026, 10, 18),
    time="08:47",
    currency="GBP",
    bought=items(
        """
        Flat white | 2 | 3.60
        Sourdough toast, marmalade | 1 | 4.25
        Almond croissant | 1 | 3.95
        Orange juice, fresh | 1 | 4.10
        """
    ),
    tax=money("3.25"),
    method="Contactless Visa",
)


def cafe() -> Made:
    """Quantities before the name, tax contained in the total, paid by card."""
    bill = CAFE

    def draw(sheet: Sheet) -> float:
        middle = ROLL_WIDTH / 2
        sheet.text(middle, 34, bill.merchant, 14, bold=True, align="center")
        sheet.lines(
            middle, 50, ("31 Harbour Steps, Whitby", "01632 960 114", "VAT No. GB 904 1172 55"), 8, align="center"
        )
        y = columns(sheet, 96, (("Table 6", "Server: Niamh"), ("18/10/2026 08:47", "Check 41877")))
        y = dashes(sheet, y)
        rows = [(f"{item.quantity:f} x {item.description}"[:30], f"{item.amount:,.2f}") for item in bill.bought]
        y = dashes(sheet, columns(sheet, y, rows))
        y = columns(sheet, y + 4, (("TOTAL", f"£{bill.total}"),), size=13, bold=True)
        y = columns(sheet, y, (("Contactless Visa", f"£{bill.total}"), ("**** **** **** 3047", "Auth 51902C")))
        y = dashes(sheet, y)
        y = columns(sheet, y, (("VAT included @ 20%", f"£{bill.tax}"), ("Net", f"£{bill.net}")))
        return sheet.lines(
            middle, y + 10, ("Thank you!", "Wifi: kettleandcrumb", "www.kettleandcrumb.example"), 8, align="center"
        )

    content = roll(draw, title="Receipt 41877", author=bill.merchant)
    expected = {"document_type": "receipt", "pages": 1, "fields": bill.fields(subtotal=str(bill.net), counted=True)}
    return Made("receipt-kettle-and-crumb.pdf", content, expected)


MARKET = Receipt(
    merchant="Frischemarkt Kornblume",
    day=date(2026, 11, 14),
    time="17:32",
    currency="EUR",
    bought=items(
        """
        Bio Vollmilch 3,8% 1L | 2 | 1.49 | | A | 7
        Roggenmischbrot 750g | 1 | 3.29 | | A | 7
        Cherrytomaten 500g | 1 | 2.79 | | A | 7
        Gouda jung Scheiben | 1 | 2.49 | | A | 7
        Bananen | 1.284 | 1.89 | kg | A | 7
        Spülmittel Zitrone | 1 | 1.95 | | B | 19
        Küchenrolle 4er | 1 | 3.45 | | B | 19
        Pfand 0,25 EUR | 4 | 0.25 | | B | 19
        Mineralwasser still | 4 | 0.69 | | B | 19
        """
    ),
    tax=money(0),
    method="girocard",
)


def supermarket() -> Made:
    """Tax marks behind the prices, a table of both rates, weights and multiples on lines of their own."""
    bill = MARKET
    gross = {mark: sum((i.amount for i in bill.bought if i.code == mark), Decimal(0)) for mark in "AB"}
    taxes = {mark: money(gross[mark] * rate / (100 + rate)) for mark, rate in (("A", 7), ("B", 19))}
    tax = taxes["A"] + taxes["B"]

    def comma(value: Decimal) -> str:
        return f"{value:.2f}".replace(".", ",")

    def draw(sheet: Sheet) -> float:
        middle = ROLL_WIDTH / 2
        sheet.disc(middle, 24, 9, "#222222")
        sheet.text(middle, 28, "F", 12, bold=True, color="#ffffff", align="center")
        sheet.text(middle, 48, bill.merchant, 12, bold=True, align="center")
        heads = ("Lindenstraße 88", "99998 Körnerfeld", "Tel. 0221 4710 318", "UID Nr.: DE299418037")
        y = sheet.lines(middle, 62, heads, 8, align="center")
        sheet.text(ROLL_WIDTH - 26, y + 8, "EUR", 8.5, bold=True, align="right")
        y += 20
        for item in bill.bought:
            y = columns(sheet, y, ((item.description, f"{comma(item.amount)} {item.code}"),))
            if item.quantity != 1:
                weighed = item.unit == "kg"
                count = f"{item.quantity} kg".replace(".", ",") if weighed else f"{item.quantity} Stk"
                sheet.text(26, y, f"{count} x {comma(item.unit_price)}{' EUR/kg' if weighed else ''}", 8.5)
                y += 12
        y = dashes(sheet, y)
        y = columns(sheet, y + 2, (("SUMME EUR", comma(bill.total)),), size=12, bold=True)
        y = dashes(sheet, y - 2)
        y = columns(sheet, y, (("Geg. girocard", f"EUR {comma(bill.total)}"),)) + 6
        heads = ("Steuer %", "Netto", "Steuer", "Brutto")
        marks = (("A= 7,0%", "A"), ("B= 19,0%", "B"))
        table = [heads, *((name, comma(gross[m] - taxes[m]), comma(taxes[m]), comma(gross[m])) for name, m in marks)]
        table.append(("Gesamt", comma(bill.total - tax), comma(tax), comma(bill.total)))
        for cells in table:
            for x, cell in zip((14.0, 112.0, 160.0, ROLL_WIDTH - 14), cells, strict=True):
                sheet.text(x, y, cell, 7.8, align="left" if x == 14 else "right")
            y += 11
        y = columns(
            sheet,
            y + 8,
            (("Datum: 14.11.2026", "Uhrzeit: 17:32"), ("Beleg-Nr. 7734", "Kasse: 3"), ("Bed.: 114114", "Markt: 0482")),
            size=8,
        )
        y = sheet.lines(middle, y + 8, ("Vielen Dank für Ihren Einkauf", "Mo - Sa 7 bis 21 Uhr"), 8, align="center")
        return bars(sheet, y + 4, "0482141126377341732")

    content = roll(draw, title="Kassenbon 7734", author=bill.merchant)
    fields = bill.fields(subtotal=str(bill.total - tax)) | {"tax_amount": str(tax)}
    return Made("Kassenbon_2026-11-14.pdf", content, {"document_type": "receipt", "pages": 1, "fields": fields})


HARDWARE = Receipt(
    merchant="TOLLIVER HARDWARE",
    day=date(2026, 9, 19),
    time="14:06",
    currency="USD",
    bought=items(
        """
        WOOD SCREW #8 X 1-1/2 100CT | 1 | 8.49
        PAINT INT SATIN WHITE 1GAL | 2 | 36.98
        ROLLER COVER 9IN 3PK | 1 | 11.97
        PAINTERS TAPE 1.88IN | 3 | 6.78
        """
    ),
    tax=money("6.89"),
    method="MASTERCARD",
)


def hardware_page() -> tuple[dict[str, str], bytes]:
    """An American receipt, tax on top: its expected fields and the strip as printed, to be scanned."""
    bill = HARDWARE
    subtotal, total = bill.total, bill.total + bill.tax

    def draw(sheet: Sheet) -> float:
        middle = ROLL_WIDTH / 2
        sheet.text(middle, 32, bill.merchant, 12.5, bold=True, align="center")
        y = sheet.lines(middle, 47, ("1408 Depot Street", "Pocatello, ID 83201", "(208) 555-0129"), 8, align="center")
        y = columns(sheet, y + 8, (("09/19/2026  14:06", "STORE 0012"), ("CASHIER: DEB", "TRANS 088412")), size=8) + 4
        for item in bill.bought:
            y = columns(sheet, y, ((item.description, f"{item.amount:.2f}"),), size=8)
            if item.quantity != 1:
                sheet.text(26, y, f"{item.quantity} @ {item.unit_price}", 8)
                y += 11.2
        y = dashes(sheet, y)
        y = columns(sheet, y, (("SUBTOTAL", f"{subtotal:.2f}"), ("SALES TAX", f"{bill.tax}")), size=8.5)
        y = columns(sheet, y + 3, (("TOTAL", f"${total:.2f}"),), size=12, bold=True)
        y = columns(sheet, y, (("MASTERCARD ****8815", f"${total:.2f}"), ("APPROVAL 043377", "")), size=8)
        lines = ("ITEMS SOLD: 7", "RETURNS WITHIN 30 DAYS", "WITH THIS RECEIPT")
        y = sheet.lines(middle, y + 8, lines, 8, align="center")
        return bars(sheet, y + 4, "001208841220260919")

    content = roll(draw, title="Receipt 088412", author=bill.merchant, face=VERA)
    return bill.fields(subtotal=str(subtotal)) | {"total_amount": str(total)}, content


PARKING = Receipt(
    merchant="PARKING DES HALLES",
    day=date(2026, 10, 2),
    time="18:21",
    currency="EUR",
    bought=items("Stationnement 3 h 40 | 1 | 11.00"),
    tax=money("1.83"),
    method="Carte bancaire",
)


def parking_page() -> tuple[dict[str, str], bytes]:
    """A French parking ticket to be photographed: its expected fields and the strip."""
    bill = PARKING

    def draw(sheet: Sheet) -> float:
        middle = ROLL_WIDTH / 2
        sheet.text(middle, 40, "P", 30, bold=True, align="center")
        sheet.text(middle, 60, bill.merchant, 12, bold=True, align="center")
        y = sheet.lines(middle, 75, ("Place du Marché, 69099 Lyon", "SIRET 918 204 471 00021"), 8, align="center")
        y = columns(
            sheet,
            y + 10,
            (("REÇU N°", "0077418"), ("Entrée", "02/10/2026 14:41"), ("Sortie", "02/10/2026 18:21")),
            size=9,
        )
        y = columns(sheet, y + 4, (("Stationnement 3 h 40", "11,00 €"),), size=9)
        y = dashes(sheet, y + 2)
        y = columns(sheet, y + 4, (("TOTAL TTC", "11,00 €"),), size=13, bold=True)
        y = columns(
            sheet, y, (("dont TVA 20 %", "1,83 €"), ("Total HT", "9,17 €"), ("Carte bancaire", "11,00 €")), size=9
        )
        return sheet.lines(middle, y + 12, ("Merci et bonne route", "Conservez ce reçu"), 8, color=GREY, align="center")

    content = roll(draw, title="Reçu 0077418", author=bill.merchant, face=VERA)
    return bill.fields(subtotal=str(bill.net)), content
