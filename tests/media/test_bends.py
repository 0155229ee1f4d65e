"""What the slopes of lines say about the paper they are printed on."""

import pytest

from ingestio.media.bends import FLAT, bend_of

HALF_WIDTH, HALF_HEIGHT = 120.0, 170.0


def displaced(bend: tuple[float, float, float, float], x: float, y: float) -> float:
    a, b, c, d = bend
    return a * x + b * x * x / 2 + c * x * y + d * x * x * y / 2


def test_lines_in_one_column_say_nothing_of_the_other() -> None:
    """A till roll: what is long stands left, the amounts on the right are short; a detector is off by a hundredth."""
    off = (-0.001, 0.002, -0.003, -0.002, -0.017, -0.007, -0.013, 0.0, 0.008, 0.015, 0.002, 0.018)
    middles = (-49, -3, -57, -55, -42, -69, -49, -63, -70, -63, -73, -66)
    lengths = (100, 195, 85, 90, 116, 61, 102, 72, 57, 71, 51, 64)
    slopes = [
        (float(x), -137.0 + 20 * row, slope, float(length))
        for row, (x, slope, length) in enumerate(zip(middles, off, lengths, strict=True))
    ]
    bend = bend_of(slopes, HALF_WIDTH, HALF_HEIGHT)
    # Half a line is 7 points: less misplaces no amount.
    assert max(abs(displaced(bend, 90.0, y) - displaced(bend, -60.0, y)) for y in (-120.0, 0.0, 120.0)) < 4


@pytest.mark.parametrize("bend", [(0.04, 0.0, 0.0003, 0.0), (0.0, 0.0006, 0.0, 0.0), (-0.03, 0.0003, 0.0002, 0.000002)])
def test_a_curled_sheet_of_lines_is_told(bend: tuple[float, float, float, float]) -> None:
    a, b, c, d = bend
    slopes = [
        (x, y, a + b * x + c * y + d * x * y, 90.0)
        for x in (-70.0, 0.0, 70.0)
        for y in (-150.0, -90.0, -30.0, 30.0, 90.0, 150.0)
    ]
    found = bend_of(slopes, HALF_WIDTH, HALF_HEIGHT)
    assert found != FLAT
    for x, y in ((-110.0, -160.0), (110.0, -160.0), (110.0, 160.0)):
        assert displaced(found, x, y) == pytest.approx(displaced(bend, x, y), abs=1.0)


def test_a_few_lines_say_nothing() -> None:
    assert bend_of([(0.0, 10.0 * row, 0.1, 100.0) for row in range(5)], HALF_WIDTH, HALF_HEIGHT) == FLAT
