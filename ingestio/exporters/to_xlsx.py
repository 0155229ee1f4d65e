"""XLSX: a summary of every file, then a sheet for each document type with its own columns.

Text stays text: nothing becomes a formula, a link or a rounded number, so `0.10` stays `0.10`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from ingestio.exporters.rows import FIXED_COLUMNS, ExportRow, FieldPath, Scalar, headers, repeatable, values

SUMMARY = "Summary"
_FIXED_ON_TYPE_SHEETS = ("file", "document_id", "status", "pages")
# A cell holds 32,767 UTF-16 units; a longer text (a statement's hundreds of lines) goes on in the next column.
_CELL_CHARACTERS = 16_000
_EXACT_IN_A_CELL = 10**15
_NARROWEST, _WIDEST = 8, 48
_ALWAYS = datetime(2000, 1, 1)  # noqa: DTZ001 - the same rows give the same bytes; the format knows no time zone


@dataclass
class _Plan:
    """What a first look at the rows says of one sheet: how many cells each path needs, and how wide each column is."""

    cells: dict[FieldPath, int] = field(default_factory=dict)
    widths: dict[FieldPath, int] = field(default_factory=dict)
    fixed_widths: dict[str, int] = field(default_factory=dict)

    def see(self, row: ExportRow, fixed: Iterable[str]) -> None:
        for name in fixed:
            self.fixed_widths[name] = max(self.fixed_widths.get(name, len(name)), _width(getattr(row, name)))

    def see_values(self, found: dict[FieldPath, Scalar]) -> None:
        for path, value in found.items():
            self.cells[path] = max(self.cells.get(path, 1), len(_pieces(value)))
            self.widths[path] = max(self.widths.get(path, len(".".join(path))), _width(value))

    @property
    def columns(self) -> list[FieldPath]:
        return [path for path, count in self.cells.items() for _ in range(count)]


def write_xlsx(rows: Iterable[ExportRow], target: BinaryIO) -> None:
    """A workbook; the same rows give the same bytes. Reads `rows` twice and holds one row at a time in memory.

    Refused and failed files stand on the summary. Raises OSError when there is no room for its temporary files, ValueError for
    more rows or columns than a sheet can have.
    """
    rows = repeatable(rows)
    summary, plans = _look(rows)
    book = xlsxwriter.Workbook(
        target,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    book.set_properties({"created": _ALWAYS})
    bold = book.add_format({"bold": True, "bottom": 1})
    first = _Sheet(book, bold, SUMMARY, FIXED_COLUMNS, summary)
    names = _sheet_names(plans)
    sheets = {kind: _Sheet(book, bold, names[kind], _FIXED_ON_TYPE_SHEETS, plan) for kind, plan in plans.items()}
    for row in rows:
        first.add(row)
        if row.result is not None:
            sheets[_kind(row)].add(row)
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(f"the workbook could not be written: {error}") from error


class _Sheet:
    """Writes rows from top to bottom; the format's streaming mode knows no way back."""

    def __init__(self, book: Workbook, bold: Format, name: str, fixed: tuple[str, ...], plan: _Plan) -> None:
        self._sheet: Worksheet = book.add_worksheet(name)
        self._fixed, self._plan, self._next = fixed, plan, 0
        widths = [plan.fixed_widths.get(name, len(name)) for name in fixed] + [plan.widths[p] for p in plan.columns]
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, min(max(width, _NARROWEST), _WIDEST) + 2)
        self._sheet.freeze_panes(1, 1)
        self._write(headers(fixed, plan.columns), bold)

    def add(self, row: ExportRow) -> None:
        found = values(row)
        cells: list[Scalar] = [getattr(row, name) for name in self._fixed]
        for path, count in self._plan.cells.items():
            pieces = _pieces(found.get(path))
            cells.extend(pieces + [None] * (count - len(pieces)))
        self._write(cells)

    def _write(self, cells: Iterable[Scalar], style: Format | None = None) -> None:
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
                raise ValueError(f"row {self._next + 1}, column {column + 1} does not fit on a sheet; use jsonl or csv")
        self._next += 1


def _look(rows: Iterable[ExportRow]) -> tuple[_Plan, dict[str, _Plan]]:
    summary, plans = _Plan(), dict[str, _Plan]()
    for row in rows:
        summary.see(row, FIXED_COLUMNS)
        if row.result is not None:
            plan = plans.setdefault(_kind(row), _Plan())
            plan.see(row, _FIXED_ON_TYPE_SHEETS)
            plan.see_values(values(row))
    return summary, plans


def _kind(row: ExportRow) -> str:
    return row.document_type or "other"


def _sheet_names(kinds: Iterable[str]) -> dict[str, str]:
    """A name for each type that spreadsheets accept: at most 31 characters, none of `[]:*?/\\`, different even without case."""
    names: dict[str, str] = {}
    taken = {SUMMARY.casefold(), "history"}
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


def _width(value: Scalar) -> int:
    return 0 if value is None else len(str(value))
