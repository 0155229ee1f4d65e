"""How many pages a PDF has, asked of three readers that never ask each other. Runs inside a bounded child process.

A number in the file (`/Count`) is never the answer: pdfium repeats it when it is plausible, pdfinfo always does, so each reader's page
tree is walked here, bounded, up to one page past the limit. Sources of the differences: pdfium `cpdf_document.cpp` (CountPages trusts
1..0xFFFFE, levels up to 1024), qpdf `QPDF_pages.cc` (a node that appears twice is an error, a page that appears twice is two pages).
"""

import logging
from pathlib import Path
from typing import Any

import pikepdf
import pypdf
import pypdfium2
import pypdfium2.raw as pdfium
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from ingestio.media.readers import Opened, Refused

# Their warnings quote the document.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)
logging.getLogger("pikepdf").setLevel(logging.CRITICAL)

# Of inner nodes; a sound tree of 5,000 pages has far fewer. Beyond it the answer would depend on how fast the machine is.
_MOST_NODES = 20_000


def ask_pdfium(path: Path, limit: int) -> Opened | Refused:
    """The first reader, and the one that later reads and renders: a page that it cannot reach does not exist for us."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        # A handler that no reader here knows (a certificate, say) needs a key as well.
        return Refused(encrypted=error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY))
    with document:
        claimed = len(document)
        return Opened(claimed, reachable_pages(document, min(claimed, limit + 1)))


def reachable_pages(document: pypdfium2.PdfDocument, most: int) -> int:
    """The pages from the first on that pdfium reaches in its tree, without parsing their contents; at most `most`."""
    size = pdfium.FS_SIZEF()
    for index in range(most):
        if not pdfium.FPDF_GetPageSizeByIndexF(document.raw, index, size):
            return index
    return most


def ask_pikepdf(path: Path, limit: int) -> Opened | Refused:
    """The second reader, forbidden to repair: what it would invent is not in the file."""
    try:
        with open_with_pikepdf(path) as document:
            return pikepdf_pages(document, limit)
    except pikepdf.PasswordError:
        return Refused(encrypted=True)
    except PIKEPDF_TROUBLE:
        return Refused()


def open_with_pikepdf(path: Path) -> pikepdf.Pdf:
    """Opens without repair and without mapping the file into the child's capped address space."""
    return pikepdf.open(
        path,
        attempt_recovery=False,
        suppress_warnings=True,
        # Without this pikepdf walks and rewrites the whole tree on opening, however large it is.
        inherit_page_attributes=False,
        access_mode=pikepdf.AccessMode.stream,
    )


def pikepdf_pages(document: pikepdf.Pdf, limit: int) -> Opened | Refused:
    """Walks the tree of an open document; raises what pikepdf raises on a damaged object."""
    root = document.Root.get("/Pages")
    if not isinstance(root, pikepdf.Dictionary):
        return Refused()
    if "/Kids" not in root:
        return Opened(None, int(root.get("/Type") == "/Page"))
    claimed = root.get("/Count")
    seen: set[tuple[int, int]] = set()
    pages = 0
    pending: list[Any] = [root]
    while pending and pages <= limit:
        node = pending.pop()
        if not isinstance(node, pikepdf.Dictionary):
            continue
        if "/Kids" not in node:
            pages += 1
            continue
        if node.is_indirect:
            if node.objgen in seen or len(seen) > _MOST_NODES:
                return Refused()
            seen.add(node.objgen)
        kids = node.get("/Kids")
        if not isinstance(kids, pikepdf.Array):
            return Refused()
        pending.extend(kids[index] for index in reversed(range(min(len(kids), limit + 1))))
    return Opened(claimed if isinstance(claimed, int) else None, pages)


def ask_pypdf(path: Path, limit: int) -> Opened | Refused:
    """The third reader, asked when the second has no answer. Written in Python: slow on large trees, so the caller bounds its time."""
    try:
        with path.open("rb") as stream:
            reader = pypdf.PdfReader(stream, strict=False)
            if reader.is_encrypted and not reader.decrypt(""):
                return Refused(encrypted=True)
            root = reader.root_object["/Pages"].get_object()
            return _pypdf_pages(root, limit)
    except _PYPDF_TROUBLE:
        return Refused()


def _pypdf_pages(root: Any, limit: int) -> Opened | Refused:
    if not isinstance(root, DictionaryObject):
        return Refused()
    if "/Kids" not in root:
        return Opened(None, int(root.get("/Type") == "/Page"))
    claimed = root.get("/Count")
    claimed = claimed.get_object() if claimed is not None else None
    seen: set[tuple[int, int]] = set()
    pages = 0
    pending: list[Any] = [root]
    while pending and pages <= limit:
        reference = pending.pop()
        node = reference.get_object() if isinstance(reference, IndirectObject) else reference
        if not isinstance(node, DictionaryObject):
            continue
        if "/Kids" not in node:
            pages += 1
            continue
        if isinstance(reference, IndirectObject):
            if (reference.idnum, reference.generation) in seen or len(seen) > _MOST_NODES:
                return Refused()
            seen.add((reference.idnum, reference.generation))
        kids = node["/Kids"]
        if not isinstance(kids, ArrayObject):
            return Refused()
        pending.extend(reversed(list.__getitem__(kids, slice(limit + 1))))
    return Opened(int(claimed) if isinstance(claimed, int) else None, pages)


# What the readers raise on damaged files, beside their own errors; MemoryError is not among them, it belongs to the pool.
PIKEPDF_TROUBLE = (
    pikepdf.PdfError,
    pikepdf.PasswordError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RuntimeError,
    OverflowError,
    NotImplementedError,
)
_PYPDF_TROUBLE = (
    pypdf.errors.PyPdfError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    RuntimeError,
    RecursionError,
    OverflowError,
    NotImplementedError,
    OSError,
)
