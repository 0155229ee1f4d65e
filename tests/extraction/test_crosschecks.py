"""What values say about each other, and what is no contradiction."""

from typing import Any

import pytest

from ingestio.domain.evidence import Evidence, FieldState
from ingestio.domain.fields import ExtractedField
from ingestio.extraction.checksums import tax_id_is_valid
from ingestio.extraction.crosschecks import cross_checks
from ingestio.extraction.schemas import wanted_for

SOUND: dict[str, Any] = {
    "invoice_date": "2026-03-14",
    "due_date": "2026-04-13",
    "currency": "EUR",
    "line_items": [{"amount": "60.00"}, {"amount": "40.00"}],
    "subtotal": "100.00",
    "tax_amount": "19.00",
    "total_amount": "119.00",
    "vendor_tax_id": "DE 136 695 976",
    "iban": "DE89370400440532013000",
}


def flags(data: dict[str, Any], document_type: str = "invoice", prompt: str | None = None) -> list[tuple[str, str]]:
    return [(flag["code"], flag["path"]) for flag in cross_checks(wanted_for(document_type, prompt), data, ())]


def test_a_sound_invoice_has_no_flag() -> None:
    assert flags(SOUND) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"line_items": [{"amount": "60.00"}, {"amount": "14.00"}]}, [("line_items_do_not_add_up", "subtotal")]),
        ({"tax_amount": "20.00"}, [("totals_do_not_add_up", "total_amount")]),
        ({"due_date": "2026-03-13"}, [("dates_out_of_order", "due_date")]),
        ({"iban": "DE88370400440532013000"}, [("check_digits_wrong", "iban")]),
        ({"vendor_tax_id": "DE 136 695 967"}, [("check_digits_wrong", "vendor_tax_id")]),
    ],
)
def test_what_cannot_be_true_together_is_flagged(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert flags(SOUND | change) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"subtotal": None, "line_items": [{"amount": "71.40"}, {"amount": "47.60"}]},  # prices with tax
        {"tax_amount": "19.00", "subtotal": "119.00"},  # the tax is in the subtotal already
        {"line_items": [{"amount": "60.00"}, {"amount": None}]},  # a row without an amount says nothing
        {"line_items": None},
        {"due_date": "2026-03"},  # within the invoice's month
        {"vendor_tax_id": "12/345/67890"},  # no rule is known
        {"iban": None, "vendor_tax_id": None, "due_date": None, "total_amount": None},
    ],
)
def test_what_may_be_true_is_not_flagged(change: dict[str, Any]) -> None:
    assert flags(SOUND | change) == []


def test_shipping_and_discount_count_where_they_were_asked_for() -> None:
    prompt = "Extract subtotal, tax amount, shipping amount, discount amount and total amount"
    data = {"subtotal": "100.00", "tax_amount": "19.00", "shipping_amount": "6.00", "discount_amount": "5.00"}
    assert flags({**data, "total_amount": "120.00"}, prompt=prompt) == []
    assert flags({**data, "total_amount": "121.00"}, prompt=prompt) == [("totals_do_not_add_up", "total_amount")]


def test_flags_name_fields_as_the_user_does() -> None:
    assert flags({"subtotal": "1.00", "tax": "1.00", "total": "3.00"}, prompt="Extract subtotal, tax and total") == [
        ("totals_do_not_add_up", "total")
    ]


def test_a_statement_s_movements_lead_to_its_closing_balance() -> None:
    data = {
        "opening_balance": "10.00",
        "closing_balance": "7.50",
        "transactions": [{"amount": "-5.00"}, {"amount": "2.50"}],
    }
    assert flags(data, "bank_statement") == []
    assert flags({**data, "closing_balance": "7.00"}, "bank_statement") == [
        ("balances_do_not_add_up", "closing_balance")
    ]


def test_a_station_that_ends_before_it_begins_is_flagged_at_its_row() -> None:
    data = {"work": [{"start_date": "2019", "end_date": "2021-05"}, {"start_date": "2018-03", "end_date": "2017"}]}
    assert flags(data, "resume") == [("dates_out_of_order", "work[1].end_date")]


def test_an_amount_in_another_currency_is_flagged_once() -> None:
    def field(path: str, quote: str) -> ExtractedField:
        return ExtractedField(path, "1.00", FieldState.SUPPORTED, 1.0, (Evidence(1, quote, None),))

    wanted = wanted_for("invoice", None)
    fields = [
        field("subtotal", "1,00"),
        field("tax_amount", "1,00 €"),
        field("total_amount", "$1.00"),
        field("amount_due", "$1.00"),
    ]
    found = cross_checks(wanted, {"currency": "EUR"}, fields)
    assert [(flag["code"], flag["path"]) for flag in found] == [("currency_differs", "total_amount")]
    assert cross_checks(wanted, {"currency": "USD"}, fields[2:]) == []


@pytest.mark.parametrize(
    "number",
    [
        "ATU13585627", "BE0428759497", "DE136695976", "ESB58378431", "ES54362315K", "FR40303265045", "GB980780684", "IT00743110157",
        "NL004495445B01", "PL8567346215", "PT501964843",
    ],
)  # fmt: skip
def test_check_digits_of_tax_numbers_are_known(number: str) -> None:
    assert tax_id_is_valid(number) is True
    places = [index for index in range(3, len(number)) if number[index].isdigit()]
    index = places[-1] if number[:2] != "NL" else 9
    wrong = number[:index] + str((int(number[index]) + 1) % 10) + number[index + 1 :]
    assert tax_id_is_valid(wrong) is False


def test_nothing_is_said_of_numbers_without_a_known_rule() -> None:
    assert tax_id_is_valid("84-5550172") is None
    assert tax_id_is_valid("XX123456789") is None
