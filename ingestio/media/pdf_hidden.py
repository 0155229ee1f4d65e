"""Text that is in a PDF and not to be seen on its page (R81). Runs inside a bounded child process: it parses hostile bytes.

What cannot be seen by construction (render mode, no opacity) is known from the object. What may be hidden (the colour of paper, something
drawn over it, a clipping path that it leaves, a layer that may be switched off) is doubted, and then looked at: the page is drawn with and
without it, and where both pictures are the same nobody sees it.
"""

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageChops

from ingestio.domain.text import Box, Hiding

_DEEPEST_FORM = 4
_MOST_OBJECTS = 200_000
# Fainter than this, on white, is not read by people; of 255.
_NEARLY_WHITE = 225
_NEARLY_CLEAR = 13
_SEEN_DIFFERENCE = 30
# Below it nothing is drawn over a word, only beside or under it: rules, borders.
_SMALLEST_COVER = 4.0
_MOST_COMPARISONS = 200_000
# Letters' boxes reach a little over the field that clips them, in parts of their height.
_OVERHANG = 0.25
_MOST_SEGMENTS = 64
_LOOKED_AT_DPI = 110
_MOST_PIXELS = 4_000_000


@dataclass(slots=True)
class Concealment:
    """The page's text objects that are hidden for certain and those that may be, by their address; and what pictures cover of it."""

    certain: dict[int, Hiding] = field(default_factory=dict)
    doubtful: dict[int, Hiding] = field(default_factory=dict)
    objects: int = 0
    pictured: float = 0.0
    handles: dict[int, Any] = field(default_factory=dict)

    @property
    def addresses(self) -> frozenset[int]:
        return frozenset(self.certain.keys() | self.doubtful.keys())


@dataclass(frozen=True, slots=True)
class _Object:
    handle: Any
    kind: int
    # Place in the order of drawing: objects inside a form are drawn where the form is.
    place: int
    # The form on the page that it is part of, if any.
    outer: Any


def concealment(page: pypdfium2.PdfPage, page_box: Box) -> Concealment:
    """What may hide on the page; `page_box` as left, bottom, right, top in the page's own space. A page that hides nothing costs
    a few calls for each of its objects."""
    found = Concealment()
    texts: list[_Object] = []
    covers: list[tuple[int, Box]] = []
    covered_area = 0.0
    seen_forms: set[int] = set()
    for each in _objects(page):
        found.objects += 1
        if each.kind == pdfium.FPDF_PAGEOBJ_TEXT:
            texts.append(each)
            _weigh(each, found)
        elif _covers(each):
            shown = each.outer or each.handle
            if each.outer is not None:
                if address_of(each.outer) in seen_forms:
                    continue
                seen_forms.add(address_of(each.outer))
            box = _bounds(shown)
            if box is None or min(box[2] - box[0], box[3] - box[1]) < _SMALLEST_COVER:
                continue
            covers.append((each.place, box))
            if each.kind == pdfium.FPDF_PAGEOBJ_IMAGE:
                covered_area += _area(_common(box, page_box))
    found.pictured = min(1.0, covered_area / max(1.0, _area(page_box)))
    _doubt_what_is_drawn_over(texts, covers, found)
    return found


def still_seen(page: pypdfium2.PdfPage, hidden: Concealment) -> "Sight | None":
    """What shows of the doubtful objects; None when there are none."""
    if not hidden.doubtful:
        return None
    width, height = page.get_size()
    if not (0 < width < math.inf and 0 < height < math.inf):
        return None
    scale = min(_LOOKED_AT_DPI / 72, math.sqrt(_MOST_PIXELS / (width * height)))
    with_them = _drawn(page, scale)
    handles = [hidden.handles[address] for address in hidden.doubtful]
    for handle in handles:
        pdfium.FPDFPageObj_SetIsActive(handle, False)
    try:
        without = _drawn(page, scale)
    finally:
        for handle in handles:
            pdfium.FPDFPageObj_SetIsActive(handle, True)
    return Sight(ImageChops.difference(with_them, without), scale)


@dataclass(frozen=True, slots=True)
class Sight:
    """The difference that the doubtful objects make to the page as shown."""

    difference: Image.Image
    scale: float

    def sees(self, box: Box) -> bool:
        """Whether anything shows in a box of the page as shown, in points from its top left."""
        x0, y0, x1, y1 = (value * self.scale for value in box)
        corners = (math.floor(x0), math.floor(y0), math.ceil(x1), math.ceil(y1))
        left, top = max(0, corners[0]), max(0, corners[1])
        right, bottom = min(self.difference.width, corners[2]), min(self.difference.height, corners[3])
        if left >= right or top >= bottom:
            return False
        _, strongest = cast("tuple[int, int]", self.difference.crop((left, top, right, bottom)).getextrema())
        return strongest > _SEEN_DIFFERENCE


