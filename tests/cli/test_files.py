"""Which files a command line means."""

import os
from pathlib import Path

import pytest

from ingestio.cli.files import find_files, natural_key


def _made(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def _labels(*paths: Path, leave_out: tuple[Path, ...] = ()) -> list[str]:
    return [item.label for item in find_files(paths, leave_out=leave_out)]


def test_folders_are_walked_in_the_order_in_which_people_count(tmp_path: Path) -> None:
    _made(tmp_path, "scan 10.pdf", "scan 2.pdf", "Scan 3.PDF", "b/2.tif", "b/10.tif", "a.txt", "no suffix")
    assert _labels(tmp_path) == ["a.txt", "b/2.tif", "b/10.tif", "no suffix", "scan 2.pdf", "Scan 3.PDF", "scan 10.pdf"]


def test_hidden_things_in_folders_are_skipped_and_named_ones_are_not(tmp_path: Path) -> None:
    _made(tmp_path, ".DS_Store", ".git/config", "a.pdf", ".hidden.pdf")
    assert _labels(tmp_path) == ["a.pdf"]
    assert _labels(tmp_path / ".hidden.pdf") == [".hidden.pdf"]


def test_a_file_that_is_reached_twice_counts_once(tmp_path: Path) -> None:
    _made(tmp_path, "a.pdf", "b.pdf")
    (tmp_path / "link.pdf").symlink_to("a.pdf")
    assert _labels(tmp_path, tmp_path / "a.pdf", tmp_path) == ["a.pdf", "b.pdf"]


def test_links_to_files_and_folders_elsewhere_are_followed(tmp_path: Path) -> None:
    elsewhere = _made(tmp_path / "elsewhere", "x.pdf", "sub/y.pdf")
    here = _made(tmp_path / "here", "a.pdf")
    (here / "one.pdf").symlink_to(elsewhere / "x.pdf")
    (here / "sub").symlink_to(elsewhere / "sub")
    assert _labels(here) == ["a.pdf", "one.pdf", "sub/y.pdf"]


def test_a_folder_that_contains_itself_is_walked_once(tmp_path: Path) -> None:
    _made(tmp_path, "sub/a.pdf")
    (tmp_path / "sub" / "again").symlink_to(tmp_path)
    assert _labels(tmp_path) == ["sub/a.pdf"]


def test_what_cannot_be_read_stays_in_the_list_with_its_reason(tmp_path: Path) -> None:
    _made(tmp_path, "a.pdf")
    (tmp_path / "broken.pdf").symlink_to("nowhere")
    (tmp_path / "circle.pdf").symlink_to("circle.pdf")
    found = {item.label: item.problem for item in find_files([tmp_path])}
    assert found["a.pdf"] is None
    assert "No such file" in (found["broken.pdf"] or "")
    assert found["circle.pdf"] is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_stays_in_the_list(tmp_path: Path) -> None:
    (_made(tmp_path, "a.pdf") / "a.pdf").chmod(0)
    (item,) = find_files([tmp_path])
    assert "Permission denied" in (item.problem or "")


def test_pipes_and_devices_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    _made(tmp_path, "a.pdf")
    assert _labels(tmp_path, Path("/dev/null")) == ["a.pdf"]


def test_the_commands_own_files_are_left_out(tmp_path: Path) -> None:
    _made(tmp_path, "a.pdf", "results.csv", "prompts.json")
    assert _labels(tmp_path, leave_out=(tmp_path / "results.csv", tmp_path / "prompts.json")) == ["a.pdf"]


def test_files_of_one_name_go_by_the_path_that_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _made(tmp_path, "a/x.pdf", "b/x.pdf", "b/y.pdf")
    monkeypatch.chdir(tmp_path)
    assert _labels(Path("a/x.pdf"), Path("b")) == ["a/x.pdf", "b/x.pdf", "y.pdf"]


def test_a_name_that_is_no_text_is_shown_as_well_as_it_can_be(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.pdf")
    try:
        path.write_text("x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (item,) = find_files([tmp_path])
    assert item.label == "caf\ufffd.pdf"
    assert item.path.read_text() == "x"


def test_numbers_sort_by_value_in_names() -> None:
    names = ["p10", "p9", "P1", "p01x", "p", "²", "p٣"]
    assert sorted(names, key=natural_key) == ["p", "P1", "p01x", "p9", "p10", "p٣", "²"]
