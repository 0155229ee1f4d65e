"""Which rules read which type of document."""

from ingestio.extraction.layout import Layout
from ingestio.extraction.local.reading import Entry, Found
from ingestio.extraction.local.statements import read_statement
from ingestio.extraction.local.trade import ROLES, read_trade


def read_type(document_type: str, layout: Layout) -> tuple[Found, dict[str, list[Entry]]]:
    """The readings of a type's concepts by name, and the entries of its lists. Absent is absent: nothing is made up."""
    if document_type in ROLES:
        return read_trade(document_type, layout)
    if document_type == "bank_statement":
        return read_statement(layout)
    return {}, {}
