"""Rows with everything that has ever broken a table: formulas, commas, quotes, line ends, nulls, lists, a field called `status`."""

from typing import Any

from ingestio.exporters.rows import ExportRow

BATCH = "0b54c2e4-2f0d-4c50-8f0a-6a6f0d5e9a11"


def _field(path: str, value: Any, page: int = 1) -> dict[str, Any]:
    if value is None:
        return {"path": path, "value": None, "state": "not_found", "confidence": 0.0, "reviewed": False, "evidence": []}
    evidence = [{"page": page, "quote": str(value), "box": [72.0, 96.5, 130.25, 108.0]}]
    return {
        "path": path,
        "value": value,
        "state": "supported",
        "confidence": 0.98,
        "reviewed": False,
        "evidence": evidence,
    }


def _result(document_type: str, data: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    return {
        "document_id": "ignored, the row says it",
        "document_type": document_type,
        "provider": "local",
        "model": "rules-1",
        "revision": 0,
        "review": "pending",
        "data": data,
        "fields": [_field(path, value) for path, value in paths.items()],
        "flags": [],
        "usage": {"pages": 1, "input_tokens": 0, "output_tokens": 0},
    }


def rows() -> list[ExportRow]:
    """One of each kind, in this order."""
    credit_note = {
        # Postgres hands JSON back with its keys by length; the fields keep the order that a reader expects.
        "total": "-0.10",
        "status": '=HYPERLINK("http://x.example","open")',
        "vendor": {"name": 'Müller, "Söhne" & Co', "phone": "+49 30 901820"},
        "remarks": None,
        "due_date": "2026-11-23",
        "line_items": [{"amount": "-0.10", "description": "=1+1"}],
        "invoice_number": "@SUM(A1)",
    }
    invoice_paths = {
        "invoice_number": "@SUM(A1)",
        "due_date": "2026-11-23",
        "vendor.name": 'Müller, "Söhne" & Co',
        "vendor.phone": "+49 30 901820",
        "total": "-0.10",
        "status": '=HYPERLINK("http://x.example","open")',
        "line_items[0].description": "=1+1",
        "line_items[0].amount": "-0.10",
        "remarks": None,
    }
    letter = {
        "page": 2,
        "sender": "-- the board --\r\nRivermead",
        "urgent": True,
        "history": {},
        "reading": "http://x.example/a",
    }
    letter_paths = {"sender": letter["sender"], "page": 2, "urgent": True, "reading": letter["reading"]}
    second = {"total": "1234.50", "invoice_number": "2026\u20284", "due_date": None}
    return [
        ExportRow(
            "in/credit, note.pdf",
            "completed",
            BATCH,
            "11111111-1111-4111-8111-111111111111",
            "invoice",
            3,
            3,
            result=_result("invoice", credit_note, invoice_paths),
        ),
        ExportRow(
            "=locked.pdf",
            "refused",
            BATCH,
            error_code="encrypted",
            error_message="The file is encrypted; remove the password and upload it again.",
        ),
        ExportRow(
            "in/letter.tif",
            "completed",
            BATCH,
            "22222222-2222-4222-8222-222222222222",
            "letter",
            1,
            1,
            result=_result("letter", letter, letter_paths),
        ),
        ExportRow(
            "in/scan.png",
            "failed",
            BATCH,
            "33333333-3333-4333-8333-333333333333",
            None,
            1,
            0,
            "no_text",
            "The document holds no text that this engine can read; it may be a scan. Nothing was charged.",
        ),
        ExportRow(
            "in/zwei.pdf",
            "completed",
            BATCH,
            "44444444-4444-4444-8444-444444444444",
            "invoice",
            1,
            1,
            result=_result(
                "invoice", second, {"invoice_number": second["invoice_number"], "due_date": None, "total": "1234.50"}
            ),
        ),
    ]


def corrected_rows() -> list[ExportRow]:
    """Results with people's values beside the machine's, lists of objects, and writing of several kinds."""
    read = {
        "total": "0.10",
        "vendor": {"name": "株式会社 東京"},
        "line_items": [
            {"amount": "0.10", "description": '=HYPERLINK("http://x.example","open")'},
            {"amount": "-1.00", "description": "Grüße 🙂"},
        ],
        "payments": [{"date": "2026-02-29"}],
        "tags": ["a", "b"],
    }
    corrected = read | {
        "total": "0.20",
        "line_items": [*read["line_items"], {"amount": "7", "description": "added by hand"}],
    }
    paths = {
        "vendor.name": "株式会社 東京",
        "total": "0.20",
        "line_items[0].description": '=HYPERLINK("http://x.example","open")',
        "line_items[0].amount": "0.10",
        "line_items[1].description": "Grüße 🙂",
        "line_items[1].amount": "-1.00",
        "line_items[2].description": "added by hand",
        "line_items[2].amount": "7",
        "payments[0].date": "2026-02-29",
    }
    machine = {"total": "0.10", "line_items[2].description": None, "line_items[2].amount": None}
    result = _result("invoice", corrected, paths) | {"revision": 2, "review": "approved", "machine_data": read}
    for item in result["fields"]:
        item |= {"machine_value": machine.get(item["path"], item["value"]), "reviewed": item["path"] in machine}
    # The total is printed on three pages, on one of them twice.
    result["fields"][1]["evidence"] = [
        {"page": page, "quote": "0.10", "box": [400.0, top, 430.5, top + 12]}
        for page, top in ((1, 700.0), (3, 90.0), (3, 710.0), (2, 700.0))
    ]
    plain = _result("invoice", {"total": "5"}, {"total": "5"}) | {"machine_data": {"total": "5"}}
    plain["fields"][0]["machine_value"] = "5"
    return [
        ExportRow(
            "rechnung.pdf", "completed", BATCH, "55555555-5555-4555-8555-555555555555", "invoice", 2, 2, result=result
        ),
        ExportRow(
            "plain.pdf", "completed", BATCH, "66666666-6666-4666-8666-666666666666", "invoice", 1, 1, result=plain
        ),
        ExportRow("locked.pdf", "refused", BATCH, error_code="encrypted", error_message="The file is encrypted."),
    ]
