"""Invoices by the thousand, for load tests and benchmarks: `make_invoice_pdf(seed, pages)`, several thousand a second.

The same seed gives the same bytes, `invoice_fields(seed, pages)` what they hold, another seed another invoice.
"""

from dataclasses import dataclass
from random import Random

FIRST_ROWS, NEXT_ROWS, LAST_ROWS = 24, 40, 28
LEFT, RIGHT, ROW_HEIGHT = 50, 545, 16

VENDORS = (
    ("Aldergate Packaging Ltd", "12 Quay Street, Hull HU99 1AB"),
    ("Brightmoor Tools Inc.", "480 Prairie Road, Omaha NE 68199"),
    ("Corvane Textiles GmbH", "Spinnereiweg 4, 99097 Erfurt"),
    ("Dunmore Dairy Co-operative", "Mill Lane, Cork T99 XY12"),
    ("Estuary Print Works", "77 Wharf Road, Norwich NR99 4LT"),
    ("Fernhill Software LLC", "9 Juniper Court, Salem OR 97399"),
    ("Granite & Oak Joinery", "3 Forge Yard, Kendal LA99 7PQ"),
)
CUSTOMERS = (
    ("Hollybrook Schools Trust", "1 Chapel Rise, York YO99 3ND"),
    ("Inkwell Stationers", "56 Station Parade, Leeds LS99 6GH"),
    ("Juniper Street Clinic", "820 Juniper Street, Boise ID 83799"),
    ("Kestrel Outdoor Centre", "Lakeside, Keswick CA99 5TT"),
    ("Larkspur Hotels Group", "200 Ocean Drive, Galveston TX 77599"),
)
PRODUCTS = (
    "Corrugated box 400 x 300 mm", "Stretch film, clear, 6 rolls", "Socket set, 94 pieces", "Cotton canvas, per metre",
    "Whole milk powder 25 kg", "Brochure A4, 16 pages", "Annual licence, 5 users", "Oak panel, sanded", "Delivery, next day",
    "Service visit, half day", "Safety gloves, size 9", "LED work lamp 20 W", "Label printer ribbon", "Cable tie 200 mm, 100 pack",
    "Archive box, lidded",
)  # fmt: skip
CURRENCIES = (("USD", "$"), ("GBP", "\xa3"), ("EUR", "\x80"))  # the euro sign in WinAnsi
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """One invoice; amounts in cents, tax in percent, a date as (year, month, day)."""

    number: str
    order_number: str
    issued: tuple[int, int, int]
    due: tuple[int, int, int]
    date_style: int
    vendor: tuple[str, str]
    customer: tuple[str, str]
    currency: tuple[str, str]
    tax_rate: int
    lines: tuple[tuple[str, int, int], ...]

    @property
    def subtotal(self) -> int:
        return sum(quantity * price for _, quantity, price in self.lines)

    @property
    def tax(self) -> int:
        return (self.subtotal * self.tax_rate + 50) // 100


def facts(seed: int, pages: int) -> Facts:
    """What the invoice of this seed says; on more than one page it has as many lines as fill them."""
    if pages < 1:
        raise ValueError(f"an invoice has at least one page, not {pages}")
    random = Random(seed * 1_000_003 + pages)
    pick = random.randrange
    count = 3 + pick(10) if pages == 1 else FIRST_ROWS + NEXT_ROWS * (pages - 2) + 1 + pick(LAST_ROWS)
    month, day = 1 + pick(11), 13 + pick(15)
    return Facts(
        number=f"INV-{seed:07d}",
        order_number=f"PO-{10_000 + pick(90_000)}",
        issued=(2026, month, day),
        due=(2026, month + 1, day),
        date_style=pick(3),
        vendor=VENDORS[pick(len(VENDORS))],
        customer=CUSTOMERS[pick(len(CUSTOMERS))],
        currency=CURRENCIES[pick(len(CURRENCIES))],
        tax_rate=(0, 5, 7, 19, 20)[pick(5)],
        lines=tuple((PRODUCTS[pick(len(PRODUCTS))], 1 + pick(48), 95 + pick(40_000)) for _ in range(count)),
    )


def invoice_fields(seed: int, pages: int = 1) -> dict[str, str]:
    """The expected values of `make_invoice_pdf(seed, pages)` by path, normalised as in a result."""
    known = facts(seed, pages)
    fields = {
        "invoice_number": known.number,
        "invoice_date": "{}-{:02}-{:02}".format(*known.issued),
        "due_date": "{}-{:02}-{:02}".format(*known.due),
        "purchase_order_number": known.order_number,
        "vendor_name": known.vendor[0],
        "customer_name": known.customer[0],
        "currency": known.currency[0],
        "subtotal": _decimal(known.subtotal),
        "tax_amount": _decimal(known.tax),
        "total_amount": _decimal(known.subtotal + known.tax),
    }
    for index, (description, quantity, price) in enumerate(known.lines):
        path = f"line_items[{index}]"
        fields[f"{path}.description"] = description
        fields[f"{path}.quantity"] = str(quantity)
        fields[f"{path}.unit_price"] = _decimal(price)
        fields[f"{path}.amount"] = _decimal(quantity * price)
    return fields


