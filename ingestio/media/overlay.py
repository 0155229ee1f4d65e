"""Puts what was recognised in a page's picture together with the text that the file itself has. Pure: the same words give the same page."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import SequenceMatcher

from ingestio.domain.text import Box, DocumentText, HiddenLine, Line, PageText, Word

# A scanner's own recognition and ours differ in a few letters; another text differs in most.
_SAME_TEXT = 0.5


def pictured_pages(text: DocumentText) -> tuple[int, ...]:
    """The pages (from 1) whose pictures show more than their text says."""
    return tuple(page.number for page in text.pages if page.pictured)


def with_recognised(text: DocumentText, recognised: Mapping[int, PageText]) -> DocumentText:
    """The document with what was read in its pictures. The file's own words come first: they are certain. Hidden words that stand in the
    picture as well, as a scanner's text layer does, hide nothing."""
    if not recognised:
        return text
    return replace(text, pages=tuple(_together(page, recognised.get(page.number)) for page in text.pages))


def _together(page: PageText, seen: PageText | None) -> PageText:
    if seen is None:
        return page
    hidden = tuple(each for each in page.hidden if not _stands_in(each, seen)) if seen.lines else page.hidden
    if not page.lines:
        return replace(seen, hidden=hidden)
    own = [word.box for line in page.lines for word in line.words]
    more = [line for line in (_shown_beside(line, seen, own) for line in seen.lines) if line.words]
    return replace(page, lines=(*page.lines, *more), hidden=hidden)


def _shown_beside(line: Line, seen: PageText, own: list[Box]) -> Line:
    """The words of a recognised line, where the page shows them, that are not among the page's own."""
    words = (replace(word, box=seen.shown(word.box)) for word in line.words)
    return Line(tuple(word for word in words if not any(_holds_middle(box, word.box) for box in own)))


def _stands_in(hidden: HiddenLine, seen: PageText) -> bool:
    x0, y0, x1, y1 = hidden.line.box
    reach = 0.3 * min(x1 - x0, y1 - y0)
    around = (x0 - reach, y0 - reach, x1 + reach, y1 + reach)
    there = [word for line in seen.lines for word in line.words if _holds_middle(around, seen.shown(word.box))]
    one, other = _letters(hidden.line.words), _letters(there)
    return one in other or SequenceMatcher(None, one, other, autojunk=False).ratio() >= _SAME_TEXT


def _holds_middle(outer: Box, inner: Box) -> bool:
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return outer[0] <= x <= outer[2] and outer[1] <= y <= outer[3]


def _letters(words: Iterable[Word]) -> str:
    return "".join(char for word in words for char in word.text.casefold() if char.isalnum())
