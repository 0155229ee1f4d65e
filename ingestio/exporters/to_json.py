"""JSON: one array of objects, indented for people."""

import json
from collections.abc import Iterable
from typing import BinaryIO

from ingestio.domain.exports import PLAIN, ExportLayout
from ingestio.exporters.rows import ExportRow, as_object


def write_json(rows: Iterable[ExportRow], target: BinaryIO, layout: ExportLayout = PLAIN) -> None:  # noqa: ARG001 - an object holds all there is
    """One array, one object a row, UTF-8. Holds one row at a time in memory."""
    opening = "[\n"
    for row in rows:
        text = json.dumps(as_object(row), ensure_ascii=False, allow_nan=False, indent=2)
        target.write(f"{opening}{text}".encode())
        opening = ",\n"
    target.write(b"[]\n" if opening == "[\n" else b"\n]\n")
