"""CSV as in RFC 4180, safe to open in a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable
from typing import BinaryIO

from ingestio.domain.exports import PLAIN, ExportLayout
from ingestio.exporters.columns import Scalar, fixed_columns, headers, lines
from ingestio.exporters.rows import ExportRow, repeatable

# What makes a spreadsheet read a cell as a formula; full-width forms are the same keys on an East Asian keyboard.
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NEGATIVE_NUMBER = re.compile(r"-[0-9][0-9.,]*")


def write_csv(rows: Iterable[ExportRow], target: BinaryIO, layout: ExportLayout = PLAIN) -> None:
    """The fixed columns and every field path that occurs, a line for each row or each item, UTF-8, CRLF.

    Reads `rows` twice and holds one row at a time in memory. Null is an empty cell, a list that is not exploded is JSON text.
    """
    rows = repeatable(rows)
    columns = tuple(dict.fromkeys(column for row in rows for line in lines(row, layout) for column in line.cells))
    fixed = fixed_columns(layout)
    text = io.TextIOWrapper(target, encoding="utf-8-sig" if layout.bom else "utf-8", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(map(_cell, headers(fixed, columns)))
    for row in rows:
        for line in lines(row, layout):
            writer.writerow(
                [*(_cell(line.fixed[name]) for name in fixed), *(_cell(line.cells.get(column)) for column in columns)]
            )
    text.detach()


def inert(text: str) -> str:
    """`text` with an apostrophe in front where a spreadsheet would run it as a formula; a negative number stays what it is."""
    if text.startswith(_STARTS_A_FORMULA) and not _NEGATIVE_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _cell(value: Scalar) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return inert(str(value))
