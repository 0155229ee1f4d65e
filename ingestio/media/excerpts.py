"""Documents made from documents: some pages of a PDF, a PDF without its encryption, a TIFF as a PDF.

Call these only inside a bounded child process: they parse hostile bytes. The same bytes give the same pages.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ingestio.domain.media import MediaType
from ingestio.media.text import MAX_PAGES, MAX_PIXELS

if TYPE_CHECKING:
    from PIL import Image

# Models scale images down to this themselves; more only costs transfer.
_LONGEST_SIDE_PIXELS = 3072
_JPEG_QUALITY = 85


def some_pages_sync(path: Path, first_page: int, last_page: int) -> bytes:
    """A PDF of these pages (from 1), as far as they exist. Raises FileRefused (encrypted or corrupt)."""
    import pypdfium2

    from ingestio.media.pdf_document import open_pdf

    target = io.BytesIO()
    with open_pdf(path, MAX_PAGES) as source, pypdfium2.PdfDocument.new() as excerpt:
        excerpt.import_pages(source, list(range(first_page - 1, min(last_page, len(source)))))
        excerpt.save(target)
    return target.getvalue()


def unlocked_sync(path: Path) -> bytes:
    """The same PDF without its encryption. Raises FileRefused (encrypted with a password that is not empty, or corrupt)."""
    import pypdfium2.raw as pdfium

    from ingestio.media.pdf_document import open_pdf

    target = io.BytesIO()
    with open_pdf(path, MAX_PAGES) as source:
        source.save(target, flags=pdfium.FPDF_REMOVE_SECURITY)
    return target.getvalue()


def tiff_as_pdf_sync(path: Path, last_page: int = MAX_PAGES, first_page: int = 1) -> bytes:
    """A PDF with a page for each of these frames (from 1), as large on paper as the frame says. Raises FileRefused."""
    import pypdfium2

    from ingestio.media.images import IMAGE_TROUBLE, damaged, frames, on_paper, open_image, size_in_points, upright

    target = io.BytesIO()
    with open_image(path, MediaType.TIFF, MAX_PIXELS) as image, pypdfium2.PdfDocument.new() as document:
        for index in frames(image, MediaType.TIFF, last_page, MAX_PIXELS):
            if index == last_page:
                break
            if index < first_page - 1:
                continue
            width, height = size_in_points(image)
            try:
                jpeg = _jpeg(on_paper(upright(image)))
            except IMAGE_TROUBLE:
                raise damaged() from None
            picture = pypdfium2.PdfImage.new(document)
            picture.load_jpeg(jpeg, inline=True)
            picture.set_matrix(pypdfium2.PdfMatrix().scale(width, height))
            page = document.new_page(width, height)
            page.insert_obj(picture)
            page.gen_content()
            page.close()
        document.save(target)
    return target.getvalue()


def _jpeg(frame: "Image.Image") -> io.BytesIO:
    frame.thumbnail((_LONGEST_SIDE_PIXELS, _LONGEST_SIDE_PIXELS))
    jpeg = io.BytesIO()
    frame.save(jpeg, "JPEG", quality=_JPEG_QUALITY)
    jpeg.seek(0)
    return jpeg
