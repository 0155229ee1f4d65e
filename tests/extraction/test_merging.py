"""Merging the parts of a long document: what two windows both read is there once, what one of them read is there."""

from typing import Any

import pytest

from ingestio.domain.evidence import FieldState
from ingestio.domain.fields import FieldKind, FieldSpec
from ingestio.domain.text import DocumentText
from ingestio.domain.windows import PageWindow
from ingestio.extraction.base import Part
from ingestio.extraction.layout import Layout
from ingestio.extraction.merging import Joined, join
from tests.extraction.typed import typed

DATE, TEXT, AMOUNT = FieldKind.DATE, FieldKind.TEXT, FieldKind.AMOUNT
COLUMNS = (FieldSpec("on", DATE), FieldSpec("what", TEXT), FieldSpec("sum", AMOUNT))
ROWS = FieldSpec("rows", FieldKind.LIST, children=COLUMNS)
HEAD = "Date         What               Sum\n"
# The last row of page 2 goes on at the top of page 3; pages 2 and 3 list the same fee twice.
PAPER = f"""{HEAD}2026-01-01   Rent               650.00
2026-01-02   Card fee           1.00
\f{HEAD}2026-01-03   Card fee           1.00
2026-01-03   Card fee           1.00
2026-01-04   Transfer to a      20.00
\f             friend abroad
2026-01-05   Card fee           1.00
2026-01-06   Salary             900.00
"""


def row(on: str, what: str, amount: str) -> dict[str, str]:
    return {"on": on, "what": what, "sum": amount}


RENT, FIRST_FEE = row("2026-01-01", "Rent", "650.00"), row("2026-01-02", "Card fee", "1.00")
FEE, CUT = row("2026-01-03", "Card fee", "1.00"), row("2026-01-04", "Transfer to a", "20.00")
TRANSFER = row("2026-01-04", "Transfer to a friend abroad", "20.00")
LAST_FEE, SALARY = row("2026-01-05", "Card fee", "1.00"), row("2026-01-06", "Salary", "900.00")
ALL = [RENT, FIRST_FEE, FEE, FEE, TRANSFER, LAST_FEE, SALARY]


def part(first: int, last: int, rows: list[dict[str, str]] | None = None, **values: Any) -> Part:
    return Part(PageWindow(first, last), {"rows": rows, **values}, None, "m")


def joined(*parts: Part, fields: tuple[FieldSpec, ...] = (ROWS,), paper: str | DocumentText = PAPER) -> Joined:
    text = typed(paper) if isinstance(paper, str) else paper
    return join(parts, fields, text, Layout(text))


def test_rows_of_a_shared_page_are_there_once_and_whole() -> None:
    found = joined(part(1, 2, [RENT, FIRST_FEE, FEE, FEE, CUT]), part(2, 3, [FEE, FEE, TRANSFER, LAST_FEE, SALARY]))
    assert found.data["rows"] == ALL
    assert [each.path for each in found.fields[:4]] == ["rows[0].on", "rows[0].what", "rows[0].sum", "rows[1].on"]
    assert len(found.fields) == 3 * len(ALL)
    assert {each.state for each in found.fields} == {FieldState.SUPPORTED}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([RENT, FIRST_FEE, FEE, CUT], [FEE, FEE, TRANSFER, LAST_FEE, SALARY]),
        ([RENT, FIRST_FEE], [FEE, FEE, TRANSFER, LAST_FEE, SALARY]),
        ([RENT, FIRST_FEE, FEE, FEE, CUT], [TRANSFER, LAST_FEE, SALARY]),
    ],
    ids=["one of two equal rows", "none of the shared page", "only the last of the shared page"],
)
def test_a_row_that_one_window_left_out_comes_from_the_other(
    first: list[dict[str, str]], second: list[dict[str, str]]
) -> None:
    assert joined(part(1, 2, first), part(2, 3, second)).data["rows"] == ALL


def test_the_end_of_a_row_at_the_top_of_a_window_is_no_row() -> None:
    fragment = {"on": None, "what": "friend abroad", "sum": None}
    found = joined(
        part(1, 3, ALL),
        part(3, 3, [fragment, LAST_FEE, SALARY]),  # type: ignore[list-item]
    )
    assert found.data["rows"] == ALL


def test_windows_that_do_not_touch_are_put_one_behind_the_other() -> None:
    scan = DocumentText(())
    found = joined(part(1, 1, [RENT]), part(2, 2, [FEE, FEE]), part(3, 3, None), part(4, 4, [FEE]), paper=scan)
    assert found.data["rows"] == [RENT, FEE, FEE, FEE]
    assert {each.state for each in found.fields} == {FieldState.UNSUPPORTED}


def test_plain_lists_and_lists_inside_objects_are_merged_too() -> None:
    names = FieldSpec("names", FieldKind.LIST)
    order = FieldSpec("order", FieldKind.OBJECT, children=(FieldSpec("code", TEXT), ROWS))
    paper = "Ada\nBo\fBo\nCy\nOrder X7\n2026-01-01   Rent   650.00"
    first = Part(PageWindow(1, 1), {"names": ["Ada", "Bo"], "order": None}, None, "m")
    second = Part(PageWindow(2, 2), {"names": ["Bo", "Cy"], "order": {"code": "X7", "rows": [RENT]}}, None, "m")
    found = joined(first, second, fields=(names, order), paper=paper)
    assert found.data == {"names": ["Ada", "Bo", "Bo", "Cy"], "order": {"code": "X7", "rows": [RENT]}}
    assert "order.rows[0].sum" in {each.path for each in found.fields}


OPENING, CLOSING = (
    FieldSpec("opening_balance", AMOUNT, labels=("opening balance",)),
    FieldSpec("closing_balance", AMOUNT),
)
BALANCES = "Opening balance  10.00\nBalance  20.00\fBalance  20.00\nBalance  30.00\fBalance  30.00\nBalance  40.00"


def balances(page: int, opening: str | None, closing: str | None) -> Part:
    return Part(PageWindow(page, page), {"opening_balance": opening, "closing_balance": closing}, None, "m")


def test_single_values_come_from_the_end_of_the_document_where_they_belong() -> None:
    parts = [balances(1, "10.00", "20.00"), balances(2, "20.00", "30.00"), balances(3, "30.00", "40.00")]
    found = joined(*parts, fields=(OPENING, CLOSING), paper=BALANCES)
    assert found.data == {"opening_balance": "10.00", "closing_balance": "40.00"}
    assert found.disagreeing == ("opening_balance", "closing_balance")


def test_a_value_that_the_document_bears_out_beats_one_that_it_does_not() -> None:
    parts = [balances(1, "99.00", None), balances(2, "20.00", None), balances(3, None, None)]
    found = joined(*parts, fields=(OPENING, CLOSING), paper=BALANCES)
    assert found.data == {"opening_balance": "20.00", "closing_balance": None}
    assert [each.state for each in found.fields] == [FieldState.SUPPORTED, FieldState.NOT_FOUND]
    assert found.disagreeing == ()
