"""From words on a page to lines: rows by base line, cells by gap, then reading order.

Works in a frame where the text runs to the right and y grows downwards; the caller turns rotated text into that frame and back. Pure
arithmetic: the same words give the same lines.
"""

from dataclasses import dataclass
from itertools import pairwise

from ingestio.domain.text import Box

# A font's loose box (ascent to descent) is about 1.17 em high; gaps are judged in em because spaces are.
EM_PER_HEIGHT = 0.85
# Two words share a row when their base lines differ by less than this part of the smaller one's height.
_SAME_ROW = 0.35
# A real space is 0.25 to 0.3 em, stretched to at most about 0.9 em by justification; between separately placed words 0.6 em is a cell.
_WIDE_GAP_AFTER_SPACE_EM = 1.0
_WIDE_GAP_EM = 0.6


@dataclass(slots=True)
class PlacedWord:
    """A word in the text's own frame. `after_space`: the file itself has a space between it and the word before it (`order - 1`)."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    baseline: float
    order: int
    after_space: bool

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def box(self) -> Box:
        return (self.x0, self.y0, self.x1, self.y1)


def lines_of(words: list[PlacedWord]) -> list[list[PlacedWord]]:
    """Lines from top to bottom, the cells of one row from left to right. Every word ends up in exactly one line."""
    return [line for row in _rows(_with_raised_words_lowered(words)) for line in _cells(row)]


def _with_raised_words_lowered(words: list[PlacedWord]) -> list[PlacedWord]:
    """Superscripts and footnote marks get the base line of the word that they follow, so that they stay in its row."""
    by_order = {word.order: word for word in words}
    for word in sorted(words, key=lambda each: each.order):
        before = by_order.get(word.order - 1)
        if before is None or word.height > 0.8 * before.height:
            continue
        overlap = min(word.y1, before.y1) - max(word.y0, before.y0)
        if overlap >= 0.4 * word.height and abs(word.x0 - before.x1) <= before.height:
            word.baseline = before.baseline
    return words


def _rows(words: list[PlacedWord]) -> list[list[PlacedWord]]:
    rows: list[list[PlacedWord]] = []
    for word in sorted(words, key=lambda each: (each.baseline, each.x0)):
        if rows:
            # The tallest word of the row fixes its base line: comparing with the last one would let a slope drift on for ever.
            anchor = max(rows[-1], key=lambda each: each.height) if len(rows[-1]) < 8 else rows[-1][0]
            if abs(word.baseline - anchor.baseline) <= _SAME_ROW * min(word.height, anchor.height):
                rows[-1].append(word)
                continue
        rows.append([word])
    return rows


def _cells(row: list[PlacedWord]) -> list[list[PlacedWord]]:
    row.sort(key=lambda each: (each.x0, each.order))
    lines = [[row[0]]]
    for before, word in pairwise(row):
        em = max(before.height, word.height) * EM_PER_HEIGHT
        follows = word.after_space and word.order == before.order + 1
        limit = _WIDE_GAP_AFTER_SPACE_EM if follows else _WIDE_GAP_EM
        if word.x0 - before.x1 > limit * em:
            lines.append([word])
        else:
            lines[-1].append(word)
    return lines
