"""Pages that begin with a heading: where a document without an outline may be cut."""

from collections import Counter
from itertools import islice

from ingestio.domain.text import DocumentText, Line, PageText
from ingestio.domain.windows import SectionStart
from ingestio.extraction.tokens import compact

# A heading is that much taller than the usual line, and stands in that part of its page.
_TALLER, _TOP = 1.3, 0.2
_LOOKED_AT = 3
_SAMPLED_LINES = 5_000
# What stands at the top of so many pages is a running header.
_RUNNING = 3


def headed_pages(text: DocumentText) -> tuple[SectionStart, ...]:
    """The pages, after the first, on whose top a heading stands that other pages do not have there."""
    lines = (line for page in text.pages for line in page.lines)
    heights = sorted(_height(line) for line in islice(lines, _SAMPLED_LINES))
    if not heights:
        return ()
    usual = heights[len(heights) // 2]
    headings = {page.number: _headings(page, usual) for page in text.pages[1:]}
    seen = Counter(heading for found in headings.values() for heading in found)
    return tuple(
        SectionStart(page, at_top=True)
        for page, found in headings.items()
        if any(seen[heading] < _RUNNING for heading in found)
    )


def _headings(page: PageText, usual: float) -> set[str]:
    top = [line for line in page.lines[:_LOOKED_AT] if line.box[3] <= page.height * _TOP]
    return {key for line in top if _height(line) >= _TALLER * usual and (key := compact(line.text))}


def _height(line: Line) -> float:
    return line.box[3] - line.box[1]
