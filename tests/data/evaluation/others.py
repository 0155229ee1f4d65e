"""Receipts, statements, contracts, resumes and letters in any of the languages; each answers what it says beside its PDF."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from tests.data.evaluation.facts import Voice, companies, day_in, lines, writing
from tests.data.paper import A4, GREY, HELVETICA, TIMES, TYPEWRITER, VERA, Column, Sheet, draw_pdf
from tests.data.tables import Look, ruled_table
from tests.data.writing import money, plain, spaced

Fields = dict[str, str]
Drawn = tuple[Fields, bytes]
_ROLL = 226.8


def receipt(voice: Voice) -> Drawn:
    """A till roll: goods with their price at the right, the total in larger letters, what was given and what came back."""
    random = voice.random
    shop, _ = companies(voice)
    write = writing(voice, voice.all("currencies")[0])
    bought, day = lines(voice, random.randrange(2, 8)), day_in(random)
    items = [(item.description, money(item.unit_price / 20)) for item in bought]
    total = sum((price for _, price in items), Decimal(0))
    rate = Decimal(voice.all("rates")[0])
    tax = money(total * rate / (100 + rate))
    number, clock = f"{random.randrange(1000, 99999)}", f"{random.randrange(8, 21):02}:{random.randrange(60):02}"
    in_cash = random.random() < 0.5
    given = (total // 50 + 1) * 50
    height = 262 + 14 * len(items)

    def draw(sheet: Sheet) -> None:
        middle, left, right = _ROLL / 2, 12.0, _ROLL - 12
        sheet.text(middle, 26, shop.name, 11, bold=True, align="center")
        y = sheet.lines(middle, 40, (*shop.address, f"{shop.tax_label} {shop.tax_id}"), 7.5, align="center")
        sheet.text(left, y + 6, f"{voice('receipt_number')} {number}", 7.5)
        sheet.text(left, y + 17, f"{write.date(day)} {clock}", 7.5)
        y += 36
        for name, price in items:
            sheet.text(left, y, name[:30], 8)
            sheet.text(right, y, write.number(price), 8, align="right")
            y += 14
        sheet.rule(left, y - 6, right)
        sheet.text(left, y + 10, voice("receipt_total"), 12, bold=True)
        sheet.text(right, y + 10, write.amount(total), 12, bold=True, align="right")
        y += 28
        sheet.text(left, y, voice("receipt_tax").format(plain(rate)), 7.5)
        sheet.text(right, y, write.number(tax), 7.5, align="right")
        y += 14
        if in_cash:
            for label, amount in ((voice.all("receipt_cash")[0], given), (voice("receipt_change"), given - total)):
                sheet.text(left, y, label, 8)
                sheet.text(right, y, write.number(Decimal(amount)), 8, align="right")
                y += 13
        else:
            sheet.text(left, y, voice.all("receipt_cash")[1], 8)
            sheet.text(right, y, write.number(total), 8, align="right")
        sheet.text(middle, height - 16, voice("receipt_thanks"), 8, align="center")

    fields = {
        "merchant_name": shop.name,
        "receipt_number": number,
        "receipt_date": day.isoformat(),
        "currency": voice.all("currencies")[0],
        "tax_amount": str(tax),
        "total_amount": str(total),
    }
    for index, (name, price) in enumerate(items):
        fields[f"line_items[{index}].description"] = name[:30].strip()
        fields[f"line_items[{index}].amount"] = str(price)
    return fields, draw_pdf(
        draw, title="", author="", size=(_ROLL, height), face=TYPEWRITER if random.random() < 0.5 else VERA
    )


def statement(voice: Voice) -> Drawn:
    """A month of an account: signed amounts and a running balance, over two pages when there is much."""
    random = voice.random
    bank, _ = companies(voice)
    holder = voice("people")
    currency = voice.all("currencies")[0]
    write = writing(voice, currency)
    first = day_in(random).replace(day=1)
    last = (first + timedelta(40)).replace(day=1) - timedelta(1)
    opening = money(Decimal(random.randrange(20_000, 900_000)) / 100)
    moves: list[tuple[date, str, Decimal, Decimal]] = []
    balance, day = opening, first
    for _ in range(random.randrange(9, 46)):
        day = min(last, day + timedelta(random.randrange(0, 3)))
        amount = money(Decimal(random.randrange(-40_000, 30_000)) / 100)
        balance += amount
        moves.append((day, random.choice(voice.all("products")), amount, balance))
    heads = voice.all("statement_heads")

    def draw(sheet: Sheet) -> None:
        sheet.text(50, 56, bank.bank, 14, bold=True, color="#7a1f3d")
        sheet.text(545, 56, voice("statement"), 13, align="right")
        facts = (
            (voice("holder"), holder),
            ("IBAN", spaced(bank.iban)),
            (voice("period"), f"{write.date(first)} - {write.date(last)}"),
            (voice("opening"), write.amount(opening)),
            (voice("closing"), write.amount(balance)),
        )
        for index, (label, value) in enumerate(facts):
            sheet.text(50, 92 + 15 * index, label, 9, color=GREY)
            sheet.text(190, 92 + 15 * index, value, 9)
        columns = (
            Column(heads[0], 54, 110),
            Column(heads[1], 166, 200),
            Column(heads[2], 440, 80, "right"),
            Column(heads[3], 541, 80, "right"),
        )
        rows = [
            (
                write.date(day),
                what,
                write.number(amount) if amount >= 0 else f"-{write.number(-amount)}",
                write.number(left),
            )
            for day, what, amount, left in moves
        ]

        def turn(page: Sheet) -> float:
            page.next_page()
            return 60

        ruled_table(
            sheet, 190, columns, rows, left=50, right=545, bottom=760, look=Look(size=8.5, padding=5), turn=turn
        )

    fields = {
        "account_holder": holder,
        "iban": bank.iban,
        "period_start": first.isoformat(),
        "period_end": last.isoformat(),
        "opening_balance": str(opening),
        "closing_balance": str(balance),
        "currency": currency,
    }
    for index, (day, what, amount, left) in enumerate(moves):
        at = f"transactions[{index}]"
        fields |= {
            f"{at}.date": day.isoformat(),
            f"{at}.description": what,
            f"{at}.amount": str(amount),
            f"{at}.balance": str(left),
        }
    return fields, draw_pdf(draw, title="", author="", face=HELVETICA)


def contract(voice: Voice) -> Drawn:
    """An agreement in prose: parties and date in the opening, term and law in clauses of their own, no labels anywhere."""
    random = voice.random
    one, other = companies(voice)
    write = writing(voice, voice.all("currencies")[0])
    roles, headings = voice.all("roles"), voice.all("headings")
    title, signed_on = voice("contract"), day_in(random)
    day = write.date(signed_on)
    opening = voice("contract_opening").format(
        title=title, date=day, first=one.name, first_address=", ".join(one.address), first_role=roles[1],
        second=other.name, second_address=", ".join(other.address), second_role=roles[0],
    )  # fmt: skip
    term, law = voice("terms"), voice("laws")
    clauses = voice.sample("contract_clauses", 3)
    paragraphs = (
        (headings[0], clauses[0]),
        (headings[1], voice("contract_term").format(term=term)),
        (headings[2], f"{clauses[1]}\n{clauses[2]}"),
        (headings[3], voice("contract_law").format(law=law)),
    )

    def draw(sheet: Sheet) -> None:
        sheet.text(297, 80, title, 15, bold=True, align="center")
        y = sheet.paragraph(62, 120, 470, opening, 10.5) + 10
        for heading, text in paragraphs:
            sheet.text(62, y, heading, 11, bold=True)
            y = sheet.paragraph(62, y + 16, 470, text, 10.5) + 12
        y = sheet.paragraph(62, y, 470, voice("signed"), 10.5) + 40
        for x, company in ((62, one), (320, other)):
            sheet.rule(x, y, x + 190)
            sheet.text(x, y + 13, company.name, 9)

    fields = {
        "title": title,
        "parties[0].name": one.name,
        "parties[0].role": roles[1],
        "parties[1].name": other.name,
        "parties[1].role": roles[0],
        "signing_date" if voice.language != "en" else "effective_date": signed_on.isoformat(),
        "term": term,
        "governing_law": law.removeprefix("the ").removeprefix("der "),
    }
    return fields, draw_pdf(draw, title="", author="", face=TIMES)


def resume(voice: Voice) -> Drawn:
    """One person's work and schools under headings, years at the left."""
    random = voice.random
    name = voice("people")
    firms = [each.split("|") for each in voice.all("vendors")]
    town = firms[0][2]
    email = "".join(char if char.isascii() else "e" for char in f"{name.split()[0].lower()}@mail.example")
    phone = f"+{random.randrange(31, 49)} {random.randrange(100, 999)} {random.randrange(100000, 999999)}"
    sections = voice.all("resume_sections")
    years = sorted(random.sample(range(2008, 2024), 3))
    skills = ("AutoCAD", "Python", "QGIS", "Excel")

    def draw(sheet: Sheet) -> None:
        sheet.text(56, 70, name, 20, bold=True)
        sheet.text(56, 90, f"{town}  |  {phone}  |  {email}", 9, color=GREY)
        y = 124.0
        y = _section(sheet, y, sections[0])
        y = sheet.paragraph(56, y, 480, voice("resume_profile"), 10) + 16
        y = _section(sheet, y, sections[1])
        for (firm, _, _), begun, ended in (
            (firms[1], str(years[2]), voice("resume_present")),
            (firms[2], str(years[1]), str(years[2])),
        ):
            sheet.text(56, y, f"{begun} - {ended}", 10)
            sheet.text(170, y, firm, 10, bold=True)
            y += 26
        y = _section(sheet, y, sections[2])
        sheet.text(56, y, f"{years[0]} - {years[1]}", 10)
        sheet.text(170, y, "Delft University", 10, bold=True)
        y = _section(sheet, y + 26, sections[3])
        sheet.text(56, y, ", ".join(skills), 10)

    fields = {
        "name": name,
        "email": email,
        "phone": phone,
        "work[0].name": firms[1][0],
        "work[1].name": firms[2][0],
        "education[0].institution": "Delft University",
    }
    fields |= {f"skills[{index}]": skill for index, skill in enumerate(skills)}
    return fields, draw_pdf(draw, title="", author="", face=HELVETICA)


