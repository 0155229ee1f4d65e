"""JSON Lines: one object a line, for programs that read as they go."""

import json
from collections.abc import Iterable
from typing import BinaryIO

from ingestio.domain.exports import PLAIN, ExportLayout
from ingestio.exporters.rows import ExportRow, as_object

# JSON allows these inside a string, but some readers end a line at them.
_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def write_jsonl(rows: Iterable[ExportRow], target: BinaryIO, layout: ExportLayout = PLAIN) -> None:  # noqa: ARG001 - an object holds all there is
    """One object a line, UTF-8. Holds one row at a time in memory."""
    for row in rows:
        text = json.dumps(as_object(row), ensure_ascii=False, allow_nan=False)
        target.write(f"{text.translate(_LINE_ENDS)}\n".encode())
