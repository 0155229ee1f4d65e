"""Where a document may be cut, and that a part is the pages it says."""

import io
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from ingestio.domain.text import DocumentText
from ingestio.domain.windows import PageWindow, SectionStart
from ingestio.extraction.gemini import documents
from ingestio.extraction.headings import headed_pages
from tests.extraction.conftest import pdf
from tests.extraction.typed import typed

pytestmark = pytest.mark.usefixtures("bounded_pool")


def chapters(outlined: bool) -> bytes:
    """Six pages: a chapter begins at the top of pages 2 and 5, another in the middle of page 3. Every page has the same large header."""
    target = io.BytesIO()
    canvas = Canvas(target, invariant=True)
    for page in range(1, 7):
        canvas.setFont("Helvetica", 14)
        canvas.drawString(72, 800, "A Report")
        for number in range(12):
            canvas.setFont("Helvetica", 10)
            canvas.drawString(72, 640 - 20 * number, f"line {number} of page {page}")
        for begun, height in ((2, 770), (3, 300), (5, 770)):
            if begun == page:
                canvas.setFont("Helvetica", 20)
                canvas.drawString(72, height, f"Chapter on page {page}")
                if outlined:
                    canvas.bookmarkHorizontalAbsolute(f"c{page}", height + 20)
                    canvas.addOutlineEntry(f"Chapter {page}", f"c{page}", level=0)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


async def starts(path: Path, content: bytes) -> tuple[SectionStart, ...]:
    path.write_bytes(content)
    text = await documents.text_of(path, "application/pdf")
    return await documents.section_starts(path, "application/pdf", text)


async def test_an_outline_says_where_sections_begin_and_whether_at_the_top(tmp_path: Path) -> None:
    found = await starts(tmp_path / "file", chapters(outlined=True))
    assert found == (SectionStart(2, True), SectionStart(3, False), SectionStart(5, True))


async def test_without_an_outline_headings_at_the_top_of_a_page_do(tmp_path: Path) -> None:
    found = await starts(tmp_path / "file", chapters(outlined=False))
    assert found == (SectionStart(2, True), SectionStart(5, True))


async def test_a_document_without_either_has_no_sections(tmp_path: Path) -> None:
    assert await starts(tmp_path / "file", pdf(("one",), ("two",), ("three",))) == ()
    assert headed_pages(DocumentText(())) == ()
    assert headed_pages(typed("one\ftwo\fthree")) == ()


async def test_a_part_is_its_pages_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(pdf(*[(f"page {number}",) for number in range(1, 8)]))
    part = await documents.pages(path, "application/pdf", PageWindow(3, 5))
    with pypdfium2.PdfDocument(await part.read()) as document:
        texts = [page.get_textpage().get_text_bounded().strip() for page in document]
    assert texts == ["page 3", "page 4", "page 5"]


async def test_a_part_of_a_tiff_is_its_frames(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    frames = [Image.new("L", (100 + 10 * index, 100), 255) for index in range(5)]
    frames[0].save(
        path, "TIFF", save_all=True, append_images=frames[1:], dpi=(72, 72)
    )  # drawn at 110 an inch, the least
    part = await documents.pages(path, "image/tiff", PageWindow(2, 3))
    with pypdfium2.PdfDocument(await part.read()) as document:
        assert [round(page.get_width()) for page in document] == [72, 79]
