"""The text of a document as it stands on its pages: what both providers ground their values in.

Boxes are `(x0, y0, x1, y1)` in PDF points (1/72 inch) from the page's top left, x to the right, y downwards, in the page as it is
shown (rotation applied). Pages are numbered from 1.
"""

from dataclasses import dataclass

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters without white space, with the box around it."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Line:
    """Words that stand on one base line and belong together, left to right; a wide gap starts another line."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> Box:
        return union(tuple(word.box for word in self.words))


@dataclass(frozen=True, slots=True)
class PageText:
    """One page: its size in points as shown, and its lines in reading order."""

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class DocumentText:
    """All pages that were read, in order. `source` is `text` for a text layer, `ocr` for recognised scans.

    `truncated`: reading stopped at a limit, so that what is missing here may still be in the document.
    """

    pages: tuple[PageText, ...]
    source: str = "text"
    truncated: bool = False

    @property
    def has_text(self) -> bool:
        return any(page.lines for page in self.pages)


def union(boxes: tuple[Box, ...]) -> Box:
    """The smallest box around all of `boxes` (at least one)."""
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
