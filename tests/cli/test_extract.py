"""`ingestio extract` as a person uses it, against a running service."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from ingestio.samples import sample
from tests.cli.conftest import Instance, ingestio, put

GOOD = ("invoice-HP-104482.pdf", "receipt-kettle-and-crumb.pdf")
MISNAMED_BUT_GOOD = "invoice-771203.txt"
BAD = {"payslip-2026-10.pdf": "encrypted", "terms-of-delivery.pdf": "corrupt", "invoice-771204.pdf": "unsupported_type"}


def _table(path: Path) -> dict[str, dict[str, str]]:
    lines = list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert len({line["file"] for line in lines}) == len(lines)
    return {line["file"]: line for line in lines}


def test_a_mixed_folder_loses_nothing_and_names_every_reason(up: Instance, folder: Path, tmp_path: Path) -> None:
    put(folder, *GOOD, MISNAMED_BUT_GOOD, *BAD)
    (folder / "notes").mkdir()
    (folder / "notes" / "todo.md").write_text("# not a document\n")
    (folder / "notes" / "empty.pdf").touch()
    (folder / ".DS_Store").write_text("hidden")
    (folder / "gone.pdf").symlink_to("nowhere.pdf")
    output = tmp_path / "out.csv"
    done = up.ingestio("extract", folder, "-o", output)
    assert done.returncode == 3, done.stderr
    table = _table(output)
    assert {name: line["error_code"] for name, line in table.items() if line["status"] != "completed"} == BAD | {
        "notes/todo.md": "unsupported_type",
        "notes/empty.pdf": "corrupt",
        "gone.pdf": "unreadable",
    }
    assert {name for name, line in table.items() if line["status"] == "completed"} == {*GOOD, MISNAMED_BUT_GOOD}
    for name in (*GOOD, MISNAMED_BUT_GOOD):
        truth = sample(name)
        line = table[name]
        assert (line["document_type"], line["pages"]) == (truth.expected["document_type"], str(truth.pages))
        assert line["pages"] == line["pages_charged"]
        assert line["total_amount"] == truth.fields["total_amount"]
    assert all(line["error_message"] for line in table.values() if line["error_code"])
    assert all(code in done.stdout for code in {*BAD.values(), "unreadable"})
    assert "3 of 9 completed" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_all_good_is_exit_0_and_a_workbook_has_a_sheet_for_each_type(up: Instance, folder: Path) -> None:
    put(folder, *GOOD)
    # Twice, into the folder itself: what an earlier run wrote is no document, and is replaced.
    for _ in range(2):
        done = up.ingestio("extract", ".", "-o", "results.xlsx", cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
    book = openpyxl.load_workbook(folder / "results.xlsx")
    assert book.sheetnames == ["Summary", "invoice", "receipt"]
    header, line = ([cell.value for cell in row] for row in book["invoice"].iter_rows())
    truth = sample(GOOD[0]).fields
    assert dict(zip(header, line, strict=True))["total_amount"] == truth["total_amount"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*GOOD, "results.xlsx"])


def test_only_bad_files_are_exit_1_and_still_rows(up: Instance, folder: Path, tmp_path: Path) -> None:
    put(folder, *BAD)
    done = up.ingestio("extract", folder, "-o", tmp_path / "out.csv")
    assert done.returncode == 1
    assert {name: line["error_code"] for name, line in _table(tmp_path / "out.csv").items()} == BAD


def test_a_single_row_is_counted_as_one(up: Instance, tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    done = up.ingestio("extract", tmp_path / "empty.pdf", "-o", tmp_path / "out.csv")
    assert done.stderr.endswith("out.csv, 1 row\n")


def test_one_prompt_asks_every_file_for_the_same_fields(up: Instance, tmp_path: Path, folder: Path) -> None:
    put(folder, *GOOD)
    prompt = "Extract the total amount and the currency."
    done = up.ingestio("extract", *sorted(folder.iterdir()), "--prompt", prompt, "-o", tmp_path / "out.json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads((tmp_path / "out.json").read_text())
    assert [item["file"] for item in found] == list(GOOD)
    for item in found:
        assert item["data"] == {
            "total_amount": sample(item["file"]).fields["total_amount"],
            "currency": item["data"]["currency"],
        }
        assert {field["path"] for field in item["fields"]} == {"total_amount", "currency"}
        assert item["fields"][0]["evidence"][0]["page"] == 1


def test_prompts_go_by_name_and_a_file_without_one_is_refused(up: Instance, folder: Path, tmp_path: Path) -> None:
    put(folder, *GOOD)
    (folder / "prompts.json").write_text(json.dumps({GOOD[1]: "Extract the merchant name."}))
    done = up.ingestio("extract", folder, "--prompts", folder / "prompts.json", "-o", tmp_path / "out.jsonl")
    assert done.returncode == 3, done.stderr
    first, second = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert (first["file"], first["error"]["code"]) == (GOOD[0], "prompt_missing")
    assert second["data"] == {"merchant_name": sample(GOOD[1]).fields["merchant_name"]}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "out.txt"], "use one of .json, .jsonl, .csv, .xlsx"),
        (["-o", "nowhere/out.csv"], "does not exist"),
        (["--prompt", " "], "must not be empty"),
        (["--prompt", "x", "--strategy", "auto"], "exclude each other"),
        (["--prompts", "prompts.json"], "names none of the files"),
    ],
)
def test_what_is_wrong_with_the_command_is_said_before_anything_starts(
    folder: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    put(folder, GOOD[0])
    (tmp_path / "prompts.json").write_text('{"other.pdf": "x"}')
    done = ingestio("extract", folder, *options, "--data-dir", "data", cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "arguments", [[], ["gone.pdf"], [".", "--strategy", "guess"], [".", "--prompts", "gone.json"], [".", "--what"]]
)
def test_a_wrong_command_line_is_exit_1_like_every_other_error(tmp_path: Path, arguments: list[str]) -> None:
    done = ingestio("extract", *arguments, "--data-dir", "data", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Error: " in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_folder_without_files_is_an_error(folder: Path, tmp_path: Path) -> None:
    done = ingestio("extract", folder, "--data-dir", tmp_path / "data")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no files" in done.stderr
