"""Evidence: what the document bears out, and above all what it does not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestio.domain.evidence import FieldState
from ingestio.domain.fields import ExtractedField, FieldKind, FieldSpec
from ingestio.domain.text import DocumentText, PageText
from ingestio.extraction.grounding import ground
from tests.extraction.typed import in_size, typed

TEXT, DATE, AMOUNT, IDENTIFIER = FieldKind.TEXT, FieldKind.DATE, FieldKind.AMOUNT, FieldKind.IDENTIFIER


def field(kind: FieldKind, *labels: str, name: str = "value") -> FieldSpec:
    return FieldSpec(name, kind, labels=labels)


def grounded(paper: str | DocumentText, kind: FieldKind, value: str | None, *labels: str) -> ExtractedField:
    text = typed(paper) if isinstance(paper, str) else paper
    (found,) = ground({"value": value}, (field(kind, *labels),), text)
    return found


@pytest.mark.parametrize(
    ("paper", "kind", "value", "quote"),
    [
        ("Gesamtbetrag 1.234,56 EUR\nNetto 1.037,45", AMOUNT, "1234.56", "1.234,56 EUR"),
        ("Total $1,234.56", AMOUNT, "1234.56", "$1,234.56"),
        ("Credit (50.00)\nDebit 12.00", AMOUNT, "-50.00", "(50.00)"),
        ("Rechnung vom 23. November 2026", DATE, "2026-11-23", "23. November 2026"),
        ("Due 23/11/2026", DATE, "2026-11-23", "23/11/2026"),
        ("May 2019 - Present", DATE, "2019-05", "May 2019"),
        ("Amounts in €  12,00", FieldKind.CURRENCY, "EUR", "€"),
        ("IBAN DE88 2008 0000 0970 3757 00", FieldKind.IBAN, "DE88200800000970375700", "DE88 2008 0000 0970 3757 00"),
        ("Kunde: MÜLLER & Söhne GmbH, Bonn", TEXT, "Müller & Söhne GmbH", "MÜLLER & Söhne GmbH"),
        ("Invoice INV-2023/0008 of today", IDENTIFIER, "INV-2023/0008", "INV-2023/0008"),
        ("供应商：株式会社東京商事　様", TEXT, "株式会社東京商事", "株式会社東京商事"),
        ("المورد شركة النور التجارية", TEXT, "شركة النور", "شركة النور"),
        ("ﬁnal oﬃce report", TEXT, "final office report", "ﬁnal oﬃce report"),
    ],
)
def test_a_value_is_found_in_the_document_s_own_writing(paper: str, kind: FieldKind, value: str, quote: str) -> None:
    found = grounded(paper, kind, value)
    assert found.state is FieldState.SUPPORTED
    assert [each.quote for each in found.evidence] == [quote]
    assert found.evidence[0].page == 1


@pytest.mark.parametrize(
    ("paper", "kind", "value"),
    [
        ("Total 119.00", AMOUNT, "191.00"),
        ("Total 119.00", AMOUNT, "119.01"),
        ("Total 119.00", AMOUNT, "-119.00"),
        ("Discount -5,00\nNetto 12,00", AMOUNT, "5.00"),
        ("Invoice INV-119", AMOUNT, "119.00"),
        ("Gesamt 1.234,56\nNetto 1.000,00 und 1.234", AMOUNT, "1.23"),
        ("Rechnung vom 23.11.2026", DATE, "2026-11-24"),
        ("Dated 05.06.2026", DATE, "2026-05-06"),
        ("Paid 12.05 and 13.06 in 2026-01-01", DATE, "2026-05-12"),
        ("Acme Inc. sells to Beta Ltd.", TEXT, "Acme Ltd."),
        ("Acme Inc. sells", TEXT, "Acme Inc. buys"),
        ("Acmeville", TEXT, "Acme"),
        ("Room 12 3 floors", TEXT, "123"),
        ("Room 123", TEXT, "12 3"),
        ("Total 12 EUR", FieldKind.CURRENCY, "USD"),
        ("株式会社東京商事", TEXT, "株式会社大阪商事"),
        ("Account DE88 2008 0000 0970 3757 00", FieldKind.IBAN, "DE88200800000970375701"),
    ],
)
def test_a_real_quote_with_another_value_is_unsupported(paper: str, kind: FieldKind, value: str) -> None:
    found = grounded(paper, kind, value)
    assert found.state is FieldState.UNSUPPORTED
    assert found.evidence == ()
    assert found.confidence <= 0.2


def test_an_absent_value_is_not_found() -> None:
    found = grounded("Total 12.00", AMOUNT, None)
    assert (found.state, found.value, found.confidence, found.evidence) == (FieldState.NOT_FOUND, None, 0.0, ())


def test_without_any_text_every_value_is_unsupported() -> None:
    scan = DocumentText((PageText(1, 595, 842, ()),))
    assert grounded(scan, TEXT, "Acme").state is FieldState.UNSUPPORTED


def test_an_address_is_followed_over_its_lines_in_one_column() -> None:
    paper = """
