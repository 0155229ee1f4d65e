"""Opens a PDF for reading so that pdfium sees the very pages that were counted. Runs inside a bounded child process."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium

from ingestio.errors import FileRefused, RefusalCode
from ingestio.media.pdf_trees import PIKEPDF_TROUBLE, open_with_pikepdf, pikepdf_pages, reachable_pages
from ingestio.media.readers import Opened

# Rewriting happens in memory; a larger file with a lying page tree is read as pdfium finds it.
_REWRITE_LIMIT_BYTES = 100_000_000


@contextmanager
def open_pdf(path: Path, max_pages: int) -> Iterator[pypdfium2.PdfDocument]:
    """The document with all the pages that `count_pages` counts, up to `max_pages`.

    pdfium believes a plausible `/Count` and stops at the first hole in the tree, so a document where it does not reach exactly the
    pages that pikepdf finds is rewritten in memory with a sound tree first. Raises FileRefused (encrypted or corrupt).
    """
    try:
        document = _open(path)
    except FileRefused:
        rewritten = _rewritten(path)
        if rewritten is None:
            raise
        document = _open(rewritten)
    else:
        rewritten = None if _agrees(document, path, max_pages) else _rewritten(path)
        if rewritten is not None:
            document.close()
            document = _open(rewritten)
    with document:
        yield document


def _open(source: Path | bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise FileRefused(RefusalCode.ENCRYPTED, "The PDF needs a password to open.") from None
        raise FileRefused(RefusalCode.CORRUPT, "The PDF cannot be opened; it is damaged.") from None


def _agrees(document: pypdfium2.PdfDocument, path: Path, max_pages: int) -> bool:
    """True unless pikepdf finds another number of pages than pdfium reaches."""
    try:
        with open_with_pikepdf(path) as second:
            answer = pikepdf_pages(second, max_pages)
    except PIKEPDF_TROUBLE:
        return True
    claimed = len(document)
    reached = reachable_pages(document, min(claimed, max_pages + 1))
    return not isinstance(answer, Opened) or (
        answer.existing == reached and (claimed == reached or reached > max_pages)
    )


def _rewritten(path: Path) -> bytes | None:
    """The file with a page tree as flat as it should be, or None when pikepdf cannot read it without guessing."""
    if path.stat().st_size > _REWRITE_LIMIT_BYTES:
        return None
    target = io.BytesIO()
    try:
        with open_with_pikepdf(path) as source, pikepdf.new() as copy:
            copy.pages.extend(source.pages)
            copy.save(target)
    except PIKEPDF_TROUBLE:
        return None
    return target.getvalue()
