"""Page windows: every page is in one, none is wider than asked, and narrowing ends."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestio.domain.windows import PageWindow, SectionStart, narrowed, windows_over

starts = st.lists(st.builds(SectionStart, page=st.integers(2, 200), at_top=st.booleans()), max_size=30)


@given(st.integers(1, 200), st.integers(1, 30), starts, st.booleans())
def test_windows_hold_every_page_in_order_and_share_at_most_the_one_at_their_seam(
    pages: int, size: int, begun: list[SectionStart], overlap: bool
) -> None:
    windows = windows_over(pages, size, begun, overlap=overlap)
    assert {page for window in windows for page in range(window.first_page, window.last_page + 1)} == set(
        range(1, pages + 1)
    )
    assert all(1 <= window.pages <= size for window in windows)
    for before, after in pairwise(windows):
        assert after.first_page in ({before.last_page, before.last_page + 1} if overlap else {before.last_page + 1})
        assert after.last_page > before.last_page


def test_without_structure_neighbours_share_a_page() -> None:
    assert windows_over(20, 8) == (PageWindow(1, 8), PageWindow(8, 15), PageWindow(15, 20))


def test_a_section_that_begins_at_the_top_of_its_page_is_a_clean_cut() -> None:
    begun = [SectionStart(3, at_top=True), SectionStart(7, at_top=True), SectionStart(12, at_top=False)]
    assert windows_over(16, 8, begun) == (PageWindow(1, 6), PageWindow(7, 12), PageWindow(12, 16))


@given(st.integers(1, 60), st.booleans())
def test_halving_ends_at_single_pages_after_a_bounded_number_of_windows(pages: int, overlap: bool) -> None:
    pending, seen = [PageWindow(1, pages)], set()
    while pending:
        window = pending.pop()
        if window not in seen:
            seen.add(window)
            halves = window.halves(overlap=overlap)
            assert all(half.pages < window.pages for half in halves)
            pending.extend(halves)
    assert len(seen) <= 4 * pages
    assert {window.first_page for window in seen if window.pages == 1} == set(range(1, pages + 1))


@pytest.mark.parametrize("overlap", [True, False])
def test_only_the_windows_with_such_pages_are_narrowed(overlap: bool) -> None:
    windows = (PageWindow(1, 4), PageWindow(5, 8))
    assert narrowed(windows, [6], overlap=overlap) == (
        PageWindow(1, 4),
        PageWindow(5, 6),
        PageWindow(6 if overlap else 7, 8),
    )


def test_a_single_page_cannot_be_narrowed() -> None:
    assert narrowed((PageWindow(1, 1), PageWindow(2, 3)), [1]) is None
