"""Opens a PDF for reading so that pdfium sees the very pages that were counted. Runs inside a bounded child process."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pikepdf
import pypdf
import pypdfium2
import pypdfium2.raw as pdfium

from ingestio.errors import FileRefused, RefusalCode
from ingestio.media.pdf_trees import (
    PIKEPDF_TROUBLE,
    PYPDF_TROUBLE,
    ask_pikepdf,
    open_with_pikepdf,
    reachable_pages,
)
from ingestio.media.readers import Opened

# Rewriting happens in memory; a larger file with a lying page tree is read as pdfium finds it.
_REWRITE_LIMIT_BYTES = 100_000_000


@contextmanager
def open_pdf(path: Path, max_pages: int) -> Iterator[pypdfium2.PdfDocument]:
    """The document with all the pages that `count_pages` counts, up to `max_pages`.

    pdfium believes a plausible `/Count`, stops at the first hole in the tree, and is one of three readers; a document that it refuses
    or where it does not reach every page is first rewritten in memory by a reader that does. Raises FileRefused (encrypted or corrupt).
    """
    document = _opened(path)
    if isinstance(document, FileRefused) or not _sound(document, path, max_pages):
        document = _repaired(document, path, max_pages)
    if isinstance(document, FileRefused):
        raise document
    with document:
        yield document


def _opened(source: Path | bytes) -> pypdfium2.PdfDocument | FileRefused:
    try:
        return pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            return FileRefused(RefusalCode.ENCRYPTED, "The PDF needs a password to open.")
        return FileRefused(RefusalCode.CORRUPT, "The PDF cannot be opened; it is damaged.")


def _sound(document: pypdfium2.PdfDocument, path: Path, max_pages: int) -> bool:
    """Whether pdfium reaches all pages that it claims and pikepdf does not find more."""
    most = min(len(document), max_pages + 1)
    if reachable_pages(document, most) < most:
        return False
    second = ask_pikepdf(path, max_pages)
    return not isinstance(second, Opened) or second.existing <= most


def _repaired(
    document: pypdfium2.PdfDocument | FileRefused, path: Path, max_pages: int
) -> pypdfium2.PdfDocument | FileRefused:
    """The best that another reader makes of the file, or what pdfium said when none makes more of it."""
    if path.stat().st_size > _REWRITE_LIMIT_BYTES:
        return document
    reached = 0 if isinstance(document, FileRefused) else reachable_pages(document, min(len(document), max_pages + 1))
    for rewrite in (_by_pikepdf, _by_pypdf):
        rewritten = rewrite(path)
        if rewritten is None:
            continue
        better = _opened(rewritten)
        if isinstance(better, FileRefused):
            continue
        if len(better) >= max(1, reached):
            if not isinstance(document, FileRefused):
                document.close()
            return better
        better.close()
    return document


def _by_pikepdf(path: Path) -> bytes | None:
    target = io.BytesIO()
    try:
        with open_with_pikepdf(path) as source, pikepdf.new() as copy:
            copy.pages.extend(source.pages)
            copy.save(target)
    except PIKEPDF_TROUBLE:
        return None
    return target.getvalue()


def _by_pypdf(path: Path) -> bytes | None:
    target = io.BytesIO()
    try:
        with path.open("rb") as stream:
            reader = pypdf.PdfReader(stream, strict=False)
            if reader.is_encrypted:
                reader.decrypt("")
            copy = pypdf.PdfWriter()
            for page in reader.pages:
                copy.add_page(page)
            copy.write(target)
    except PYPDF_TROUBLE:
        return None
    return target.getvalue()
