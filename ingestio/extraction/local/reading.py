"""What the rules found: a value with the places it was read from."""

from collections.abc import Iterable
from dataclasses import dataclass

from ingestio.domain.evidence import Evidence
from ingestio.domain.text import union
from ingestio.extraction.layout import Cell, plain

Piece = tuple[Cell, int, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """One normalised value. `pieces` are the characters it was read from; `score` from 0 to 1 ranks it among others. `doubted`: other
    print on the page contradicts it, so that its being legible proves nothing."""

    value: str
    pieces: tuple[Piece, ...]
    score: float = 1.0
    doubted: bool = False

    @property
    def cell(self) -> Cell:
        return self.pieces[0][0]

    def evidence(self) -> Evidence:
        """Where it stands on its first page, as a hint for grounding."""
        here = [piece for piece in self.pieces if piece[0].page == self.cell.page]
        parts = [cell.evidence(start, end) for cell, start, end in here]
        return Evidence(
            self.cell.page, " ".join(part.quote for part in parts), union(tuple(part.box for part in parts if part.box))
        )


Found = dict[str, Reading]
"""Readings by the name of the concept."""

Entry = dict[str, Reading]
"""Readings of one entry of a list, by the name of the child concept."""


def of_cells(cells: Iterable[Cell], separator: str = " ", score: float = 1.0) -> Reading:
    """Whole cells as one text; at least one cell."""
    chosen = tuple(cells)
    return Reading(
        separator.join(plain(cell.text) for cell in chosen), tuple((cell, 0, len(cell.text)) for cell in chosen), score
    )


def of_span(cell: Cell, start: int, end: int, value: str | None = None, score: float = 1.0) -> Reading:
    """Some characters of a cell; `value` where it is not those characters themselves."""
    return Reading(plain(cell.text[start:end]) if value is None else value, ((cell, start, end),), score)
