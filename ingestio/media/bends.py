"""How paper is curled or seen from the side, from the lines on it: each long line tells the slope where it stands."""

from collections.abc import Sequence

import numpy as np

from ingestio.domain.text import Bend

Slope = tuple[float, float, float, float]
"""A line's middle (from the sheet's middle), its slope and its length, in points."""

FLAT: Bend = (0.0, 0.0, 0.0, 0.0)
# Fewer lines, or less of a bend, say nothing sure about the paper; more of one is no page of lines.
_LEAST_SLOPES = 6
_LEAST_BEND_POINTS = 1.5
_MOST_BEND = 0.5
# A line's ends are misplaced by some 1.5 points, and paper slopes by some 0.03: the one in parts of the other.
_FLATNESS = 50.0


def bend_of(slopes: Sequence[Slope], half_width: float, half_height: float) -> Bend:
    """How lines rise and fall across the sheet; none where they tell too little or lie straight.

    Where all lines stand in one column they say nothing of the rest of the sheet: there it is taken to be flat.
    """
    if len(slopes) < _LEAST_SLOPES:
        return FLAT
    x, y, slope, weight = np.array(slopes).T
    terms = np.stack([np.ones_like(x), x / half_width, y / half_height, x * y / (half_width * half_height)], axis=1)
    kept = np.ones(len(slopes), dtype=bool)
    for _ in range(3):
        if kept.sum() < _LEAST_SLOPES:
            return FLAT
        seen = np.vstack([terms[kept] * weight[kept, None], _FLATNESS * np.eye(4)])
        found, *_ = np.linalg.lstsq(seen, np.append(slope[kept] * weight[kept], np.zeros(4)), rcond=None)
        off = np.abs(terms @ found - slope)
        # A logo or a handwritten line leans as it likes.
        kept = off <= max(0.01, 2.5 * float(np.median(off[kept])))
    strongest = float(np.abs(found).sum()) * half_width
    if not _LEAST_BEND_POINTS < strongest < _MOST_BEND * half_height:
        return FLAT
    a, b, c, d = (float(each) for each in found)
    return a, b / half_width, c / half_height, d / (half_width * half_height)
