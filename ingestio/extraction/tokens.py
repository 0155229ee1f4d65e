"""Words as they are compared: without case, accents, ligatures and punctuation. Pure text, no geometry."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_NUMERO = str.maketrans({"№": " no ", "#": " no ", "°": "o ", "º": "o ", "ª": "a ", "ß": "ss", "’": "'", "ʼ": "'"})
# Letters that Unicode takes for letters of their own; people and their keyboards take them for ours with a stroke.
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i"})
_TOKEN = re.compile(r"[^\W_]+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Token:
    """One comparable word: its key, and where it stands in the text it came from."""

    key: str
    start: int
    end: int


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Lower case, without accents, strokes and ligatures; `ß` is `ss`. Characters of other scripts stay."""
    plain = text.casefold()
    if plain.isascii():
        return plain
    decomposed = unicodedata.normalize("NFKD", plain.translate(_STROKES))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def compact(text: str) -> str:
    """The letters and digits of a text in one run: how two spellings of one label are told to be the same."""
    return "".join(match.group() for match in _TOKEN.finditer(fold(text.translate(_NUMERO))))


@lru_cache(maxsize=65536)
def _keys(word: str) -> tuple[tuple[str, int, int], ...]:
    """The keys in one word with offsets; a key whose offset cannot be told (a ligature before it) takes the word's."""
    if word.isascii() and "#" not in word:
        return tuple((match.group().lower(), match.start(), match.end()) for match in _TOKEN.finditer(word))
    found: list[tuple[str, int, int]] = []
    run, start = "", 0
    for index, char in enumerate(word):
        if char in "#№":
            if run:
                found.append((run, start, index))
            found.append(("no", index, index + 1))
            run, start = "", index + 1
        elif char in "°º":
            found.append((fold(run) + "o", start, index + 1))
            run, start = "", index + 1
        elif char.isalnum() or unicodedata.combining(char):
            if not run:
                start = index
            run += fold(char)
        elif run:
            found.append((run, start, index))
            run = ""
    if run:
        found.append((run, start, len(word)))
    return tuple(found)


def tokens(text: str) -> tuple[Token, ...]:
    """The comparable words of a text, in order, with offsets into it."""
    found: list[Token] = []
    for match in re.finditer(r"\S+", text):
        offset = match.start()
        found.extend(Token(key, offset + start, offset + end) for key, start, end in _keys(match.group()) if key)
    return tuple(found)


class Runs:
    """A set of compact keys, asked word by word: whether a run of words is one of them, or can still become one."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = frozenset(keys)
        self.beginnings = frozenset(key[:length] for key in self.keys for length in range(1, len(key) + 1))


def known_runs(words: Sequence[str], runs: Runs) -> Iterator[str]:
    """Every run of neighbouring words that is one of the keys."""
    for first in range(len(words)):
        run = ""
        for word in words[first:]:
            run += word
            if run not in runs.beginnings:
                break
            if run in runs.keys:
                yield run
