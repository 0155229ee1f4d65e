"""What is sent is what Gemini reads: PDF or image, the first pages for classification, with its pages in their places."""

import io
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from ingestio.errors import DocumentFailed, FailureCode
from ingestio.extraction.gemini import documents
from tests.extraction.conftest import INVOICE_LINES, pdf

pytestmark = pytest.mark.usefixtures("bounded_pool")


def page_texts(content: bytes) -> list[str]:
    with pypdfium2.PdfDocument(content) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def grey_levels(content: bytes) -> list[int]:
    """The middle pixel of each page."""
    with pypdfium2.PdfDocument(content) as document:
        pictures = [page.render(scale=0.2).to_pil().convert("L") for page in document]
    return [picture.getpixel((picture.width // 2, picture.height // 2)) for picture in pictures]


@pytest.mark.parametrize(("pages", "sent"), [(1, 1), (2, 2), (3, 2), (40, 2)])
async def test_classification_gets_two_pages_at_most(tmp_path: Path, pages: int, sent: int) -> None:
    path = tmp_path / "document"
    path.write_bytes(pdf(*[(f"page {number}",) for number in range(1, pages + 1)]))
    excerpt = await documents.first_pages(path, "application/pdf", pages)
    texts = page_texts(await excerpt.read())
    assert [text.strip() for text in texts] == [f"page {number}" for number in range(1, sent + 1)]


async def test_a_plain_pdf_or_image_is_sent_as_it_is(tmp_path: Path, invoice: Path) -> None:
    assert await documents.whole(invoice, "application/pdf") == documents.Document(invoice, "application/pdf")
    picture = tmp_path / "picture"
    Image.new("RGB", (20, 20)).save(picture, "PNG")
    assert await documents.first_pages(picture, "image/png", 1) == documents.Document(picture, "image/png")


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "CMYK", "P", "I;16"])
async def test_each_frame_of_a_tiff_becomes_a_page_of_its_size(tmp_path: Path, mode: str) -> None:
    frames = [Image.new("L", (300, 200), level) for level in (0, 255, 0)]
    if mode == "I;16":
        frames = [Image.new("I;16", frame.size, frame.getpixel((0, 0)) * 257) for frame in frames]  # type: ignore[operator]
    else:
        frames = [frame.convert(mode) for frame in frames]
    path = tmp_path / "scan"
    frames[0].save(path, "TIFF", save_all=True, append_images=frames[1:], dpi=(150, 150))
    sent = await documents.whole(path, "image/tiff")
    content = await sent.read()
    assert sent.mime_type == "application/pdf"
    with pypdfium2.PdfDocument(content) as document:
        assert [page.get_size() for page in document] == [(144.0, 96.0)] * 3
    assert [level > 127 for level in grey_levels(content)] == [False, True, False]


async def test_see_through_parts_of_a_tiff_are_white(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    Image.new("RGBA", (300, 200), (0, 0, 0, 0)).save(path, "TIFF", dpi=(100, 100))
    assert grey_levels(await (await documents.whole(path, "image/tiff")).read()) == [255]


async def test_a_tiff_of_many_frames_is_classified_by_the_first_two(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    frames = [Image.new("L", (100, 100), 255) for _ in range(5)]
    frames[0].save(path, "TIFF", save_all=True, append_images=frames[1:])
    excerpt = await documents.first_pages(path, "image/tiff", 5)
    assert len(page_texts(await excerpt.read())) == 2


async def test_large_frames_are_scaled_down_to_what_gemini_uses(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    Image.effect_noise((5000, 4000), 50).save(path, "TIFF")
    sent = await documents.whole(path, "image/tiff")
    with pypdfium2.PdfDocument(await sent.read()) as document:
        (picture,) = document[0].get_objects()
        assert picture.get_px_size() == (3072, 2458)


async def test_encryption_that_needs_no_password_is_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "locked"
    path.write_bytes(pdf(INVOICE_LINES, owner_password="only the owner knows"))
    sent = await (await documents.whole(path, "application/pdf")).read()
    assert b"/Encrypt" in path.read_bytes()
    assert b"/Encrypt" not in sent
    assert "INV-2041" in page_texts(sent)[0]


@pytest.mark.parametrize("mime_type", ["image/tiff", "application/pdf"])
async def test_a_file_that_cannot_be_converted_fails_with_a_reason(tmp_path: Path, mime_type: str) -> None:
    path = tmp_path / "broken"
    path.write_bytes(b"II*\0 nothing, or %PDF-1.7 /Encrypt nothing")
    with pytest.raises(DocumentFailed) as caught:
        await documents.whole(path, mime_type)
    assert caught.value.reason is FailureCode.FILE_MISSING


async def test_a_tiff_that_breaks_off_in_its_pixels_fails_with_a_reason(tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.effect_noise((600, 600), 90).convert("RGB").save(whole, "TIFF", compression="tiff_lzw")
    path = tmp_path / "cut"
    content = whole.getvalue()
    # The directory comes first only when it is written so; damage the strips and keep it.
    path.write_bytes(content[:200] + b"\xff" * (len(content) // 2) + content[200 + len(content) // 2 :])
    with pytest.raises(DocumentFailed) as caught:
        await documents.whole(path, "image/tiff")
    assert caught.value.reason is FailureCode.FILE_MISSING


def test_base64_counts_against_the_limit_of_a_request() -> None:
    assert documents.Document(bytes(14_600_000), "application/pdf").fits_inline
    assert not documents.Document(bytes(14_700_000), "application/pdf").fits_inline


async def test_the_text_to_ground_in_is_the_documents_own(invoice: Path) -> None:
    text = await documents.text_of(invoice, "application/pdf")
    assert [line.text for line in text.pages[0].lines] == list(INVOICE_LINES)


async def test_a_file_without_readable_text_has_none(tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_bytes(b"%PDF-1.7 nothing")
    assert not (await documents.text_of(path, "application/pdf")).has_text
