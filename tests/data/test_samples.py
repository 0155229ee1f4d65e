"""The samples are what their expectations say: reproducible, readable or not as claimed, every value on its page, every sum right."""

import json
import re
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import filetype
import pikepdf
import pypdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageSequence, ImageStat

from ingestio.domain.batches import PromptStrategy
from ingestio.domain.fields import FieldSpec
from ingestio.extraction.schemas import DOCUMENT_TYPES, fields_for
from ingestio.samples import Sample, demo_batch, documents_folder, expected_folder, folder, sample, samples
from tests.data.make_samples import files
from tests.data.page_values import stands_on

ALL = samples()
WRITTEN = [each for each in ALL if each.good and not each.scanned]
PICTURES = [each for each in ALL if each.scanned]
SUMMED = [each for each in ALL if "line_items[0].amount" in each.fields]
STATEMENTS = [each for each in ALL if each.expected.get("document_type") == "bank_statement"]
DRAWN_BY_PIXELS = {each.path for each in PICTURES}


def named(each: Sample) -> str:
    return each.path.name


def text_of(path: Path) -> str:
    with pypdfium2.PdfDocument(path) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


def frames(content: bytes) -> list[Image.Image]:
    """The pictures in an image file, or the pages of a PDF as rendered."""
    if content.startswith(b"%PDF"):
        with pypdfium2.PdfDocument(content) as document:
            return [page.render(scale=1, grayscale=True).to_pil().convert("RGB") for page in document]
    with Image.open(BytesIO(content)) as image:
        return [frame.convert("RGB") for frame in ImageSequence.Iterator(image)]


@pytest.fixture(scope="module")
def drawn() -> dict[Path, bytes]:
    return files()


def test_the_generator_makes_exactly_the_committed_files(drawn: dict[Path, bytes]) -> None:
    committed = {*documents_folder().iterdir(), *expected_folder().iterdir()}
    assert committed == set(drawn)


def test_the_generator_rewrites_the_same_bytes(drawn: dict[Path, bytes]) -> None:
    differing = [
        path.name for path, content in drawn.items() if path not in DRAWN_BY_PIXELS and path.read_bytes() != content
    ]
    assert differing == []


@pytest.mark.parametrize("each", PICTURES, ids=named)
def test_the_generator_draws_the_same_pictures(each: Sample, drawn: dict[Path, bytes]) -> None:
    # Another processor may round a pixel differently before it is encoded, so pictures are compared as seen.
    before, after = frames(each.path.read_bytes()), frames(drawn[each.path])
    assert [frame.size for frame in before] == [frame.size for frame in after]
    for one, other in zip(before, after, strict=True):
        assert max(ImageStat.Stat(ImageChops.difference(one, other)).mean) < 1


