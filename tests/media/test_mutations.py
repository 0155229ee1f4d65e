"""Damaged documents, made by the hundred: always an answer, in time, and never a count that no reader would give."""

import io
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from ingestio.domain.media import MediaType
from ingestio.media.bounded import BoundedFailure, run_bounded
from ingestio.media.counting import PageCount, Refusal, count_pages
from ingestio.media.sniff import HEAD_BYTES, sniff
from tests.media import hostile
from tests.media.conftest import Save
from tests.media.test_corpus import CORPUS, entries

SEED = 20_261_123
LONGEST_SECONDS = 20  # each of our bounds is four seconds; a busy machine may be late in noticing


def our_own() -> list[bytes]:
    """Small documents of every build: tables, object streams, encryption, nested trees; and images."""
    streams, locked = io.BytesIO(), io.BytesIO()
    with pikepdf.new() as document:
        for _ in range(7):
            document.add_blank_page()
        document.save(streams, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
        document.save(locked, encryption=pikepdf.Encryption(owner="owner", user=""))
    flat = [hostile.pages(3), hostile.nested(4), streams.getvalue(), locked.getvalue()]
    return [
        *flat,
        *flat,
        hostile.tiff(3),
        hostile.image("PNG"),
        hostile.image("JPEG"),
        hostile.image("WEBP"),
        hostile.HEIC,
    ]


def mutations(originals: list[bytes], rounds: int, chance: random.Random) -> Iterator[bytes]:
    for _ in range(rounds):
        data = bytearray(chance.choice(originals))
        match chance.randrange(5):
            case 0:
                del data[chance.randrange(len(data)) :]
            case 1:
                start = chance.randrange(len(data))
                del data[start : start + chance.randrange(1, 200)]
            case 2:
                start, other = chance.randrange(len(data)), chance.choice(originals)
                data[start:start] = other[: chance.randrange(1, len(other))]
            case 3:
                digits = [index for index, byte in enumerate(data) if 0x30 <= byte <= 0x39]
                for index in chance.sample(digits, min(len(digits), 4)):
                    data[index] = 0x30 + chance.randrange(10)
            case _:
                for _ in range(chance.randrange(1, 30)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
        yield bytes(data)


def two_counts(path: Path) -> tuple[int | None, int | None]:
    """What pdfium and pikepdf say when simply asked; runs in a child."""
    first: int | None = None
    second: int | None = None
    try:
        with pypdfium2.PdfDocument(path) as document:
            first = len(document)
    except pypdfium2.PdfiumError:
        pass
    try:
        with pikepdf.open(path, attempt_recovery=False) as other:
            second = len(other.pages)
    except (pikepdf.PdfError, pikepdf.PasswordError, ValueError, TypeError, RuntimeError):
        pass
    return first, second


async def check(data: bytes, path: Path) -> bool:
    """True when the file was counted, False when it was refused."""
    path.write_bytes(data)
    media_type = sniff(data[:HEAD_BYTES])
    if media_type is None:
        return False
    started = time.monotonic()
    answer = await count_pages(path, media_type)
    assert time.monotonic() - started < LONGEST_SECONDS
    assert isinstance(answer, PageCount | Refusal)
    if media_type is MediaType.PDF and isinstance(answer, PageCount):
        try:
            counts = await run_bounded(two_counts, path, wall_seconds=5, memory_bytes=512 << 20)
        except BoundedFailure:
            return True
        if None not in counts:
            assert answer.pages in counts, data.hex()
    return isinstance(answer, PageCount)


async def test_damaged_documents_of_our_own_always_get_an_answer(save: Save) -> None:
    path = save(b"")
    results = [await check(data, path) for data in mutations(our_own(), 150, random.Random(SEED))]
    assert 20 < sum(results) < 140


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="the shared documents are not at ../shared/corpus")
async def test_damaged_documents_of_the_corpus_always_get_an_answer(save: Save) -> None:
    originals = [(CORPUS / entry["file"]).read_bytes() for entry in entries("pages/")]
    path = save(b"")
    results = [await check(data, path) for data in mutations(originals, 300, random.Random(SEED))]
    assert 60 < sum(results) < 290
