"""The text of a document as it stands on its pages, with the place of every word."""

from pathlib import Path

from ingestio.domain.media import MediaType
from ingestio.domain.text import DocumentText, PageText
from ingestio.errors import FileRefused, RefusalCode
from ingestio.media.bounded import BoundedFailure, run_bounded

MAX_PAGES = 5_000
# About 1,700 dense pages: half a minute and 400 MB.
MAX_CHARACTERS = 5_000_000
MAX_PIXELS = 100_000_000
_WALL_SECONDS = 120.0
_MEMORY_BYTES = 1 << 30


async def read_text(path: Path, media_type: MediaType) -> DocumentText:
    """`read_text_sync` in a bounded child. Raises FileRefused (encrypted, corrupt, image_too_large): also for what hangs or crashes."""
    try:
        text = await run_bounded(
            read_text_sync, path, media_type, wall_seconds=_WALL_SECONDS, memory_bytes=_MEMORY_BYTES
        )
    except BoundedFailure:
        raise FileRefused(RefusalCode.CORRUPT, "The text could not be read; the file is damaged.") from None
    return text


def read_text_sync(
    path: Path, media_type: MediaType, *, max_pages: int = MAX_PAGES, max_characters: int = MAX_CHARACTERS
) -> DocumentText:
    """Every word of a document with its box, page by page. Call it only inside a bounded child process: it parses hostile bytes.

    Lines are runs of words on one base line; a wide gap (a table cell, a column) starts another. Upright text comes first, from top to
    bottom and, within a row, from left to right; sideways and slanted text follows. Line-end hyphens and odd spellings stay as they
    are; a glyph without a meaning is U+FFFD. What is not to be seen is in `hidden`; what is only in pictures is left to `scans`, so
    images have pages of their size and no lines. Reading stops at the limits and says so in `truncated`. Raises FileRefused (encrypted,
    corrupt, image_too_large). The same bytes give the same text.
    """
    if media_type.is_image:
        return _image_pages(path, media_type, max_pages)
    return _pdf_pages(path, max_pages, max_characters)


def _pdf_pages(path: Path, max_pages: int, max_characters: int) -> DocumentText:
    # Imported here: this module is imported by processes that must never load a parser.
    from ingestio.media.pdf_document import open_pdf
    from ingestio.media.pdf_text import read_page

    pages: list[PageText] = []
    left = max_characters
    with open_pdf(path, max_pages) as document:
        total = len(document)
        for index in range(min(total, max_pages)):
            if left <= 0:
                break
            page, used = read_page(document, index, left)
            pages.append(page)
            left -= used
    return DocumentText(tuple(pages), truncated=left <= 0 or total > max_pages)


def _image_pages(path: Path, media_type: MediaType, max_pages: int) -> DocumentText:
    from ingestio.media.images import IMAGE_TROUBLE, damaged, frames, open_image, size_in_points

    pages: list[PageText] = []
    with open_image(path, media_type, MAX_PIXELS) as image:
        for index in frames(image, media_type, max_pages, MAX_PIXELS):
            if index == max_pages:
                return DocumentText(tuple(pages), truncated=True)
            try:
                width, height = size_in_points(image)
            except IMAGE_TROUBLE:
                # A PNG is decoded for what its camera said: counting has seen only the beginning of a very large one.
                raise damaged() from None
            pages.append(PageText(index + 1, width, height, (), pictured=True))
    return DocumentText(tuple(pages))
