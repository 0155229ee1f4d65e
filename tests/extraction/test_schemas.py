"""Document types and their schemas, and the strict check of a model's answer."""

from typing import Any

import pytest

from ingestio.domain.fields import FieldKind, FieldSpec
from ingestio.errors import DocumentFailed, FailureCode
from ingestio.extraction.schemas import DOCUMENT_TYPES, fields_for, json_schema, validate, wanted_for

TYPES = [
    "invoice", "receipt", "purchase_order", "bank_statement", "contract", "resume", "id_document", "form", "letter", "report", "other",
]  # fmt: skip
ASKED = fields_for("invoice", "Extract the invoice number, date, total and line items")


def test_the_eleven_types_are_there_in_their_order() -> None:
    assert list(DOCUMENT_TYPES) == TYPES


@pytest.mark.parametrize("name", TYPES)
def test_a_type_has_a_title_a_prompt_a_version_and_distinct_described_fields(name: str) -> None:
    kind = DOCUMENT_TYPES[name]
    assert kind.name == name
    assert kind.title
    assert kind.schema_version
    assert len(kind.default_prompt) > 60
    names = [concept.name for concept in kind.concepts]
    assert len(names) == len(set(names))
    for concept in kind.concepts:
        assert concept.spec.description
        children = [child.name for child in concept.children]
        assert len(children) == len(set(children))


@pytest.mark.parametrize("name", TYPES)
def test_a_type_s_own_prompt_or_none_means_its_default_fields(name: str) -> None:
    default = fields_for(name, None)
    assert default == DOCUMENT_TYPES[name].fields
    assert fields_for(name, DOCUMENT_TYPES[name].default_prompt) == default
    assert fields_for(name, f"  {DOCUMENT_TYPES[name].default_prompt}\n") == default
    assert fields_for(name, "Extract everything") == default


def test_a_prompt_that_was_the_default_once_still_means_the_default_fields() -> None:
    (earlier,) = DOCUMENT_TYPES["invoice"].earlier_prompts
    assert earlier != DOCUMENT_TYPES["invoice"].default_prompt
    assert fields_for("invoice", earlier) == DOCUMENT_TYPES["invoice"].fields


# What users of each type cannot do without; invoices and orders after EN 16931, resumes after JSON Resume.
INDISPENSABLE = {
    "invoice": "invoice_number invoice_date due_date vendor_name vendor_tax_id customer_name currency line_items subtotal tax_amount "
    "tax_breakdown total_amount amount_due payment_terms iban bic",
    "receipt": "merchant_name merchant_tax_id receipt_date currency line_items tax_amount tip_amount total_amount payment_method",
    "purchase_order": "purchase_order_number order_date delivery_date buyer_name vendor_name line_items total_amount delivery_address",
    "bank_statement": "bank_name account_holder iban period_start period_end opening_balance closing_balance transactions",
    "contract": "title parties signing_date effective_date expiration_date term notice_period governing_law signatories",
    "resume": "name label email phone location summary work education skills languages",
    "id_document": "document_number surname given_names date_of_birth nationality expiry_date issuing_country",
    "form": "form_title form_date fields",
    "letter": "sender_name recipient_name letter_date subject body signatory",
    "report": "title authors report_date summary headings",
    "other": "title document_date fields",
}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_asks_for_what_its_users_cannot_do_without(name: str) -> None:
    assert set(INDISPENSABLE[name].split()) <= {field.name for field in DOCUMENT_TYPES[name].fields}


def test_lists_have_the_columns_that_make_them_whole() -> None:
    columns = {
        (kind.name, concept.name): {child.name for child in concept.children}
        for kind in DOCUMENT_TYPES.values()
        for concept in kind.concepts
    }
    assert columns["invoice", "line_items"] >= {
        "description",
        "item_code",
        "quantity",
        "unit_price",
        "tax_rate",
        "amount",
    }
    assert columns["invoice", "tax_breakdown"] == {"rate", "taxable_amount", "amount"}
    assert columns["bank_statement", "transactions"] >= {
        "date",
        "value_date",
        "description",
        "amount",
        "debit",
        "credit",
        "balance",
    }
    assert columns["resume", "work"] >= {"name", "position", "start_date", "end_date", "summary"}
    assert columns["resume", "education"] >= {"institution", "study_type", "start_date", "end_date"}
    assert {"projects", "publications", "awards", "volunteer", "interests", "references"} <= {
        concept.name for concept in DOCUMENT_TYPES["resume"].concepts
    }


