"""What a command printed, as a terminal shows it: a small SVG that follows the reader's light or dark."""

from collections.abc import Iterable
from html import escape

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

_ADVANCE = 8.4  # pixels of a character; textLength holds every font to it
_LINE = 19
_MARGIN = 24
_COLOURS = {1: "red", 2: "green", 3: "yellow"}
_STYLE = """
rect { fill: #fffefb; stroke: #e2ddd1; }
text { fill: #1d1b17; font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
.bold { font-weight: 600; } .dim { fill: #6b655a; } .green { fill: #1c6b46; } .yellow { fill: #7f5200; } .red { fill: #a2281f; }
@media (prefers-color-scheme: dark) {
  rect { fill: #1d1f23; stroke: #2d2f34; }
  text { fill: #ebe7de; }
  .dim { fill: #9a9488; } .green { fill: #7fd0a5; } .yellow { fill: #e3b765; } .red { fill: #f2a096; }
}
"""


def picture(title: str, lines: Iterable[Text], columns: int) -> str:
    """The lines below each other; `title` is for who reads instead of looking."""
    console = Console(width=columns)
    drawn = [_line(list(line.render(console)), number) for number, line in enumerate(lines)]
    width, height = round(columns * _ADVANCE) + 2 * _MARGIN, len(drawn) * _LINE + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="4"/>\n' + "".join(drawn) + "</svg>\n"
    )


def _line(segments: list[Segment], number: int) -> str:
    text = "".join(segment.text for segment in segments).rstrip()
    if not text:
        return ""
    marked = "".join(_marked(segment) for segment in segments).rstrip()
    where = f'x="{_MARGIN}" y="{_MARGIN + (number + 0.72) * _LINE:.1f}" textLength="{cell_len(text) * _ADVANCE:.1f}"'
    return f'<text xml:space="preserve" {where}>{marked}</text>\n'


def _marked(segment: Segment) -> str:
    style, text = segment.style, escape(segment.text)
    if style is None:
        return text
    names = [name for name, on in (("bold", style.bold), ("dim", style.dim)) if on]
    names += [_COLOURS[style.color.number]] if style.color and style.color.number in _COLOURS else []
    return f'<tspan class="{" ".join(names)}">{text}</tspan>' if names else text
