"""The words of a PDF page with their boxes, through pdfium. Runs inside a bounded child process: it parses hostile bytes."""

import ctypes
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import pypdfium2
import pypdfium2.raw as pdfium

from ingestio.domain.text import Box, HiddenLine, Hiding, Line, PageText, Word
from ingestio.media.columns import in_reading_order
from ingestio.media.layout import PlacedWord, lines_of
from ingestio.media.pdf_hidden import Concealment, Sight, address_of, concealment, still_seen

_SKEW_TOLERANCE_RADIANS = math.radians(3)
# pdfium writes this in place of a hyphen at the end of a line.
_LINE_END_HYPHEN = 0x02
# What stands for a glyph without a Unicode meaning. Dropping it would turn "1?34" into a number that is not on the page.
_UNKNOWN = "\ufffd"
_ZERO_WIDTH = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")
_SKEWED = 4
# Digits that are set small and high are no digits of the number before them: `12` with a raised `99` is 12.99, or 12 and a footnote.
_RAISED = dict(zip("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True))
_RAISED_BY, _RAISED_SIZE, _RAISED_GAP = 0.15, 0.85, 0.25
_TEXT_ANNOTATIONS = frozenset({pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP})
_MOST_ANNOTATIONS = 2_000
# White space before a run: none where only another text object begins, one real space, or anything that ends a run of words.
_GLUED, _SPACE, _LINE_BREAK = 0, 1, 2
# Print for people has 4 points and more; what is this small on any page is there for machines. In points and in parts of the page.
_TINY_POINTS, _TINY_PART = 2.0, 0.0025
# A page with so few characters whose pictures fill at least such a part of it is a scan with a stamp on it; with still fewer it is a
# caption and what was pasted below: a till's receipt fills a tenth of a sheet.
_STAMPED = (400, 0.5)
_CAPTIONED = (120, 0.1)


@dataclass(slots=True)
class _Run:
    """Characters without white space between them, in page space (y upwards). `breaks`: how much white space came before it."""

    text: list[str]
    direction: int
    left: float
    bottom: float
    right: float
    top: float
    origin_x: float
    origin_y: float
    breaks: int
    # The text object that it belongs to, where that matters.
    owner: int = 0
    # A character whose box begins above this is raised.
    high: float = math.inf


def read_page(document: pypdfium2.PdfDocument, index: int, max_characters: int) -> tuple[PageText, int]:
    """The text of the page at `index` (from 0) and how many characters it took, at most `max_characters`.

    A page that pdfium cannot load is an empty page: the others still count.
    """
    try:
        page = document[index]
        if _shows_annotations(page):
            # What is filled into a form stands in annotations, which the text layer leaves out: make it part of the page (in memory).
            pdfium.FPDFPage_Flatten(page.raw, pdfium.FLAT_NORMALDISPLAY)
            page.close()
            page = document[index]
    except pypdfium2.PdfiumError:
        return PageText(index + 1, 0.0, 0.0, ()), 0
    try:
        return _read(page, index + 1, max_characters)
    finally:
        page.close()


def _shows_annotations(page: pypdfium2.PdfPage) -> bool:
    """Whether the page has filled fields, typed notes or stamps."""
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page.raw), _MOST_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page.raw, index)
        if not annotation:
            continue
        subtype = pdfium.FPDFAnnot_GetSubtype(annotation)
        pdfium.FPDFPage_CloseAnnot(annotation)
        if subtype in _TEXT_ANNOTATIONS:
            return True
    return False


def _read(page: pypdfium2.PdfPage, number: int, max_characters: int) -> tuple[PageText, int]:
    left, bottom, right, top = bounds = page.get_bbox()
    turns = page.get_rotation() // 90 % 4
    width, height = (top - bottom, right - left) if turns % 2 else (right - left, top - bottom)
    try:
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        return PageText(number, round(width, 2), round(height, 2), ()), 0
    concealed = concealment(page, bounds)
    try:
        used = min(max(0, text_page.count_chars()), max_characters)
        runs = list(_runs(text_page.raw, used, concealed.addresses))
    finally:
        text_page.close()
    show = _shown(left, bottom, right, top, turns)
    by_hiding: dict[Hiding | None, list[_Run]] = {}
    sight = still_seen(page, concealed)
    before: Hiding | None = None
    for run in runs:
        why = _hiding(run, bounds, show, concealed, sight)
        those = by_hiding.setdefault(why, [])
        if run.breaks == _GLUED and those and why == before:
            _glue(those[-1], run)  # one word, though its letters are kerned by text objects of their own
        else:
            those.append(run)
        before = why
    visible = by_hiding.get(None, [])
    lines = tuple(_lines(visible, turns, show))
    hidden = tuple(
        HiddenLine(line, why) for why, those in by_hiding.items() if why for line in _lines(those, turns, show)
    )
    written = sum(len(run.text) for run in visible)
    is_little = any(written < few and concealed.pictured >= part for few, part in (_STAMPED, _CAPTIONED))
    pictured = is_little if lines else concealed.objects > 0
    return PageText(number, round(width, 2), round(height, 2), lines, pictured=pictured, hidden=hidden), used


