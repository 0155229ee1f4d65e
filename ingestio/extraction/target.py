"""Matching a text value with the words of a page, word by word."""

from bisect import bisect_left

from ingestio.extraction.layout import Cell
from ingestio.extraction.tokens import tokens


class Target:
    """A text value as one run of letters and digits, with the places where digits may not run together.

    `regrouped`: digits may be grouped otherwise on paper. `marked`: but the value's own marks stand where the paper has one, or a blank.
    """

    def __init__(self, value: str, regrouped: bool, marked: bool = False) -> None:
        parts = tokens(value)
        self.key = "".join(part.key for part in parts)
        self._regrouped = regrouped
        self._marked = marked
        ends: list[int] = []
        for part in parts:
            ends.append((ends[-1] if ends else 0) + len(part.key))
        self._ends = ends
        self._marks = {
            end: _mark(value[part.end : after.start]) for end, part, after in zip(ends, parts, parts[1:], strict=False)
        }

    def match(self, cell: Cell, position: int, length: int) -> tuple[int, int] | None:
        """How far the value is matched, and the last word used, when `cell` goes on with it from `position`; else None."""
        last = position
        while length < len(self.key):
            if last >= len(cell.tokens):
                return length, last - 1
            key = cell.tokens[last].key
            between = cell.text[cell.tokens[last - 1].end : cell.tokens[last].start] if last > position else None
            if not self.key.startswith(key, length) or not self._may_join(length, key, between):
                return None
            length += len(key)
            last += 1
        return length, last - 1

    def _may_join(self, length: int, key: str, between: str | None) -> bool:
        """Digits that touch in the value must touch on paper, and the other way round: `12 3` is not 123, and `1-5` not 1.5.

        Account numbers and the like are grouped at will, but not over two cells: there they are two numbers. `between` is what stands on
        paper before this word, None at the beginning of a cell.
        """
        meets = bool(length) and self.key[length - 1].isdigit() and key[0].isdigit()
        if meets and between is None and not self._ends_at(length):
            return False
        if self._marked and not self._keeps_marks(length, key, between):
            return False
        if self._regrouped:
            return True
        if meets and not self._ends_at(length):
            return False
        if meets and between is not None:
            mark, wanted = _mark(between), self._marks.get(length, "")
            if mark and wanted and mark != wanted:
                return False
        first = bisect_left(self._ends, length + 1)
        for end in self._ends[first:]:
            if end >= length + len(key):
                break
            if self.key[end - 1].isdigit() and self.key[end].isdigit():
                return False
        return True

    def _keeps_marks(self, length: int, key: str, between: str | None) -> bool:
        """`INV-1/23` is not `INV-12/3`: no mark of the value lies inside a word of the paper, or is another mark there."""
        if any(length < end < length + len(key) for end, mark in self._marks.items() if mark):
            return False
        mark, wanted = _mark(between or ""), self._marks.get(length, "")
        return not (mark and wanted and mark != wanted)

    def _ends_at(self, length: int) -> bool:
        at = bisect_left(self._ends, length)
        return at < len(self._ends) and self._ends[at] == length


def _mark(between: str) -> str:
    """The mark that joins two runs of digits to one writing, as in `1.5` or `1-5`; empty where a blank parts them, as in an address."""
    if not between or any(char.isspace() for char in between):
        return ""
    mark = between[0].replace(",", ".")
    return "-" if mark in "-\u2010\u2011\u2012\u2013\u2014\u2212" else mark
