"""Shapes of pages: as short as they can be said, and nothing that no page could have."""

import math

import pytest

from ingestio.domain.shapes import shape, shape_of, shortened


def test_equal_pages_at_the_end_are_said_once() -> None:
    shapes = shortened([1.4, 0.7, 1.4, 1.4, 1.4])

    assert shapes == (1.4, 0.7, 1.4)
    assert [shape_of(shapes, number) for number in (1, 2, 3, 4, 99)] == [1.4, 0.7, 1.4, 1.4, 1.4]


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (-1, 1), (math.inf, 1), (1, math.nan)])
def test_of_a_page_without_an_area_no_shape_is_known(size: tuple[float, float]) -> None:
    assert shape_of(shortened([shape(*size)]), 1) is None
    assert shape_of((), 1) is None


def test_a_page_that_claims_to_be_endless_takes_a_place_that_one_can_scroll_past() -> None:
    assert (shape(1, 1e9), shape(1e9, 1)) == (50, 0.02)
