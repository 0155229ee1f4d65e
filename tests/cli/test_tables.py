"""What people see on a terminal and in a pipe."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from ingestio.cli.files import LocalFile
from ingestio.cli.orders import Order
from ingestio.cli.outcomes import Outcomes
from ingestio.cli.progress import bar
from ingestio.cli.tables import columns, key_values, show_rows
from ingestio.cli.terminal import harmless
from ingestio.domain.batches import PromptStrategy
from ingestio.exporters.rows import ExportRow
from tests.exporters.sample_rows import rows


def _console(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=98, force_terminal=terminal, highlight=False, markup=False, emoji=False)


def _printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_file_has_a_line_and_a_reason_or_values_below_it() -> None:
    console = _console()
    show_rows(console, rows())
    lines = _printed(console).splitlines()
    assert lines[2].split() == ["in/credit,", "note.pdf", "invoice", "3", "completed"]
    assert lines[3].startswith("  invoice_number @SUM(A1) · ")
    assert lines[4].split() == ["=locked.pdf", "refused", "encrypted"]
    assert lines[5] == "  The file is encrypted; remove the password and upload it again."
    assert not any(line != line.rstrip() for line in lines)


def test_pages_of_the_evidence_stand_beside_the_values() -> None:
    console = _console()
    show_rows(console, rows(), with_pages=True)
    assert (
        "  line_items             1 entry                                       page 1"
        in _printed(console).splitlines()
    )


def test_nothing_is_wider_than_a_hundred_columns_on_a_terminal() -> None:
    long = {"path": "invoice_number", "value": "x" * 300, "state": "supported", "evidence": []}
    row = ExportRow("n" * 40 + ".pdf", "completed", document_type="invoice", pages=1, result={"fields": [long] * 4})
    for with_pages in (True, False):
        console = Console(file=io.StringIO(), width=98, force_terminal=True, color_system=None, highlight=False)
        show_rows(console, [row], with_pages=with_pages)
        assert max(len(line) for line in _printed(console).splitlines()) <= 98


@pytest.mark.parametrize("text", ["\x1b[2J", "a\x1b]0;title\x07b", "x\u202egpj.exe", "one\r\ntwo", "\x9b31m"])
def test_nothing_that_a_terminal_obeys_reaches_it(text: str) -> None:
    console = _console(terminal=True)
    row = ExportRow(
        f"{text}.pdf",
        "failed",
        document_type=text,
        error_code="no_text",
        error_message=text,
    )
    good = ExportRow(
        "a.pdf", "completed", result={"fields": [{"path": text, "value": text, "state": "supported", "evidence": []}]}
    )
    show_rows(console, [row, good], with_pages=True)
    show_rows(console, [row, good])
    columns(console, ("a", "b"), [(text, text)])
    printed = _printed(console)
    assert text not in printed
    assert "\u202e" not in printed
    assert "\x07" not in printed
    assert "\x1b]" not in printed
    assert "\x1b[2J" not in printed


def test_square_brackets_are_text_and_no_markup() -> None:
    console = _console()
    columns(console, ("Name",), [("[bold]x[/bold] :smile:",)])
    assert "[bold]x[/bold] :smile:" in _printed(console)


def test_wide_characters_keep_columns_aligned() -> None:
    console = _console()
    columns(console, ("Name", "B"), [("請求書", "x"), ("abc", "y")])
    assert _printed(console).splitlines() == ["Name    B", "請求書  x", "abc     y"]


def test_key_values_are_borne_out_and_the_most_telling_come_first() -> None:
    found = key_values(rows()[0])
    assert [item.name for item in found] == ["invoice_number", "due_date", "vendor.name", "line_items"]
    unsupported = {"path": "total", "value": "9", "state": "unsupported", "evidence": []}
    assert key_values(ExportRow("a", "completed", result={"fields": [unsupported]})) == []


def test_harmless_text_is_one_line() -> None:
    assert harmless(" a\tb\n\nc ") == "a b c"


def test_outcomes_come_back_as_they_were_and_more_than_once(tmp_path: Path) -> None:
    with Outcomes(tmp_path) as outcomes:
        for row in rows():
            outcomes.add(row)
        assert list(outcomes) == rows()
        assert list(outcomes) == rows()
        assert (outcomes.completed, outcomes.total) == (3, 5)
    assert list(tmp_path.iterdir()) == []


def test_an_order_is_split_with_its_prompts() -> None:
    files = [LocalFile(Path(f"{number}.pdf"), f"{number}.pdf") for number in range(5)]
    order = Order("mail", files, PromptStrategy.PER_DOCUMENT, prompts={0: "a", 2: "c", 4: "e"})
    parts = order.parts(most=2)
    assert [part.name for part in parts] == ["mail (1 of 3)", "mail (2 of 3)", "mail (3 of 3)"]
    assert [len(part.files) for part in parts] == [2, 2, 1]
    assert [part.prompts for part in parts] == [{0: "a"}, {0: "c"}, {0: "e"}]
    assert order.parts(most=5) == [order]


def test_quick_work_is_one_line_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("Uploading", 2_000_000, in_bytes=True) as shown:
        shown.advance(1_500_000)
        shown.advance(500_000)
    assert capsys.readouterr().err == "Uploading: 2.0 MB of 2.0 MB\n"


def test_slow_work_says_how_far_it_is_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("Extracting", 3, every_seconds=0) as shown:
        shown.to(1)
        shown.to(1)
        shown.to(2, "1 failed")
        shown.to(3, "1 failed")
    assert capsys.readouterr().err.splitlines() == [
        "Extracting: 1 of 3",
        "Extracting: 2 of 3, 1 failed",
        "Extracting: 3 of 3, 1 failed",
    ]