def test_the_samples_are_small_enough_to_ship() -> None:
    sizes = {
        path: path.stat().st_size for path in folder().rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert max(sizes.values()) < 300_000
    assert sum(sizes.values()) < 1_500_000


@pytest.mark.parametrize(
    "each", [each for each in ALL if each.path.read_bytes().startswith(b"%PDF") and not each.refused], ids=named
)
def test_each_accepted_pdf_opens_with_the_expected_pages_in_every_reader(each: Sample) -> None:
    with pypdfium2.PdfDocument(each.path) as document, pikepdf.open(each.path, attempt_recovery=False) as other:
        assert (len(document), len(other.pages), len(pypdf.PdfReader(each.path).pages)) == (each.pages,) * 3


@pytest.mark.parametrize("each", WRITTEN, ids=named)
def test_each_expected_value_stands_on_its_page(each: Sample) -> None:
    text = text_of(each.path)
    missing = {path: value for path, value in each.fields.items() if not stands_on(text, path, value)}
    assert missing == {}


def test_a_wrong_value_is_seen_to_be_missing() -> None:
    invoice = sample("Rechnung_RE-2026-0417.pdf")
    text = text_of(invoice.path)
    for path in ("total_amount", "invoice_date", "invoice_number", "iban", "currency", "line_items[3].quantity"):
        assert stands_on(text, path, invoice.fields[path])
    wrong = {
        "total_amount": "6813.24",
        "invoice_date": "2026-04-18",
        "invoice_number": "RE-2026-0418",
        "iban": "DE53209990000417732805",
        "currency": "USD",
        "line_items[3].quantity": "415",
    }
    assert [path for path, value in wrong.items() if stands_on(text, path, value)] == []


@pytest.mark.parametrize("each", PICTURES, ids=named)
def test_each_picture_has_its_pages_and_no_text(each: Sample) -> None:
    assert len(frames(each.path.read_bytes())) == each.pages
    assert len(each.fields) > 5
    if each.path.suffix == ".pdf":
        assert text_of(each.path).strip() == ""


@pytest.mark.parametrize("each", SUMMED, ids=named)
def test_lines_add_up_to_the_totals(each: Sample) -> None:
    values = {path: Decimal(value) for path, value in each.fields.items() if re.fullmatch(r"-?\d+(\.\d+)?", value)}
    lines = sum(
        (value for path, value in values.items() if re.fullmatch(r"line_items\[\d+\]\.amount", path)), Decimal(0)
    )
    tax, total = values.get("tax_amount", Decimal(0)), values["total_amount"]
    # Receipts with tax inside their prices add up to the total; everything else to the amount before tax.
    assert lines in (values.get("subtotal"), total)
    if "subtotal" in values:
        assert values["subtotal"] + tax + values.get("shipping_amount", 0) == total
    for path, value in values.items():
        if path.endswith(".unit_price"):
            quantity, amount = (
                values[path.replace("unit_price", "quantity")],
                values[path.replace("unit_price", "amount")],
            )
            assert (quantity * value).quantize(Decimal("0.01"), "ROUND_HALF_UP") == amount


@pytest.mark.parametrize("each", STATEMENTS, ids=named)
def test_statements_add_up_booking_by_booking(each: Sample) -> None:
    fields = each.fields
    count = sum(path.endswith("].date") for path in fields)
    assert count >= 25
    balance = Decimal(fields["opening_balance"])
    for index in range(count):
        balance += Decimal(fields[f"transactions[{index}].amount"])
        assert fields.get(f"transactions[{index}].balance", str(balance)) == str(balance)
        assert fields["period_start"] <= fields[f"transactions[{index}].date"] <= fields["period_end"]
    assert str(balance) == fields["closing_balance"]


def test_ibans_have_right_check_digits() -> None:
    ibans = [each.fields["iban"] for each in ALL if "iban" in each.fields]
    assert len(ibans) >= 8
    for number in ibans:
        assert int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1


@pytest.mark.parametrize("each", [each for each in ALL if each.refused == "encrypted"], ids=named)
def test_the_locked_file_asks_for_its_password(each: Sample) -> None:
    with pytest.raises(pypdfium2.PdfiumError, match="password"):
        pypdfium2.PdfDocument(each.path)
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(each.path)


def test_a_file_with_an_owners_password_only_opens() -> None:
    each = sample("Kontoauszug_2026-10.pdf")
    with pikepdf.open(each.path) as document:
        assert document.is_encrypted
        assert not document.allow.modify_other


@pytest.mark.parametrize("each", [each for each in ALL if each.refused == "corrupt"], ids=named)
def test_no_reader_opens_the_cut_off_file(each: Sample) -> None:
    assert each.path.read_bytes().startswith(b"%PDF-")
    with pytest.raises(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument(each.path)
    with pytest.raises(pikepdf.PdfError):
        pikepdf.open(each.path)
    with pytest.raises(pypdf.errors.PyPdfError):
        len(pypdf.PdfReader(each.path).pages)


@pytest.mark.parametrize("each", [each for each in ALL if each.refused == "unsupported_type"], ids=named)
def test_misnamed_files_are_no_pdf_inside(each: Sample) -> None:
    content = each.path.read_bytes()
    assert each.path.suffix == ".pdf"
    assert b"%PDF-" not in content[:1024]
    kind = filetype.guess(content)
    assert kind is None or kind.mime == "application/zip"


def test_a_pdf_under_another_extension_is_good() -> None:
    each = sample("invoice-771203.txt")
    assert each.good
    assert each.path.read_bytes().startswith(b"%PDF-")


def test_every_kind_of_outcome_and_document_is_there() -> None:
    assert {each.refused for each in ALL if each.refused} == {"encrypted", "corrupt", "unsupported_type"}
    kinds = {each.expected["document_type"] for each in ALL if not each.refused}
    assert kinds >= {
        "invoice",
        "receipt",
        "purchase_order",
        "bank_statement",
        "contract",
        "resume",
        "form",
        "letter",
        "report",
    }
    assert {each.path.suffix for each in PICTURES} == {".jpg", ".png", ".webp", ".tif", ".pdf"}


@pytest.mark.parametrize("strategy", PromptStrategy)
def test_each_demo_batch_shows_one_refusal_among_readable_files(strategy: PromptStrategy) -> None:
    batch = demo_batch(strategy)
    assert [each.good for each in batch.samples].count(False) == 1
    assert sum(each.refused is not None for each in batch.samples) == 1
    assert len(batch.samples) >= 4
    assert (batch.prompt is not None) == (strategy is PromptStrategy.GLOBAL)
    assert len(batch.prompts) == (len(batch.samples) if strategy is PromptStrategy.PER_DOCUMENT else 0)


def known_paths(fields: tuple[FieldSpec, ...], before: str = "") -> set[str]:
    """The paths that fields can have, with `[]` for any index."""
    own = {before + spec.name for spec in fields}
    return own.union(*(known_paths(spec.children, f"{before}{spec.name}[].") for spec in fields))


@pytest.mark.parametrize("each", [each for each in ALL if each.fields], ids=named)
def test_expected_fields_have_the_names_that_the_engines_use(each: Sample) -> None:
    known = known_paths(tuple(concept.spec for concept in DOCUMENT_TYPES[each.expected["document_type"]].concepts))
    paths = {re.sub(r"\[\d+\]$", "", re.sub(r"\[\d+\]\.", "[].", path)) for path in each.fields}
    assert paths - known == set()


@pytest.mark.parametrize("strategy", [PromptStrategy.GLOBAL, PromptStrategy.PER_DOCUMENT])
def test_what_the_demo_asks_for_is_in_its_documents(strategy: PromptStrategy) -> None:
    batch = demo_batch(strategy)
    prompts = batch.prompts or [batch.prompt] * len(batch.samples)
    for each, prompt in zip(batch.samples, prompts, strict=True):
        if each.good:
            asked = [spec.name for spec in fields_for(each.expected["document_type"], prompt)]
            assert len(asked) >= 4
            assert [
                name for name in asked if not any(re.split(r"[.\[]", path)[0] == name for path in each.fields)
            ] == []


def test_the_demo_shows_each_refusal_once() -> None:
    refusals = sorted(
        each.refused for strategy in PromptStrategy for each in demo_batch(strategy).samples if each.refused
    )
    assert refusals == ["corrupt", "encrypted", "unsupported_type"]


def test_expectations_are_plain_json_with_text_values() -> None:
    for path in expected_folder().iterdir():
        expected = json.loads(path.read_text("utf-8"))
        assert set(expected) <= {"document_type", "pages", "fields", "refused", "scanned"}
        assert all(isinstance(value, str) and value for value in expected.get("fields", {}).values())