Bill to                        Ship to
Acme Rockets Inc.              Beta Labs LLC
1 Launch Way                   9 Other Road
Houston, TX 77058              Austin, TX 78701
"""
    found = grounded(paper, FieldKind.ADDRESS, "1 Launch Way, Houston, TX 77058")
    (evidence,) = found.evidence
    assert evidence.quote == "1 Launch Way Houston, TX 77058"
    assert evidence.box is not None
    assert evidence.box[2] < 200
    assert grounded(paper, FieldKind.ADDRESS, "1 Launch Way, Austin, TX 78701").state is FieldState.UNSUPPORTED


def test_a_hyphenated_word_is_followed_into_the_next_line() -> None:
    assert (
        grounded("The supplier is Elektro-\nwerkstatt Brandt today", TEXT, "Elektrowerkstatt Brandt").state
        is FieldState.SUPPORTED
    )


def test_a_value_over_two_pages_has_evidence_on_both() -> None:
    found = grounded("Summary: the harbour was\fclosed for nine days", TEXT, "the harbour was closed for nine days")
    assert [each.page for each in found.evidence] == [1, 2]


def test_a_repeated_value_is_taken_where_its_label_stands() -> None:
    paper = "Deposit       100.00\nFreight       100.00\nTotal         100.00"
    found = grounded(paper, AMOUNT, "100.00", "total")
    assert found.evidence[0].box is not None
    assert found.evidence[0].box[1] == 64.0
    unlabelled = grounded(paper, AMOUNT, "100.00", "balance")
    assert unlabelled.confidence < found.confidence


def test_a_value_on_another_page_is_found_there() -> None:
    found = grounded("Invoice 7\n\fTotal 88.00", AMOUNT, "88.00")
    assert found.evidence[0].page == 2


def test_an_ambiguous_date_supports_both_readings_but_is_less_sure() -> None:
    sure = grounded("Date 2026-04-03", DATE, "2026-04-03")
    paper = typed("Date 03/04/2026", width=500, height=700)  # a page of neither continent
    for reading in ("2026-04-03", "2026-03-04"):
        found = grounded(paper, DATE, reading)
        assert found.state is FieldState.SUPPORTED
        assert found.confidence < sure.confidence


def test_a_debit_column_bears_a_minus_out_and_a_credit_column_does_not() -> None:
    paper = """
