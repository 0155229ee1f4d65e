"""The expected files. After an intended change, write them anew and read the difference: `python -m tests.exporters.golden_files`."""

import io
import json
from pathlib import Path

import openpyxl

from ingestio.domain.exports import PLAIN, ExportFormat, ExportLayout, ExportValues
from ingestio.exporters.formats import writer_of
from ingestio.exporters.rows import ExportRow
from tests.exporters.sample_rows import corrected_rows, rows

GOLDEN = Path(__file__).parent / "golden"

CONTENTS: dict[str, tuple[list[ExportRow], ExportLayout]] = {
    "results": (rows(), PLAIN),
    "corrected": (
        corrected_rows(),
        ExportLayout(ExportValues.BOTH, explode=True, provenance=True, bom=True),
    ),
}
"""What each golden file holds, by the name that it begins with: the plain layout, and one with everything."""


def written(export_format: ExportFormat, content: list[ExportRow], layout: ExportLayout = PLAIN) -> bytes:
    """The file that the exporter makes."""
    target = io.BytesIO()
    writer_of(export_format)(content, target, layout)
    return target.getvalue()


def workbook_text(content: bytes) -> str:
    """What a workbook's cells hold, with their kinds (s text, n number, b boolean, f formula), for people to read and compare."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheets = {
        sheet.title: [
            [None if cell.value is None else f"{cell.data_type}:{cell.value}" for cell in row]
            for row in sheet.iter_rows()
        ]
        for sheet in book
    }
    return json.dumps(sheets, indent=1, ensure_ascii=False) + "\n"


def compared(export_format: ExportFormat, content: bytes) -> bytes:
    """What stands in the golden file: the bytes themselves, or a workbook's cells."""
    return workbook_text(content).encode() if export_format is ExportFormat.XLSX else content


def golden(name: str, export_format: ExportFormat) -> Path:
    """The file that holds the expectation."""
    return GOLDEN / (f"{name}.xlsx.json" if export_format is ExportFormat.XLSX else f"{name}.{export_format}")


if __name__ == "__main__":
    for each, (content, layout) in CONTENTS.items():
        for kind in ExportFormat:
            golden(each, kind).write_bytes(compared(kind, written(kind, content, layout)))
