"""Running text: the lines of a document joined to sentences, with the way back to the words on the page."""

import re
from bisect import bisect_right
from collections import Counter
from functools import cached_property
from itertools import pairwise

from ingestio.extraction.layout import Cell, Layout, Sheet, plain
from ingestio.extraction.local.reading import Piece, Reading
from ingestio.extraction.tokens import compact

_PAGE_NUMBER = re.compile(
    r"^(?:page|seite|pagina|página|page\s?n?°?|p\.)?\s*[-–]?\s*\d{1,4}(?:\s*(?:of|von|de|di|van|sur|/|-)\s*\d{1,4})?\s*[-–]?$",
    re.IGNORECASE,
)


class Prose:
    """All lines in reading order without running heads, feet and page numbers, joined by blanks; hyphenated words are mended."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        repeated = _repeated(layout)
        parts: list[str] = []
        self._starts: list[int] = []
        self._cells: list[tuple[Cell, int]] = []
        length = 0
        for sheet in layout.sheets:
            for row in sheet.rows:
                for cell in row:
                    if cell.index in repeated or _PAGE_NUMBER.match(cell.text):
                        continue
                    text = (
                        plain(cell.text)
                        if len(plain(cell.text)) == len(cell.text)
                        else cell.text.replace("\u2003", " ")
                    )
                    mended = (
                        parts
                        and parts[-1].endswith("- ")
                        and text[:1].islower()
                        and len(parts[-1]) > 3
                        and parts[-1][-3].isalpha()
                    )
                    if mended:
                        parts[-1] = parts[-1][:-2]
                        length -= 2
                    self._starts.append(length)
                    self._cells.append((cell, len(text)))
                    parts.append(text + " ")
                    length += len(text) + 1
        self.text = "".join(parts)

    def reading(self, start: int, end: int, value: str | None = None, score: float = 0.85) -> Reading:
        """The characters `start:end` as a reading; `value` where it is not those characters."""
        first = bisect_right(self._starts, start) - 1
        pieces: list[Piece] = []
        for number in range(max(0, first), len(self._cells)):
            at = self._starts[number]
            if at >= end:
                break
            cell, size = self._cells[number]
            low, high = max(0, start - at), min(size, end - at)
            if low < high:
                pieces.append((cell, low, high))
        text = plain(self.text[start:end]) if value is None else value
        return Reading(text, tuple(pieces), score)

    def search(
        self, pattern: re.Pattern[str], group: int | str = 0, start: int = 0, end: int | None = None
    ) -> Reading | None:
        """The first match of a pattern, or of one of its groups, as a reading."""
        match = pattern.search(self.text, start, len(self.text) if end is None else end)
        if match is None or not match[group] or not match[group].strip():
            return None
        text = match[group]
        low = match.start(group) + len(text) - len(text.lstrip())
        high = match.start(group) + len(text.rstrip())
        return self.reading(low, high)

    @cached_property
    def sentences(self) -> list[tuple[int, int]]:
        """Where sentences begin and end, roughly: at full stops before capitals, and semicolons."""
        ends = [
            match.end()
            for match in re.finditer(
                r"(?<![A-Z])(?<!\bNo)(?<!\bNr)(?<!\bInc)(?<!\bLtd)(?<!\bCo)[.;](?=\s+(?:[A-ZÄÖÜÉÈÁ(„“\"']|\d))",
                self.text,
            )
        ]
        bounds = [0, *ends, len(self.text)]
        return list(pairwise(bounds))


def _repeated(layout: Layout) -> set[int]:
    """Lines at the head or foot of a page that stand, apart from numbers, at the same height on another page too."""
    if len(layout.sheets) < 2:
        return set()
    seen: Counter[tuple[str, int]] = Counter()
    edges: list[tuple[Cell, tuple[str, int]]] = []
    for sheet in layout.sheets:
        for cell in sheet.cells:
            if _at_edge(cell, sheet):
                key = (re.sub(r"\d+", "", compact(cell.text)), round(cell.middle / 4))
                edges.append((cell, key))
        for key in {key for cell, key in edges if cell.page == sheet.number}:
            seen[key] += 1
    return {cell.index for cell, key in edges if seen[key] > 1}


def _at_edge(cell: Cell, sheet: Sheet) -> bool:
    return cell.middle < 0.1 * sheet.height or cell.middle > 0.9 * sheet.height


def title_of(layout: Layout, *, within: float = 0.5) -> Reading | None:
    """The heading of the first page: its largest lines in the upper part, when they are larger than the text."""
    if not layout.sheets:
        return None
    sheet = layout.sheets[0]
    usual = layout.line_height
    repeated = _repeated(layout)
    large = [
        cell
        for cell in sheet.cells
        if cell.box[1] < within * sheet.height
        and cell.index not in repeated
        and sum(char.isalpha() for char in cell.text) >= 3
    ]
    if not large:
        return None
    height = max(cell.height for cell in large)
    if height < 1.15 * usual:
        return None
    chosen: list[Cell] = []
    for cell in large:
        if cell.height > 0.93 * height and (not chosen or cell.box[1] - chosen[-1].box[3] < 1.2 * height):
            chosen.append(cell)
    if len(chosen) > 4:
        return None
    return Reading(
        " ".join(plain(cell.text) for cell in chosen), tuple((cell, 0, len(cell.text)) for cell in chosen), 0.8
    )


def heads_of(layout: Layout) -> list[Cell]:
    """The lines of the first page that look like headings, largest first: larger than the text, or all in capitals."""
    if not layout.sheets:
        return []
    usual = layout.line_height
    heads = [
        cell
        for cell in layout.sheets[0].cells
        if cell.box[1] < 0.55 * layout.sheets[0].height
        and (cell.height > 1.08 * usual or cell.text.isupper() or len(cell.words) <= 6)
    ]
    return sorted(heads, key=lambda cell: (-round(cell.height / usual, 1), not cell.text.isupper(), cell.box[1]))
