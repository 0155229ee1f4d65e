"""Reads the words of a page from its picture (OCR). Runs inside the bounded child process that holds the one engine.

A detector finds lines of text wherever and however they lie, a recogniser reads each. The page's own direction is the one in which most
of its lines lie and, of the two ways along them, the one that reads better; words get their places in the page turned upright.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ingestio.domain.media import MediaType
from ingestio.domain.text import Bend, Line, PageText, Word
from ingestio.media.bends import Slope, bend_of
from ingestio.media.columns import in_reading_order
from ingestio.media.layout import PlacedWord, lines_of
from ingestio.media.pictures import page_picture

Pixels = np.ndarray[Any, Any]
Quad = np.ndarray[Any, Any]
"""Four corners in pixels, clockwise from where the text begins at its top."""

# Small print is still some 15 pixels high; more pixels cost time and read no better.
_DPI = 250
_MAX_PIXELS = 6_000_000
# Of a picture nobody knows how long its paper is: of a till's roll that is taken for a sheet, 250 dots an inch would leave nothing to read.
_PICTURE_DPI = 1200
# No paper that is read at once is longer; a longer page is one whose maker took pixels for points.
_LONGEST_POINTS = 1_300.0
_USUAL_POINTS = 842.0
# What the detector is shown: no longer than the first, but as wide as the second where that is not too much in all: a million pixels take
# some 170 MB.
_DETECTED_SIDE_PIXELS, _LEAST_DETECTED_SIDE_PIXELS, _MOST_DETECTED_PIXELS = 1408, 736, 2_600_000
# A picture so many times as long as it is wide is not enlarged.
_NARROW = 8
# Whether most lines stand shows in a much smaller picture.
_GLANCE_SIDE_PIXELS = 704
# The height at which lines are recognised, a property of the model.
_STRIP_HEIGHT = 48
# A line that is longer than so many times its height is read in pieces: the model learnt from shorter ones, and takes memory for each.
_LONGEST_LINE = 56
# What reads worse is a picture of something else.
_LEAST_CONFIDENCE = 0.6
# A recogniser is never as sure as text in the file is.
_MOST_CONFIDENCE = 0.95
# A line this much longer across the page's direction than along it, and longer than others are high, stands sideways.
_SIDEWAYS = 2.5
# Lines that are tried both ways round before the rest is read: so many, about so many times as long as they are high. That is some twenty
# characters, which are enough to tell; longer ones tell no more and cost more.
_TRIED, _TELLING = 5, 12.0
_CLEAR = 0.9
# Figures that are read less surely are looked at twice; what is less sure than the first is misread so often, and alike in every look, that
# nobody believes it (see `extraction.occurrences`), and needs no other look.
_LEAST_SURE, _SURE = 0.9, 0.98
_MARGIN = 0.2
# What two looks do not agree on counts as read no better than this.
_DOUBTED = 0.5
# Between two characters of a line, in columns of the recogniser (8 pixels of its strip); more is a blank that it did not write.
_WIDE_COLUMNS = 7.0
_NOUGHTS_IN_WORD = re.compile(r"[^\w]*[^\W\d_]+(?:0+[^\W\d_]+)+[^\w]*")
# Blanks of one typeface differ by that much; fewer of them say nothing.
_BLANK, _LEAST_BLANKS, _SAME_LINE = 1.35, 6, 0.3
# Where the letters' base line is, from the bottom of the detector's box, in parts of its height.
_DESCENT = 0.22


@dataclass(frozen=True, slots=True)
class _Spot:
    """A word within its line: from where to where, in parts of the line's length."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class _Strip:
    """A line as it was recognised."""

    quad: Quad
    spots: tuple[_Spot, ...]
    confidence: float