def _section(sheet: Sheet, y: float, heading: str) -> float:
    sheet.text(56, y, heading, 12, bold=True, color="#274060")
    sheet.rule(56, y + 5, 540)
    return y + 22


def letter(voice: Voice) -> Drawn:
    """A letter of few lines."""
    sender, recipient = companies(voice)
    write = writing(voice, voice.all("currencies")[0])
    day, subject = day_in(voice.random), voice("letter_subject")
    signatory = voice("people")

    def draw(sheet: Sheet) -> None:
        sheet.lines(62, 60, (sender.name, *sender.address), 10, first_bold=True)
        sheet.lines(62, 136, (recipient.name, *recipient.address), 10)
        sheet.text(540, 210, write.date(day), 10, align="right")
        sheet.text(62, 240, subject, 11, bold=True)
        sheet.text(62, 270, voice("letter_opening"), 10.5)
        y = sheet.paragraph(62, 294, 470, voice("letter_body"), 10.5)
        sheet.text(62, y + 20, voice("letter_closing"), 10.5)
        sheet.text(62, y + 70, signatory, 10.5)

    fields = {"sender_name": sender.name, "letter_date": day.isoformat(), "subject": subject}
    return fields, draw_pdf(draw, title="", author="", face=TIMES, size=A4)


MAKERS: dict[str, Callable[[Voice], Drawn]] = {
    "receipt": receipt,
    "bank_statement": statement,
    "contract": contract,
    "resume": resume,
    "letter": letter,
}
