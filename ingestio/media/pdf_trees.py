"""How many pages a PDF has, asked of three readers that never ask each other. Runs inside a bounded child process.

A number in the file (`/Count`) is never the answer: pdfium repeats it when it is plausible, pdfinfo always does, so each reader's page
tree is walked. Sources of the differences: pdfium `cpdf_document.cpp` (trusts a count of 1..0xFFFFE, knows 1,024 levels, stops at a hole),
qpdf `QPDF_pages.cc` (a node that appears twice is an error, a page that appears twice is two pages).
"""

import logging
import math
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pikepdf
import pypdf
import pypdfium2
import pypdfium2.raw as pdfium
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from ingestio.domain.shapes import shape, shortened
from ingestio.media.page_tree import PAGE, BrokenTree, Node, measure
from ingestio.media.readers import Opened, Refused

# Their warnings quote the document.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)
logging.getLogger("pikepdf").setLevel(logging.CRITICAL)

# What is left to the third reader must end before the child is killed, or the first one's answer is lost with it.
_THIRD_READER_ENDS_AT = 0.8


def ask_readers(path: Path, limit: int, wall_seconds: float) -> tuple[Opened | Refused, Opened | Refused]:
    """What pdfium says, and what the first other reader says that opens the file. Takes the main thread's alarm for itself."""
    started = time.monotonic()
    first = ask_pdfium(path, limit)
    second = ask_pikepdf(path, limit)
    if isinstance(second, Opened) or (_encrypted(first) and second.encrypted):
        return first, second
    try:
        with _alarm(wall_seconds * _THIRD_READER_ENDS_AT - (time.monotonic() - started)):
            third = ask_pypdf(path, limit)
    except _OutOfTime:
        return first, second
    return first, third if isinstance(third, Opened) or third.encrypted else second


class _OutOfTime(BaseException):
    """Not an Exception: pypdf catches those in many places to go on."""


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raises _OutOfTime in the block after `seconds`. Reaches Python code only, which the third reader is."""

    def ring(*_: object) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(0.01, seconds))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _encrypted(answer: Opened | Refused) -> bool:
    return isinstance(answer, Refused) and answer.encrypted


def ask_pdfium(path: Path, limit: int) -> Opened | Refused:
    """The first reader, and the one that later reads and renders: a page that it cannot reach does not exist for us."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        # A handler that no reader here knows (a certificate, say) needs a key as well.
        return Refused(encrypted=error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY))
    with document:
        claimed = len(document)
        shapes = list(_reachable(document, min(claimed, limit + 1)))
        return Opened(claimed, len(shapes), shortened(shapes))


def reachable_pages(document: pypdfium2.PdfDocument, most: int) -> int:
    """The pages from the first on that pdfium reaches in its tree, without parsing their contents; at most `most`."""
    return sum(1 for _ in _reachable(document, most))


def _reachable(document: pypdfium2.PdfDocument, most: int) -> Iterator[float]:
    """The shape of each of those pages, turned as it is shown."""
    size = pdfium.FS_SIZEF()
    for index in range(most):
        if not pdfium.FPDF_GetPageSizeByIndexF(document.raw, index, size):
            return
        yield shape(size.width, size.height)


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
        return Opened(1, int(root.get("/Type") == "/Page"))
    return measure(root, _pikepdf_node, limit)


def _pikepdf_node(item: Any) -> Node | None:
    if not isinstance(item, pikepdf.Dictionary):
        return None
    if "/Kids" not in item:
        return PAGE
    kids = item.get("/Kids")
    if not isinstance(kids, pikepdf.Array):
        raise BrokenTree
    return Node(item.objgen if item.is_indirect else None, _whole(item.get("/Count")), cast("Sequence[Any]", kids))


def _whole(claim: object) -> int | None:
    return int(claim) if isinstance(claim, int | float | Decimal) and math.isfinite(claim) else None


def ask_pypdf(path: Path, limit: int) -> Opened | Refused:
    """The third reader, asked when the second has no answer. Written in Python: slow, but it can be interrupted."""
    try:
        with path.open("rb") as stream:
            reader = pypdf.PdfReader(stream, strict=False)
            if reader.is_encrypted and not reader.decrypt(""):
                return Refused(encrypted=True)
            root = reader.root_object["/Pages"].get_object()
            return _pypdf_pages(root, limit)
    except PYPDF_TROUBLE:
        return Refused()


def _pypdf_pages(root: Any, limit: int) -> Opened | Refused:
    if not isinstance(root, DictionaryObject):
        return Refused()
    if "/Kids" not in root:
        return Opened(1, int(root.get("/Type") == "/Page"))
    return measure(root, _pypdf_node, limit)


def _pypdf_node(item: Any) -> Node | None:
    node = item.get_object() if isinstance(item, IndirectObject) else item
    if not isinstance(node, DictionaryObject):
        return None
    if "/Kids" not in node:
        return PAGE
    kids = node["/Kids"]
    if not isinstance(kids, ArrayObject):
        raise BrokenTree
    claim = node.get("/Count")
    identity = (item.idnum, item.generation) if isinstance(item, IndirectObject) else None
    return Node(identity, _whole(claim.get_object() if claim is not None else None), kids)


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
PYPDF_TROUBLE = (
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