def _lines(runs: list[_Run], turns: int, show: Callable[[Box], Box]) -> Iterator[Line]:
    """The runs as lines. Text that stands upright on the page as shown comes first; sideways notes and watermarks after it."""
    by_direction = _placed(runs)
    for direction in sorted(by_direction, key=lambda each: (each == _SKEWED, (each + turns) % 4)):
        placed = by_direction[direction]
        groups = _skewed_lines(placed) if direction == _SKEWED else in_reading_order(lines_of(placed))
        for group in groups:
            yield Line(tuple(Word(word.text, show(_to_page(word.box, direction))) for word in group))


def _hiding(
    run: _Run, bounds: Box, show: Callable[[Box], Box], concealed: Concealment, sight: Sight | None
) -> Hiding | None:
    """Why nobody sees the run; None for what is seen."""
    left, bottom, right, top = bounds
    if run.right < left or run.left > right or run.top < bottom or run.bottom > top:
        return Hiding.OFF_PAGE
    tiny = min(_TINY_POINTS, _TINY_PART * max(right - left, top - bottom))
    across, down = run.right - run.left, run.top - run.bottom
    if max(across, down) < tiny * len(run.text) and min(across, down) < tiny:
        return Hiding.TINY
    if run.owner in concealed.certain:
        return concealed.certain[run.owner]
    if run.owner in concealed.doubtful and sight is not None:
        box = show((run.left, run.bottom, run.right, run.top))
        return None if sight.sees(box) else concealed.doubtful[run.owner]
    return None


def _runs(handle: object, total: int, watched: frozenset[int]) -> Iterator[_Run]:
    """What pdfium has on the page in its own order, cut at white space, turns, holes and jumps, and where one of the text objects in
    `watched` begins or ends.

    The loop is the hot spot of reading: two calls into pdfium a character, the others once a run.
    """
    rect = pdfium.FS_RECTF()
    rect_reference = ctypes.byref(rect)
    unicode_of, box_of, is_generated = (
        pdfium.FPDFText_GetUnicode,
        pdfium.FPDFText_GetLooseCharBox,
        pdfium.FPDFText_IsGenerated,
    )
    run: _Run | None = None
    breaks = _LINE_BREAK
    for index in range(total):
        code = unicode_of(handle, index)
        text = _text_of(code)
        if text == " ":
            breaks += _LINE_BREAK if code in (0x0A, 0x0D) or is_generated(handle, index) else _SPACE
            continue
        if not text or not box_of(handle, index, rect_reference):
            continue
        left, bottom, right, top = rect.left, rect.bottom, rect.right, rect.top
        owner = _owner(handle, index, watched) if watched else 0
        if run is not None and bottom > run.high and breaks != _SPACE and _rises(run, text, left, bottom, top):
            text, breaks = _RAISED[text], 0
        if run is not None and not breaks and owner == run.owner and not _jumps(run, left, bottom, right, top):
            run.text.append(text)
            # Each side on its own: min() and max() would double the time of the loop.
            if left < run.left:
                run.left = left
            if bottom < run.bottom:
                run.bottom = bottom
            if right > run.right:
                run.right = right
            if top > run.top:
                run.top = top
            continue
        if run is not None:
            yield run
        breaks = breaks or _break_before(run, (left, bottom, right, top))
        run = _new_run(handle, index, text, (left, bottom, right, top), breaks, owner)
        breaks = 0
    if run is not None:
        yield run


def _break_before(run: _Run | None, box: Box) -> int:
    """What stands between a run and the next character where the file has no white space."""
    return _GLUED if run is not None and not _jumps(run, *box) else _LINE_BREAK


def _glue(run: _Run, following: _Run) -> None:
    run.text += following.text
    run.left, run.bottom = min(run.left, following.left), min(run.bottom, following.bottom)
    run.right, run.top = max(run.right, following.right), max(run.top, following.top)


def _owner(handle: object, index: int, watched: frozenset[int]) -> int:
    address = address_of(pdfium.FPDFText_GetTextObject(handle, index))
    return address if address in watched else 0


def _new_run(handle: object, index: int, text: str, box: Box, breaks: int, owner: int) -> _Run | None:
    """None for a character without a place: pdfium gives infinities for broken fonts and matrices."""
    x, y = ctypes.c_double(), ctypes.c_double()
    if not pdfium.FPDFText_GetCharOrigin(handle, index, x, y) or not all(map(math.isfinite, (*box, x.value, y.value))):
        return None
    direction = _direction(pdfium.FPDFText_GetCharAngle(handle, index))
    high = math.inf if direction else box[1] + _RAISED_BY * (box[3] - box[1])
    return _Run([text], direction, *box, x.value, y.value, breaks, owner, high)