def recognise_page(path: Path, media_type: MediaType, page_number: int, threads: int) -> PageText:
    """What stands on the page (from 1), as far as it can be read from its picture. Raises what `page_picture` raises.

    The page is given upright and in the usual size: `turned` and `scale` say how it lies in the file. Each word's confidence is that
    of its least legible character. The same bytes give the same text.
    """
    dpi = _PICTURE_DPI if media_type.is_image else _DPI
    picture, width, height = page_picture(path, media_type, page_number, dpi, _MAX_PIXELS)
    pixels = np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])
    strips, turned = _read(pixels, _Engine.shared(threads))
    longest = max(width, height)
    scale = longest / _USUAL_POINTS if longest > _LONGEST_POINTS else 1.0
    if not strips:
        return PageText(page_number, width, height, (), pictured=True)
    sheet = _Sheet(turned, width / scale / picture.width, picture.width, picture.height)
    sheet = replace(sheet, bend=_bend(strips, sheet))
    size = (round(sheet.size[0], 2), round(sheet.size[1], 2))
    lines = _lines(strips, sheet)
    return PageText(page_number, *size, lines, turned=turned, scale=scale, bend=sheet.bend, pictured=True)


class _Engine:
    """RapidOCR with the models from its wheel: it never asks a network."""

    def __init__(self, threads: int) -> None:
        # Imported on first use: it takes over a second, and cv2 would start a thread a core on its own.
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)
        self._ocr: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                # It would shrink a line that is longer than a page is high, and refuse the longest: the size is ours to choose.
                "Global.use_preprocess_img": False,
                "Global.use_vertical_padding": False,
                "Det.limit_side_len": 32,
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    @staticmethod
    @cache
    def shared(threads: int) -> "_Engine":
        """The process's one engine."""
        return _Engine(threads)

    def detect(self, pixels: Pixels, longest: int = _DETECTED_SIDE_PIXELS) -> list[Quad]:
        """Where lines are, their corners clockwise from the top left of the picture."""
        height, width = pixels.shape[:2]
        shown = cv2.resize(pixels, _detected_size(width, height, longest))
        found = self._ocr(shown, use_det=True, use_cls=False, use_rec=False, return_word_box=False)
        if found.boxes is None:
            return []
        scale = np.array([width / shown.shape[1], height / shown.shape[0]], dtype=np.float32)
        quads = [np.asarray(each, dtype=np.float32) * scale for each in found.boxes]
        # Of a small picture whole pixels, or tiny print reads worse: of words that look sure three times as many are misread.
        return [_from_top_left(np.round(quad) if scale[0] < 1 else quad) for quad in quads]

    def recognise(self, pixels: Pixels, quad: Quad) -> _Strip:
        """What stands in one line; without spots when that is nothing."""
        strip = _cut(pixels, quad)
        found = self._ocr(strip, use_det=False, use_cls=False, use_rec=True, return_word_box=True)
        text = found.txts[0] if found.txts else ""
        if not text.strip():
            return _Strip(quad, (), 0.0)
        return _Strip(quad, tuple(_spots(text, found.word_results[0])), float(found.scores[0]))


def _detected_size(width: int, height: int, longest: int) -> tuple[int, int]:
    """Across and down, in whole tiles of the detector."""
    scale = min(1.0, longest / max(width, height))
    if longest == _DETECTED_SIDE_PIXELS:
        wider = _LEAST_DETECTED_SIDE_PIXELS / min(width, height)
        # Print that fills what little height there is would be larger than any that the detector knows.
        most = 1.0 if max(width, height) > _NARROW * min(width, height) else wider
        scale = max(scale, min(wider, most, math.sqrt(_MOST_DETECTED_PIXELS / (width * height))))
    return max(32, round(width * scale / 32) * 32), max(32, round(height * scale / 32) * 32)


