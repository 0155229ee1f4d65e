"""Which writer belongs to which format, and which format to a file's name."""

from collections.abc import Iterable
from pathlib import PurePath
from typing import BinaryIO, Protocol

from ingestio.domain.exports import PLAIN, ExportFormat, ExportLayout
from ingestio.errors import InvalidRequest
from ingestio.exporters.rows import ExportRow

MEDIA_TYPES = {
    ExportFormat.JSON: "application/json",
    ExportFormat.JSONL: "application/jsonl",
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Writer(Protocol):
    """Writes rows as one file."""

    def __call__(self, rows: Iterable[ExportRow], target: BinaryIO, layout: ExportLayout = PLAIN) -> None: ...


def format_of(filename: str) -> ExportFormat:
    """The format that a file's suffix asks for, in any case. Raises InvalidRequest."""
    suffix = PurePath(filename).suffix.removeprefix(".").lower()
    try:
        return ExportFormat(suffix)
    except ValueError:
        known = ", ".join(f".{each}" for each in ExportFormat)
        raise InvalidRequest(f"{filename}: the suffix says the format; use one of {known}") from None


def writer_of(export_format: ExportFormat) -> Writer:
    """What writes rows in that format; tables read the rows twice."""
    # Each writer is imported when it is wanted: the workbook's library alone costs a tenth of a second.
    match export_format:
        case ExportFormat.JSON:
            from ingestio.exporters.to_json import write_json

            return write_json
        case ExportFormat.JSONL:
            from ingestio.exporters.to_jsonl import write_jsonl

            return write_jsonl
        case ExportFormat.CSV:
            from ingestio.exporters.to_csv import write_csv

            return write_csv
        case ExportFormat.XLSX:
            from ingestio.exporters.to_xlsx import write_xlsx

            return write_xlsx
