"""CSV as in RFC 4180, safe to open in a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable
from typing import BinaryIO

from ingestio.exporters.rows import FIXED_COLUMNS, ExportRow, FieldPath, Scalar, headers, repeatable, values

# What makes a spreadsheet read a cell as a formula; full-width forms are the same keys on an East Asian keyboard.
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NEGATIVE_NUMBER = re.compile(r"-[0-9][0-9.,]*")


def write_csv(rows: Iterable[ExportRow], target: BinaryIO) -> None:
    """One line a row under the fixed columns and every field path that occurs, UTF-8 without a byte order mark, CRLF.

    Reads `rows` twice and holds one row at a time in memory. Null is an empty cell, a list is JSON text.
    """
    rows = repeatable(rows)
    paths = tuple(dict.fromkeys(path for row in rows for path in values(row)))
    text = io.TextIOWrapper(target, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(map(_cell, headers(FIXED_COLUMNS, paths)))
    for row in rows:
        writer.writerow(map(_cell, _line(row, paths)))
    text.detach()


def inert(text: str) -> str:
    """`text` with an apostrophe in front where a spreadsheet would run it as a formula; a negative number stays what it is."""
    if text.startswith(_STARTS_A_FORMULA) and not _NEGATIVE_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _line(row: ExportRow, paths: Iterable[FieldPath]) -> list[Scalar]:
    found = values(row)
    return [*(getattr(row, name) for name in FIXED_COLUMNS), *(found.get(path) for path in paths)]


def _cell(value: Scalar) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return inert(str(value))
