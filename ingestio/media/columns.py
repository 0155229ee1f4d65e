"""Puts the lines of a page with columns of prose into the order in which a person reads them.

A table reads across, newspaper columns read down. Columns are only believed where two blocks of full lines stand side by side; anything
less (addresses, labels and values, cells) stays in rows, because a wrong column would tear a label from its value.
"""

from statistics import median

from ingestio.media.layout import EM_PER_HEIGHT, PlacedWord

Lines = list[list[PlacedWord]]

# Fewer words are a heading, a cell or an address; fewer lines are a remark.
_PROSE_WORDS = 4
_PROSE_LINES = 5
# In prose most lines reach the column's edge; in a table they do not.
_FULL = 0.75
_NARROWEST_GUTTER_EM = 0.5
_DEEPEST = 4
# No page for people has more; the search for gutters takes the square of it at worst.
_MOST_LINES = 2_000


def in_reading_order(lines: Lines, depth: int = 0) -> Lines:
    """The same lines, column after column where there are columns. `lines` come in rows from top to bottom."""
    gutter = _gutter(lines) if depth < _DEEPEST and len(lines) <= _MOST_LINES else None
    if gutter is None:
        return lines
    ordered: Lines = []
    band: Lines = []

    def settle() -> None:
        left = [line for line in band if _right(line) <= gutter]
        right = [line for line in band if line[0].x0 >= gutter]
        if _is_column(left) and _is_column(right):
            ordered.extend(in_reading_order(left, depth + 1) + in_reading_order(right, depth + 1))
        else:
            ordered.extend(band)
        band.clear()

    for line in lines:
        # A heading or a footer across the columns ends what is above it.
        if line[0].x0 < gutter < _right(line):
            settle()
            ordered.append(line)
        else:
            band.append(line)
    settle()
    return ordered


def _gutter(lines: Lines) -> float | None:
    """Where the leftmost white stripe between two columns is, or None."""
    prose = sorted((line for line in lines if len(line) >= _PROSE_WORDS), key=lambda line: line[0].x0)
    start = 0
    while start < len(prose):
        edge = prose[start][0].x0
        em = prose[start][0].height * EM_PER_HEIGHT
        end = start
        while end < len(prose) and prose[end][0].x0 - edge <= em:
            end += 1
        right = prose[start:end]
        left = [line for line in prose[:start] if _right(line) <= edge - _NARROWEST_GUTTER_EM * em]
        if _is_column(left) and _is_column(right) and _side_by_side(left, right):
            return (max(map(_right, left)) + edge) / 2
        start = end
    return None


def _is_column(lines: Lines) -> bool:
    widths = [_right(line) - line[0].x0 for line in lines if len(line) >= _PROSE_WORDS]
    return len(widths) >= _PROSE_LINES and median(widths) >= _FULL * max(widths)


def _side_by_side(left: Lines, right: Lines) -> bool:
    """Whether the two share at least half the height of the lower one."""
    (top, bottom), (other_top, other_bottom) = _reach(left), _reach(right)
    shared = min(bottom, other_bottom) - max(top, other_top)
    return shared >= 0.5 * min(bottom - top, other_bottom - other_top)


def _reach(lines: Lines) -> tuple[float, float]:
    return min(line[0].y0 for line in lines), max(line[0].y1 for line in lines)


def _right(line: list[PlacedWord]) -> float:
    return max(word.x1 for word in line)
