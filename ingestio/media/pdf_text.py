"""The words of a PDF page with their boxes, through pdfium. Runs inside a bounded child process: it parses hostile bytes."""

import ctypes
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import pypdfium2
import pypdfium2.raw as pdfium

from ingestio.domain.text import Box, Line, PageText, Word
from ingestio.media.layout import PlacedWord, lines_of

_SKEW_TOLERANCE_RADIANS = math.radians(3)
# pdfium writes this in place of a hyphen at the end of a line.
_LINE_END_HYPHEN = 0x02
# What stands for a glyph without a Unicode meaning. Dropping it would turn "1?34" into a number that is not on the page.
_UNKNOWN = "\ufffd"
_ZERO_WIDTH = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")
_UPRIGHT, _SKEWED = 0, 4


@dataclass(frozen=True, slots=True)
class _Char:
    """One character in the frame of its own direction: quarter turns clockwise from upright in page space, or skewed."""

    text: str
    direction: int
    x0: float
    y0: float
    x1: float
    y1: float
    baseline: float


def read_page(document: pypdfium2.PdfDocument, index: int, max_characters: int) -> tuple[PageText, int]:
    """The text of the page at `index` (from 0) and how many characters it took, at most `max_characters`.

    A page that pdfium cannot load is an empty page: the others still count.
    """
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return PageText(index + 1, 0.0, 0.0, ()), 0
    try:
        return _read(page, index + 1, max_characters)
    finally:
        page.close()


def _read(page: pypdfium2.PdfPage, number: int, max_characters: int) -> tuple[PageText, int]:
    left, bottom, right, top = page.get_bbox()
    turns = page.get_rotation() // 90 % 4
    width, height = (top - bottom, right - left) if turns % 2 else (right - left, top - bottom)
    try:
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        return PageText(number, round(width, 2), round(height, 2), ()), 0
    try:
        used = min(max(0, text_page.count_chars()), max_characters)
        words = list(_words(_characters(text_page.raw, used)))
    finally:
        text_page.close()
    show = _shown(left, bottom, right, top, turns)
    lines: list[Line] = []
    # Text that stands upright on the page as shown comes first; sideways notes and watermarks after it.
    for direction in sorted(
        {direction for direction, _ in words}, key=lambda each: (each == _SKEWED, (each + turns) % 4)
    ):
        placed = [word for each, word in words if each == direction]
        groups = _skewed_lines(placed) if direction == _SKEWED else lines_of(placed)
        lines.extend(
            Line(tuple(Word(word.text, show(_to_page(word.box, direction))) for word in group)) for group in groups
        )
    return PageText(number, round(width, 2), round(height, 2), tuple(lines)), used


def _characters(handle: object, total: int) -> Iterator[_Char | None]:
    """Every character in pdfium's order; None where a word ends. A generated line break is given as two Nones."""
    rect = pdfium.FS_RECTF()
    origin_x, origin_y = ctypes.c_double(), ctypes.c_double()
    high_surrogate = 0
    for index in range(total):
        code = pdfium.FPDFText_GetUnicode(handle, index)
        if 0xD800 <= code < 0xDC00:
            high_surrogate = code
            continue
        if 0xDC00 <= code < 0xE000 and high_surrogate:
            code = 0x10000 + ((high_surrogate - 0xD800) << 10) + (code - 0xDC00)
        high_surrogate = 0
        text = _as_text(code)
        if text == " ":
            yield None
            if code in (0x0A, 0x0D) or pdfium.FPDFText_IsGenerated(handle, index):
                yield None
            continue
        if not text or not pdfium.FPDFText_GetLooseCharBox(handle, index, rect):
            continue
        if not pdfium.FPDFText_GetCharOrigin(handle, index, origin_x, origin_y):
            continue
        numbers = (rect.left, rect.bottom, rect.right, rect.top, origin_x.value, origin_y.value)
        if not all(map(math.isfinite, numbers)):
            continue
        yield _in_frame(text, pdfium.FPDFText_GetCharAngle(handle, index), numbers)


def _as_text(code: int) -> str:
    """One character; a blank for every kind of white space, nothing for marks without width."""
    if code == _LINE_END_HYPHEN:
        return "-"
    if code in (0, 0xFFFE, 0xFFFF) or 0xD800 <= code < 0xE000 or code > 0x10FFFF:
        return _UNKNOWN
    text = chr(code)
    if text.isspace():
        return " "
    if text in _ZERO_WIDTH or code < 0x20 or 0x7F <= code < 0xA0:
        return ""
    return text


def _in_frame(text: str, angle: float, numbers: tuple[float, float, float, float, float, float]) -> _Char:
    left, bottom, right, top, origin_x, origin_y = numbers
    if not angle:
        return _Char(text, _UPRIGHT, left, -top, right, -bottom, -origin_y)
    turns = angle / (math.pi / 2) if math.isfinite(angle) else 0.5
    direction = round(turns) % 4
    if abs(turns - round(turns)) * (math.pi / 2) > _SKEW_TOLERANCE_RADIANS:
        return _Char(text, _SKEWED, left, -top, right, -bottom, -origin_y)
    match direction:
        case 0:
            return _Char(text, 0, left, -top, right, -bottom, -origin_y)
        case 1:
            return _Char(text, 1, -top, -right, -bottom, -left, -origin_x)
        case 2:
            return _Char(text, 2, -right, bottom, -left, top, origin_y)
        case _:
            return _Char(text, 3, bottom, left, top, right, origin_x)


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


def _words(characters: Iterator[_Char | None]) -> Iterator[tuple[int, PlacedWord]]:
    """Runs of characters without white space, a turn, a jump back, a jump down or a hole in between."""
    order = count()
    run: list[_Char] = []
    breaks = 2
    run_breaks = breaks
    for char in characters:
        if char is None:
            breaks += 1
            continue
        if run and (breaks or _jumps(run[-1], char)):
            yield run[0].direction, _word(run, next(order), after_space=run_breaks == 1)
            if not breaks:
                breaks = 2
            run = []
        if not run:
            run_breaks = breaks
            if breaks > 1:
                next(order)
        run.append(char)
        breaks = 0
    if run:
        yield run[0].direction, _word(run, next(order), after_space=run_breaks == 1)


def _jumps(before: _Char, char: _Char) -> bool:
    if char.direction != before.direction:
        return True
    if char.direction == _SKEWED:
        return False
    height = max(before.y1 - before.y0, char.y1 - char.y0)
    if abs(char.baseline - before.baseline) > 0.6 * height:
        return True
    return char.x0 - before.x1 > 0.6 * height or before.x0 - char.x1 > 0.6 * height


def _word(run: list[_Char], order: int, *, after_space: bool) -> PlacedWord:
    return PlacedWord(
        text="".join(char.text for char in run),
        x0=min(char.x0 for char in run),
        y0=min(char.y0 for char in run),
        x1=max(char.x1 for char in run),
        y1=max(char.y1 for char in run),
        baseline=run[0].baseline,
        order=order,
        after_space=after_space,
    )


def _skewed_lines(words: list[PlacedWord]) -> list[list[PlacedWord]]:
    """Slanted text has no rows in this frame; what the file wrote in one go stays together."""
    lines: list[list[PlacedWord]] = []
    for word in words:
        if lines and word.order == lines[-1][-1].order + 1:
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines
