"""The electronic invoice that came with a document, read; the same for every provider."""

from pathlib import Path

from ingestio.domain.media import MediaType
from ingestio.extraction.einvoice import EInvoice, read_einvoice


def attached_sync(path: Path, mime_type: str) -> EInvoice | None:
    """What the attachment says, or None when there is none that can be read. Call it only inside a bounded child: it parses hostile
    bytes."""
    if MediaType(mime_type) is not MediaType.PDF:
        return None
    # Imported here: the worker imports this module and must never load a parser.
    from ingestio.media.attached_invoice import attached_invoice

    xml = attached_invoice(path)
    return read_einvoice(xml) if xml else None
