"""The document in a form that Gemini takes: bytes of a PDF or of an image that it reads, the first pages alone for classification.

Gemini reads PDF, PNG, JPEG, WebP and HEIC. A TIFF becomes a PDF with a page for each frame, so that its pages keep their numbers; the
encryption of a PDF that opens without a password is taken off. Both are parsing, so they run in a bounded child.
"""

import asyncio
import io
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestio.domain.media import MediaType
from ingestio.domain.text import DocumentText
from ingestio.errors import DocumentFailed, FailureCode, FileRefused
from ingestio.media.bounded import BoundedFailure, run_bounded
from ingestio.media.text import MAX_PAGES, MAX_PIXELS, read_text_sync

if TYPE_CHECKING:
    from PIL import Image

CLASSIFIED_PAGES: Final = 2

MAX_REQUEST_BYTES: Final = 20_000_000
"""A whole request with inline data, as it travels; base64 makes a file a third larger, so this is 15 MB of document."""

_TEXT_ALLOWANCE_BYTES = 500_000
# Gemini scales images down to this itself; more only costs transfer.
_LONGEST_SIDE_PIXELS = 3072
_JPEG_QUALITY = 85
_MEMORY_BYTES = 1 << 30
_WALL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Document:
    """What is sent: a local file as it is, or bytes that were made from it."""

    content: Path | bytes
    mime_type: str

    @property
    def size_bytes(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    @property
    def fits_inline(self) -> bool:
        return (self.size_bytes + 2) // 3 * 4 + _TEXT_ALLOWANCE_BYTES <= MAX_REQUEST_BYTES

    async def read(self) -> bytes:
        """All bytes, read in a thread."""
        return self.content if isinstance(self.content, bytes) else await asyncio.to_thread(self.content.read_bytes)


async def whole(path: Path, mime_type: str) -> Document:
    """The document with all its pages. Raises DocumentFailed when it cannot be converted."""
    media_type = MediaType(mime_type)
    if media_type is MediaType.TIFF:
        return await _made(tiff_as_pdf_sync, path)
    if media_type is MediaType.PDF and await asyncio.to_thread(_may_be_encrypted, path):
        return await _made(unlocked_sync, path)
    return Document(path, mime_type)


async def first_pages(path: Path, mime_type: str, page_count: int) -> Document:
    """The document's first two pages (R76). Raises DocumentFailed when they cannot be split off."""
    media_type = MediaType(mime_type)
    if media_type is MediaType.TIFF:
        return await _made(tiff_as_pdf_sync, path, CLASSIFIED_PAGES)
    if media_type is MediaType.PDF and page_count > CLASSIFIED_PAGES:
        return await _made(first_pages_sync, path, CLASSIFIED_PAGES)
    return await whole(path, mime_type)


async def text_of(path: Path, mime_type: str) -> DocumentText:
    """The text to hold values against; empty when the file has none or it cannot be read within the limits."""
    media_type = MediaType(mime_type)
    try:
        return await run_bounded(
            read_text_sync, path.resolve(), media_type, wall_seconds=_WALL_SECONDS, memory_bytes=_MEMORY_BYTES
        )
    except (BoundedFailure, FileRefused):
        return DocumentText(())


async def _made(function: Callable[..., bytes], path: Path, *args: int) -> Document:
    try:
        made = await run_bounded(
            function, path.resolve(), *args, wall_seconds=_WALL_SECONDS, memory_bytes=_MEMORY_BYTES
        )
    except FileRefused as error:
        raise DocumentFailed(FailureCode.FILE_MISSING, error.detail) from None
    except BoundedFailure as error:
        raise DocumentFailed(FailureCode.INTERNAL) from error
    return Document(made, MediaType.PDF.mime_type)


def _may_be_encrypted(path: Path) -> bool:
    """Every encrypted PDF says so in a trailer, which is never compressed; others may by chance."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"/Encrypt") >= 0


def first_pages_sync(path: Path, pages: int) -> bytes:
    """A PDF of the first pages. Runs in a bounded child, as all functions below."""
    import pypdfium2

    from ingestio.media.pdf_document import open_pdf

    target = io.BytesIO()
    with open_pdf(path, MAX_PAGES) as source, pypdfium2.PdfDocument.new() as excerpt:
        excerpt.import_pages(source, list(range(min(pages, len(source)))))
        excerpt.save(target)
    return target.getvalue()


def unlocked_sync(path: Path) -> bytes:
    """The same PDF without encryption."""
    import pypdfium2.raw as pdfium

    from ingestio.media.pdf_document import open_pdf

    target = io.BytesIO()
    with open_pdf(path, MAX_PAGES) as source:
        source.save(target, flags=pdfium.FPDF_REMOVE_SECURITY)
    return target.getvalue()


def tiff_as_pdf_sync(path: Path, pages: int = MAX_PAGES) -> bytes:
    """A PDF with a page for each frame, as large on paper as the frame says."""
    import pypdfium2

    from ingestio.media.images import IMAGE_TROUBLE, damaged, frames, open_image, size_in_points, upright

    target = io.BytesIO()
    with open_image(path, MediaType.TIFF, MAX_PIXELS) as image, pypdfium2.PdfDocument.new() as document:
        for index in frames(image, MediaType.TIFF, pages, MAX_PIXELS):
            if index == pages:
                break
            width, height = size_in_points(image)
            try:
                jpeg = _jpeg(upright(image))
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
    from PIL import Image

    if frame.mode.startswith("I;16"):
        # Pillow would cut 16 bits off at 255 instead of scaling them.
        frame = frame.convert("I").point(lambda value: value / 256).convert("L")
    elif frame.has_transparency_data:
        shown = frame.convert("RGBA")
        frame = Image.new("RGB", shown.size, "white")
        frame.paste(shown, mask=shown.getchannel("A"))
    elif frame.mode not in {"L", "RGB"}:
        frame = frame.convert("L" if frame.mode in {"1", "I", "F"} else "RGB")
    frame.thumbnail((_LONGEST_SIDE_PIXELS, _LONGEST_SIDE_PIXELS))
    jpeg = io.BytesIO()
    frame.save(jpeg, "JPEG", quality=_JPEG_QUALITY)
    jpeg.seek(0)
    return jpeg
