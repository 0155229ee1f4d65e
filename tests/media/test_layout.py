"""Words become lines by base line and gap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestio.media.layout import PlacedWord, lines_of

EM = 10.0
HEIGHT = EM / 0.85


def word(
    text: str, x: float, baseline: float, order: int = 0, *, after_space: bool = False, scale: float = 1.0
) -> PlacedWord:
    """A word of half an em a character whose box is 80 % above its base line."""
    height = HEIGHT * scale
    return PlacedWord(
        text,
        x,
        baseline - 0.8 * height,
        x + len(text) * EM * scale / 2,
        baseline + 0.2 * height,
        baseline,
        order,
        after_space,
    )


def texts(words: list[PlacedWord]) -> list[str]:
    return [" ".join(each.text for each in line) for line in lines_of(words)]


def test_words_on_one_base_line_are_one_line_from_left_to_right() -> None:
    assert texts([word("number", 33, 100, 5), word("Invoice", 0, 100.5, 1)]) == ["Invoice number"]


def test_lines_come_from_top_to_bottom_whatever_the_order_of_the_file() -> None:
    assert texts([word("below", 0, 120, 1), word("above", 0, 100, 9)]) == ["above", "below"]


def test_a_wide_gap_starts_another_cell_of_the_row() -> None:
    assert texts([word("Total", 0, 100, 1), word("12.50", 60, 100, 9)]) == ["Total", "12.50"]


@pytest.mark.parametrize(("gap", "expected"), [(8, 1), (12, 2)])
def test_a_real_space_may_be_stretched_to_an_em(gap: float, expected: int) -> None:
    assert len(texts([word("ab", 0, 100, 1), word("cd", EM + gap, 100, 2, after_space=True)])) == expected


@pytest.mark.parametrize(("gap", "expected"), [(4, 1), (8, 2)])
def test_words_placed_apart_are_cells_sooner(gap: float, expected: int) -> None:
    assert len(texts([word("ab", 0, 100, 1), word("cd", EM + gap, 100, 7)])) == expected


def test_a_tall_heading_does_not_pull_two_small_lines_into_one() -> None:
    words = [word("INVOICE", 0, 110, 1, scale=3), word("Number", 200, 100, 5), word("Date", 200, 112, 9)]
    assert texts(words) == ["Number", "INVOICE", "Date"]


def test_a_slope_does_not_become_one_line() -> None:
    assert len(lines_of([word("x", 6 * step, 100 + 2.0 * step, 3 * step) for step in range(12)])) > 3


def test_a_raised_small_word_stays_with_the_one_it_follows() -> None:
    assert texts([word("m", 0, 100, 1), word("2", 5.5, 95, 2, scale=0.6)]) == ["m 2"]


@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0, 700), st.floats(0.2, 4), st.booleans()), max_size=40))
def test_every_word_ends_up_in_exactly_one_line_and_lines_run_to_the_right(
    places: list[tuple[float, float, float, bool]],
) -> None:
    words = [
        word("w", x, y, order, after_space=space, scale=scale) for order, (x, y, scale, space) in enumerate(places)
    ]
    lines = lines_of(list(words))
    assert sorted(each.order for line in lines for each in line) == list(range(len(words)))
    assert all(line == sorted(line, key=lambda each: (each.x0, each.order)) for line in lines)
