"""Page windows: the parts in which a long document is read (R79). Pure arithmetic on page numbers, which count from 1."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageWindow:
    """Neighbouring pages of one document, both ends included."""

    first_page: int
    last_page: int

    @property
    def pages(self) -> int:
        return self.last_page - self.first_page + 1

    def holds(self, page: int) -> bool:
        return self.first_page <= page <= self.last_page

    def halves(self, *, overlap: bool = True) -> tuple["PageWindow", ...]:
        """Two narrower windows; none for a single page. With `overlap` they share a page, so that a row over their seam is whole in one."""
        if self.pages == 1:
            return ()
        middle = (self.first_page + self.last_page) // 2
        shared = overlap and self.pages > 2
        return PageWindow(self.first_page, middle), PageWindow(middle if shared else middle + 1, self.last_page)


@dataclass(frozen=True, slots=True)
class SectionStart:
    """A page on which something new begins. `at_top`: nothing of the section before stands on it."""

    page: int
    at_top: bool


def windows_over(
    page_count: int, window_pages: int, starts: Sequence[SectionStart] = (), *, overlap: bool = True
) -> tuple[PageWindow, ...]:
    """Windows of at most `window_pages` over all pages, cut where sections begin if that leaves at least half a window.

    A cut inside running text leaves its page to both neighbours; without `overlap` (where no text could tell which rows were read
    twice) and before a section that begins at the top of its page none is shared.
    """
    size = max(window_pages, 1)
    windows: list[PageWindow] = []
    first = 1
    while first + size - 1 < page_count:
        limit = first + size - 1
        cuts = [start for start in starts if first + size // 2 < start.page <= (limit + 1 if start.at_top else limit)]
        cut = max(cuts, key=lambda start: start.page, default=None)
        if cut is not None and (cut.at_top or not overlap):
            last, following = cut.page - 1, cut.page
        else:
            last = cut.page if cut is not None else limit
            following = last if overlap and last > first else last + 1
        windows.append(PageWindow(first, last))
        first = following
    windows.append(PageWindow(first, page_count))
    return tuple(windows)


def narrowed(
    windows: Iterable[PageWindow], pages: Iterable[int], *, overlap: bool = True
) -> tuple[PageWindow, ...] | None:
    """The windows in page order, those that hold one of `pages` replaced by their halves; None when one of them is a single page."""
    wanted = frozenset(pages)
    result: list[PageWindow] = []
    for window in windows:
        if not any(window.holds(page) for page in wanted):
            result.append(window)
            continue
        halves = window.halves(overlap=overlap)
        if not halves:
            return None
        result.extend(halves)
    return in_order(result)


def in_order(windows: Iterable[PageWindow]) -> tuple[PageWindow, ...]:
    """Without repeats, by first and last page."""
    return tuple(sorted(dict.fromkeys(windows), key=lambda window: (window.first_page, window.last_page)))
