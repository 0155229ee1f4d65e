"""A second opinion on `supported`: whether the words that were quoted stand on the page, and the value follows from them.

Kept apart from the code that grounds values, and simpler than it on purpose: a fault there must not hide itself here.
"""

import re
import unicodedata
from decimal import Decimal, InvalidOperation

from ingestio.domain.evidence import FieldState
from ingestio.domain.fields import ExtractedField, FieldKind
from ingestio.domain.text import DocumentText

_BARE = re.compile(r"[\W_]+")
_RUNS_OF_DIGITS = re.compile(r"\d+")


def is_in_document(field: ExtractedField, kind: FieldKind, text: DocumentText) -> bool:
    """Whether a supported value is borne out: every quote's words are on the page it names, and the value is written in the quotes."""
    if field.state is not FieldState.SUPPORTED or field.value is None:
        return True
    quotes = [place.quote for place in field.evidence]
    if not quotes or not all(_stands_on(place.page, place.quote, text) for place in field.evidence):
        return False
    if kind is FieldKind.DATE and not _names_year(str(field.value)[:4], text):
        return False
    return any(_follows(str(field.value), kind, quote) for quote in [*quotes, " ".join(quotes)])


def _names_year(year: str, text: DocumentText) -> bool:
    """A line of a statement may leave out the year; then it stands elsewhere."""
    written = " ".join(word.text for page in text.pages for line in page.lines for word in line.words)
    return year in written or re.search(rf"(?<!\d){year[2:]}(?!\d)", written) is not None


def _stands_on(number: int, quote: str, text: DocumentText) -> bool:
    page = next((page for page in text.pages if page.number == number), None)
    if page is None:
        return False
    written = _bare("".join(word.text for line in page.lines for word in line.words))
    return all(_bare(word) in written for word in quote.split())


def _follows(value: str, kind: FieldKind, quote: str) -> bool:
    match kind:
        case FieldKind.AMOUNT | FieldKind.NUMBER:
            return _number_follows(value, quote)
        case FieldKind.DATE:
            digits = [int(run) for run in _RUNS_OF_DIGITS.findall(unicodedata.normalize("NFKC", quote))]
            wanted = int(value.rpartition("-")[2])  # the day, or what comes before it where there is none
            return (
                wanted in digits
                or any(str(wanted) in str(number) for number in digits if number > 999)
                or len(value) == 7
            )
        case FieldKind.CURRENCY:
            return any(char.isalpha() or unicodedata.category(char) == "Sc" for char in quote)
        case _:
            return _bare(value) in _bare(quote) or all(_bare(word) in _bare(quote) for word in value.split())


def _number_follows(value: str, quote: str) -> bool:
    """The digits of the value, without its last zeros, are those of the quote: whatever stands between them groups or divides."""
    try:
        wanted = f"{abs(Decimal(value)).normalize():f}".replace(".", "").lstrip("0")
    except InvalidOperation:
        return False
    written = "".join(char for char in unicodedata.normalize("NFKC", quote) if char.isdigit())
    return wanted.rstrip("0") in written if wanted else "0" in written or "-" in quote or "–" in quote


def _bare(text: str) -> str:
    return _BARE.sub("", unicodedata.normalize("NFKC", text).casefold().replace("\u00ad", ""))
