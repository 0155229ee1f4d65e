"""XLSX: a summary of every file, then a sheet for each document type with its own columns, and one of provenance where that is wanted.

Text stays text: nothing becomes a formula, a link or a rounded number, so `0.10` stays `0.10`.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, BinaryIO

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from ingestio.domain.exports import PLAIN, ExportLayout, ExportValues
from ingestio.errors import ExportTooLarge
from ingestio.exporters.columns import FIXED_COLUMNS, Column, Line, Scalar, fixed_columns, headers, lines
from ingestio.exporters.rows import ExportRow, repeatable

SUMMARY = "Summary"
PROVENANCE = "Provenance"
_FIXED_ON_TYPE_SHEETS = ("file", "document_id", "status", "pages")
# A cell holds 32,767 UTF-16 units; a longer text (a statement's hundreds of lines) goes on in the next column.
_CELL_CHARACTERS = 16_000
_EXACT_IN_A_CELL = 10**15
_NARROWEST, _WIDEST = 8, 48
_PLACES_WIDTHS = (32, 36, 32, 32)
_ALWAYS = datetime(2000, 1, 1)  # noqa: DTZ001 - the same rows give the same bytes; the format knows no time zone


@dataclass
class _Plan:
    """What a first look at the rows says of one sheet: how many cells each column's values need, and how wide each is."""

    fixed: tuple[str, ...]
    cells: dict[Column, int] = field(default_factory=dict)
    widths: dict[Column, int] = field(default_factory=dict)
    fixed_widths: dict[str, int] = field(default_factory=dict)

    def see(self, line: Line) -> None:
        for name in self.fixed:
            self.fixed_widths[name] = max(self.fixed_widths.get(name, len(name)), _width(line.fixed[name]))
        for column, value in line.cells.items():
            self.cells[column] = max(self.cells.get(column, 1), len(_pieces(value)))
            self.widths[column] = max(self.widths.get(column, len(column.name)), _width(value))

    @property
    def columns(self) -> list[Column]:
        return [column for column, count in self.cells.items() for _ in range(count)]


def write_xlsx(rows: Iterable[ExportRow], target: BinaryIO, layout: ExportLayout = PLAIN) -> None:
    """A workbook; the same rows give the same bytes. Reads `rows` twice and holds one row at a time in memory.

    Refused and failed files stand on the summary. Raises OSError when there is no room for its temporary files, ExportTooLarge
    for more rows or columns than a sheet can have.
    """
    rows = repeatable(rows)
    # Where each value was read is a sheet here, so the lines need not say it.
    layout, with_provenance = replace(layout, provenance=False), layout.provenance
    summary, plans = _look(rows, layout)
    with _workbook(target) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        first = _Sheet(book, bold, SUMMARY, summary)
        names = _sheet_names(plans)
        sheets = {kind: _Sheet(book, bold, names[kind], plan) for kind, plan in plans.items()}
        places = _Places(book, bold, layout) if with_provenance else None
        for row in rows:
            first.add(_as_whole(row))
            if row.result is not None:
                for line in lines(row, layout):
                    sheets[_kind(row)].add(line)
                if places is not None:
                    places.add(row)


@contextmanager
def _workbook(target: BinaryIO) -> Iterator[Workbook]:
    """A workbook that is written at the end of the block. Whatever ends it otherwise, no temporary file stays."""
    with tempfile.TemporaryDirectory() as folder:
        book = xlsxwriter.Workbook(
            target,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "tmpdir": folder,
            },
        )
        book.set_properties({"created": _ALWAYS})
        try:
            yield book
            book.close()
        except FileCreateError as error:
            raise OSError(f"the workbook could not be written: {error}") from error
        finally:
            # The library closes its files when it has read them into the workbook, and only then.
            for sheet in book.worksheets():
                sheet.row_data_fh.close()


