"""The shape of pages, so that a page's place on the screen has its size before its picture is there.

A shape is height by width. Of a document's shapes those at the end that repeat the one before them are left out: a hundred equal pages
have one. 0 stands for a page whose shape is not known.
"""

import math
from collections.abc import Iterable, Sequence

UNKNOWN = 0.0
# Beyond this no page is meant to be read; whoever claims it would only make the others hard to find.
_LONGEST = 50.0


def shape(width: float, height: float) -> float:
    """Of one page, as it is shown."""
    if not (0 < width < math.inf and 0 < height < math.inf):
        return UNKNOWN
    return round(min(max(height / width, 1 / _LONGEST), _LONGEST), 4)


def shortened(shapes: Iterable[float]) -> tuple[float, ...]:
    """A shape for each page, in order, without the repeats at the end."""
    kept = list(shapes)
    while len(kept) > 1 and kept[-1] == kept[-2]:
        kept.pop()
    return tuple(kept)


def shape_of(shapes: Sequence[float], page_number: int) -> float | None:
    """The shape of a page, from 1; None when it is not known."""
    return (shapes[min(page_number, len(shapes)) - 1] or None) if shapes else None
