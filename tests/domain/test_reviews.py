"""Corrections laid over what the machine read."""

import pytest

from ingestio.domain.reviews import corrected_data, corrected_fields, followed, parse_path, write_path


@pytest.mark.parametrize("text", ["total", "vendor.name", "line_items[0].amount", "tags[12]", "a.b[3].c"])
def test_a_path_is_written_as_it_was_read(text: str) -> None:
    assert write_path(parse_path(text)) == text


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "[0]", "a[", "a[x]", "a[-1]", "a[01]", "a[0]b", "a..b", "a b]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        parse_path(text)


def test_what_the_machine_read_is_left_as_it_was() -> None:
    data = {"rows": [{"a": "1", "b": "2"}], "none": None}

    whole = corrected_data(data, {"rows[2].a": "5", "rows[1].a": "4", "none.inner": "x", "rows[0].b": None})

    assert whole == {
        "rows": [{"a": "1", "b": None}, {"a": "4", "b": None}, {"a": "5", "b": None}],
        "none": {"inner": "x"},
    }
    assert data == {"rows": [{"a": "1", "b": "2"}], "none": None}


def test_an_added_value_stands_behind_its_list_and_takes_the_place_of_the_absent_whole() -> None:
    fields = [{"path": path, "value": None, "state": "not_found"} for path in ("first", "rows", "rows_total")]

    found = corrected_fields(fields, {"rows[0].a": "1"})

    assert [(item["path"], item["value"]) for item in found] == [
        ("first", None),
        ("rows_total", None),
        ("rows[0].a", "1"),
    ]


A, B, C = {"n": "a"}, {"n": "b"}, {"n": "c"}


@pytest.mark.parametrize(
    ("old", "new", "path", "place"),
    [
        ([A, B], [A, B], "rows[1].n", "rows[1].n"),
        ([A, B], [C, A, B], "rows[1].n", "rows[2].n"),
        ([A, B], [A, C], "rows[1].n", "rows[1].n"),
        ([A, B], [B, C], "rows[0].n", None),
        ([A, B], [A], "rows[1].n", None),
        ([A], [A, B], "rows[1].n", "rows[1].n"),
        ([A], [C, A], "rows[1].n", "rows[2].n"),
        ([A, B], [A], "rows[2].n", "rows[1].n"),
        ([A], None, "rows[0].n", "rows[0].n"),
        ([A], [B], "total", "total"),
    ],
)
def test_a_row_is_followed_to_where_it_stands_now_and_no_other_row_takes_its_value(
    old: object, new: object, path: str, place: str | None
) -> None:
    found = followed({"rows": old}, {"rows": new}, parse_path(path))

    assert (None if found is None else write_path(found)) == place
