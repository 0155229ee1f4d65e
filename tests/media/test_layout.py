"""Words become lines by base line and gap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestio.media.columns import in_reading_order
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


PROSE = ["every", "line", "of", "this", "column", "is", "quite", "full"]


def column(x: float, first: float, lines: int, order: int, words: list[str] = PROSE) -> list[PlacedWord]:
    placed: list[PlacedWord] = []
    for row in range(lines):
        at = x
        for text in (f"{order}.{row}", *words):
            placed.append(word(text, at, first + 14 * row, order + len(placed), after_space=True))
            at = placed[-1].x1 + 3
    return placed


def beginnings(words: list[PlacedWord]) -> list[str]:
    return [line[0].text for line in in_reading_order(lines_of(words))]


def test_columns_of_prose_are_read_one_after_the_other() -> None:
    words = [*column(0, 100, 6, 1000), *column(300, 103, 6, 2000), *column(600, 100, 6, 3000)]
    assert beginnings(words) == [f"{order}.{row}" for order in (1000, 2000, 3000) for row in range(6)]


def test_a_heading_across_the_columns_parts_them() -> None:
    heading = [word("A heading that stands right across both of the columns " * 2, 0, 190, 9000)]
    words = [
        *column(0, 100, 6, 1000),
        *column(300, 100, 6, 2000),
        *heading,
        *column(0, 210, 6, 3000),
        *column(300, 210, 6, 4000),
    ]
    read = beginnings(words)
    assert read[:12] == [f"{order}.{row}" for order in (1000, 2000) for row in range(6)]
    assert read[13:] == [f"{order}.{row}" for order in (3000, 4000) for row in range(6)]


def test_addresses_side_by_side_and_tables_are_read_in_rows() -> None:
    addresses = [*column(0, 100, 4, 1000, ["Street"]), *column(300, 100, 4, 2000, ["Road"])]
    assert beginnings(addresses) == [f"{order}.{row}" for row in range(4) for order in (1000, 2000)]
    table = [*column(0, 100, 9, 1000), *column(300, 100, 9, 2000, ["12.50"])]
    assert beginnings(table) == [f"{order}.{row}" for row in range(9) for order in (1000, 2000)]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 30), st.integers(1, 8)), max_size=60))
def test_no_order_loses_or_doubles_a_line(cells: list[tuple[int, int, int]]) -> None:
    words = [
        word("wordy", 120 * x + 28 * place, 14 * y, 100 * cell + place, after_space=True)
        for cell, (x, y, length) in enumerate(cells)
        for place in range(length)
    ]
    lines = lines_of(words)
    assert sorted(map(id, in_reading_order(lines))) == sorted(map(id, lines))
