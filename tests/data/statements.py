"""Bank statements: a British one over several pages with two columns of amounts, and a German one with signed amounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from tests.data.paper import GREY, Column, Sheet, draw_pdf
from tests.data.tables import Look, pairs, ruled_table, totals
from tests.data.trade import Made
from tests.data.writing import DE, GB, Writing, iban, money, spaced


@dataclass(frozen=True, slots=True)
class Booking:
    """One line: negative amounts left the account; `balance` is what was there afterwards."""

    day: date
    description: str
    amount: Decimal
    balance: Decimal


def bookings(habits: str, first: date, days: int, opening: Decimal, seed: int) -> tuple[Booking, ...]:
    """Bookings of a period from lines `day of the month, * or / | text | amount`: once, on every fourth day or so, about weekly."""
    random = Random(seed)
    planned: list[tuple[date, str, Decimal]] = []
    for offset in range(days):
        day = first + timedelta(days=offset)
        for line in habits.strip().splitlines():
            when, text, amount = (part.strip() for part in line.split("|"))
            often = {"*": 4, "/": 7}.get(when)
            if often:
                if random.randrange(often) == 0:
                    factor = Decimal(random.randrange(60, 161)) / 100
                    planned.append((day, text, money(Decimal(amount) * factor)))
            elif int(when) == day.day:
                planned.append((day, text, money(amount)))
    made, balance = [], opening
    for day, text, change in planned:
        balance += change
        made.append(Booking(day, text, change, balance))
    return tuple(made)


def fields(
    holder: str,
    account: str,
    days: tuple[date, date, date],
    currency: str,
    opening: Decimal,
    lines: Sequence[Booking],
    *,
    balances: bool,
) -> dict[str, str]:
    """The expected values; `days` are the statement's date and the first and last of its period."""
    found = {
        "account_holder": holder,
        "iban": account,
        "statement_date": days[0].isoformat(),
        "period_start": days[1].isoformat(),
        "period_end": days[2].isoformat(),
        "currency": currency,
        "opening_balance": str(opening),
        "closing_balance": str(lines[-1].balance),
    }
    for index, line in enumerate(lines):
        found[f"transactions[{index}].date"] = line.day.isoformat()
        found[f"transactions[{index}].description"] = line.description
        found[f"transactions[{index}].amount"] = str(line.amount)
        if balances:
            found[f"transactions[{index}].balance"] = str(line.balance)
    return found


SPENDING = """
1 | Standing order HARBOUR LETTINGS rent | -865.00
2 | Direct debit NORTHERN GRID ENERGY | -94.60
3 | Direct debit CASTLETON COUNCIL TAX | -142.00
5 | Direct debit PLUMLINE BROADBAND | -31.50
12 | Faster payment to S ADEYEMI ref. holiday | -220.00
15 | Direct debit MUTUAL HOME INSURANCE | -18.75
21 | Cheque paid in 000114 | 75.00
25 | Bank credit WESTERDALE ROBOTICS LTD salary | 2684.31
28 | Transfer to savings account 5512 | -400.00
30 | Interest paid gross | 1.87
* | Card payment GREENBARROW FOODS | -27.40
* | Contactless TRAMLINK SINGLE | -2.60
/ | Card payment TOWER BAKERY | -6.90
/ | Card payment FINCH & DAUGHTER BOOKS | -14.95
/ | Contactless ST MARKS CAR PARK | -3.20
/ | Cash withdrawal MARKET SQ | -40.00
8 | Card payment PETROL STOP A61 | -58.20
23 | Card payment PETROL STOP A61 | -51.74
/ | Contactless THE LANTERN CINEMA | -11.50
19 | Card refund ALBION OUTDOOR | 23.60
"""


def british() -> Made:
    """Money out and money in as two columns, a running balance, the table's head repeated over the pages."""
    write: Writing = GB
    first, last, opening = date(2026, 8, 1), date(2026, 9, 30), Decimal("1942.18")
    lines = bookings(SPENDING, first, 61, opening, seed=41)
    holder, account = "Ms Rosalind Achterberg", iban("GB", "PDBX40770588201467")
    left, right, accent = 46.0, 549.0, "#14532d"
    paid_in = sum((line.amount for line in lines if line.amount > 0), Decimal(0))
    paid_out = -sum((line.amount for line in lines if line.amount < 0), Decimal(0))

    def head(sheet: Sheet) -> None:
        sheet.text(left, 58, "Penistone & District Bank", 15, bold=True, color=accent)
        sheet.text(right, 58, "Current account statement", 10, color=GREY, align="right")
        sheet.rule(left, 68, right, color=accent, weight=1.4)
        note = (
            "Penistone & District Bank is a trading name of Penistone Mutual Society Ltd. "
            "Please check your statement and tell us about errors within 13 months."
        )
        sheet.text(left, 806, note, 6.8, color=GREY)
        sheet.text(right, 820, f"Page {sheet.page_number} of {sheet.page_total}", 8, color=GREY, align="right")

    def turn(sheet: Sheet) -> float:
        sheet.next_page()
        head(sheet)
        sheet.text(left, 88, f"{holder}   ·   Account 88201467   ·   Sort code 40-77-05", 8.5, color=GREY)
        return 102

    def draw(sheet: Sheet) -> None:
        head(sheet)
        sheet.lines(left, 104, (holder, "Flat 3, 18 Weavers Row", "Huddersfield", "HD99 4EX"), 10)
        facts = (
            ("Account holder", holder),
            ("Sort code", "40-77-05"),
            ("Account number", "88201467"),
            ("IBAN", spaced(account)),
            ("BIC", "PDBXGB21"),
            ("Statement date", write.date(date(2026, 10, 1))),
            ("Statement period", f"{write.date(first)} to {write.date(last)}"),
            ("Statement number", "97"),
        )
        pairs(sheet, 310, 98, facts, gap=96, size=8.8, leading=13.5)
        sheet.box(left, 214, right - left, 46, fill="#ecf5ef", border=None, radius=3)
        boxes = (
            ("Opening balance", write.amount(opening)),
            ("Total paid in", write.amount(paid_in)),
            ("Total paid out", write.amount(paid_out)),
            ("Closing balance", write.amount(lines[-1].balance)),
        )
        for index, (label, value) in enumerate(boxes):
            sheet.text(left + 12 + index * 126, 231, label, 8, color=GREY)
            sheet.text(left + 12 + index * 126, 249, value, 12, bold=True)
        columns = (
            Column("Date", left + 2, 64),
            Column("Description", 116, 230),
            Column("Paid out (£)", 410, 60, "right"),
            Column("Paid in (£)", 476, 60, "right"),
            Column("Balance (£)", right - 2, 70, "right"),
        )
        rows = [(write.date(first), "Balance brought forward", "", "", write.number(opening))]
        for line in lines:
            amount = write.number(abs(line.amount))
            out, into = (amount, "") if line.amount < 0 else ("", amount)
            rows.append((write.date(line.day), line.description, out, into, write.number(line.balance)))
        rows.append((write.date(last), "Balance carried forward", "", "", write.number(lines[-1].balance)))
        look = Look(size=8.5, head_size=8, head_fill="#dcebe1", head_rule=accent, padding=5)
        ruled_table(sheet, 280, columns, rows, left=left, right=right, bottom=780, look=look, turn=turn)

    content = draw_pdf(draw, title="Statement 97", author="Penistone & District Bank")
    found = fields(holder, account, (date(2026, 10, 1), first, last), "GBP", opening, lines, balances=True)
    return Made("statement-2026-09.pdf", content, {"document_type": "bank_statement", "pages": 4, "fields": found})


