"""What also arrives: files behind a password, cut off in transit, or under a name that is not theirs."""

from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import pikepdf

from tests.data.paper import GREY, TIMES, Sheet, draw_pdf
from tests.data.statements import german_pages
from tests.data.tables import totals
from tests.data.trade import Made
from tests.data.writing import GB


def locked(content: bytes, *, user: str, owner: str) -> bytes:
    """The PDF under passwords. 128-bit RC4, as many banks still use: AES draws random vectors, and the bytes would differ each time."""
    rights = pikepdf.Permissions(modify_annotation=False, modify_assembly=False, modify_form=False, modify_other=False)
    lock = pikepdf.Encryption(user=user, owner=owner, R=3, allow=rights, aes=False, metadata=False)
    buffer = BytesIO()
    with pikepdf.open(BytesIO(content)) as pdf:
        pdf.save(
            buffer,
            encryption=lock,
            static_id=True,
            compress_streams=False,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    return buffer.getvalue()


def payslip() -> Made:
    """A payslip that opens with the employee's password only."""
    write, left, right = GB, 60.0, 535.0
    pay = (("Basic salary", "3,125.00"), ("Overtime, 6 h", "144.24"), ("Gross pay", "3,269.24"))
    less = (
        ("Income tax", "444.40"),
        ("National Insurance", "177.75"),
        ("Pension 5%", "156.25"),
        ("Total deductions", "778.40"),
    )
    net = Decimal("3269.24") - Decimal("778.40")

    def draw(sheet: Sheet) -> None:
        sheet.text(left, 70, "Westerdale Robotics Ltd", 15, bold=True)
        sheet.text(right, 70, "Payslip, October 2026", 11, align="right")
        sheet.rule(left, 80, right)
        sheet.text(left, 104, "Employee: Rosalind Achterberg      Payroll no.: 00417      Tax code: 1257L", 10)
        sheet.text(left, 120, f"Pay date: {write.date(date(2026, 10, 25))}", 10)
        totals(sheet, 160, pay, left=left, right=280, size=10, emphasis=(2,))
        totals(sheet, 160, less, left=320, right=right, size=10, emphasis=(3,))
        sheet.box(left, 260, right - left, 34, fill="#eef2f6")
        sheet.text(left + 12, 281, "Net pay", 12, bold=True)
        sheet.text(right - 12, 281, write.amount(net), 12, bold=True, align="right")
        sheet.text(left, 320, "Paid by bank transfer to account ending 1467", 9, color=GREY)

    content = draw_pdf(draw, title="Payslip October 2026", author="Westerdale Robotics Ltd")
    return Made(
        "payslip-2026-10.pdf",
        locked(content, user="1989-RA-0417", owner="westerdale-payroll"),
        {"refused": "encrypted"},
    )


def protected_statement() -> Made:
    """A statement that anybody may open and nobody change: an owner's password only."""
    fields, content = german_pages()
    expected: dict[str, Any] = {"document_type": "bank_statement", "pages": 2, "fields": fields}
    return Made("Kontoauszug_2026-10.pdf", locked(content, user="", owner="hansekontor"), expected)


def cut_off() -> Made:
    """The first third of a leaflet whose catalogue and pages stand behind its big first object: a transfer that broke."""

    def draw(sheet: Sheet) -> None:
        sheet.text(60, 90, "Terms of delivery", 20, font=TIMES.bold)
        sheet.paragraph(
            60, 120, 470, "Goods travel at the buyer's risk from the moment they are handed to the carrier. " * 40, 10
        )

    whole = draw_pdf(draw, title="Terms of delivery", author="Kestrel Precision Castings LLC", face=TIMES)
    buffer = BytesIO()
    with pikepdf.open(BytesIO(whole)) as pdf:
        mode = pikepdf.ObjectStreamMode.generate
        pdf.save(buffer, deterministic_id=True, compress_streams=False, object_stream_mode=mode)
    return Made("terms-of-delivery.pdf", buffer.getvalue()[: len(buffer.getvalue()) // 3], {"refused": "corrupt"})


EXPIRED = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Session expired - Northgate Freight customer portal</title></head>
<body>
<h1>Your session has expired</h1>
<p>For your security you were signed out after 20 minutes. Please sign in again to download invoice 771204.</p>
<p><a href="https://portal.northgate-freight.example/login">Sign in</a></p>
</body>
</html>
"""


def web_page() -> Made:
    """What a browser saved instead of the invoice: a page that asks to sign in."""
    return Made("invoice-771204.pdf", EXPIRED.encode(), {"refused": "unsupported_type"})


def archive() -> Made:
    """A zip archive whose name was changed to .pdf."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as zipped:
        for name, text in (
            (
                "expenses/2026-09.csv",
                "date,description,amount\n2026-09-03,Train to Leeds,48.20\n2026-09-11,Hotel,132.00\n",
            ),
            ("expenses/notes.txt", "Receipts to follow by post.\n"),
        ):
            zipped.writestr(ZipInfo(name, (2026, 10, 5, 9, 30, 0)), text)
    return Made("expenses-september.pdf", buffer.getvalue(), {"refused": "unsupported_type"})
