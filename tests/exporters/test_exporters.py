"""Every format, against files that a person has read; and what no format may ever do."""

import csv
import io
import json
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from ingestio.domain.exports import ExportFormat, ExportLayout
from ingestio.errors import ExportTooLarge, InvalidRequest
from ingestio.exporters.columns import FIXED_COLUMNS
from ingestio.exporters.formats import format_of
from ingestio.exporters.rows import ExportRow
from ingestio.exporters.to_csv import inert, write_csv
from ingestio.exporters.to_xlsx import write_xlsx
from tests.exporters.golden_files import CONTENTS, compared, golden, written
from tests.exporters.sample_rows import rows


def _completed(file: str, data: dict[str, Any], document_type: str = "invoice") -> ExportRow:
    return ExportRow(file, "completed", document_type=document_type, result={"data": data, "fields": []})


def _cells(content: bytes, sheet: str) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(content))[sheet].iter_rows()]


@pytest.mark.parametrize("name", list(CONTENTS))
@pytest.mark.parametrize("export_format", list(ExportFormat))
def test_the_file_is_what_a_person_has_read_and_approved(export_format: ExportFormat, name: str) -> None:
    content, layout = CONTENTS[name]
    assert compared(export_format, written(export_format, content, layout)) == golden(name, export_format).read_bytes()


def test_exploded_every_item_of_every_list_is_a_line_with_the_other_values_on_it() -> None:
    data = {
        "total": "3",
        "lines": [{"a": "1"}, {"a": "2", "b": {"c": "x"}}],
        "fees": [{"a": "9"}],
        "none": [],
        "tags": ["t"],
    }
    content = written(
        ExportFormat.CSV, [_completed("a.pdf", data), _completed("b.pdf", {"total": "4"})], ExportLayout(explode=True)
    )
    lines = list(csv.DictReader(io.StringIO(content.decode(), newline="")))

    found = [{name: value for name, value in line.items() if value and name not in FIXED_COLUMNS} for line in lines]
    everywhere = {"total": "3", "tags": '["t"]'}
    assert found == [
        everywhere | {"list": "lines", "item": "1", "lines.a": "1"},
        everywhere | {"list": "lines", "item": "2", "lines.a": "2", "lines.b.c": "x"},
        everywhere | {"list": "fees", "item": "1", "fees.a": "9"},
        {"total": "4"},
    ]
    assert [line["file"] for line in lines] == ["a.pdf", "a.pdf", "a.pdf", "b.pdf"]


def test_a_sheet_that_is_full_is_said_before_the_file_is_made() -> None:
    wide = {f"field {number}": "x" for number in range(16_384)}
    with pytest.raises(ExportTooLarge, match="use jsonl or csv"):
        written(ExportFormat.XLSX, [_completed("a.pdf", wide)])


@pytest.mark.parametrize("export_format", list(ExportFormat))
def test_the_same_rows_give_the_same_bytes(export_format: ExportFormat) -> None:
    assert written(export_format, rows()) == written(export_format, rows())


@pytest.mark.parametrize("export_format", list(ExportFormat))
def test_no_rows_still_make_a_readable_file(export_format: ExportFormat) -> None:
    content = written(export_format, [])
    if export_format is ExportFormat.XLSX:
        assert _cells(content, "Summary") == [list(FIXED_COLUMNS)]
    elif export_format is ExportFormat.CSV:
        assert content.decode() == ",".join(FIXED_COLUMNS) + "\r\n"
    elif export_format is ExportFormat.JSON:
        assert json.loads(content) == []
    else:
        assert content == b""


@pytest.mark.parametrize("export_format", list(ExportFormat))
def test_every_file_is_a_row_also_a_refused_one(export_format: ExportFormat) -> None:
    content = written(export_format, rows())
    if export_format is ExportFormat.XLSX:
        names = [line[0] for line in _cells(content, "Summary")[1:]]
    elif export_format is ExportFormat.CSV:
        names = [line["file"].removeprefix("'") for line in csv.DictReader(io.StringIO(content.decode(), newline=""))]
    elif export_format is ExportFormat.JSON:
        names = [item["file"] for item in json.loads(content)]
    else:
        names = [json.loads(line)["file"] for line in content.decode().splitlines()]
    assert names == [row.file for row in rows()]