def _read(pixels: Pixels, engine: _Engine) -> tuple[list[_Strip], float]:
    """The legible lines, and by how many degrees the page is turned clockwise."""
    quads, quarter = _detect(pixels, engine)
    if not quads:
        return [], 0.0
    heights = sorted(_height(quad) for quad in quads)
    usual = heights[len(heights) // 2]
    along = [quad for quad in quads if not _is_sideways(quad, usual)]
    strips, half = _right_way_round(pixels, along, engine)
    for quad in quads:
        if _is_sideways(quad, usual):
            ways = [engine.recognise(pixels, _turned(quad, quarters)) for quarters in (1, 3)]
            strips.append(max(ways, key=lambda each: each.confidence))
    turned = 90.0 * quarter + 180.0 * half + _skew([each.quad for each in strips[: len(along)]], quarter + 2 * half)
    legible = [each for each in strips if each.confidence >= _LEAST_CONFIDENCE and each.spots]
    legible = [_looked_at_twice(pixels, each, engine) for each in legible]
    return legible, round((turned + 180.0) % 360.0 - 180.0, 2)


def _detect(pixels: Pixels, engine: _Engine) -> tuple[list[Quad], int]:
    """The lines, each from where it begins when it is read along the page's direction, and 1 where that is downwards.

    A page that lies on its side is mostly a picture that is wider than high, so there a glance goes before the look.
    """
    height, width = pixels.shape[:2]
    quarter = 1 if width > height and sum(map(_leaning, engine.detect(pixels, _GLANCE_SIDE_PIXELS))) < 0 else 0
    quads = _detect_standing(pixels, engine) if quarter else engine.detect(pixels)
    if sum(map(_leaning, quads)) < 0:
        others = engine.detect(pixels) if quarter else _detect_standing(pixels, engine)
        quads, quarter = others or [_turned(quad, 1) for quad in quads], 1 - quarter
    return [piece for quad in quads for piece in _pieces(pixels, quad)], quarter


def _detect_standing(pixels: Pixels, engine: _Engine) -> list[Quad]:
    """The lines of a picture that stands on its side, from where they begin when they are read downwards. The detector learnt from lines
    that lie: of those that stand it loses some where they are set close, so it is shown the picture lying."""
    lying = np.ascontiguousarray(np.rot90(pixels))
    width = pixels.shape[1]
    return [np.stack([width - quad[:, 1], quad[:, 0]], axis=1) for quad in engine.detect(lying)]


def _pieces(pixels: Pixels, quad: Quad) -> list[Quad]:
    """The line, or what it falls into where it is too long to be read at once: cut in the widest blanks near equal parts."""
    parts = math.ceil(_slimness(quad) / _LONGEST_LINE)
    if parts <= 1:
        return [quad]
    strip = cv2.cvtColor(_cut(pixels, quad), cv2.COLOR_BGR2GRAY).astype(np.float32)
    # What is even from top to bottom is blank; a blank as wide as half a line is high is even for longer than one between letters.
    ink = cv2.blur(strip.std(axis=0)[None, :], (_STRIP_HEIGHT // 2, 1))[0]
    reach, length = 4 * _STRIP_HEIGHT, strip.shape[1]
    cuts = [0.0, 1.0]
    for part in range(1, parts):
        start = length * part // parts - reach
        cuts.insert(-1, (start + int(np.argmin(ink[start : start + 2 * reach]))) / length)
    top_left, top_right, bottom_right, bottom_left = quad
    return [
        np.stack(
            [
                top_left + (top_right - top_left) * begin,
                top_left + (top_right - top_left) * end,
                bottom_left + (bottom_right - bottom_left) * end,
                bottom_left + (bottom_right - bottom_left) * begin,
            ]
        )
        for begin, end in pairwise(cuts)
    ]


def _right_way_round(pixels: Pixels, quads: list[Quad], engine: _Engine) -> tuple[list[_Strip], int]:
    """All lines read, and 1 when the page stands on its head. Some lines decide: upside down they read as nonsense."""
    by_worth = sorted(range(len(quads)), key=lambda index: abs(_slimness(quads[index]) - _TELLING))
    tried = by_worth[:_TRIED]
    strips = {index: engine.recognise(pixels, quads[index]) for index in tried}
    half = 0
    if sum(each.confidence for each in strips.values()) < _CLEAR * len(tried):
        other = {index: engine.recognise(pixels, _turned(quads[index], 2)) for index in tried}
        if sum(each.confidence for each in other.values()) > sum(each.confidence for each in strips.values()):
            strips, half = other, 1
    for index in by_worth[_TRIED:]:
        strips[index] = engine.recognise(pixels, _turned(quads[index], 2 * half))
    return [strips[index] for index in range(len(quads))], half


def _looked_at_twice(pixels: Pixels, strip: _Strip, engine: _Engine) -> _Strip:
    """The line with what its figures are worth: where one is nearly sure, they are read once more with a little of what is around them. A
    misread digit seldom looks doubtful and seldom comes out the same again; what comes out otherwise is hardly legible."""
    if not any(_is_figure(spot) and _LEAST_SURE <= spot.confidence < _SURE for spot in strip.spots):
        return strip
    again = "".join(spot.text for spot in engine.recognise(pixels, _with_margin(strip.quad)).spots)
    once = "".join(spot.text for spot in strip.spots)
    compared = SequenceMatcher(None, once, again, autojunk=False).get_opcodes()
    changes = [(start, end) for kind, start, end, _, _ in compared if kind != "equal"]
    spots, at = [], 0
    for spot in strip.spots:
        begin, at = at, at + len(spot.text)
        # What is new at an edge may belong to the word beyond it: a figure is not trusted for that.
        otherwise = any(start < at and end > begin if start < end else begin <= start <= at for start, end in changes)
        doubted = otherwise and _is_figure(spot)
        spots.append(replace(spot, confidence=min(spot.confidence, _DOUBTED)) if doubted else spot)
    return replace(strip, spots=tuple(spots))


def _is_figure(spot: _Spot) -> bool:
    return any(char.isdigit() for char in spot.text)


def _with_margin(quad: Quad) -> Quad:
    """The line and a part of its height on each side."""
    along, down = (quad[1] - quad[0]) + (quad[2] - quad[3]), (quad[3] - quad[0]) + (quad[2] - quad[1])
    margin = _MARGIN * _height(quad)
    along, down = (margin * way / max(1e-6, float(np.linalg.norm(way))) for way in (along, down))
    return np.asarray(quad + np.stack([-along - down, along - down, along + down, down - along]), dtype=np.float32)


def _from_top_left(quad: Quad) -> Quad:
    """The same corners from the one at which the edge that lies most nearly across begins. The detector begins at one of the two leftmost:
    of lines that stand on a crooked picture, it begins with another corner of the long ones than of the short ones."""
    edges = np.roll(quad, -1, axis=0) - quad
    return np.roll(quad, -int(np.argmax(edges[:, 0] / np.maximum(1e-6, np.linalg.norm(edges, axis=1)))), axis=0)


def _turned(quad: Quad, quarters: int) -> Quad:
    """The same line, read as it would be if the page were turned clockwise by so many quarters."""
    return np.roll(quad, -quarters, axis=0)


def _length(quad: Quad) -> float:
    return float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])) / 2


