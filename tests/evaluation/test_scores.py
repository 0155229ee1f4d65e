"""Counting: the truth beside an answer, row by row."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingestio.domain.evidence import Evidence, FieldState
from ingestio.domain.fields import ExtractedField, Extraction, FieldKind
from ingestio.errors import InvalidRequest
from ingestio.evaluation.comparison import paired, same
from ingestio.evaluation.datasets import Truth, read_dataset
from ingestio.evaluation.proofs import is_in_document
from ingestio.evaluation.scores import score
from tests.extraction.typed import typed


def answer(data: dict[str, Any], document_type: str = "invoice", fields: tuple[ExtractedField, ...] = ()) -> Extraction:
    return Extraction(document_type, "stand-in", "none", data, fields)


@pytest.mark.parametrize(
    ("kind", "got", "true"),
    [
        (FieldKind.AMOUNT, "119.00", 119),
        (FieldKind.AMOUNT, "119.00", "119"),
        (FieldKind.NUMBER, "1.5", "1.50"),
        (FieldKind.TEXT, "Bei Spiel GmbH", "BEI SPIEL  GmbH."),
        (FieldKind.DATE, "2026-03-14", "2026-03-14"),
        (FieldKind.IBAN, "DE89370400440532013000", "DE89 3704 0044 0532 0130 00"),
        (FieldKind.TEXT, None, None),
    ],
)
def test_the_same_value_may_be_written_otherwise(kind: FieldKind, got: Any, true: Any) -> None:
    assert same(kind, got, true)


@pytest.mark.parametrize(
    ("kind", "got", "true"),
    [
        (FieldKind.AMOUNT, "119.00", 191),
        (FieldKind.IDENTIFIER, "RE-1", "RE1"),
        (FieldKind.DATE, "2026-03", "2026-03-14"),
        (FieldKind.TEXT, None, "Bei Spiel GmbH"),
        (FieldKind.TEXT, "Bei Spiel GmbH", None),
    ],
)
def test_another_value_is_another_value(kind: FieldKind, got: Any, true: Any) -> None:
    assert not same(kind, got, true)


def test_a_row_that_was_left_out_costs_itself_alone() -> None:
    kinds = {"what": FieldKind.TEXT, "amount": FieldKind.AMOUNT}
    true = [{"what": name, "amount": str(index)} for index, name in enumerate("abcde")]
    assert paired([true[0], *true[2:]], true, kinds) == [(0, 0), (1, 2), (2, 3), (3, 4)]
    assert paired([{"what": "x", "amount": "9"}, *true], true, kinds) == [(index + 1, index) for index in range(5)]


def test_precision_and_recall_tell_a_wrong_value_from_a_missing_one() -> None:
    truth = Truth("invoice", {"invoice_number": "1", "invoice_date": "2026-01-02", "due_date": None, "iban": None})
    counted = score(
        truth, answer({"invoice_number": "2", "invoice_date": None, "due_date": "2026-02-02", "iban": None}), None
    )
    tallies = {name: (each.true, each.found, each.right, each.exact) for name, each in counted.fields.items()}
    assert tallies == {
        "invoice_number": (1, 1, 0, 0),
        "invoice_date": (1, 0, 0, 0),
        "due_date": (0, 1, 0, 0),
        "iban": (0, 0, 0, 1),
    }
    assert set(counted.misses) == {"invoice_number", "invoice_date", "due_date"}


def test_rows_and_their_cells_are_counted() -> None:
    values = {
        "line_items[0].description": "Oak",
        "line_items[0].amount": "1.00",
        "line_items[1].description": "Elm",
        "line_items[1].amount": "2.00",
    }
    got = [
        {"description": "Oak", "amount": "1.00"},
        {"description": "Elm", "amount": "3.00"},
        {"description": "Ash", "amount": None},
    ]
    counted = score(Truth("invoice", values), answer({"line_items": got}), None)
    rows, amounts = counted.fields["line_items[]"], counted.fields["line_items[].amount"]
    assert (rows.true, rows.found, rows.right, rows.exact) == (2, 3, 1, 0)
    assert (amounts.true, amounts.found, amounts.right) == (2, 2, 1)
    assert set(counted.misses) == {"line_items[1].amount", "line_items+[2]"}


def test_a_prompt_s_own_names_are_held_against_the_truth() -> None:
    truth = Truth("invoice", {"invoice_date": "2026-01-02", "total": 12, "customer_name": "Nobody"})
    counted = score(truth, answer({"date": "2026-01-02", "total": "12.00"}), "Extract the date and the total")
    assert {name: each.right for name, each in counted.fields.items()} == {"invoice_date": 1, "total": 1}
    assert counted.unasked == {"customer_name"}


def test_a_document_of_the_wrong_type_or_that_failed_misses_its_fields() -> None:
    truth = Truth("invoice", {"invoice_number": "1"})
    for extraction in (answer({"receipt_number": "1"}, "receipt"), None):
        counted = score(truth, extraction, None)
        assert (counted.fields["invoice_number"].true, counted.fields["invoice_number"].right) == (1, 0)


def test_a_value_of_another_place_is_supported_and_still_wrong() -> None:
    field = ExtractedField("invoice_number", "2", FieldState.SUPPORTED, 1.0)
    counted = score(Truth("invoice", {"invoice_number": "1"}), answer({"invoice_number": "2"}, fields=(field,)), None)
    assert counted.supported_but_wrong == 1


PAGE = typed("Invoice number   RE-104\nDate   14. März 2026\nTotal   1.234,50 EUR\nGerman Rail\nHoldings AG")


@pytest.mark.parametrize(
    ("kind", "value", "quote", "borne_out"),
    [
        (FieldKind.IDENTIFIER, "RE-104", "RE-104", True),
        (FieldKind.IDENTIFIER, "RE-105", "RE-104", False),
        (FieldKind.AMOUNT, "1234.50", "1.234,50", True),
        (FieldKind.AMOUNT, "1234.60", "1.234,50", False),
        (FieldKind.AMOUNT, "99.00", "99,00", False),  # the quote is not on the page
        (FieldKind.DATE, "2026-03-14", "14. März 2026", True),
        (FieldKind.DATE, "2026-03-15", "14. März 2026", False),
        (FieldKind.TEXT, "German Rail Holdings AG", "German Rail Holdings AG", True),
        (FieldKind.CURRENCY, "EUR", "EUR", True),
    ],
)
def test_the_second_look_sees_what_is_on_the_page(kind: FieldKind, value: str, quote: str, borne_out: bool) -> None:
    field = ExtractedField("x", value, FieldState.SUPPORTED, 1.0, (Evidence(1, quote, None),))
    assert is_in_document(field, kind, PAGE) is borne_out


def test_a_supported_value_without_evidence_is_not_borne_out() -> None:
    assert not is_in_document(ExtractedField("x", "RE-104", FieldState.SUPPORTED, 1.0), FieldKind.IDENTIFIER, PAGE)
    assert is_in_document(ExtractedField("x", "RE-104", FieldState.UNSUPPORTED, 0.0), FieldKind.IDENTIFIER, PAGE)


def test_truths_lie_beside_documents_in_a_folder_or_in_lines(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf", "sub/c.pdf", "d.pdf", "unknown.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"%PDF-")
    (tmp_path / "a.json").write_text(json.dumps({"document_type": "invoice", "total_amount": "1.00", "line_items": []}))
    (tmp_path / "expected").mkdir()
    (tmp_path / "expected" / "b.pdf.json").write_text(json.dumps({"data": {"vendor": {"name": "X"}}}))
    (tmp_path / "sub" / "c.pdf.json").write_text(json.dumps({"fields": {"line_items[0].amount": "2.00"}}))
    (tmp_path / "index.jsonl").write_text(json.dumps({"file": "d.pdf", "expected": {"total": 3}}) + "\n")
    cases = {case.label: case.truth for case in read_dataset(tmp_path)}
    assert cases == {
        "a.pdf": Truth("invoice", {"total_amount": "1.00", "line_items": None}),
        "b.pdf": Truth(None, {"vendor.name": "X"}),
        "sub/c.pdf": Truth(None, {"line_items[0].amount": "2.00"}),
        "d.pdf": Truth(None, {"total": 3}),
    }


@pytest.mark.parametrize("content", ["[1]", "{", json.dumps({"document_type": "poem"})])
def test_a_truth_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-")
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InvalidRequest, match=r"a\.json"):
        read_dataset(tmp_path)


def test_a_folder_without_truths_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="expected fields"):
        read_dataset(tmp_path)
