"""Where a value was seen (R80)."""

from dataclasses import dataclass
from enum import StrEnum

from ingestio.domain.text import Box


class FieldState(StrEnum):
    """Whether the document's own text bears a value out."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One place: the page (from 1), the words there verbatim, and the box around them in PDF points from the top left."""

    page: int
    quote: str
    box: Box | None
