"""Whether a list is whole: a printed row without an entry is noticed, and nothing else is taken for one."""

from typing import Any

import pytest

from ingestio.domain.fields import Extraction
from ingestio.extraction.base import ExtractRequest
from ingestio.extraction.completeness import asks_for_every_row, incomplete_pages
from ingestio.extraction.grounding import ground
from ingestio.extraction.layout import Layout
from ingestio.extraction.local.engine import extract_from
from ingestio.extraction.schemas import fields_for
from tests.extraction.typed import Paper, papers, typed

FIELDS = fields_for(None, "Extract the opening balance, closing balance, transactions (date, description, amount)")
STATEMENT = """
Statement                    Opening balance   100.00
Date         Description             Amount    Balance
01.02.2026   Rent                   -650.00    -550.00
02.02.2026   Salary                  900.00     350.00
03.02.2026   Total Energies          -50.00     300.00
04.02.2026   Card fee                 -1.00     299.00
05.02.2026   Card fee                 -1.00     298.00
             Closing balance                    298.00
\f
Date         Description             Amount    Balance
06.02.2026   Refund                   12.00     310.00
06.02.2026   Balance carried          12.00     310.00
Page 2 of 2, printed 07.02.2026
"""
ROWS = [
    ("2026-02-01", "Rent", "-650.00"),
    ("2026-02-02", "Salary", "900.00"),
    ("2026-02-03", "Total Energies", "-50.00"),
    ("2026-02-04", "Card fee", "-1.00"),
    ("2026-02-05", "Card fee", "-1.00"),
    ("2026-02-06", "Refund", "12.00"),
]


def incomplete(rows: list[tuple[str, str, str]], opening: str | None = None, closing: str | None = None) -> Any:
    text = typed(STATEMENT)
    layout = Layout(text)
    data = {
        "opening_balance": opening,
        "closing_balance": closing,
        "transactions": [dict(zip(("date", "description", "amount"), row, strict=True)) for row in rows] or None,
    }
    found = ground(data, FIELDS, text, layout=layout)
    return incomplete_pages(layout, "bank_statement", FIELDS, data, found)


def test_a_whole_list_is_complete() -> None:
    assert incomplete(ROWS) == ()


@pytest.mark.parametrize("missing", [0, 1, 3, 4, 5])
def test_each_row_that_is_missing_is_noticed_on_its_page(missing: int) -> None:
    rows = [row for index, row in enumerate(ROWS) if index != missing]
    assert incomplete(rows) == ((2,) if missing == 5 else (1,))


def test_an_empty_list_beside_a_full_table_is_noticed() -> None:
    assert incomplete([]) == (1, 2)


def test_a_list_that_leads_from_the_opening_to_the_closing_balance_is_complete() -> None:
    assert incomplete(ROWS[:-1], "100.00", "298.00") == ()
    assert incomplete(ROWS[:-1], "100.00", "310.00") == (2,)


@pytest.mark.parametrize(
    ("prompt", "every"),
    [
        (None, True),
        ("Extract all transactions with date and amount.", True),
        ("Only the transactions above 100 EUR", False),
        ("List the first ten bookings", False),
        ("Nur Lastschriften", False),
    ],
)
def test_a_prompt_that_wants_some_rows_gets_some(prompt: str | None, every: bool) -> None:
    assert asks_for_every_row(prompt, None) is every
    assert asks_for_every_row("All rows", prompt) is every


PAPERS = [*papers("invoices.toml"), *papers("others.toml")]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda each: each.name)
def test_what_the_rules_read_of_our_papers_is_complete(paper: Paper) -> None:
    request = ExtractRequest(None, "application/pdf", len(paper.text.pages), document_type=paper.document_type)  # type: ignore[arg-type]
    found: Extraction = extract_from(paper.text, request)
    fields = fields_for(paper.document_type, None)
    assert incomplete_pages(Layout(paper.text), paper.document_type, fields, found.data, found.fields) == ()