def test_an_unknown_or_missing_type_counts_as_other() -> None:
    assert fields_for(None, None) == fields_for("sonnet", None) == DOCUMENT_TYPES["other"].fields


def test_requested_names_keep_the_user_s_words_and_get_the_type_s_knowledge() -> None:
    number, issued, total, vendor = fields_for("invoice", "Extract the number, date, total and vendor")
    assert [field.name for field in (number, issued, total, vendor)] == ["number", "date", "total", "vendor"]
    assert [field.kind for field in (number, issued, total, vendor)] == [
        FieldKind.IDENTIFIER,
        FieldKind.DATE,
        FieldKind.AMOUNT,
        FieldKind.TEXT,
    ]
    assert "invoice number" in " ".join(number.labels) or "invoice no" in number.labels


def test_names_in_other_languages_and_plurals_find_their_field() -> None:
    concepts = {
        each.spec.name: each.concept.name
        for each in wanted_for("invoice", "Rechnungsnummer, Gesamtbetrag, Lieferant, totals")
        if each.concept
    }
    assert concepts == {
        "rechnungsnummer": "invoice_number",
        "gesamtbetrag": "total_amount",
        "lieferant": "vendor_name",
        "totals": "total_amount",
    }


def test_a_field_of_the_user_s_own_gets_a_kind_from_its_name() -> None:
    kinds = {
        field.name: field.kind
        for field in fields_for("invoice", "Extract the boarding date, cabin fee, locker code, mascot and nights")
    }
    assert kinds == {
        "boarding_date": FieldKind.DATE, "cabin_fee": FieldKind.AMOUNT, "locker_code": FieldKind.IDENTIFIER, "mascot": FieldKind.TEXT,
        "nights": FieldKind.NUMBER,
    }  # fmt: skip


def objects_in(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = [schema] if "properties" in schema else []
    for part in (*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])):
        found.extend(objects_in(part))
    return found


@pytest.mark.parametrize("name", TYPES)
def test_the_json_schema_requires_every_field_allows_null_and_nothing_else(name: str) -> None:
    schema = json_schema(fields_for(name, None))
    for each in objects_in(schema):
        assert each["required"] == list(each["properties"])
        assert each["additionalProperties"] is False
        for part in each["properties"].values():
            assert "null" in part["type"]
            assert part["description"]


def test_an_answer_is_normalised_in_the_fields_order_and_others_are_left_out() -> None:
    answer = {
        "more": "x", "total": 1234.5, "date": "23 November 2026", "invoice_number": 17,
        "line_items": [{"description": " A  chair ", "quantity": 2, "unit_price": "10", "tax_rate": "19 %", "amount": "20.00"}, {}, None],
    }  # fmt: skip
    assert validate(answer, ASKED) == {
        "invoice_number": "17",
        "date": "2026-11-23",
        "total": "1234.50",
        "line_items": [
            {"description": "A chair", "quantity": "2", "unit_price": "10.00", "tax_rate": "19", "amount": "20.00"}
        ],
    }


def test_absent_values_are_null_and_an_empty_list_is_absent() -> None:
    assert validate({"total": "", "line_items": []}, ASKED) == {
        "invoice_number": None,
        "date": None,
        "total": None,
        "line_items": None,
    }


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ([], "not an object"),
        ("text", "not an object"),
        ({"date": "soon"}, "date: not a date"),
        ({"total": "a lot"}, "total: not a amount"),
        ({"total": [1]}, "total: a single amount"),
        ({"line_items": "many"}, "line_items: a list"),
        ({"line_items": ["chair"]}, r"line_items\[0\]: an object"),
        ({"line_items": [{"amount": "x"}]}, r"line_items\[0\].amount"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_by_path(answer: object, path: str) -> None:
    with pytest.raises(DocumentFailed, match=path) as caught:
        validate(answer, ASKED)
    assert caught.value.reason is FailureCode.MODEL_OUTPUT_INVALID


def test_the_refusal_never_quotes_a_value() -> None:
    with pytest.raises(DocumentFailed) as caught:
        validate({"date": "secret meeting"}, ASKED)
    assert "secret" not in caught.value.detail


def test_nested_objects_are_checked_and_an_empty_one_is_absent() -> None:
    spec = (
        FieldSpec(
            "vendor", FieldKind.OBJECT, children=(FieldSpec("name", FieldKind.TEXT), FieldSpec("since", FieldKind.DATE))
        ),
    )
    assert validate({"vendor": {"name": "Acme", "since": "2020"}}, spec) == {
        "vendor": {"name": "Acme", "since": "2020"}
    }
    assert validate({"vendor": {"name": None}}, spec) == {"vendor": None}
