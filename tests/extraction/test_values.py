"""Typed values: what is recognised, and what a field of each kind accepts."""

import pytest

from ingestio.domain.fields import FieldKind
from ingestio.extraction.currencies import codes_of, find_currencies
from ingestio.extraction.values import (
    NotOfKind,
    find_emails,
    find_ibans,
    find_identifiers,
    find_phones,
    find_tax_ids,
    iban_is_valid,
    normalise,
)


def test_check_digits_end_an_iban_where_the_next_word_begins() -> None:
    (found,) = find_ibans("IBAN DE88 2008 0000 0970 3757 00 BIC COBADEFFXXX")
    assert (found.value, found.sure) == ("DE88200800000970375700", True)


def test_an_iban_with_wrong_check_digits_is_found_but_not_sure() -> None:
    (found,) = find_ibans("IBAN : FR76 1254 2547 2569 8542 5874 698")
    assert (found.value, found.sure) == ("FR7612542547256985425874698", False)
    assert not iban_is_valid(found.value)


@pytest.mark.parametrize(
    "text",
    [
        "FR 32 123 456 789",
        "DE123456789",
        "GB 927 4410 38",
        "84-5550172",
        "06AABCO6063D1ZQ",
        "NL810433941B01",
        "CHE-123.456.789 MWST",
        "ATU12345678",
        "B12345678",
        "X1234567L",
    ],
)
def test_tax_numbers_of_many_countries_are_read_whole(text: str) -> None:
    assert [found.value for found in find_tax_ids(text)] == [text]


@pytest.mark.parametrize(
    "text", ["(870)-931-0505", "+49 6051 916 44 10", "0114 496 0192", "510.555.0117", "01234/987654"]
)
def test_telephone_numbers_are_read_whole(text: str) -> None:
    assert [found.value for found in find_phones(text)] == [text]


def test_dates_and_times_are_neither_telephones_nor_identifiers() -> None:
    assert find_phones("12.03.2014 14:30") == []
    assert find_phones("1888-1905, 1593–1609") == []
    assert [found.value for found in find_identifiers("INV/2023/03/0008 of 20.03.2023 12:30")] == ["INV/2023/03/0008"]


def test_an_email_ends_before_the_full_stop() -> None:
    assert [found.value for found in find_emails("Write to a.b+c@example.co.uk.")] == ["a.b+c@example.co.uk"]


def test_a_dollar_may_be_several_currencies_and_a_code_is_one() -> None:
    assert codes_of("$")[:2] == ("USD", "CAD")
    assert codes_of("A$") == ("AUD",)
    assert codes_of("chf") == ("CHF",)
    assert codes_of("flowers") == ()


def test_words_that_are_also_codes_are_no_currency_alone() -> None:
    assert find_currencies("ALL ITEMS SDN BHD TRY AGAIN") == []
    assert [found.codes for found in find_currencies("All amounts in EUR")] == [("EUR",)]


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (FieldKind.AMOUNT, "1,234.5", "1234.50"),
        (FieldKind.AMOUNT, 12, "12.00"),
        (FieldKind.AMOUNT, 0.1, "0.10"),
        (FieldKind.NUMBER, "2.50", "2.5"),
        (FieldKind.DATE, "23 November 2026", "2026-11-23"),
        (FieldKind.DATE, "2026-11", "2026-11"),
        (FieldKind.CURRENCY, "€", "EUR"),
        (FieldKind.IBAN, "de88 2008 0000 0970 3757 00", "DE88200800000970375700"),
        (FieldKind.TEXT, "  two\n words ", "two words"),
        (FieldKind.TEXT, 7, "7"),
        (FieldKind.TEXT, "", None),
        (FieldKind.DATE, None, None),
    ],
)
def test_values_are_normalised_as_the_contract_says(kind: FieldKind, raw: object, value: str | None) -> None:
    assert normalise(kind, raw) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (FieldKind.DATE, "Net 30"),
        (FieldKind.AMOUNT, "twelve"),
        (FieldKind.AMOUNT, "1 and 2"),
        (FieldKind.CURRENCY, "lots"),
        (FieldKind.EMAIL, "nobody"),
        (FieldKind.IBAN, "12345"),
        (FieldKind.TEXT, ["a"]),
        (FieldKind.TEXT, "x" * 20_001),
    ],
)
def test_what_cannot_be_of_the_kind_is_refused(kind: FieldKind, raw: object) -> None:
    with pytest.raises(NotOfKind):
        normalise(kind, raw)
