"""Pages that are pictures, read page by page in a process of its own: there the one OCR engine lives, its models loaded once."""

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from ingestio.domain.media import MediaType
from ingestio.domain.text import DocumentText, PageText
from ingestio.errors import FileRefused
from ingestio.media.bounded import BoundedFailure, BoundedPool, run_bounded, shared_pool
from ingestio.media.overlay import pictured_pages, with_recognised
from ingestio.media.text import read_text_sync

MAX_PAGES = 500
"""Pictures that are read of one document: about ten minutes."""

_RECOGNISE = "ingestio.media.recognition:recognise_page"
# An ordinary page takes a second or two; the densest, on a busy machine, must still come through.
_WALL_SECONDS = 90.0
_MEMORY_BYTES = 3 << 29
# With its models loaded the engine takes some 500 MB, and keeps some of what a large page took.
_RETIRE_RESIDENT_BYTES = 1 << 30
# Loading the models again takes two seconds; half a gigabyte is not held for a batch that may never come.
_IDLE_SECONDS = 120.0
# There is one engine, so a batch of scans would leave a second core idle; more threads hardly make a page faster.
_THREADS = min(2, os.cpu_count() or 1)
# A document is classified and then extracted: its pages are not read twice for that. Some ten megabytes.
_KEPT_PAGES = 64


async def read_document(path: Path, media_type: MediaType, *, wall_seconds: float, memory_bytes: int) -> DocumentText:
    """Every word of a document: of its text layer and, where a page is a picture, of what the picture shows. The bounds are those of
    reading the text layer. Raises BoundedFailure and FileRefused."""
    text = await run_bounded(read_text_sync, path, media_type, wall_seconds=wall_seconds, memory_bytes=memory_bytes)
    return with_recognised(text, await recognise(path, media_type, pictured_pages(text)))


async def recognise(path: Path, media_type: MediaType, page_numbers: Sequence[int]) -> dict[int, PageText]:
    """What was read on these pages (from 1; the first 500 of them), by number. A page that cannot be drawn, or not be read within its
    limits, is not in it.

    One page at a time, waiting for its turn among all documents of this process, so a cancel ends it at once and kills what runs. The
    same bytes give the same text. Raises Unavailable when the machine lets no child live.
    """
    if not page_numbers:
        return {}
    digest = await asyncio.to_thread(_digest, path)
    pages: dict[int, PageText] = {}
    for number in page_numbers[:MAX_PAGES]:
        page = _kept.get((digest, number))
        if page is None:
            try:
                page = await _engine().run(
                    _RECOGNISE,
                    path,
                    media_type,
                    number,
                    _THREADS,
                    wall_seconds=_WALL_SECONDS,
                    memory_bytes=_MEMORY_BYTES,
                )
            except (BoundedFailure, FileRefused):
                continue
            _keep((digest, number), page)
        pages[number] = page
    return pages


_kept: "OrderedDict[tuple[bytes, int], PageText]" = OrderedDict()


def _keep(key: tuple[bytes, int], page: PageText) -> None:
    _kept[key] = page
    if len(_kept) > _KEPT_PAGES:
        _kept.popitem(last=False)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _engine() -> BoundedPool:
    return shared_pool("recognition", size=1, retire_resident_bytes=_RETIRE_RESIDENT_BYTES, idle_seconds=_IDLE_SECONDS)