def make_invoice_pdf(seed: int, pages: int = 1) -> bytes:
    """An invoice of exactly `pages` pages as a PDF with a text layer, about 3 kB a page. ValueError below one page."""
    known = facts(seed, pages)
    rows = list(known.lines)
    sheets: list[list[tuple[str, int, int]]] = [rows[:FIRST_ROWS]]
    sheets += [rows[start : start + NEXT_ROWS] for start in range(FIRST_ROWS, len(rows), NEXT_ROWS)]
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>"
        % (b" ".join(b"%d 0 R" % (5 + 2 * index) for index in range(pages)), pages),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>",
    ]
    for index, part in enumerate(sheets):
        content = _page(known, part, index + 1, pages)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R/B 4 0 R>>>>/Contents %d 0 R>>"
            % (6 + 2 * index)
        )
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
    return _file(objects)


def _page(known: Facts, rows: list[tuple[str, int, int]], number: int, total: int) -> bytes:
    pen: list[str] = []
    sign = known.currency[1]
    if number == 1:
        _put(pen, LEFT, 780, known.vendor[0], "B", 15)
        _put(pen, LEFT, 764, known.vendor[1])
        _put(pen, 430, 780, "INVOICE", "B", 18)
        _put(pen, LEFT, 720, "Bill to", "B")
        _put(pen, LEFT, 706, known.customer[0])
        _put(pen, LEFT, 692, known.customer[1])
        dates = _date(known.issued, known.date_style), _date(known.due, known.date_style)
        labels = ("Invoice number:", "Invoice date:", "Due date:", "PO number:")
        for index, (label, value) in enumerate(zip(labels, (known.number, *dates, known.order_number), strict=True)):
            _put(pen, 340, 720 - 14 * index, label, "B")
            _put(pen, 430, 720 - 14 * index, value)
        y = 630
    else:
        _put(pen, LEFT, 800, f"{known.vendor[0]}, invoice {known.number}")
        y = 770
    _put(pen, LEFT, y, "Description", "B")
    for right, head, width in ((360, "Quantity", 37), (450, "Unit price", 42), (RIGHT, "Amount", 34)):
        _put(pen, right - width, y, head, "B")
    pen.append(f"{LEFT} {y - 5} m {RIGHT} {y - 5} l S")
    for description, quantity, price in rows:
        y -= ROW_HEIGHT
        _put(pen, LEFT, y, description)
        _put_right(pen, 360, y, str(quantity))
        _put_right(pen, 450, y, _grouped(price))
        _put_right(pen, RIGHT, y, _grouped(quantity * price))
    if number == total:
        y -= 12
        sums = (
            ("Subtotal", known.subtotal),
            (f"Tax {known.tax_rate}%", known.tax),
            ("Total", known.subtotal + known.tax),
        )
        for label, cents in sums:
            y -= ROW_HEIGHT
            _put(pen, 380, y, label, "B" if label == "Total" else "F")
            _put_right(pen, RIGHT, y, sign + _grouped(cents))
    _put(pen, 490, 30, f"Page {number} of {total}", "F", 8)
    return "\n".join(pen).encode("latin-1")


def _put(pen: list[str], x: float, y: float, text: str, font: str = "F", size: int = 9) -> None:
    pen.append(f"BT/{font} {size} Tf {x:g} {y} Td({text})Tj ET")


def _put_right(pen: list[str], right: float, y: float, text: str) -> None:
    """Ends at `right`: in Helvetica digits and currency signs are 556 wide, commas and points 278."""
    narrow = text.count(",") + text.count(".")
    _put(pen, right - 9 * (0.556 * (len(text) - narrow) + 0.278 * narrow), y, text)


def _file(objects: list[bytes]) -> bytes:
    """The objects, numbered from 1, with header, cross-reference table and trailer."""
    parts, offset, table = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"], 15, [b"0000000000 65535 f \n"]
    for number, body in enumerate(objects, 1):
        part = b"%d 0 obj\n%s\nendobj\n" % (number, body)
        table.append(b"%010d 00000 n \n" % offset)
        parts.append(part)
        offset += len(part)
    size = len(table)
    parts.append(
        b"xref\n0 %d\n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        % (size, b"".join(table), size, offset)
    )
    return b"".join(parts)


def _date(day: tuple[int, int, int], style: int) -> str:
    """ISO, American or British."""
    year, month, number = day
    if style == 0:
        return f"{year}-{month:02}-{number:02}"
    return f"{month:02}/{number:02}/{year}" if style == 1 else f"{number} {MONTHS[month - 1]} {year}"


def _decimal(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _grouped(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02}"
