"""Electronic invoices inside PDFs: read as the best evidence, held against the page, and harmless when they are hostile."""

import io
import zlib
from pathlib import Path

import pikepdf
import pytest
from reportlab.pdfgen.canvas import Canvas

from ingestio.domain.evidence import FieldState
from ingestio.domain.fields import Extraction
from ingestio.extraction.base import ExtractRequest
from ingestio.extraction.einvoice import read_einvoice
from ingestio.extraction.gemini import GeminiProvider
from ingestio.extraction.local.engine import extract_sync
from ingestio.media.attached_invoice import attached_invoice
from tests.data.einvoices import carrying, cross_industry_invoice
from tests.extraction.conftest import to_extract
from tests.extraction.gemini_stand_in import GeminiStandIn

PROMPT = "Extract the invoice number, invoice date, vendor name, vendor tax id, subtotal, total amount, currency and line items"


def printed(*, total: str = "119,00", lines: bool = True) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(595, 842), invariant=True)
    canvas.setFont("Helvetica", 10)
    canvas.drawString(60, 780, "Holzhandel Brandt GmbH")
    canvas.drawString(60, 720, "Rechnung Nr. RE-2026-0417")
    canvas.drawString(60, 700, "Rechnungsdatum: 17.04.2026")
    if lines:
        for y, row in (
            (600, ("Bezeichnung", "Menge", "Einzelpreis", "Betrag")),
            (580, ("Oak board", "4", "25,00", "100,00")),
        ):
            canvas.drawString(60, y, row[0])
            for x, text in zip((300, 400, 500), row[1:], strict=True):
                canvas.drawRightString(x, y, text)
    for y, label, amount in (
        (520, "Nettobetrag", "100,00"),
        (505, "MwSt 19 %", "19,00"),
        (490, "Gesamtbetrag EUR", total),
    ):
        canvas.drawString(300, y, label)
        canvas.drawRightString(500, y, amount)
    canvas.save()
    return target.getvalue()


def extracted(tmp_path: Path, pdf: bytes) -> Extraction:
    path = tmp_path / "invoice"
    path.write_bytes(pdf)
    found = extract_sync(ExtractRequest(path, "application/pdf", 1, None, PROMPT), None)
    assert isinstance(found, Extraction)
    return found


def test_page_and_attachment_that_agree_are_as_sure_as_can_be(tmp_path: Path) -> None:
    found = extracted(tmp_path, carrying(printed(), cross_industry_invoice()))
    fields = {field.path: field for field in found.fields}
    for path, value in (("invoice_number", "RE-2026-0417"), ("total_amount", "119.00"), ("invoice_date", "2026-04-17")):
        assert (fields[path].value, fields[path].state, fields[path].confidence) == (value, FieldState.SUPPORTED, 0.99)
        assert fields[path].evidence[0].box
    (line,) = found.data["line_items"]
    assert (line["description"], line["quantity"], line["amount"]) == ("Oak board", "4", "100.00")
    assert [flag["code"] for flag in found.flags] == ["einvoice_only"]


def test_what_only_the_attachment_says_is_taken_without_evidence_and_said(tmp_path: Path) -> None:
    found = extracted(tmp_path, carrying(printed(lines=False), cross_industry_invoice()))
    fields = {field.path: field for field in found.fields}
    assert fields["vendor_tax_id"].value == "DE136695976"
    assert fields["vendor_tax_id"].state is FieldState.UNSUPPORTED
    assert found.data["line_items"][0]["description"] == "Oak board"
    (flag,) = found.flags
    assert flag["code"] == "einvoice_only"
    assert {"vendor_tax_id", "line_items[0].description"} <= set(flag["paths"])


def test_a_page_that_shows_another_total_is_flagged(tmp_path: Path) -> None:
    found = extracted(tmp_path, carrying(printed(total="191,00"), cross_industry_invoice()))
    assert {
        "code": "einvoice_mismatch",
        "path": "total_amount",
        "printed": "191.00",
        "attached": "119.00",
    } in found.flags
    total = next(field for field in found.fields if field.path == "total_amount")
    assert (total.value, total.state) == ("119.00", FieldState.UNSUPPORTED)


def test_without_the_attachment_the_page_says_the_same(tmp_path: Path) -> None:
    found = extracted(tmp_path, printed())
    assert (found.data["invoice_number"], found.data["total_amount"]) == ("RE-2026-0417", "119.00")
    assert found.flags == ()


@pytest.mark.usefixtures("bounded_pool")
async def test_a_model_s_answer_is_held_against_the_attachment_too(
    provider: GeminiProvider, gemini: GeminiStandIn, tmp_path: Path
) -> None:
    path = tmp_path / "invoice"
    path.write_bytes(carrying(printed(total="191,00"), cross_industry_invoice()))
    gemini.values = {"invoice_number": "RE-2026-0471", "invoice_date": "2026-04-17", "total_amount": "191.00"}
    found = await provider.extract(to_extract(path, prompt="Extract the invoice number, invoice date and total amount"))
    fields = {field.path: field for field in found.fields}
    # Misread, though the page has it; read as both say; printed otherwise.
    assert (fields["invoice_number"].value, fields["invoice_number"].state) == ("RE-2026-0417", FieldState.SUPPORTED)
    assert (fields["invoice_date"].value, fields["invoice_date"].confidence) == ("2026-04-17", 0.99)
    assert (fields["total_amount"].value, fields["total_amount"].state) == ("119.00", FieldState.UNSUPPORTED)
    mismatch = {"path": "total_amount", "printed": "191.00", "attached": "119.00"}
    assert found.flags == ({"code": "einvoice_mismatch", **mismatch},)


BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><CrossIndustryInvoice>&b;</CrossIndustryInvoice>'
OUTSIDE = b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><CrossIndustryInvoice/>'


@pytest.mark.parametrize(
    "xml",
    [
        BOMB,
        OUTSIDE,
        b"<CrossIndustryInvoice>" * 100_000,
        b"<CrossIndustryInvoice>" + b"<a/>" * 300_000 + b"</CrossIndustryInvoice>",
        cross_industry_invoice()[:900],
        b"<Invoice/>",
        b"",
        b"\xff\xfe\x00",
    ],
    ids=["entities", "file", "deep", "many", "cut off", "another syntax", "empty", "bytes"],
)
def test_a_hostile_or_damaged_attachment_is_none_and_the_page_stands(tmp_path: Path, xml: bytes) -> None:
    assert read_einvoice(xml) is None
    if len(xml) < 1000:
        assert extracted(tmp_path, carrying(printed(), xml)).data["total_amount"] == "119.00"


def test_an_attachment_that_unfolds_without_end_is_left_alone(tmp_path: Path) -> None:
    pdf = carrying(printed(), cross_industry_invoice())
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        stream = document.attachments["factur-x.xml"].get_file().obj
        stream.write(zlib.compress(bytes(50_000_000)), filter=pikepdf.Name.FlateDecode)
        document.save(target, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    path = tmp_path / "bomb"
    path.write_bytes(target.getvalue())
    assert attached_invoice(path) is None


def test_other_attachments_are_nobody_s_invoice(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(carrying(printed(), cross_industry_invoice(), name="terms.xml"))
    assert attached_invoice(path) is None
    path.write_bytes(carrying(printed(), cross_industry_invoice(), name="ZUGFeRD-invoice.xml"))
    assert attached_invoice(path) == cross_industry_invoice()