Date           Description          Debit          Credit
2026-01-02     Rent                 650.00
2026-01-03     Salary                              1,200.00
"""
    assert grounded(paper, AMOUNT, "-650.00").state is FieldState.SUPPORTED
    assert grounded(paper, AMOUNT, "-1200.00").state is FieldState.UNSUPPORTED


def test_a_day_without_its_year_is_supported_only_when_the_year_is_in_the_document() -> None:
    assert grounded("Statement 2026-01-31\n01.10. Miete", DATE, "2026-10-01").state is FieldState.SUPPORTED
    assert grounded("Statement 2025-01-31\n01.10. Miete", DATE, "2026-10-01").state is FieldState.UNSUPPORTED


def test_a_value_is_no_surer_than_its_least_legible_word() -> None:
    printed = grounded("Total 12.00", AMOUNT, "12.00", "total")
    scanned = grounded(typed("Total 12.00", confidence=0.61), AMOUNT, "12.00", "total")
    assert scanned.confidence == 0.61 < printed.confidence


def test_words_that_are_hardly_legible_bear_out_a_model_and_not_who_read_them() -> None:
    paper = typed("Total 12.00", confidence=0.4)
    wanted = (field(AMOUNT, "total"),)
    (theirs,) = ground({"value": "12.00"}, wanted, paper)
    (own,) = ground({"value": "12.00"}, wanted, paper, own_reading=True)
    assert (theirs.state, own.state) == (FieldState.SUPPORTED, FieldState.UNSUPPORTED)
    assert own.evidence == theirs.evidence  # the place is shown, for a person to look at
    assert own.confidence < theirs.confidence
    (printed,) = ground({"value": "12.00"}, wanted, typed("Total 12.00"), own_reading=True)
    assert printed.state is FieldState.SUPPORTED


@pytest.mark.parametrize(
    ("printed", "confidence", "state"),
    [
        ("Total 12.00", 0.86, FieldState.UNSUPPORTED),
        ("Total 12.00", 0.93, FieldState.SUPPORTED),
        ("Total 12.00\n\nVisa 12.00", 0.86, FieldState.UNSUPPORTED),
    ],
)
def test_a_figure_that_looks_less_than_sure_does_not_bear_out_itself(
    printed: str, confidence: float, state: FieldState
) -> None:
    paper = typed(printed, confidence=confidence)
    (found,) = ground({"total": "12.00"}, (FieldSpec("total", AMOUNT, labels=("total",)),), paper, own_reading=True)
    assert found.state is state


def test_a_figure_that_is_hardly_legible_is_borne_out_where_it_is_printed_again() -> None:
    (faint,), (clear,) = (
        typed(text, confidence=sure).pages for text, sure in (("Total 12.00", 0.86), ("\n\nVisa 12.00", 0.95))
    )
    paper = DocumentText((replace(faint, lines=(*faint.lines, *clear.lines)),))
    (found,) = ground({"total": "12.00"}, (FieldSpec("total", AMOUNT, labels=("total",)),), paper, own_reading=True)
    assert found.state is FieldState.SUPPORTED
    assert found.confidence <= 0.95
    assert found.evidence[0].box == clear.lines[0].words[1].box


def test_the_evidence_of_a_crooked_page_lies_where_the_page_shows_it() -> None:
    (upright,) = typed("Total 12.00").pages
    on_its_side = DocumentText((replace(upright, turned=90.0),))
    (place,) = grounded(on_its_side, AMOUNT, "12.00", "total").evidence
    x0, y0, x1, y1 = upright.lines[0].words[1].box
    # Turned clockwise, what was at the left is at the top, what was at the top is at the right.
    assert place.box == pytest.approx((upright.height - y1, x0, upright.height - y0, x1), abs=0.01)


ROWS = FieldSpec(
    "items",
    FieldKind.LIST,
    children=(field(TEXT, name="what"), field(FieldKind.NUMBER, name="count"), field(AMOUNT, name="sum")),
)
TABLE = """
What           Count    Sum
Chair          2        20.00
Table          1        20.00
Lamp           2        5.00
Chair          2        20.00
"""


def rows(*entries: tuple[str, str, str]) -> dict[str, Any]:
    return {"items": [{"what": what, "count": count, "sum": total} for what, count, total in entries]}


def test_the_values_of_a_row_are_found_in_that_row() -> None:
    data = rows(("Chair", "2", "20.00"), ("Table", "1", "20.00"), ("Lamp", "2", "5.00"), ("Chair", "2", "20.00"))
    found = ground(data, (ROWS,), typed(TABLE))
    heights = [each.evidence[0].box[1] for each in found if each.evidence and each.evidence[0].box]
    assert heights == [52.0] * 3 + [64.0] * 3 + [76.0] * 3 + [88.0] * 3
    assert [each.path for each in found[:4]] == ["items[0].what", "items[0].count", "items[0].sum", "items[1].what"]


def test_an_invented_cell_in_a_real_row_is_unsupported() -> None:
    states = {each.path: each.state for each in ground(rows(("Chair", "3", "20.00")), (ROWS,), typed(TABLE))}
    assert states["items[0].what"] is FieldState.SUPPORTED
    assert states["items[0].count"] is FieldState.UNSUPPORTED


def test_an_absent_list_and_an_absent_cell_are_not_found() -> None:
    (nothing,) = ground({"items": None}, (ROWS,), typed(TABLE))
    assert (nothing.path, nothing.state) == ("items", FieldState.NOT_FOUND)
    found = ground({"items": [{"what": "Lamp", "count": None, "sum": "5.00"}]}, (ROWS,), typed(TABLE))
    assert [each.state for each in found] == [FieldState.SUPPORTED, FieldState.NOT_FOUND, FieldState.SUPPORTED]


@given(st.integers(0, 10**7))
def test_no_other_amount_than_the_printed_one_is_ever_supported(cents: int) -> None:
    found = grounded("Total due 1,234.56 USD\nInvoice 4711 of 2026-01-02", AMOUNT, f"{cents / 100:.2f}")
    assert (found.state is FieldState.SUPPORTED) == (cents in {123456, 471100})


@given(st.text("0123456789", min_size=4, max_size=9), st.integers(1, 8), st.integers(1, 8), st.sampled_from("-/"))
def test_a_number_whose_mark_stands_elsewhere_is_another_number(digits: str, at: int, other: int, mark: str) -> None:
    at, other = at % (len(digits) - 1) + 1, other % (len(digits) - 1) + 1
    found = grounded(f"Order A{digits[:at]}{mark}{digits[at:]}", IDENTIFIER, f"A{digits[:other]}{mark}{digits[other:]}")
    assert (found.state is FieldState.SUPPORTED) == (at == other)


@given(st.text("abcd", min_size=2, max_size=6), st.integers(1, 5), st.sampled_from("._-"))
def test_an_address_with_a_mark_more_or_less_is_somebody_else_s(name: str, at: int, mark: str) -> None:
    at = at % (len(name) - 1) + 1
    plain, marked = f"{name}@acme.com", f"{name[:at]}{mark}{name[at:]}@acme.com"
    for printed, asked in ((plain, marked), (marked, plain), (marked, marked)):
        found = grounded(f"Mail {printed} please", FieldKind.EMAIL, asked)
        assert (found.state is FieldState.SUPPORTED) == (printed == asked)


@pytest.mark.parametrize(
    ("paper", "kind", "value"),
    [
        ("VAT 19 %  and 7%", AMOUNT, "19.00"),
        ("Gesamt 1.234,56", AMOUNT, "1.23"),
        ("Gesamt 1.234,56", AMOUNT, "123456.00"),
        ("Total 1,234.56", AMOUNT, "1.23"),
        ("Total 1,234.56\nNetto 1,000.00", AMOUNT, "1234.00"),
        ("Amount 1 234,56 EUR", AMOUNT, "234.56"),
        ("請求番号 第13号 様", TEXT, "第3号"),
        ("御請求 令和8年11月23日", TEXT, "1月23日"),
        ("合計 株式会社東京商事", TEXT, "株式会社商事東京"),
        ("المبلغ ١٬٢٣٤٫٥٦ ريال", AMOUNT, "1324.56"),
        ("שם הספק: אור ושות׳", TEXT, "תושו רוא"),
        ("Contact: John Smith, com centre", FieldKind.EMAIL, "john@smith.com"),
        ("Version 1-5 of the form", TEXT, "Version 1.5"),
        ("Rooms 10/12 are free", TEXT, "Rooms 10.12"),
        ("Elektro-\nwerkstatt", TEXT, "Elektro"),
        ("Supplier Асme Ltd", TEXT, "Acme Ltd"),
        ("Quantity 12          7 pieces", IDENTIFIER, "127"),
        ("Order 45\n0017 boxes", IDENTIFIER, "450017"),
        ("Total 1234.\n56 EUR", AMOUNT, "1234.56"),
        ("Total $12⁹⁹", AMOUNT, "12.00"),
        ("Total $12⁹⁹", AMOUNT, "1299.00"),
        ("Total 5²", AMOUNT, "52.00"),
        ("Weight 1½ kg", FieldKind.NUMBER, "1"),
        ("合計 １２．５０", AMOUNT, "1250.00"),
        ("Total ١٬٢٣٤٫٥٦", AMOUNT, "123456.00"),
        ("Refund 12.50-\nTotal 7.00", AMOUNT, "12.50"),
        ("Credit (12.50)", AMOUNT, "12.50"),
        ("Summe 1.234,56\nTotal $1,234.56", AMOUNT, "1.23"),
        ("oﬃce", TEXT, "oce"),
        ("Elek\u00adtro Brandt", TEXT, "Elek Brandt"),
        ("Mail johndoe@acme.com", FieldKind.EMAIL, "john.doe@acme.com"),
        ("Mail john.doe@acme.com", FieldKind.EMAIL, "johndoe@acme.com"),
        ("Mail ann@a-b.com", FieldKind.EMAIL, "ann@ab.com"),
        ("Mail ann@a-b.com", TEXT, "ann@ab.com"),
        ("Invoice INV-1/23", IDENTIFIER, "INV-12/3"),
        ("Invoice 2024/15", IDENTIFIER, "2024-15"),
        ("Invoice 12345", IDENTIFIER, "123-45"),
        ("Skills: C++ and Fortran", TEXT, "C"),
        ("Skills: C# and Fortran", TEXT, "C"),
        ("Temp -5 C at noon", TEXT, "Temp 5 C"),
        ("Temp 5 C at noon", TEXT, "Temp -5 C"),
        ("Store at \u221220 C or below", TEXT, "20 C or below"),
        ("Fee $5 million", AMOUNT, "5.00"),
        ("Gebühr 5 Mio. EUR", AMOUNT, "5.00"),
        ("Turnover 2.5 billion", AMOUNT, "2.50"),
        ("the lease ends with unit 5\nJune rents are due in 2014", DATE, "2014-06-05"),
        ("Room             5 May\n2014             Chairs", DATE, "2014-05-05"),
    ],
    ids=str,
)
def test_what_only_looks_like_the_value_supports_nothing(paper: str, kind: FieldKind, value: str) -> None:
    assert grounded(paper, kind, value).state is FieldState.UNSUPPORTED


@pytest.mark.parametrize(
    ("paper", "kind", "value"),
    [
        ("VAT 19 %  and 7%", FieldKind.NUMBER, "19"),
        ("請求番号 第13号 様", TEXT, "第13号"),
        ("المجموع 1,234.56", AMOUNT, "1234.56"),
        ("Mail john@smith.com now", FieldKind.EMAIL, "john@smith.com"),
        ("Version 1,5 of the form", TEXT, "Version 1.5"),
        ("Mail John.Smith@Smith.com.", FieldKind.EMAIL, "john.smith@smith.com"),
        ("Order 4500 0178 32", IDENTIFIER, "4500017832"),
        ("Order 45-00178/2", IDENTIFIER, "45001782"),
        ("Order 45 00178 2", IDENTIFIER, "45-00178-2"),
        ("Skills: C++ and C#", TEXT, "C++"),
        ("Fee $5 million", AMOUNT, "5000000.00"),
        ("Gebühr 1,5 Mio. EUR", AMOUNT, "1500000.00"),
        ("Period 2019 – 2021", TEXT, "2019-2021"),
        ("Period 2019 -2021", TEXT, "2019 - 2021"),
        ("Temp -5 C at noon", TEXT, "Temp -5 C"),
        ("Phone 0123 -456 789", FieldKind.PHONE, "0123456789"),
        ("-10 years of sales", TEXT, "10 years of sales"),
        ("Flat 3-B -2 rooms", TEXT, "Flat 3-B"),
        ("Total $12⁹⁹", AMOUNT, "12.99"),
        ("Total 1,250.00²", AMOUNT, "1250.00"),
        ("合計 ￥１，２３４．５０", AMOUNT, "1234.50"),
        ("Total ١٬٢٣٤٫٥٦", AMOUNT, "1234.56"),
        ("２０２６年１月１５日", DATE, "2026-01-15"),
        ("Refund 12.50-\nTotal 7.00", AMOUNT, "-12.50"),
        ("Summe 1.234,56\nTotal $1,234.56", AMOUNT, "1234.56"),
        ("Elek\u00adtro Brandt", TEXT, "Elektro Brandt"),
        ("This Agreement is entered into this 1st day\nof October 2014 by the parties", DATE, "2014-10-01"),
        ("The parties have signed on the 3rd of May,\n2013 in two copies for each", DATE, "2013-05-03"),
    ],
    ids=str,
)
def test_another_writing_of_the_same_value_supports_it(paper: str, kind: FieldKind, value: str) -> None:
    assert grounded(paper, kind, value).state is FieldState.SUPPORTED


def states_of(*entries: tuple[str, str, str]) -> list[list[str]]:
    found = ground(rows(*entries), (ROWS,), typed(TABLE))
    return [[each.state.value for each in found[3 * at : 3 * at + 3]] for at in range(len(entries))]


YES, NO = "supported", "unsupported"


def test_a_real_amount_in_the_wrong_row_is_unsupported() -> None:
    assert states_of(("Chair", "2", "20.00"), ("Table", "1", "5.00"), ("Lamp", "2", "20.00")) == [
        [YES, YES, YES],
        [YES, YES, NO],
        [YES, YES, NO],
    ]


@pytest.mark.parametrize(
    "elsewhere",
    ["\f" + "\n" * 20 + "Summary\nTotal       77.00", "\n" * 20 + "Total       77.00"],
    ids=["page", "foot"],
)
def test_an_amount_of_another_page_or_of_the_foot_is_none_of_an_entry_s(elsewhere: str) -> None:
    found = ground(rows(("Stool", "1", "77.00")), (ROWS,), typed(f"{TABLE}Stool          1{elsewhere}"))
    assert [each.state.value for each in found] == [YES, YES, NO]


def test_a_row_that_is_told_more_often_than_it_is_printed_is_unsupported_the_last_time() -> None:
    lamp, chair = ("Lamp", "2", "5.00"), ("Chair", "2", "20.00")
    assert states_of(chair, chair, lamp, lamp) == [[YES, YES, YES], [YES, YES, YES], [YES, YES, YES], [NO, NO, NO]]


def test_an_amount_below_the_words_that_it_belongs_to_is_supported() -> None:
    paper = """
Description              Amount
Consulting in November
and a second visit       400.00
Travel                   60.00
"""
    data = {"items": [{"what": "Consulting in November and a second visit", "count": None, "sum": "400.00"}]}
    assert [each.state.value for each in ground(data, (ROWS,), typed(paper))] == [YES, "not_found", YES]


def test_rows_that_say_the_same_have_each_their_own_place() -> None:
    rows = "\n".join("night with breakfast          1        124,00        124,00" for _ in range(6))
    text = in_size(typed(f"bill\n{rows}"), {"night with breakfast": 1.13})
    children = (
        FieldSpec("description", FieldKind.TEXT),
        FieldSpec("quantity", FieldKind.NUMBER),
        FieldSpec("unit_price", FieldKind.AMOUNT),
        FieldSpec("amount", FieldKind.AMOUNT),
    )
    entry = {"description": "night with breakfast", "quantity": "1", "unit_price": "124.00", "amount": "124.00"}
    found = ground({"items": [entry] * 6}, (FieldSpec("items", FieldKind.LIST, children=children),), text)
    assert [field.path for field in found if field.state is not FieldState.SUPPORTED] == []
