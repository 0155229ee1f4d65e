"""Sections by their headings, column by column: how résumés and reports are built."""

from dataclasses import dataclass, field

from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.layout import Cell, Layout, Sheet, plain
from ingestio.extraction.local.vocabulary import words
from ingestio.extraction.tokens import compact

# A heading is short, and stands out by capitals, size or a line of its own.
_MAX_WORDS = 6
# Headings that belong to no field, so that a section does not run into the next one.
_OTHER_HEADINGS = frozenset(compact(text) for text in words("resume", "other_headings"))


@dataclass(slots=True)
class Section:
    """A heading and the rows below it, top to bottom over pages, each row's cells left to right."""

    name: str
    heading: Cell
    rows: list[list[Cell]] = field(default_factory=list)

    @property
    def cells(self) -> list[Cell]:
        return [cell for row in self.rows for cell in row]


def sections_of(layout: Layout, document_type: str) -> list[Section]:
    """The sections whose headings are labels of the type's fields, in reading order; others have an empty name."""
    known: dict[str, str] = {}
    for concept in DOCUMENT_TYPES[document_type].concepts:
        for label in concept.spec.labels:
            known.setdefault(compact(label), concept.name)
    found: list[Section] = []
    open_by_column: dict[int, Section] = {}
    columns = _columns(layout, known)
    for sheet in layout.sheets:
        for row in sheet.rows:
            by_column: dict[int, list[Cell]] = {}
            for cell in row:
                by_column.setdefault(_column_of(cell, sheet, columns), []).append(cell)
            for column, cells in by_column.items():
                name, head = _heading_of(cells, layout, known)
                if name is not None:
                    section = Section(name, cells[0])
                    open_by_column[column] = section
                    found.append(section)
                    if cells[head:]:
                        section.rows.append(cells[head:])
                elif column in open_by_column:
                    open_by_column[column].rows.append(cells)
    return found


def is_heading(text: str) -> bool:
    """Whether a text heads a section that belongs to no field: `Zur Person`, `Contact details`."""
    return compact(text) in _OTHER_HEADINGS


def _heading_of(cells: list[Cell], layout: Layout, known: dict[str, str]) -> tuple[str | None, int]:
    """The heading with which a row begins, and how many of its cells it takes: letters set apart make several of one, and a heading in
    the margin stands beside its first entry."""
    if len(cells) == 1:
        return _heading(cells[0], layout, known), 1
    first = cells[0]
    text = " ".join(plain(cell.text) for cell in cells)
    if len(text.split()) <= _MAX_WORDS and all(abs(cell.height - first.height) < 0.1 * first.height for cell in cells):
        name = _heading_in(text, first, layout, known)
        if name is not None:
            return name, len(cells)
    apart = cells[1].box[0] - first.box[2] > first.height and first.height > 1.08 * layout.line_height
    return (_heading(first, layout, known), 1) if apart else (None, 0)


def _heading(cell: Cell, layout: Layout, known: dict[str, str]) -> str | None:
    return _heading_in(plain(cell.text), cell, layout, known)


def _heading_in(written: str, cell: Cell, layout: Layout, known: dict[str, str]) -> str | None:
    """The field that a heading opens, an empty text for a heading of none, or None when the cell is no heading."""
    text = written.strip(" :.•-–—|")
    parts = text.split()
    if not parts or len(parts) > _MAX_WORDS + 1:
        return None
    if parts[0].rstrip(".)").isdigit() and len(parts) > 1:
        text = " ".join(parts[1:])
    key = compact(text)
    stands_out = text.isupper() or cell.height > 1.08 * layout.line_height or text.istitle() or len(parts) <= 3
    if not stands_out or text[:1].islower():
        return None
    if key in known:
        return known[key]
    return "" if key in _OTHER_HEADINGS else None


def _columns(layout: Layout, known: dict[str, str]) -> list[float]:
    """The left edges of the columns that headings show: one, or two when headings stand at two edges far apart."""
    edges = sorted(
        cell.box[0] for sheet in layout.sheets for cell in sheet.cells if _heading(cell, layout, known) is not None
    )
    if not edges:
        return [0.0]
    width = layout.sheets[0].width
    groups = [[edges[0]]]
    for edge in edges[1:]:
        if edge - groups[-1][-1] > 0.18 * width:
            groups.append([edge])
        else:
            groups[-1].append(edge)
    return [min(group) for group in groups] if len(groups) <= 3 else [0.0]


def _column_of(cell: Cell, sheet: Sheet, columns: list[float]) -> int:
    margin = 0.02 * sheet.width
    return max((number for number, edge in enumerate(columns) if cell.box[0] >= edge - margin), default=0)
