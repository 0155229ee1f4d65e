"""Every sample document with a text layer, read without a prompt: all that is expected of it must come out."""

import json
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import ingestio.samples
from ingestio.domain.fields import Extraction
from ingestio.domain.media import MediaType
from ingestio.domain.text import DocumentText
from ingestio.extraction.base import ExtractRequest
from ingestio.extraction.local.engine import extract_from
from ingestio.extraction.schemas import DOCUMENT_TYPES
from ingestio.extraction.tokens import compact
from ingestio.media.text import read_text_sync

SAMPLES = Path(ingestio.samples.__file__).parent
EXPECTED: dict[str, dict[str, Any]] = {
    path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((SAMPLES / "expected").glob("*.json"))
}
READABLE = [
    name
    for name, expected in EXPECTED.items()
    if "fields" in expected and "scanned" not in expected and name.endswith(".pdf")
]


@cache
def text_of(name: str) -> DocumentText:
    return read_text_sync(SAMPLES / "documents" / name, MediaType.PDF)


def read(name: str, prompt: str | None = None) -> Extraction:
    return extract_from(text_of(name), ExtractRequest(SAMPLES / "documents" / name, "application/pdf", 1, None, prompt))


def same(got: object, wanted: str) -> bool:
    """The same value; amounts as numbers, names without regard to punctuation."""
    if not isinstance(got, str):
        return False
    try:
        return Decimal(got) == Decimal(wanted)
    except InvalidOperation:
        return compact(got) == compact(wanted)


def test_there_are_samples_of_many_types() -> None:
    assert len(READABLE) >= 15
    assert len({EXPECTED[name]["document_type"] for name in READABLE}) >= 8


@pytest.mark.parametrize("name", READABLE)
def test_a_sample_is_read_whole_and_nothing_in_it_is_made_up(name: str) -> None:
    expected = EXPECTED[name]
    extraction = read(name)
    assert extraction.document_type == expected["document_type"]
    values = {field.path: field.value for field in extraction.fields}
    asked = {path.split("[")[0].split(".")[0] for path in expected["fields"]} - extraction.data.keys()
    if asked:  # fields of the type that are only read when a prompt names them
        values |= {field.path: field.value for field in read(name, "Extract " + ", ".join(sorted(asked))).fields}
    wrong = {
        path: (wanted, values.get(path))
        for path, wanted in expected["fields"].items()
        if not same(values.get(path), wanted)
    }
    assert wrong == {}
    assert [field.path for field in extraction.fields if field.state == "unsupported"] == []


@pytest.mark.parametrize("name", READABLE)
def test_lists_have_as_many_entries_as_the_document(name: str) -> None:
    paths = [path for path in EXPECTED[name]["fields"] if "[" in path]
    data = read(name).data
    for list_name in {path.split("[")[0] for path in paths}:
        count = len({path.split("]")[0] for path in paths if path.startswith(f"{list_name}[")})
        assert len(data[list_name]) == count, list_name


@pytest.mark.parametrize("name", READABLE)
def test_the_type_s_default_prompt_gives_the_same_as_none(name: str) -> None:
    prompt = DOCUMENT_TYPES[EXPECTED[name]["document_type"]].default_prompt
    assert read(name, prompt).data == read(name).data