def _height(quad: Quad) -> float:
    return float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2


def _slimness(quad: Quad) -> float:
    """How many times as long as it is high."""
    return _length(quad) / max(1.0, _height(quad))


def _leaning(quad: Quad) -> float:
    """Above 0 for a line that lies across the picture, below for one that stands; longer lines count more, single letters nothing."""
    length, height = _length(quad), _height(quad)
    return 0.0 if max(length, height) < 1.5 * min(length, height) else length - height


def _is_sideways(quad: Quad, usual_height: float) -> bool:
    return _height(quad) > _SIDEWAYS * max(_length(quad), 0.8 * usual_height)


def _skew(quads: list[Quad], quarters: int) -> float:
    """By how many degrees lines lean clockwise against the page's quarter turn: the median, long lines counting more."""
    leans: list[tuple[float, float]] = []
    for quad in quads:
        across, down = (quad[1] - quad[0]) + (quad[2] - quad[3])
        lean = math.degrees(math.atan2(float(down), float(across))) - 90.0 * quarters
        leans.append(((lean + 180.0) % 360.0 - 180.0, max(0.0, _length(quad) - 2 * _height(quad))))
    leans.sort()
    half, passed = sum(weight for _, weight in leans) / 2, 0.0
    for lean, weight in leans:
        passed += weight
        if weight and passed >= half:
            return lean
    return 0.0