def address_of(handle: Any) -> int:
    """An object's identity; 0 for none."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


def _objects(page: pypdfium2.PdfPage) -> Iterator[_Object]:
    """All objects in the order of drawing, those inside forms in their place."""
    left = _MOST_OBJECTS

    def inside(form: Any, place: int, outer: Any, depth: int) -> Iterator[_Object]:
        nonlocal left
        for index in range(pdfium.FPDFFormObj_CountObjects(form)):
            handle = pdfium.FPDFFormObj_GetObject(form, index)
            left -= 1
            if not handle or left < 0:
                return
            kind = pdfium.FPDFPageObj_GetType(handle)
            if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST_FORM:
                yield from inside(handle, place, outer, depth + 1)
            else:
                yield _Object(handle, kind, place, outer)

    for place in range(pdfium.FPDFPage_CountObjects(page.raw)):
        handle = pdfium.FPDFPage_GetObject(page.raw, place)
        left -= 1
        if left < 0:
            return
        if not handle:
            continue
        kind = pdfium.FPDFPageObj_GetType(handle)
        if kind == pdfium.FPDF_PAGEOBJ_FORM:
            yield from inside(handle, place, handle, 1)
        else:
            yield _Object(handle, kind, place, None)


def _weigh(text: _Object, found: Concealment) -> None:
    mode = pdfium.FPDFTextObj_GetTextRenderMode(text.handle)
    if mode in (pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP):
        found.certain[address_of(text.handle)] = Hiding.INVISIBLE
        return
    outlined = mode in (pdfium.FPDF_TEXTRENDERMODE_STROKE, pdfium.FPDF_TEXTRENDERMODE_STROKE_CLIP)
    ask = pdfium.FPDFPageObj_GetStrokeColor if outlined else pdfium.FPDFPageObj_GetFillColor
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    coloured = ask(text.handle, red, green, blue, alpha)
    if coloured and alpha.value <= _NEARLY_CLEAR:
        _doubt(text, Hiding.INVISIBLE, found)
    elif coloured and min(red.value, green.value, blue.value) >= _NEARLY_WHITE:
        _doubt(text, Hiding.PAPER_COLOUR, found)
    elif _in_layer(text.handle) or (text.outer is not None and _in_layer(text.outer)):
        _doubt(text, Hiding.LAYER, found)
    elif _leaves_its_clip(text.handle) or (text.outer is not None and _leaves_its_clip(text.outer)):
        _doubt(text, Hiding.CLIPPED, found)


def _in_layer(handle: Any) -> bool:
    """Whether the object belongs to optional content, which a reader may switch off, or the file itself does."""
    name, length = (pdfium.FPDF_WCHAR * 8)(), ctypes.c_ulong()
    for index in range(min(_MOST_SEGMENTS, pdfium.FPDFPageObj_CountMarks(handle))):
        mark = pdfium.FPDFPageObj_GetMark(handle, index)
        if (
            mark
            and pdfium.FPDFPageObjMark_GetName(mark, name, ctypes.sizeof(name), length)
            and list(name[:3]) == [*b"OC", 0]
        ):
            return True
    return False


def _leaves_its_clip(handle: Any) -> bool:
    """Whether some of the object lies outside the box around one of the paths that it is clipped to."""
    clip = pdfium.FPDFPageObj_GetClipPath(handle)
    paths = pdfium.FPDFClipPath_CountPaths(clip) if clip else 0
    box = _bounds(handle) if paths > 0 else None
    if box is None:
        return False
    slack = _OVERHANG * (box[3] - box[1])
    for path in range(min(_MOST_SEGMENTS, paths)):
        field = _clip_box(clip, path)
        if field is not None and (
            box[0] < field[0] - slack
            or box[1] < field[1] - slack
            or box[2] > field[2] + slack
            or box[3] > field[3] + slack
        ):
            return True
    return False


def _clip_box(clip: Any, path: int) -> Box | None:
    """The box around a path; None for one with more corners than a frame has, which is not followed."""
    count = pdfium.FPDFClipPath_CountPathSegments(clip, path)
    if not 0 < count <= _MOST_SEGMENTS:
        return None
    x, y = ctypes.c_float(), ctypes.c_float()
    points: list[tuple[float, float]] = []
    for index in range(count):
        segment = pdfium.FPDFClipPath_GetPathSegment(clip, path, index)
        if segment and pdfium.FPDFPathSegment_GetPoint(segment, x, y):
            points.append((x.value, y.value))
    across, down = [at for at, _ in points], [at for _, at in points]
    return (min(across), min(down), max(across), max(down)) if points else None


def _doubt(text: _Object, hiding: Hiding, found: Concealment) -> None:
    address = address_of(text.handle)
    if address not in found.certain:
        found.doubtful.setdefault(address, hiding)
        found.handles[address] = text.handle


def _covers(each: _Object) -> bool:
    if each.kind in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_SHADING):
        return True
    if each.kind != pdfium.FPDF_PAGEOBJ_PATH:
        return False
    fill, stroke = ctypes.c_int(), pdfium.FPDF_BOOL()
    return bool(pdfium.FPDFPath_GetDrawMode(each.handle, fill, stroke)) and fill.value != pdfium.FPDF_FILLMODE_NONE


def _doubt_what_is_drawn_over(texts: list[_Object], covers: list[tuple[int, Box]], found: Concealment) -> None:
    if not texts or not covers:
        return
    last = max(place for place, _ in covers)
    early = [each for each in texts if each.place < last]
    if len(early) * len(covers) > _MOST_COMPARISONS:
        for each in early:
            _doubt(each, Hiding.COVERED, found)
        return
    for each in early:
        box = _bounds(each.outer or each.handle)
        if box is None:
            continue
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        if any(place > each.place and c[0] <= x <= c[2] and c[1] <= y <= c[3] for place, c in covers):
            _doubt(each, Hiding.COVERED, found)


def _bounds(handle: Any) -> Box | None:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(handle, left, bottom, right, top):
        return None
    box = (left.value, bottom.value, right.value, top.value)
    return box if all(map(math.isfinite, box)) else None


def _common(first: Box, second: Box) -> Box:
    return max(first[0], second[0]), max(first[1], second[1]), min(first[2], second[2]), min(first[3], second[3])


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _drawn(page: pypdfium2.PdfPage, scale: float) -> Image.Image:
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        picture: Image.Image = bitmap.to_pil().convert("L")
        return picture.copy()
    finally:
        bitmap.close()
