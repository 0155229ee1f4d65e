"""Long bank statements with known rows, and a model that reads them: what long documents are tested on."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pypdfium2
from reportlab.pdfgen.canvas import Canvas

from tests.extraction.gemini_stand_in import Request

PROMPT = "Extract the opening balance and all transactions (date, description, amount, balance)."
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """The file, and the rows that begin on each page. `tails`: by page, the end of a description that began on the page before."""

    content: bytes
    pages: list[list[Row]]
    tails: dict[int, str]

    @property
    def rows(self) -> list[Row]:
        return [row for page in self.pages for row in page]

    def whole_rows(self, numbers: list[int]) -> list[Row]:
        """What a good reader sees of neighbouring pages: a row that goes on beyond the last of them only as far as it is there."""
        rows = [dict(row) for number in numbers for row in self.pages[number - 1]]
        tail = self.tails.get(numbers[-1] + 1)
        if tail is not None:
            rows[-1]["description"] = rows[-1]["description"].removesuffix(f" {tail}")
        return rows

    def reader(self, change: Callable[[list[Row], list[int]], list[Row]] | None = None) -> Callable[[Request], Any]:
        """The good model: the rows of the pages it is sent, `change`d if it is not that good, and the balance from the first page."""

        def read(request: Request) -> dict[str, Any]:
            numbers = page_numbers(request.document)
            rows = self.whole_rows(numbers)
            found: dict[str, Any] = {"transactions": change(rows, numbers) if change else rows}
            return found | ({"opening_balance": "1000.00"} if 1 in numbers else {})

        return read


def statement(rows: int, rows_per_page: int = 50) -> Statement:
    """A page has room for fifty-three rows. Some are the same as the one before; the last of every third page goes on over its edge."""
    target, balance = io.BytesIO(), Decimal("1000.00")
    canvas = Canvas(target, invariant=True)
    pages: list[list[Row]] = []
    tails: dict[int, str] = {}
    count = -(-rows // rows_per_page)
    for number in range(1, count + 1):
        height = 800.0
        canvas.drawString(40, height, "Northgate Bank - Account statement" if number == 1 else "Northgate Bank")
        canvas.drawRightString(560, height, f"Page {number} of {count}")
        if number == 1:
            canvas.drawString(40, height - 16, "Opening balance")
            canvas.drawRightString(560, height - 16, "1,000.00")
        height -= 34
        for x, head in ((40, "Date"), (120, "Description")):
            canvas.drawString(x, height, head)
        for x, head in ((460, "Amount"), (560, "Balance")):
            canvas.drawRightString(x, height, head)
        if number in tails:
            height -= 13.5
            canvas.drawString(120, height, tails[number])
        page: list[Row] = []
        for index in range((number - 1) * rows_per_page, min(number * rows_per_page, rows)):
            height -= 13.5
            twin = index % 11 == 5
            amount = Decimal(-1250) / 100 if twin or index % 11 == 4 else Decimal((index * 37) % 9000 - 4000) / 100
            balance += amount
            day = index // 12
            date = f"{2020 + day // 336}-{day // 28 % 12 + 1:02}-{day % 28 + 1:02}"
            description = "Card fee" if twin or index % 11 == 4 else f"Transfer to customer {index:05}"
            canvas.drawString(40, height, date)
            canvas.drawString(120, height, description)
            canvas.drawRightString(460, height, f"{amount:,.2f}")
            canvas.drawRightString(560, height, f"{balance:,.2f}")
            if index + 1 == number * rows_per_page < rows and number % 3 == 0:
                tails[number + 1] = f"reference {index:05}"
                description = f"{description} {tails[number + 1]}"
            page.append(
                {"date": date, "description": description, "amount": f"{amount:.2f}", "balance": f"{balance:.2f}"}
            )
        pages.append(page)
        canvas.showPage()
    canvas.save()
    return Statement(target.getvalue(), pages, tails)


def page_numbers(content: bytes) -> list[int]:
    """Which pages of a statement these are, by what is printed on them."""
    with pypdfium2.PdfDocument(content) as document:
        numbers = []
        for page in document:
            text = page.get_textpage()
            words = text.get_text_range().split()
            at = next(index for index, word in enumerate(words) if word == "Page" and words[index + 2] == "of")
            numbers.append(int(words[at + 1]))
            text.close()
            page.close()
    return numbers