def test_a_table_refuses_rows_that_it_could_read_only_once() -> None:
    with pytest.raises(TypeError):
        write_csv(iter(rows()), io.BytesIO())
    with pytest.raises(TypeError):
        write_xlsx(iter(rows()), io.BytesIO())


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1+1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "- item", "-12 EUR", "--5", "-٣"]
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "-12.50", "-1,234.50", "-0", "2026-11-23", "1-2", "a=b", "'quoted", "(12.50)", " =1"]
)
def test_numbers_dates_and_words_stay_as_they_are(text: str) -> None:
    assert inert(text) == text


def test_a_header_that_comes_from_a_prompt_is_made_harmless_too() -> None:
    content = written(ExportFormat.CSV, [_completed("a.pdf", {"=cmd": "1"})]).decode()
    assert content.splitlines()[0].endswith(",'=cmd")


def test_columns_never_swallow_each_other() -> None:
    clash = {"status": "paid", "data.status": "x", "a": {"b": "nested"}, "a.b": "flat"}
    content = written(ExportFormat.CSV, [_completed("a.pdf", clash)]).decode()
    header, line = csv.reader(io.StringIO(content, newline=""))
    assert len(set(header)) == len(header)
    assert sorted(line[len(FIXED_COLUMNS) :]) == ["flat", "nested", "paid", "x"]


def test_json_lines_stay_lines_for_readers_that_split_at_every_unicode_line_end() -> None:
    content = written(
        ExportFormat.JSONL, [_completed("a.pdf", {"note": "one\u2028two\u2029three\x85four\nfive"})]
    ).decode()
    assert len(content.splitlines()) == 1
    assert json.loads(content)["data"]["note"] == "one\u2028two\u2029three\x85four\nfive"


def test_a_text_longer_than_a_cell_goes_on_in_the_next_column() -> None:
    lines = [{"description": f"Überweisung {number} 🙂", "amount": "1.00"} for number in range(2000)]
    content = written(
        ExportFormat.XLSX, [_completed("a.pdf", {"lines": lines, "last": "z"}), _completed("b.pdf", {"lines": []})]
    )
    header, first, second = _cells(content, "invoice")
    assert header[4:] == ["lines", *(f"lines ({number})" for number in range(2, len(header) - 4)), "last"]
    assert json.loads("".join(first[4:-1])) == lines
    assert first[-1] == "z"
    assert second[4:] == ["[]"] + [None] * (len(header) - 5)


def test_numbers_that_a_spreadsheet_would_round_stay_text() -> None:
    content = written(ExportFormat.XLSX, [_completed("a.pdf", {"big": 12345678901234567890, "small": 12, "rate": 0.1})])
    assert _cells(content, "invoice")[1][4:] == ["12345678901234567890", 12, "0.1"]


def test_control_characters_survive_in_a_workbook() -> None:
    content = written(ExportFormat.XLSX, [_completed("a\x01.pdf", {"note": "bell\x07 _x0041_"})])
    assert unescape(_cells(content, "invoice")[1][4]) == "bell\x07 _x0041_"


def test_any_type_name_becomes_a_sheet_and_none_takes_another_ones() -> None:
    kinds = ["Summary", "summary", "a/b", "a:b", "history", "x" * 40, "x" * 41, ""]
    content = written(
        ExportFormat.XLSX, [_completed(f"{number}.pdf", {"n": number}, kind) for number, kind in enumerate(kinds)]
    )
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert len(book.sheetnames) == 1 + len(kinds)
    assert [_cells(content, name)[1][4] for name in book.sheetnames[1:]] == list(range(len(kinds)))


@pytest.mark.parametrize(
    ("name", "expected"), [("a.csv", "csv"), ("out/A.XLSX", "xlsx"), ("x.y.jsonl", "jsonl"), (".hidden.json", "json")]
)
def test_the_suffix_says_the_format(name: str, expected: str) -> None:
    assert format_of(name) == expected


@pytest.mark.parametrize("name", ["a.txt", "a", "json", ".csv", "a.csv.gz"])
def test_an_unknown_suffix_is_an_error_that_names_the_known_ones(name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"\.json, \.jsonl, \.csv, \.xlsx"):
        format_of(name)
