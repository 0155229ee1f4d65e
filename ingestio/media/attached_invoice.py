"""The electronic invoice that a PDF may carry inside (ZUGFeRD, Factur-X, XRechnung). Runs inside a bounded child process: it reads
hostile bytes, and whatever is wrong with the attachment, the visible pages stand without it."""

import zlib
from itertools import islice
from pathlib import Path

import pikepdf
import pypdfium2

from ingestio.media.pdf_trees import PIKEPDF_TROUBLE, open_with_pikepdf

MAX_XML_BYTES = 5_000_000
# The names that the standards prescribe, since ZUGFeRD 1.0.
_NAMES = frozenset({"zugferd-invoice.xml", "factur-x.xml", "xrechnung.xml"})
_MOST_ATTACHMENTS = 50


def attached_invoice(path: Path) -> bytes | None:
    """The XML as it is attached, at most 5 MB, or None when there is none that can be had."""
    try:
        with pypdfium2.PdfDocument(path) as document:
            # A cheap look first: nearly no PDF has attachments, and opening it another way takes longer.
            if document.count_attachments() == 0:
                return None
        with open_with_pikepdf(path) as document:
            for _, attached in islice(document.attachments.items(), _MOST_ATTACHMENTS):
                if attached.filename.strip().casefold() in _NAMES:
                    return _decoded(attached.get_file().obj)
    except (pypdfium2.PdfiumError, *PIKEPDF_TROUBLE):
        return None
    return None


def _decoded(stream: pikepdf.Object) -> bytes | None:
    """The stream's bytes, unfolded only as far as the limit goes: its own reader would unfold a bomb."""
    raw = bytes(stream.read_raw_bytes())
    filters = stream.get("/Filter", pikepdf.Array())
    names = [str(filters)] if isinstance(filters, pikepdf.Name) else [str(each) for each in filters]
    match names:
        case []:
            content = raw
        case ["/FlateDecode"]:
            try:
                content = zlib.decompressobj().decompress(raw, MAX_XML_BYTES + 1)
            except zlib.error:
                return None
        case _:
            return None
    return content if len(content) <= MAX_XML_BYTES else None
