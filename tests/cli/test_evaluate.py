"""`ingestio eval` on a small folder: no service, no database, a table or JSON."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from ingestio.cli import main
from ingestio.samples import documents_folder, expected_folder

INVOICE, LETTER = "invoice-HP-104482.pdf", "letter-wenlock-heritage.pdf"


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INGESTIO_PROVIDER", "local")
    monkeypatch.setenv("INGESTIO_DATA_DIR", str(tmp_path / "state"))
    folder = tmp_path / "papers"
    folder.mkdir()
    for name in (INVOICE, LETTER):
        shutil.copy(documents_folder() / name, folder)
        shutil.copy(expected_folder() / f"{name}.json", folder)
    truth = json.loads((folder / f"{INVOICE}.json").read_text())
    truth["fields"]["total_amount"] = "1.00"  # so that there is something to find
    (folder / f"{INVOICE}.json").write_text(json.dumps(truth))
    return folder


def test_a_folder_is_evaluated_without_a_service(dataset: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    done = CliRunner().invoke(main, ["eval", str(dataset), "--json", "-o", str(output), "--prices", "0.1", "0.4"])
    assert done.exit_code == 0, done.output
    report = json.loads(output.read_text())
    (run,) = report["runs"]
    assert json.loads(done.stdout) == report
    assert run["documents"]["read"] == 2
    assert run["document_type"]["exact"] == 1.0
    assert run["fields"]["invoice_number"]["exact"] == 1.0
    assert run["fields"]["total_amount"] == {
        "known": 1, "true": 1, "found": 1, "right": 0, "precision": 0.0, "recall": 0.0, "exact": 0.0,
    }  # fmt: skip
    assert run["grounding"]["rate"] == 1.0
    assert run["grounding"]["supported_but_not_in_document"] == 0
    assert run["grounding"]["supported_but_wrong"] == 1
    assert run["time"]["seconds_per_page"] > 0
    assert run["model"]["cost_per_page"] == "0"
    assert run["by_document"][0]["misses"] == {"total_amount": {"true": "1.00", "got": "2772.09"}}
    assert not (tmp_path / "state").exists()


def test_a_folder_may_be_named_from_where_one_stands(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dataset.parent)
    done = CliRunner().invoke(main, ["eval", dataset.name])
    assert done.exit_code == 0, done.output


def test_prompts_stand_beside_each_other(dataset: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.md"
    prompts = ["--prompt", "Extract the invoice number and the total", "--prompt", "Extract the invoice date"]
    done = CliRunner().invoke(main, ["eval", str(dataset), *prompts, "-o", str(output)])
    assert done.exit_code == 0, done.output
    assert (
        "| field | values | precision 1 | precision 2 | recall 1 | recall 2 | exact 1 | exact 2 |" in output.read_text()
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("invoice_number"))
    assert line.split() == ["invoice_number", "1", "100.0", "%", "-", "100.0", "%", "-", "100.0", "%", "-"]
    assert "known but not asked for" in done.stdout


def test_a_refused_file_is_as_expected_or_an_exit_code(dataset: Path) -> None:
    (dataset / "page.pdf").write_text("<html>")
    (dataset / "page.pdf.json").write_text('{"refused": "unsupported_type"}')
    assert CliRunner().invoke(main, ["eval", str(dataset)]).exit_code == 0
    (dataset / "page.pdf.json").write_text('{"invoice_number": "1"}')
    done = CliRunner().invoke(main, ["eval", str(dataset)])
    assert done.exit_code == 3
    assert "2 of 3 documents read (2 pages), 1 unsupported_type" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "report.csv"], "report.csv: a report is written as .json or .md"),
        (["--prompt", "  "], "prompt is empty"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(dataset: Path, arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["eval", str(dataset), *arguments])
    assert done.exit_code == 1
    assert said in done.stderr
