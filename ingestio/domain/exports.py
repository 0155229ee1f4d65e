"""Exports: the formats that results leave in."""

from enum import StrEnum


class ExportFormat(StrEnum):
    """A file format of exports; the suffix of the file as well."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    XLSX = "xlsx"
