"""Papers typed on a grid: from text to the words and boxes that a reader would give, without a file in between."""

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ingestio.domain.text import DocumentText, Line, PageText, Word

PAPERS = Path(__file__).parent / "papers"
_CHARACTER, _LINE, _SIZE, _MARGIN = 5.2, 12.0, 10.0, 40.0


def typed(text: str, *, width: float = 595.0, height: float = 842.0, confidence: float = 1.0) -> DocumentText:
    """Each character 5.2 points wide, each line 12 high; two blanks or more end a line of words; a form feed ends the page."""
    pages = []
    for number, page in enumerate(text.strip("\n").split("\f"), 1):
        rows = page.strip("\n").split("\n")
        lines = [Line(words) for row, content in enumerate(rows) for words in _cells(content, row, confidence)]
        pages.append(PageText(number, width, height, tuple(lines)))
    return DocumentText(tuple(pages))


def _cells(content: str, row: int, confidence: float) -> list[tuple[Word, ...]]:
    cells = []
    for cell in re.finditer(r"\S+(?: \S+)*", content):
        words = []
        for word in re.finditer(r"\S+", cell.group()):
            left = _MARGIN + (cell.start() + word.start()) * _CHARACTER
            right = _MARGIN + (cell.start() + word.end()) * _CHARACTER + 1.9
            top = _MARGIN + row * _LINE
            words.append(Word(word.group(), (left, top, right, top + _SIZE), confidence))
        cells.append(tuple(words))
    return cells


def in_size(text: DocumentText, sizes: dict[str, float]) -> DocumentText:
    """The same text with some lines of words larger or smaller than the others: by what they say, times the usual height."""
    return DocumentText(
        tuple(replace(page, lines=tuple(_sized(line, sizes) for line in page.lines)) for page in text.pages)
    )


def _sized(line: Line, sizes: dict[str, float]) -> Line:
    size = sizes.get(" ".join(word.text for word in line.words), 1.0)
    words = (replace(word, box=(*word.box[:3], word.box[1] + _SIZE * size)) for word in line.words)
    return Line(tuple(words))


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper and what must be read from it: values by path, None for what is not printed (`@none` in the file), and `#list` the number
    of its entries."""

    name: str
    document_type: str
    text: DocumentText
    expected: dict[str, Any]


def papers(file: str) -> list[Paper]:
    """The papers of one file, in its order."""
    data = tomllib.loads((PAPERS / file).read_text(encoding="utf-8"))
    return [
        Paper(
            f"{number:02}-{each['text'].split(maxsplit=3)[0]}-{each['text'].split(maxsplit=3)[1]}",
            each["type"],
            typed(each["text"], width=each["width"], height=each["height"]),
            {path: None if value == "@none" else value for path, value in each["expected"].items()},
        )
        for number, each in enumerate(data["paper"])
    ]
