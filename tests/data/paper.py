"""Paper to draw on: text, paragraphs, rules and tables in points from the top left of the page.

The bytes are the same on every machine: reportlab's invariant mode fixes dates and ids, and content is left uncompressed because
deflate's output differs between zlib builds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import cos, sin
from typing import Literal

from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

__all__ = [
    "A4",
    "HELVETICA",
    "LETTER",
    "TIMES",
    "TYPEWRITER",
    "VERA",
    "Align",
    "Column",
    "Face",
    "Sheet",
    "draw_pdf",
    "wrap",
]

Align = Literal["left", "right", "center"]
INK = "#1f2328"
GREY = "#6b7280"
HAIRLINE = "#c9ced6"

rl_config.useA85 = 0


@dataclass(frozen=True, slots=True)
class Face:
    """The styles of one family."""

    regular: str
    bold: str
    italic: str


HELVETICA = Face("Helvetica", "Helvetica-Bold", "Helvetica-Oblique")
TIMES = Face("Times-Roman", "Times-Bold", "Times-Italic")
TYPEWRITER = Face("Courier", "Courier-Bold", "Courier-Oblique")
VERA = Face("Vera", "VeraBd", "VeraIt")
"""Embedded as a subset, unlike the three others: pages in it look and render alike everywhere, so scans are made from it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: `x` is its left edge, or its right edge when it is aligned right."""

    title: str
    x: float
    width: float
    align: Align = "left"


def wrap(text: str, font: str, size: float, width: float) -> list[str]:
    """The lines of `text` in `width` points; a line feed in the text starts a new one."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and pdfmetrics.stringWidth(longer, font, size) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


class Sheet:
    """Pages under a pen. `page_total` is right in the second of the two passes that `draw_pdf` makes."""

    def __init__(self, size: tuple[float, float], face: Face, title: str, author: str, page_total: int) -> None:
        for name in (VERA.regular, VERA.bold, VERA.italic):
            if name not in pdfmetrics.getRegisteredFontNames():
                pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
        self.width, self.height = size
        self.face = face
        self.page_number = 1
        self.page_total = page_total
        self._buffer = BytesIO()
        self._canvas = Canvas(self._buffer, pagesize=size, invariant=1, pageCompression=0)
        self._canvas.setTitle(title)
        self._canvas.setAuthor(author)
        self._canvas.setSubject("")
        self._canvas.setCreator("")

    def finish(self) -> bytes:
        self._canvas.showPage()
        self._canvas.save()
        return self._buffer.getvalue()

    def next_page(self) -> None:
        self._canvas.showPage()
        self.page_number += 1

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 9,
        *,
        bold: bool = False,
        italic: bool = False,
        font: str | None = None,
        color: str = INK,
        align: Align = "left",
        spacing: float = 0,
    ) -> None:
        """One line with its base line at `y`; `x` is its left edge, right edge or middle. `spacing` widens the letters, in points."""
        name = font or (self.face.bold if bold else self.face.italic if italic else self.face.regular)
        width = pdfmetrics.stringWidth(text, name, size) + spacing * max(len(text) - 1, 0)
        left = x - (width if align == "right" else width / 2 if align == "center" else 0)
        self._canvas.setFillColor(HexColor(color))
        pen = self._canvas.beginText(left, self.height - y)
        pen.setFont(name, size)
        pen.setCharSpace(spacing)
        pen.textOut(text)
        self._canvas.drawText(pen)

    def lines(
        self,
        x: float,
        y: float,
        lines: Sequence[str],
        size: float = 9,
        *,
        leading: float | None = None,
        first_bold: bool = False,
        color: str = INK,
        align: Align = "left",
    ) -> float:
        """Lines under each other; answers the base line after the last."""
        step = leading or size * 1.35
        for index, line in enumerate(lines):
            self.text(x, y, line, size, bold=first_bold and index == 0, color=color, align=align)
            y += step
        return y

    def paragraph(
        self,
        x: float,
        y: float,
        width: float,
        text: str,
        size: float = 10,
        *,
        leading: float | None = None,
        bold: bool = False,
        italic: bool = False,
        color: str = INK,
    ) -> float:
        """Wrapped text; answers the base line after the last line."""
        name = self.face.bold if bold else self.face.italic if italic else self.face.regular
        for line in wrap(text, name, size, width):
            self.text(x, y, line, size, font=name, color=color)
            y += leading or size * 1.4
        return y

    def rule(self, x0: float, y: float, x1: float, *, color: str = HAIRLINE, weight: float = 0.6) -> None:
        self._canvas.setStrokeColor(HexColor(color))
        self._canvas.setLineWidth(weight)
        self._canvas.line(x0, self.height - y, x1, self.height - y)

    def stroke(self, points: Sequence[tuple[float, float]], *, color: str = INK, weight: float = 1) -> None:
        """A line through `points`."""
        path = self._canvas.beginPath()
        for index, (x, y) in enumerate(points):
            (path.lineTo if index else path.moveTo)(x, self.height - y)
        self._canvas.setStrokeColor(HexColor(color))
        self._canvas.setLineWidth(weight)
        self._canvas.setLineCap(1)
        self._canvas.setLineJoin(1)
        self._canvas.drawPath(path, stroke=1, fill=0)

    def signature(self, x: float, y: float, name: str) -> None:
        """Somebody's hand: loops that follow the letters of the name, about 100 points wide."""
        points = []
        for step in range(len(name) * 8):
            letter, turn = ord(name[step // 8]), step * 0.78
            tall = 3 + letter % 5 + (9 if step < 10 else 0)
            wobble = sin(turn * 0.31 + letter) * 2.5
            points.append((x + step * 0.72 + cos(turn) * (2.5 + letter % 3), y - sin(turn) * tall * 0.8 + wobble))
        self.stroke(points, color="#1d2f6f", weight=1.0)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str | None = None,
        border: str | None = HAIRLINE,
        radius: float = 0,
        weight: float = 0.6,
    ) -> None:
        """A rectangle whose top left corner is (x, y)."""
        if fill:
            self._canvas.setFillColor(HexColor(fill))
        if border:
            self._canvas.setStrokeColor(HexColor(border))
            self._canvas.setLineWidth(weight)
        bottom = self.height - y - height
        self._canvas.roundRect(x, bottom, width, height, radius, stroke=int(bool(border)), fill=int(bool(fill)))

    def disc(self, x: float, y: float, radius: float, color: str) -> None:
        self._canvas.setFillColor(HexColor(color))
        self._canvas.circle(x, self.height - y, radius, stroke=0, fill=1)

    def row(
        self,
        y: float,
        columns: Sequence[Column],
        cells: Sequence[str],
        size: float = 9,
        *,
        bold: bool = False,
        color: str = INK,
    ) -> float:
        """Cells on one base line, each wrapped in its column; answers the base line after the tallest."""
        name = self.face.bold if bold else self.face.regular
        lowest = y
        for column, cell in zip(columns, cells, strict=True):
            down = y
            for line in wrap(cell, name, size, column.width):
                self.text(column.x, down, line, size, font=name, color=color, align=column.align)
                down += size * 1.3
            lowest = max(lowest, down)
        return lowest


def draw_pdf(
    draw: Callable[[Sheet], None], *, title: str, author: str, size: tuple[float, float] = A4, face: Face = HELVETICA
) -> bytes:
    """The PDF that `draw` draws. It is called twice, so that "page 1 of 3" is known on page 1."""
    page_total = 1
    for _ in range(2):
        sheet = Sheet(size, face, title, author, page_total)
        draw(sheet)
        page_total = sheet.page_number
    return sheet.finish()
