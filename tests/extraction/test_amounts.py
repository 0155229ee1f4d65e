"""Numbers and amounts as they are written in many countries."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestio.extraction.amounts import as_amount, as_number, find_numbers, infer_decimal_sign, parse_decimal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("€ 399,00", "399.00"),
        ("$1,234.56", "1234.56"),
        ("1.234,56 €", "1234.56"),
        ("1 234,56 €", "1234.56"),
        ("CHF 1'234.50", "1234.50"),
        ("Rs.1,939.00/-", "1939.00"),
        ("12,34,567.00", "1234567.00"),
        ("-5,00", "-5.00"),
        ("- 5,00", "-5.00"),
        ("5,00-", "-5.00"),
        ("(5.00)", "-5.00"),
        ("($250.00)", "-250.00"),
        ("€ -9,32", "-9.32"),
        ("-$12.50", "-12.50"),
        ("12.00EUR", "12.00"),
        ("EUR12.00", "12.00"),
        ("3.441.812 Euros", "3441812"),
        ("0.025 €", "0.025"),
        ("TOTAL TTC - EUR 234,56", "234.56"),
        ("Rabatt  - 5,00", "-5.00"),
        ("$5 million", "5000000"),
        # A blank behind the comma of thousands, and a sign that ends with a full stop.
        ("$1, 034.00", "1034.00"),
        ("12, 034.00", "12034.00"),
        ("Bs.1.836,80", "1836.80"),
        ("1,5 Mio. EUR", "1500000"),
        # As tills print and cameras see them: the tax's mark behind, the label's blank lost.
        ("42.40SR", "42.40"),
        ("1.97X", "1.97"),
        ("TOTAL9.00", "9.00"),
        ("S24.50", "24.50"),
        ("Rp.217.685", "217685"),
        ("RM.12.50", "12.50"),
    ],
)
def test_an_amount_is_found_as_it_is_written(text: str, value: str) -> None:
    (found,) = find_numbers(text)
    assert found.value == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "A4",
        "INV-12",
        "2014/502",
        "12/03/2019",
        "10.05.2014",
        "1.2.3",
        "$1.5M",
        "12p",
        "RE-7",
        "1.50L",
        "2.50kg",
        "v1.25",
    ],
)
def test_digits_inside_codes_and_dates_are_no_numbers(text: str) -> None:
    assert find_numbers(text) == []


def test_a_wide_gap_separates_a_quantity_from_a_price() -> None:
    assert [found.value for found in find_numbers("2\u2003150,00")] == [Decimal(2), Decimal("150.00")]


def test_one_separator_before_three_digits_has_two_readings_until_the_document_decides() -> None:
    assert set(find_numbers("1.234")[0].readings) == {Decimal(1234), Decimal("1.234")}
    assert find_numbers("1.234", ",")[0].readings == (Decimal(1234),)
    assert find_numbers("1.234", ".")[0].readings == (Decimal("1.234"),)


def test_a_bracket_behind_a_rate_says_of_what_and_is_no_minus() -> None:
    assert [each.value for each in find_numbers("USt. 7 % (119,70 EUR)", ",")] == [Decimal(7), Decimal("119.70")]


def test_percentages_are_marked() -> None:
    assert [found.percent for found in find_numbers("19,00 % von 100,00")] == [True, False]


def test_the_document_s_own_numbers_prove_its_decimal_sign() -> None:
    assert infer_decimal_sign(["1.420,00", "269,80"]) == ","
    assert infer_decimal_sign(["262.90", "16.94"]) == "."
    assert infer_decimal_sign(["12", "1.234"]) is None
    assert infer_decimal_sign(["44,000", "12,000", "20,000"]) == "."
    assert infer_decimal_sign(["19.22", "44.000", "12.000", "20.000"]) == ","
    assert infer_decimal_sign(["12,50", "7,25", "1,409", "43,440"]) == ","


def test_amounts_have_at_least_two_decimals_and_quantities_no_idle_zeros() -> None:
    assert [as_amount(Decimal(text)) for text in ("1939", "0.025", "12.5", "12.500", "-5", "0")] == [
        "1939.00", "0.025", "12.50", "12.50", "-5.00", "0.00",
    ]  # fmt: skip
    assert [as_number(Decimal(text)) for text in ("12.00", "1.50", "-0", "100")] == ["12", "1.5", "0", "100"]


@pytest.mark.parametrize("raw", ["abc", "", "12 and 13", "1.2.3", True, float("nan"), float("inf")])
def test_what_is_not_one_number_parses_to_none(raw: str | float) -> None:
    assert parse_decimal(raw) is None


@given(st.decimals(Decimal("-9999999.99"), Decimal("9999999.99"), places=2))
def test_every_amount_is_read_back_from_german_and_american_writing(amount: Decimal) -> None:
    american = f"{amount:,.2f}"
    german = american.translate(str.maketrans(",.", ".,"))
    assert find_numbers(f"{american} USD")[0].value == amount
    assert find_numbers(f"{german} EUR")[0].value == amount


def test_of_a_currency_without_cents_three_digits_behind_a_mark_are_thousands() -> None:
    assert [each.value for each in find_numbers("Rp.9.850 KRW 12,500", ".")] == [Decimal(9850), Decimal(12500)]
    assert find_numbers("EUR 9.850", ".")[0].value == Decimal("9.850")
