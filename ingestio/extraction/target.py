"""Matching a text value with the words of a page, word by word."""

from bisect import bisect_left

from ingestio.extraction.layout import Cell
from ingestio.extraction.tokens import tokens


class Target:
    """A text value as one run of letters and digits, with the places where digits may not run together."""

    def __init__(self, value: str, regrouped: bool) -> None:
        parts = tokens(value)
        self.key = "".join(part.key for part in parts)
        self._regrouped = regrouped
        ends: list[int] = []
        for part in parts:
            ends.append((ends[-1] if ends else 0) + len(part.key))
        self._ends = ends

    def match(self, cell: Cell, position: int, length: int) -> tuple[int, int] | None:
        """How far the value is matched, and the last word used, when `cell` goes on with it from `position`; else None."""
        last = position
        while length < len(self.key):
            if last >= len(cell.tokens):
                return length, last - 1
            key = cell.tokens[last].key
            if not self.key.startswith(key, length) or not self._may_join(length, key):
                return None
            length += len(key)
            last += 1
        return length, last - 1

    def _may_join(self, length: int, key: str) -> bool:
        """Digits that touch in the value must touch on paper, and the other way round: `12 3` is not 123."""
        if self._regrouped:
            return True
        if length and self.key[length - 1].isdigit() and key[0].isdigit() and not self._ends_at(length):
            return False
        first = bisect_left(self._ends, length + 1)
        for end in self._ends[first:]:
            if end >= length + len(key):
                break
            if self.key[end - 1].isdigit() and self.key[end].isdigit():
                return False
        return True

    def _ends_at(self, length: int) -> bool:
        at = bisect_left(self._ends, length)
        return at < len(self._ends) and self._ends[at] == length