def _rises(run: _Run, text: str, left: float, bottom: float, top: float) -> bool:
    """Whether a digit stands small and high right behind a number, even where it was set as a line of its own."""
    height = run.top - run.bottom
    return (
        text in _RAISED
        and run.text[-1].isdigit()
        and bottom < run.top
        and top - bottom < _RAISED_SIZE * height
        and abs(left - run.right) < _RAISED_GAP * height
    )


def _direction(angle: float) -> int:
    """Quarter turns clockwise in page space, from pdfium's clockwise angle in radians."""
    if not math.isfinite(angle):
        return _SKEWED
    turns = round(angle / (math.pi / 2))
    return turns % 4 if abs(angle - turns * math.pi / 2) <= _SKEW_TOLERANCE_RADIANS else _SKEWED


def _jumps(run: _Run, left: float, bottom: float, right: float, top: float) -> bool:
    """Whether the next character cannot belong to the run: too far along the line, before its beginning, or on another line."""
    if run.direction == _SKEWED:
        return False
    if run.direction % 2 == 0:
        hole = 0.6 * (run.top - run.bottom)
        return (
            left - run.right > hole
            or run.left - right > hole
            or bottom - run.bottom > hole
            or run.bottom - bottom > hole
        )
    hole = 0.6 * (run.right - run.left)
    return bottom - run.top > hole or run.bottom - top > hole or left - run.left > hole or run.left - left > hole


@lru_cache(maxsize=8192)
def _text_of(code: int) -> str:
    """One character; a blank for every kind of white space, nothing for marks without width."""
    if code == _LINE_END_HYPHEN:
        return "-"
    if code in (0, 0xFFFE, 0xFFFF) or code > 0x10FFFF:
        return _UNKNOWN
    text = chr(code)
    if text.isspace():
        return " "
    if text in _ZERO_WIDTH or code < 0x20 or 0x7F <= code < 0xA0:
        return ""
    return text


def _placed(runs: list[_Run]) -> dict[int, list[PlacedWord]]:
    """The runs as words, by direction, each in the frame where its text runs to the right and y grows downwards."""
    words: dict[int, list[PlacedWord]] = {}
    order = 0
    for run in runs:
        order += 1 if run.breaks == _SPACE else 2
        x0, y0, x1, y1, baseline = _in_frame(run)
        word = PlacedWord(_joined(run.text), x0, y0, x1, y1, baseline, order, after_space=run.breaks == _SPACE)
        words.setdefault(run.direction, []).append(word)
    return words


def _joined(characters: list[str]) -> str:
    """The characters as one text; halves of a character beyond the basic plane, which pdfium may give one by one, put together."""
    text = "".join(characters)
    if any("\ud800" <= character < "\ue000" for character in text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _in_frame(run: _Run) -> tuple[float, float, float, float, float]:
    match run.direction:
        case 1:
            return -run.top, -run.right, -run.bottom, -run.left, -run.origin_x
        case 2:
            return -run.right, run.bottom, -run.left, run.top, run.origin_y
        case 3:
            return run.bottom, run.left, run.top, run.right, run.origin_x
        case _:
            return run.left, -run.top, run.right, -run.bottom, -run.origin_y


def _to_page(box: Box, direction: int) -> Box:
    """The way back: from a direction's frame to page space, as (left, bottom, right, top)."""
    x0, y0, x1, y1 = box
    match direction:
        case 1:
            return (-y1, -x1, -y0, -x0)
        case 2:
            return (-x1, y0, -x0, y1)
        case 3:
            return (y0, x0, y1, x1)
        case _:
            return (x0, -y1, x1, -y0)


def _shown(left: float, bottom: float, right: float, top: float, turns: int) -> Callable[[Box], Box]:
    """From page space to the page as shown: origin at its top left, y downwards, turned clockwise by `turns` quarters."""

    def show(box: Box) -> Box:
        x0, y0, x1, y1 = box
        match turns:
            case 1:
                return _rounded(y0 - bottom, x0 - left, y1 - bottom, x1 - left)
            case 2:
                return _rounded(right - x1, y0 - bottom, right - x0, y1 - bottom)
            case 3:
                return _rounded(top - y1, right - x1, top - y0, right - x0)
            case _:
                return _rounded(x0 - left, top - y1, x1 - left, top - y0)

    return show


def _rounded(x0: float, y0: float, x1: float, y1: float) -> Box:
    return (round(x0, 2), round(y0, 2), round(x1, 2), round(y1, 2))


def _skewed_lines(words: list[PlacedWord]) -> list[list[PlacedWord]]:
    """Slanted text has no rows in this frame; what the file wrote in one go stays together."""
    lines: list[list[PlacedWord]] = []
    for word in words:
        if lines and word.order == lines[-1][-1].order + 1:
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines
