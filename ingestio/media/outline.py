"""Where a PDF's own outline says that something begins. Call it only inside a bounded child process: it parses hostile bytes."""

from itertools import islice
from pathlib import Path
from typing import Any

from ingestio.domain.windows import SectionStart
from ingestio.media.text import MAX_PAGES

# An outline may lie, loop or be endless; what cuts a document into parts is near its top.
_DEPTH = 2
_MOST_ENTRIES = 5_000
# A target in the uppermost part of its page has at most a running header above it.
_TOP = 0.15


def outline_sync(path: Path) -> tuple[SectionStart, ...]:
    """The pages that the two upper levels of the outline point to, in order, without repeats. Raises FileRefused."""
    import pypdfium2

    from ingestio.media.pdf_document import open_pdf

    starts: dict[int, bool] = {}
    with open_pdf(path, MAX_PAGES) as document:
        try:
            for entry in islice(document.get_toc(max_depth=_DEPTH), _MOST_ENTRIES):
                target = entry.get_dest()
                index = None if target is None else target.get_index()
                if target is None or index is None or not 0 <= index < len(document):
                    continue
                at_top = _is_at_top(document, index, target)
                starts[index + 1] = starts.get(index + 1, True) and at_top
        except pypdfium2.PdfiumError:
            return ()
    return tuple(SectionStart(page, at_top) for page, at_top in sorted(starts.items()))


def _is_at_top(document: Any, index: int, target: Any) -> bool:
    """Whether the target names a height in the uppermost part of its page; one that names none may be anywhere."""
    import pypdfium2.raw as pdfium

    mode, position = target.get_view()
    if mode == pdfium.PDFDEST_VIEW_XYZ and len(position) > 1:
        height = position[1]
    elif mode in (pdfium.PDFDEST_VIEW_FITH, pdfium.PDFDEST_VIEW_FITBH) and position:
        height = position[0]
    else:
        return False
    return bool(height >= document.get_page_size(index)[1] * (1 - _TOP))
