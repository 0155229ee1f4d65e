"""The form's parts as they stream by: any chunking gives the same parts, and nothing malformed or endless gets through."""

import json
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.uploads.form import BatchForm
from api.uploads.multipart import form_parts
from api.uploads.names import display_name
from ingestio.domain.plans import BUILT_IN_PLANS, Membership
from ingestio.domain.prompts import MAX_PROMPT_CHARACTERS
from ingestio.errors import BatchTooLarge, InvalidRequest

TYPE = "multipart/form-data; boundary=B"


def part(disposition: str, content: bytes) -> bytes:
    return f"--B\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


def field(name: str, content: bytes) -> bytes:
    return part(f'form-data; name="{name}"', content)


def file(name: str, filename: str, content: bytes) -> bytes:
    return part(f'form-data; name="{name}"; filename="{filename}"', content)


END = b"--B--\r\n"


async def in_pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def read(
    body: bytes, *, size: int = 64, content_type: str = TYPE, most_parts: int = 50, most_bytes: int | None = None
) -> list[tuple[str, str | None, bytes]]:
    found = []
    async for item in form_parts(content_type, in_pieces(body, size), most_parts=most_parts, most_bytes=most_bytes):
        content = b"".join([chunk async for chunk in item.chunks()])
        found.append((item.name, item.filename, content))
    return found


@given(contents=st.lists(st.binary(max_size=200), max_size=5), size=st.integers(1, 300))
@settings(max_examples=60, deadline=None)
async def test_the_parts_are_the_same_however_the_body_is_cut(contents: list[bytes], size: int) -> None:
    safe = [content.replace(b"--B", b"..B") for content in contents]
    body = b"".join(file("files", f"{index}.pdf", content) for index, content in enumerate(safe)) + END

    assert await read(body, size=size) == [("files", f"{index}.pdf", content) for index, content in enumerate(safe)]


async def fields_of(body: bytes, *, limit_bytes: int, size: int = 50) -> list[str]:
    """Reads the fields and passes over the files."""
    parts = form_parts(TYPE, in_pieces(body, size), most_parts=5, most_bytes=None)
    return [await item.text(limit_bytes) async for item in parts if item.filename is None]


async def test_what_is_not_read_of_a_part_is_passed_over() -> None:
    body = file("files", "a", b"x" * 1000) + field("name", b"after") + END

    assert await fields_of(body, limit_bytes=100) == ["after"]


@pytest.mark.parametrize("missing", [b"", b"--B", b"\r\n--B", b"\r\n--"])
async def test_a_body_without_its_closing_boundary_is_cut_off(missing: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read(file("files", "a", b"content")[:-2] + missing)

    assert "closing boundary" in refused.value.errors[0].message


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary at all",
        b"--C\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--C--\r\n",
        b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END,
        b"--B\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n" + END,
        b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END,
        b"--B\r\nbad header\r\n\r\nx\r\n" + END,
        b"--B\r\nX-Long: " + b"x" * 10_000 + b"\r\n\r\nx\r\n" + END,
        b"--B\r\n" + b"X-Many: 1\r\n" * 40 + b"Content-Disposition: form-data; name=a\r\n\r\nx\r\n" + END,
    ],
)
async def test_a_malformed_body_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        await read(body)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", f"{TYPE}{'x' * 300}"]
)
async def test_a_form_needs_a_sensible_boundary(content_type: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read(END, content_type=content_type)

    assert refused.value.errors[0].field == "Content-Type"


async def test_too_many_parts_end_the_reading() -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read(field("a", b"") * 51 + END)

    assert "50 parts" in refused.value.errors[0].message


async def test_too_many_bytes_in_all_end_the_reading() -> None:
    with pytest.raises(BatchTooLarge):
        await read(file("files", "a", b"x" * 2000) + END, most_bytes=1000)


async def test_a_field_longer_than_its_limit_is_refused_without_being_held() -> None:
    body = field("name", b"x" * (20 << 20)) + END
    tracemalloc.start()
    try:
        with pytest.raises(InvalidRequest):
            await fields_of(body, limit_bytes=1000, size=64 << 10)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2 << 20


async def test_a_field_must_be_text() -> None:
    with pytest.raises(InvalidRequest) as refused:
        await fields_of(field("name", b"\xff\xfe") + END, limit_bytes=100)

    assert refused.value.errors[0].field == "name"


@pytest.mark.parametrize(
    ("escaped", "shown"), [("a%22b.pdf", 'a"b.pdf'), ("100%25.pdf", "100%25.pdf"), ('a\\"b.pdf', 'a"b.pdf')]
)
async def test_file_names_come_as_they_were_before_a_browser_escaped_them(escaped: str, shown: str) -> None:
    ((_, filename, _),) = await read(file("files", escaped, b"x") + END)

    assert filename == shown


@pytest.mark.parametrize("character", ["a", '"', "\n", "é", "漢", "🙂"])
def test_prompts_of_the_longest_kind_fit_however_they_are_written(character: str) -> None:
    form = BatchForm(replace(BUILT_IN_PLANS[Membership.PLUS], batch_documents=3))
    prompt = character * MAX_PROMPT_CHARACTERS
    by_name = {character * 250 + f"{number}.pdf": prompt for number in range(3)}

    assert len(prompt.encode()) <= form.limit_bytes("global_prompt")
    for prompts in ([prompt] * 3, by_name):
        assert len(json.dumps(prompts, indent=2)) <= form.limit_bytes("per_document_prompts")


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_a_shown_name_is_one_short_line_without_a_path(sent: str) -> None:
    shown = display_name(sent, "document-1")

    assert 0 < len(shown) <= 255
    assert not set(shown) & set("/\\\n\r\t\x00\u202e\u2066\u2028")
    assert shown not in {".", ".."}
    assert display_name(shown, "document-1") == shown
