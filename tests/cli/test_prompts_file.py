"""`--prompts FILE`: whose each prompt is, and what is said when that is not clear."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingestio.cli.files import LocalFile
from ingestio.cli.prompts_file import read_prompts
from ingestio.errors import InvalidRequest

FILES = [LocalFile(Path(name), name) for name in ("a.pdf", "sub/b.pdf", "other/b.pdf", "c.pdf")]


def _read(tmp_path: Path, content: Any) -> dict[int, str]:
    path = tmp_path / "prompts.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_prompts(path, FILES)


def test_an_array_is_in_file_order_and_may_leave_some_without(tmp_path: Path) -> None:
    assert _read(tmp_path, ["one", None, "three"]) == {0: "one", 2: "three"}


def test_an_object_goes_by_path_or_by_a_name_that_only_one_file_has(tmp_path: Path) -> None:
    assert _read(tmp_path, {"c.pdf": "c", "other/b.pdf": "ob", "a.pdf": " "}) == {3: "c", 2: "ob"}


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert _read(tmp_path, '\ufeff["x"]') == {0: "x"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{not json", "line 1, column 2"),
        ('"text"', "array"),
        (["1", "2", "3", "4", "5"], "5 prompts for 4 files"),
        ({"zzz.pdf": "x"}, "'zzz.pdf' names none"),
        ({"b.pdf": "x"}, "names 2 files"),
        ({"c.pdf": 3}, "'c.pdf' must be a text"),
        ([["nested"]], "1 must be a text"),
        (f"[{'9' * 5_000}]", "not JSON"),
        ('{"c.pdf": "one", "c.pdf": "another"}', "'c.pdf' is named twice"),
    ],
)
def test_what_is_unclear_is_said(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        _read(tmp_path, content)


def test_one_file_under_two_names_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps({"sub/d.pdf": "x", "d.pdf": "y"}))
    with pytest.raises(InvalidRequest, match="two prompts"):
        read_prompts(path, [LocalFile(Path("d"), "sub/d.pdf")])


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidRequest, match="UTF-8"):
        read_prompts(path, FILES)
