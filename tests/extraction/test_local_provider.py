"""The offline provider as the worker calls it: in bounded children, on real files."""

from pathlib import Path

import pytest

import ingestio.samples
from ingestio.errors import DocumentFailed, FailureCode
from ingestio.extraction.base import ClassifyRequest, ExtractRequest, Provider
from ingestio.extraction.local.engine import LocalProvider

DOCUMENTS = Path(ingestio.samples.__file__).parent / "documents"
pytestmark = pytest.mark.usefixtures("bounded_pool")


async def test_it_classifies_and_extracts_a_file() -> None:
    provider: Provider = LocalProvider()
    path = DOCUMENTS / "invoice-HP-104482.pdf"
    kind = await provider.classify(ClassifyRequest(path, "application/pdf", 1))
    assert kind.document_type == "invoice"
    extraction = await provider.extract(
        ExtractRequest(path, "application/pdf", 1, kind.document_type, "Extract the invoice number and total")
    )
    assert (extraction.provider, extraction.model, extraction.document_type) == ("local", "rules-2", "invoice")
    assert extraction.data["invoice_number"] == "HP-104482"
    assert (extraction.usage.input_tokens, extraction.usage.output_tokens) == (0, 0)
    assert all(field.evidence for field in extraction.fields)


@pytest.mark.parametrize(
    ("name", "kind"), [("Scan-vet-invoice.png", "image/png"), ("20260902081402.pdf", "application/pdf")]
)
async def test_a_scan_is_no_text(name: str, kind: str) -> None:
    for call in (
        LocalProvider().classify(ClassifyRequest(DOCUMENTS / name, kind, 1)),
        LocalProvider().extract(ExtractRequest(DOCUMENTS / name, kind, 1)),
    ):
        with pytest.raises(DocumentFailed) as caught:
            await call
        assert caught.value.reason is FailureCode.NO_TEXT


@pytest.mark.parametrize("name", ["invoice-771204.pdf", "payslip-2026-10.pdf"])
async def test_a_file_that_no_reader_opens_could_not_be_read(name: str) -> None:
    with pytest.raises(DocumentFailed) as caught:
        await LocalProvider().extract(ExtractRequest(DOCUMENTS / name, "application/pdf", 1))
    assert caught.value.reason is FailureCode.FILE_MISSING
