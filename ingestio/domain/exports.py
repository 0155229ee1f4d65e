"""Exports: the formats that results leave in, what a file is to hold, and why one could not be made."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class ExportFormat(StrEnum):
    """A file format of exports; the suffix of the file as well."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    XLSX = "xlsx"


class ExportValues(StrEnum):
    """Whose values a file holds."""

    MACHINE = "machine"
    REVIEWED = "reviewed"
    """The machine's, with people's corrections where there are any."""
    BOTH = "both"


class ExportFailure(StrEnum):
    """Why an export ended without a file."""

    TOO_LARGE = "too_large_for_format"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


EXPORT_FAILURE_MESSAGES = {
    ExportFailure.TOO_LARGE: "It has more rows or columns than a sheet can hold. Take csv or jsonl, or fewer documents.",
    ExportFailure.CANCELLED: "Cancelled before it was finished.",
    ExportFailure.INTERNAL: "Something went wrong on our side. Make it again, and quote its id if it stays.",
}


@dataclass(frozen=True, slots=True)
class ExportLayout:
    """What a file holds beyond the values that were found, and how."""

    values: ExportValues = ExportValues.MACHINE
    explode: bool = False
    """Tables: a line for each item of a list of objects, instead of the list as JSON text in one cell. JSON holds items nested always."""
    provenance: bool = False
    """Where each value was read: further columns in CSV, a sheet in XLSX. JSON has it always."""
    bom: bool = False
    """CSV: begin with a byte order mark, by which older spreadsheets know UTF-8."""

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Self:
        """From a row's options; what an older program did not write is as by default."""
        return cls(
            values=ExportValues(options.get("values", ExportValues.MACHINE)),
            explode=bool(options.get("explode", False)),
            provenance=bool(options.get("provenance", False)),
            bom=bool(options.get("bom", False)),
        )

    def stored(self) -> dict[str, Any]:
        """What `read` reads."""
        return {
            "values": self.values.value,
            "explode": self.explode,
            "provenance": self.provenance,
            "bom": self.bom,
        }


PLAIN = ExportLayout()
"""One line for each file, the values as they were read."""
