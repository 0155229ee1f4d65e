"""The offline provider as the worker calls it: in bounded children, on real files."""

from pathlib import Path

import pytest
from PIL import Image

import ingestio.samples
from ingestio.domain.evidence import FieldState
from ingestio.errors import DocumentFailed, FailureCode
from ingestio.extraction.base import ClassifyRequest, ExtractRequest, Provider
from ingestio.extraction.local.engine import LocalProvider
from ingestio.samples import Sample, samples
from tests.extraction.statements import statement
from tests.extraction.test_local_samples import same

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
    assert (extraction.provider, extraction.model, extraction.document_type) == ("local", "rules-11", "invoice")
    assert extraction.data["invoice_number"] == "HP-104482"
    assert (extraction.usage.input_tokens, extraction.usage.output_tokens) == (0, 0)
    assert all(field.evidence for field in extraction.fields)


SCANS = [each for each in samples() if each.scanned]
KINDS = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".pdf": "application/pdf",
}
# Of all fields of a scan, entries of its lists included: what the rules find in what is recognised. Ours, so a floor for regressions.
FLOOR = 0.85


# That every format is read is in tests/media; recognising all of these takes minutes of CPU.
OFTEN = {each.path.suffix: each for each in SCANS if each.path.suffix in {".pdf", ".jpg"}}


@pytest.mark.parametrize(
    "each",
    [pytest.param(each, marks=() if OFTEN.get(each.path.suffix) is each else pytest.mark.long) for each in SCANS],
    ids=lambda each: each.path.name,
)
async def test_a_scan_is_classified_and_read_with_its_evidence(each: Sample) -> None:
    kind = KINDS[each.path.suffix]
    seen = await LocalProvider().classify(ClassifyRequest(each.path, kind, each.pages))
    assert seen.document_type == each.expected["document_type"]
    extraction = await LocalProvider().extract(ExtractRequest(each.path, kind, each.pages, seen.document_type))
    fields = {field.path: field for field in extraction.fields}
    right = [path for path, value in each.fields.items() if path in fields and same(fields[path].value, value)]
    assert len(right) >= FLOOR * len(each.fields), {
        path: value for path, value in each.fields.items() if path not in right
    }
    for path in right:
        assert fields[path].state is FieldState.SUPPORTED
        assert fields[path].confidence <= 0.95
        assert fields[path].evidence[0].box


async def test_a_picture_in_which_nothing_can_be_read_is_no_text(tmp_path: Path) -> None:
    Image.new("L", (400, 300), 255).save(tmp_path / "blank", "PNG")
    for call in (
        LocalProvider().classify(ClassifyRequest(tmp_path / "blank", "image/png", 1)),
        LocalProvider().extract(ExtractRequest(tmp_path / "blank", "image/png", 1)),
    ):
        with pytest.raises(DocumentFailed) as caught:
            await call
        assert caught.value.reason is FailureCode.NO_TEXT


@pytest.mark.parametrize("name", ["invoice-771204.pdf", "payslip-2026-10.pdf"])
async def test_a_file_that_no_reader_opens_could_not_be_read(name: str) -> None:
    with pytest.raises(DocumentFailed) as caught:
        await LocalProvider().extract(ExtractRequest(DOCUMENTS / name, "application/pdf", 1))
    assert caught.value.reason is FailureCode.FILE_MISSING


@pytest.mark.parametrize("rows", [50, 800, pytest.param(3_200, marks=pytest.mark.long)])
async def test_a_statement_is_whole_over_all_its_pages(tmp_path: Path, rows: int) -> None:
    what = statement(rows)
    path = tmp_path / "statement"
    path.write_bytes(what.content)
    prompt = "Extract all transactions (date, description, amount, balance)"
    request = ExtractRequest(path, "application/pdf", len(what.pages), "bank_statement", prompt)
    extraction = await LocalProvider().extract(request)
    read = extraction.data["transactions"]
    assert [(row["date"], row["amount"], row["balance"]) for row in read] == [
        (row["date"], row["amount"], row["balance"]) for row in what.rows
    ]
    assert {field.state for field in extraction.fields} == {FieldState.SUPPORTED}
