"""Which rules read which type of document."""

from ingestio.extraction.layout import Layout
from ingestio.extraction.local.contracts import read_contract
from ingestio.extraction.local.forms import read_labelled
from ingestio.extraction.local.letters import read_letter
from ingestio.extraction.local.reading import Entry, Found
from ingestio.extraction.local.reports import read_report
from ingestio.extraction.local.resumes import read_resume
from ingestio.extraction.local.statements import read_statement
from ingestio.extraction.local.trade import ROLES, read_trade

_READERS = {
    "bank_statement": read_statement,
    "contract": read_contract,
    "letter": read_letter,
    "report": read_report,
    "resume": read_resume,
}


def read_type(document_type: str, layout: Layout) -> tuple[Found, dict[str, list[Entry]]]:
    """The readings of a type's concepts by name, and the entries of its lists. Absent is absent: nothing is made up."""
    if document_type in ROLES:
        return read_trade(document_type, layout)
    reader = _READERS.get(document_type)
    return reader(layout) if reader else read_labelled(document_type, layout)