def _cut(pixels: Pixels, quad: Quad) -> Pixels:
    """The line laid flat, as high as the recogniser takes it."""
    length, height = max(1, round(_length(quad))), max(1, round(_height(quad)))
    target = np.array([[0, 0], [length, 0], [length, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    flat = cv2.warpPerspective(pixels, matrix, (length, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    size = (max(8, round(length * _STRIP_HEIGHT / height)), _STRIP_HEIGHT)
    return cv2.resize(flat, size, interpolation=cv2.INTER_AREA if height > _STRIP_HEIGHT else cv2.INTER_CUBIC)


def _spots(text: str, info: Any) -> Iterator[_Spot]:
    """The words of a line. The recogniser tells in which column of the strip it saw each character that is not a blank."""
    columns = [column for run in info.word_cols for column in run]
    seen = [(char, float(sure)) for char, sure in zip(text, info.confs, strict=False) if not char.isspace()]
    if len(columns) != len(seen) or info.line_txt_len <= 0:
        return
    steps = sorted(after - before for before, after in pairwise(columns))
    usual = max(2.0, float(steps[len(steps) // 2])) if steps else 2.0
    for first, last in _word_ranges(text, columns, usual):
        # Half a character to each side, but never over the half of the gap to the next word.
        before = (columns[first] - columns[first - 1]) / 2 if first else usual / 2
        after = (columns[last + 1] - columns[last]) / 2 if last + 1 < len(columns) else usual / 2
        start = columns[first] + 0.5 - min(usual / 2, before)
        end = columns[last] + 0.5 + min(usual / 2, after)
        yield _Spot(
            with_letters("".join(char for char, _ in seen[first : last + 1])),
            min(1.0, max(0.0, start / info.line_txt_len)),
            min(1.0, max(0.0, end / info.line_txt_len)),
            min(sure for _, sure in seen[first : last + 1]),
        )


def with_letters(word: str) -> str:
    """`INV0ICE` as it is printed: between letters, in a word without another digit, a nought is an O. Equally long."""
    if not _NOUGHTS_IN_WORD.fullmatch(word):
        return word
    return word.replace("0", "O" if word.upper() == word else "o")


def _word_ranges(text: str, columns: list[int], usual: float) -> Iterator[tuple[int, int]]:
    """First and last character of each word, blanks not counted: cut at blanks and at gaps as wide as several characters.

    A blank beside the point of an amount (`51 .10`, `12. 50`) is how print is spaced, not the end of a word.
    """
    glued = re.sub(r"(?<=\d) (?=[.,]\d\d(?!\d))|(?<=\d[.,]) (?=\d\d(?![\d.,]))", "", text)
    first, index = 0, 0
    blank = False
    for char in glued:
        if char.isspace():
            blank = True
            continue
        if index > first and (blank or columns[index] - columns[index - 1] > max(_WIDE_COLUMNS, 3.5 * usual)):
            yield first, index - 1
            first = index
        blank = False
        index += 1
    if index > first:
        yield first, index - 1


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The page turned upright: `turned` back by that many degrees, `scale` points a pixel, middle as the origin."""

    turned: float
    scale: float
    width: int
    height: int
    bend: Bend = (0.0, 0.0, 0.0, 0.0)

    @property
    def size(self) -> tuple[float, float]:
        """In points."""
        across, down = self.width * self.scale, self.height * self.scale
        return (down, across) if round(self.turned / 90) % 2 else (across, down)

    def upright(self, point: Quad) -> tuple[float, float]:
        """A point of the picture on the flat, upright sheet, from its middle."""
        angle = math.radians(-self.turned)
        x, y = (float(point[0]) - self.width / 2) * self.scale, (float(point[1]) - self.height / 2) * self.scale
        x, y = x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)
        a, b, c, d = self.bend
        return x, y - (a * x + b * x * x / 2 + c * x * y + d * x * x * y / 2)


def _bend(strips: list[_Strip], sheet: _Sheet) -> Bend:
    """How lines rise and fall across the sheet, from the slopes of those that are long; none where they tell too little or lie straight."""
    rows: list[Slope] = []
    for strip in strips:
        left, right = (
            sheet.upright((strip.quad[0] + strip.quad[3]) / 2),
            sheet.upright((strip.quad[1] + strip.quad[2]) / 2),
        )
        length = right[0] - left[0]
        if length > 3 * _height(strip.quad) * sheet.scale:
            middle = ((left[0] + right[0]) / 2, (left[1] + right[1]) / 2)
            rows.append((*middle, (right[1] - left[1]) / length, length))
    half_width, half_height = (side / 2 for side in sheet.size)
    return bend_of(rows, half_width, half_height)


def _lines(strips: list[_Strip], sheet: _Sheet) -> tuple[Line, ...]:
    """The words of all lines placed on the upright page, in points, and put into lines as those of a text layer are."""
    found = [_placed(strip, sheet) for strip in strips]
    confidences: dict[int, float] = {}
    order = 0
    for run in _runs(found):
        order += 1
        for index, (word, confidence) in enumerate(run):
            order += 1
            word.order, word.after_space = order, index > 0
            confidences[order] = confidence
    placed = [word for run in found for word, _ in run]
    return tuple(
        Line(tuple(Word(word.text, _rounded(word), confidences[word.order]) for word in line))
        for line in in_reading_order(lines_of(placed))
    )


_Run = list[tuple[PlacedWord, float]]
"""Words that belong behind each other, each with how surely it was recognised."""


def _placed(strip: _Strip, sheet: _Sheet) -> _Run:
    across, down = (side / 2 for side in sheet.size)
    top_left, top_right, bottom_right, bottom_left = strip.quad
    run: _Run = []
    for spot in strip.spots:
        corners = [
            sheet.upright(begin + (end - begin) * part)
            for begin, end in ((top_left, top_right), (bottom_left, bottom_right))
            for part in (spot.start, spot.end)
        ]
        x0, x1 = across + min(x for x, _ in corners), across + max(x for x, _ in corners)
        y0, y1 = down + min(y for _, y in corners), down + max(y for _, y in corners)
        baseline = down + (corners[2][1] + corners[3][1]) / 2 - _DESCENT * (y1 - y0)
        confidence = round(min(_MOST_CONFIDENCE, spot.confidence), 3)
        run.append((PlacedWord(spot.text, x0, y0, x1, y1, baseline, 0, after_space=False), confidence))
    return run


def _runs(found: list[_Run]) -> Iterator[_Run]:
    """The lines, put together where the detector cut one at a blank: where a typeface has wide blanks, it takes them for gaps."""
    blanks = sorted(
        (after.x0 - before.x1) / before.height for run in found for (before, _), (after, _) in pairwise(run)
    )
    widest = _BLANK * blanks[len(blanks) // 2] if len(blanks) >= _LEAST_BLANKS else 0.0
    follower: dict[int, int] = {}
    for left, run in enumerate(found):
        near = [right for right, other in enumerate(found) if _follows(run[-1][0], other[0][0], widest)]
        if len(near) == 1 and near[0] not in follower.values():
            follower[left] = near[0]
    for first in range(len(found)):
        if first in follower.values():
            continue
        whole, at = list(found[first]), first
        while at in follower:
            at = follower[at]
            whole += found[at]
        yield whole


def _follows(before: PlacedWord, word: PlacedWord, widest: float) -> bool:
    height = min(before.height, word.height)
    near = 0 < word.x0 - before.x1 <= widest * height
    return near and abs(word.baseline - before.baseline) < _SAME_LINE * height


def _rounded(word: PlacedWord) -> tuple[float, float, float, float]:
    return (round(word.x0, 2), round(word.y0, 2), round(word.x1, 2), round(word.y1, 2))
