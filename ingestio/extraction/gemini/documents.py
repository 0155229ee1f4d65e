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
from typing import Final

from ingestio.domain.media import MediaType
from ingestio.domain.text import DocumentText
from ingestio.domain.windows import PageWindow, SectionStart
from ingestio.errors import DocumentFailed, FailureCode, FileRefused
from ingestio.extraction.attached import attached_sync
from ingestio.extraction.einvoice import EInvoice
from ingestio.extraction.headings import headed_pages
from ingestio.media.bounded import BoundedFailure, run_bounded
from ingestio.media.excerpts import some_pages_sync, tiff_as_pdf_sync, unlocked_sync
from ingestio.media.outline import outline_sync
from ingestio.media.scans import read_document
from ingestio.media.text import read_text_sync

CLASSIFIED_PAGES: Final = 2

# The service's limit for a whole request with inline data, as it travels, and what of it is kept for prompt and schema.
_MAX_REQUEST_BYTES = 20_000_000
_TEXT_ALLOWANCE_BYTES = 500_000
MAX_INLINE_BYTES: Final = (_MAX_REQUEST_BYTES - _TEXT_ALLOWANCE_BYTES) // 4 * 3
"""The largest document that travels inside a request: base64 makes it a third larger."""

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
        return self.size_bytes <= MAX_INLINE_BYTES

    async def read(self) -> bytes:
        """All bytes, read in a thread."""
        return self.content if isinstance(self.content, bytes) else await asyncio.to_thread(self.content.read_bytes)

    def open(self) -> io.BufferedIOBase:
        """A stream of the bytes; the caller closes it."""
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")


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
        return await _made(some_pages_sync, path, 1, CLASSIFIED_PAGES)
    return await whole(path, mime_type)


async def pages(path: Path, mime_type: str, window: PageWindow) -> Document:
    """The window's pages alone, cut out of the file. Raises DocumentFailed when they cannot be."""
    media_type = MediaType(mime_type)
    if media_type is MediaType.TIFF:
        return await _made(tiff_as_pdf_sync, path, window.last_page, window.first_page)
    if media_type is MediaType.PDF:
        return await _made(some_pages_sync, path, window.first_page, window.last_page)
    return Document(path, mime_type)


async def section_starts(path: Path, mime_type: str, text: DocumentText) -> tuple[SectionStart, ...]:
    """Where the document's outline or, without one, its headings begin something new; empty when neither does."""
    outline: tuple[SectionStart, ...] = ()
    if MediaType(mime_type) is MediaType.PDF:
        try:
            outline = await run_bounded(
                outline_sync, path.resolve(), wall_seconds=_WALL_SECONDS, memory_bytes=_MEMORY_BYTES
            )
        except (BoundedFailure, FileRefused):
            outline = ()
    return outline or await asyncio.to_thread(headed_pages, text)


async def text_layer_of(path: Path, mime_type: str) -> DocumentText:
    """What of the text needs no recognition; empty when there is none or it cannot be read within the limits."""
    try:
        return await run_bounded(
            read_text_sync, path.resolve(), MediaType(mime_type), wall_seconds=_WALL_SECONDS, memory_bytes=_MEMORY_BYTES
        )
    except (BoundedFailure, FileRefused):
        return DocumentText(())


async def text_of(path: Path, mime_type: str) -> DocumentText:
    """The text to hold values against, of pictures too; empty when the file has none or it cannot be read within the limits."""
    media_type = MediaType(mime_type)
    try:
        return await read_document(path.resolve(), media_type, wall_seconds=_WALL_SECONDS, memory_bytes=_MEMORY_BYTES)
    except (BoundedFailure, FileRefused):
        return DocumentText(())


async def attached_to(path: Path, mime_type: str) -> EInvoice | None:
    """The electronic invoice inside the file; None when there is none, or it cannot be read within the limits."""
    if MediaType(mime_type) is not MediaType.PDF:
        return None
    try:
        return await run_bounded(
            attached_sync, path.resolve(), mime_type, wall_seconds=_WALL_SECONDS, memory_bytes=_MEMORY_BYTES
        )
    except (BoundedFailure, FileRefused):
        return None


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