class _Lines:
    """Writes lines from top to bottom; the format's streaming mode knows no way back."""

    def __init__(self, book: Workbook, name: str, widths: Iterable[int]) -> None:
        self._sheet: Worksheet = book.add_worksheet(name)
        self._next = 0
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, min(max(width, _NARROWEST), _WIDEST) + 2)
        self._sheet.freeze_panes(1, 1)

    def write(self, cells: Iterable[Scalar], style: Format | None = None) -> None:
        for column, value in enumerate(cells):
            if value is None:
                continue
            if isinstance(value, bool):
                failed = self._sheet.write_boolean(self._next, column, value, style)
            elif isinstance(value, int) and abs(value) < _EXACT_IN_A_CELL:
                failed = self._sheet.write_number(self._next, column, value, style)
            else:
                failed = self._sheet.write_string(self._next, column, str(value), style)
            if failed:
                where = f"row {self._next + 1}, column {column + 1}"
                raise ExportTooLarge(f"{where} does not fit on a sheet; use jsonl or csv")
        self._next += 1


class _Sheet:
    """The summary, or the sheet of one document type."""

    def __init__(self, book: Workbook, bold: Format, name: str, plan: _Plan) -> None:
        self._plan = plan
        widths = [plan.fixed_widths.get(name, len(name)) for name in plan.fixed]
        self._lines = _Lines(book, name, widths + [plan.widths[column] for column in plan.columns])
        self._lines.write(headers(plan.fixed, plan.columns), bold)

    def add(self, line: Line) -> None:
        cells: list[Scalar] = [line.fixed[name] for name in self._plan.fixed]
        for column, count in self._plan.cells.items():
            pieces = _pieces(line.cells.get(column))
            cells.extend(pieces + [None] * (count - len(pieces)))
        self._lines.write(cells)


class _Places:
    """Where each value was read: a line for each place, also for a value without one."""

    def __init__(self, book: Workbook, bold: Format, layout: ExportLayout) -> None:
        self._values = ("value", "machine_value") if layout.values is ExportValues.BOTH else ("value",)
        self._lines = _Lines(book, PROVENANCE, _PLACES_WIDTHS)
        self._lines.write(
            ("file", "document_id", "path", *self._values, "state", "confidence", "reviewed", "page", "quote", "box"),
            bold,
        )

    def add(self, row: ExportRow) -> None:
        for known in (row.result or {}).get("fields") or ():
            values = (known.get(name) for name in self._values)
            about = (row.file, row.document_id, known["path"], *values)
            judged = (known.get("state"), known.get("confidence"), known.get("reviewed", False))
            places: Sequence[Mapping[str, Any]] = known.get("evidence") or ({},)
            for place in places:
                box = place.get("box")
                where = (place.get("page"), place.get("quote"), None if box is None else json.dumps(box))
                self._lines.write(_cut(each) for each in (*about, *judged, *where))


def _look(rows: Iterable[ExportRow], layout: ExportLayout) -> tuple[_Plan, dict[str, _Plan]]:
    summary, plans = _Plan(FIXED_COLUMNS), dict[str, _Plan]()
    fixed = fixed_columns(layout, _FIXED_ON_TYPE_SHEETS)
    for row in rows:
        summary.see(_as_whole(row))
        if row.result is not None:
            plan = plans.setdefault(_kind(row), _Plan(fixed))
            for line in lines(row, layout):
                plan.see(line)
    return summary, plans


def _as_whole(row: ExportRow) -> Line:
    """The file itself, without what was found in it."""
    return Line({name: getattr(row, name) for name in FIXED_COLUMNS}, {})


def _kind(row: ExportRow) -> str:
    return row.document_type or "other"


def _sheet_names(kinds: Iterable[str]) -> dict[str, str]:
    """A name for each type that spreadsheets accept: at most 31 characters, none of `[]:*?/\\`, different even without case."""
    names: dict[str, str] = {}
    taken = {SUMMARY.casefold(), PROVENANCE.casefold(), "history"}
    for kind in kinds:
        plain = "".join("_" if character in "[]:*?/\\'" else character for character in kind)[:27] or "other"
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain} {number}"
        taken.add(name.casefold())
        names[kind] = name
    return names


def _pieces(value: Scalar) -> list[Scalar]:
    if not isinstance(value, str) or len(value) <= _CELL_CHARACTERS:
        return [value]
    return [value[start : start + _CELL_CHARACTERS] for start in range(0, len(value), _CELL_CHARACTERS)]


def _cut(value: Scalar) -> Scalar:
    """What one cell holds of a value: a quote is a line of a page, and the whole value stands on the type's own sheet."""
    return _pieces(value)[0]


def _width(value: Scalar) -> int:
    return 0 if value is None else len(str(value))
