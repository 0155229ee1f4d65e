"""Words that documents are found by: what a result holds, cut up the same way as what somebody types (R88)."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

LONGEST_WORD = 40
MOST_WORDS = 2_000
"""Of one document; a statement of a thousand lines has fewer different ones."""

# Scripts that are written without blanks: pairs of characters take the place of words.
_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_RUN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def words_of(texts: Iterable[str], most: int = MOST_WORDS) -> list[str]:
    """The different words of some texts, in order: without case and accents, letters and digits only."""
    found: dict[str, None] = {}
    for text in texts:
        for word in _words(text):
            found[word] = None
            if len(found) >= most:
                return list(found)
    return list(found)


def texts_in(value: Any) -> Iterator[str]:
    """Every value of nested data, as text."""
    if isinstance(value, dict):
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)
    elif value is not None:
        yield str(value)


def _words(text: str) -> Iterator[str]:
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))
    # Syllables of Hangul come together again, so that a pair is a pair of what people see.
    for run in _RUN.findall(unicodedata.normalize("NFC", plain)):
        if _IS_UNSPACED.match(run) and len(run) > 2:
            yield from (run[at : at + 2] for at in range(len(run) - 1))
        else:
            yield run[:LONGEST_WORD]
