"""Words by which documents are found, as revision 0013 made them for what was extracted before.

A copy of the application's rule, because what a revision does must not change when that does; what is here keeps its meaning.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

LONGEST_WORD, MOST_WORDS = 40, 2_000
_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_RUN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def words_in(data: Any) -> list[str]:
    """The different words of a result's values."""
    return list(dict.fromkeys(_words(data)))[:MOST_WORDS]


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _words(part)
    elif value is not None:
        bare = (
            char for char in unicodedata.normalize("NFKD", str(value).casefold()) if not unicodedata.combining(char)
        )
        for run in _RUN.findall(unicodedata.normalize("NFC", "".join(bare))):
            if _IS_UNSPACED.match(run) and len(run) > 2:
                yield from (run[at : at + 2] for at in range(len(run) - 1))
            else:
                yield run[:LONGEST_WORD]
