"""The text of a document as it stands on its pages: what both providers ground their values in.

Boxes are `(x0, y0, x1, y1)` in PDF points (1/72 inch) from the page's top left, x to the right, y downwards, in the page as it is
read: upright. That is the page as it is shown (rotation applied) but for crooked scans, where `PageText.shown` leads back. Pages are
numbered from 1.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

Box = tuple[float, float, float, float]
Bend = tuple[float, float, float, float]
"""How lines of print rise and fall across a sheet that was not flat: `a x + b x²/2 + c x y + d x² y/2`, from the page's middle."""


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters without white space, with the box around it. `confidence`: below 1 where it was recognised in a picture."""

    text: str
    box: Box
    confidence: float = 1.0


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


class Hiding(StrEnum):
    """Why a person who looks at the page does not see words that are in the file (R81)."""

    INVISIBLE = "invisible"
    PAPER_COLOUR = "paper_colour"
    TINY = "tiny"
    OFF_PAGE = "off_page"
    COVERED = "covered"
    CLIPPED = "clipped"
    LAYER = "layer"


@dataclass(frozen=True, slots=True)
class HiddenLine:
    """Words that are in the file and not to be seen. They are in no page's `lines`: nothing is read from them or proved by them."""

    line: Line
    hiding: Hiding


@dataclass(frozen=True, slots=True)
class PageText:
    """One page: its size in points as read, and its lines in reading order.

    `turned`: by how many degrees, clockwise, the upright page was turned when it was scanned; `scale`: how many points of the page as
    shown are one as read, where a scanner took pixels for points; `bend`: how the paper was curled or seen from the side. `pictured`:
    what the page shows is, for the most part, in pictures or drawings, so that there is more to read than its lines.
    """

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]
    turned: float = 0.0
    scale: float = 1.0
    bend: Bend = (0.0, 0.0, 0.0, 0.0)
    pictured: bool = False
    hidden: tuple[HiddenLine, ...] = ()

    def shown(self, box: Box) -> Box:
        """A box of the page as it is read, on the page as it is shown: the smallest upright one around its turned corners."""
        if not self.turned and self.scale == 1.0 and not any(self.bend):
            return box
        angle = math.radians(self.turned)
        cos, sin = math.cos(angle), math.sin(angle)
        middle_x, middle_y = self.width / 2, self.height / 2
        shown_x, shown_y = (middle_y, middle_x) if round(self.turned / 90) % 2 else (middle_x, middle_y)
        corners = [self._bent(x - middle_x, y - middle_y) for x in box[::2] for y in box[1::2]]
        across = [shown_x + x * cos - y * sin for x, y in corners]
        down = [shown_y + x * sin + y * cos for x, y in corners]
        x0, y0, x1, y1 = (round(value * self.scale, 2) for value in (min(across), min(down), max(across), max(down)))
        return (x0, y0, x1, y1)

    def _bent(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the flat page lies on the bent one; the way back from `y - bend(x, y)`."""
        a, b, c, d = self.bend
        return x, (y + a * x + b * x * x / 2) / (1.0 - c * x - d * x * x / 2)


@dataclass(frozen=True, slots=True)
class DocumentText:
    """All pages that were read, in order. `truncated`: reading stopped at a limit, so that what is missing here may still be in the
    document."""

    pages: tuple[PageText, ...]
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