HAUSHALT = """
1 | Dauerauftrag Miete Wohnbau Elbaue eG | -780.00
3 | Lastschrift Stadtwerke Elbaue Strom | -71.00
4 | Lastschrift Rundfunkbeitrag | -55.08
6 | Gutschrift Kindergeld | 255.00
15 | Überweisung Zahnarztpraxis Dr. Köhne | -138.40
22 | Lastschrift Haftpflicht Hanseatia | -64.90
28 | Gehalt Nordlicht Elektrotechnik GmbH | 2917.65
* | Kartenzahlung Frischemarkt Kornblume | -31.20
/ | Kartenzahlung Drogerie Lindner | -12.35
/ | Geldautomat Bahnhofstraße | -50.00
"""


def german_pages() -> tuple[dict[str, str], bytes]:
    """A Kontoauszug with one column of signed amounts and no running balance; delivered under an owner's password elsewhere."""
    write: Writing = DE
    first, last, opening = date(2026, 10, 1), date(2026, 10, 31), Decimal("1311.07")
    lines = bookings(HAUSHALT, first, 31, opening, seed=7)
    holder, account = "Wiebke Petersen", iban("DE", "209990000661204478")
    left, right, accent = 62.0, 536.0, "#8a1538"

    def head(sheet: Sheet) -> None:
        sheet.text(left, 62, "Hansekontor Bank AG", 15, bold=True, color=accent)
        sheet.text(right, 62, f"Seite {sheet.page_number} von {sheet.page_total}", 8.5, color=GREY, align="right")
        sheet.text(left, 802, "Hansekontor Bank AG · Speicherkai 3 · 20999 Hamburg · BIC HAKODEHHXXX", 7.5, color=GREY)

    def turn(sheet: Sheet) -> float:
        sheet.next_page()
        head(sheet)
        return 84

    def draw(sheet: Sheet) -> None:
        head(sheet)
        sheet.lines(left, 120, (holder, "Deichstieg 9", "21998 Winsen"), 10.5)
        facts = (
            ("Kontoinhaber", holder),
            ("IBAN", spaced(account)),
            ("Auszug Nr.", "10/2026"),
            ("Auszugsdatum", write.date(date(2026, 11, 2))),
            ("Zeitraum", f"{write.date(first)} - {write.date(last)}"),
            ("Währung", "EUR"),
        )
        pairs(sheet, 310, 116, facts, gap=78, size=9, leading=14)
        sheet.text(left, 224, "Kontoauszug", 17, bold=True)
        sheet.text(left, 246, f"Alter Kontostand vom {write.date(date(2026, 9, 30))}", 9.5, bold=True)
        sheet.text(right - 2, 246, write.amount(opening), 9.5, bold=True, align="right")
        columns = (
            Column("Buchung", left + 2, 64),
            Column("Verwendungszweck", 134, 280),
            Column("Betrag in EUR", right - 2, 90, "right"),
        )
        rows = [
            (write.date(i.day), i.description, f"{'+' if i.amount > 0 else '-'}{write.number(abs(i.amount))}")
            for i in lines
        ]
        look = Look(size=9, head_size=8.5, head_fill="#f6e9ed", head_rule=accent, padding=5.5)
        y = ruled_table(sheet, 258, columns, rows, left=left, right=right, bottom=770, look=look, turn=turn)
        ending = ((f"Neuer Kontostand vom {write.date(last)}", write.amount(lines[-1].balance)),)
        totals(sheet, y + 20, ending, left=left, right=right - 2, size=9.5, emphasis=(0,))

    content = draw_pdf(draw, title="Kontoauszug 10/2026", author="Hansekontor Bank AG")
    found = fields(holder, account, (date(2026, 11, 2), first, last), "EUR", opening, lines, balances=False)
    return found, content
