"""How many pages a file has, counted from its bytes before any quota decision; whatever cannot be counted is refused (R42).

Nothing here parses: readers run in a bounded child, each in a task of its own, so that one that hangs or crashes does not take
another's answer along.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from ingestio.domain.media import MediaType
from ingestio.errors import FileRefused, RefusalCode
from ingestio.media.bounded import BoundedFailure, MemoryExceeded, TimeExceeded, run_bounded
from ingestio.media.readers import Opened, Refused

_PDFIUM = "ingestio.media.pdf_trees:ask_pdfium"
_PIKEPDF = "ingestio.media.pdf_trees:ask_pikepdf"
_PYPDF = "ingestio.media.pdf_trees:ask_pypdf"
_FRAMES = "ingestio.media.images:count_frames"
# The first reader must answer; the others get what is left, and something must be left for the third.
_FIRST_READER_SHARE = 0.6
_SECOND_READER_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What a file may be and what counting it may cost. `file_bytes` None: the caller has already looked."""

    file_bytes: int | None = None
    max_pages: int = 5_000
    max_pixels: int = 100_000_000
    wall_seconds: float = 4.0
    memory_bytes: int = 500 << 20


@dataclass(frozen=True, slots=True)
class PageCount:
    """The pages that the file has: what a document is metered by."""

    pages: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the file is not accepted. `message` says what to do and is safe to show."""

    code: RefusalCode
    message: str


async def count_pages(path: Path, media_type: MediaType, limits: MediaLimits = MediaLimits()) -> PageCount | Refusal:
    """PDF pages, TIFF frames, 1 for any other image. Always one of the two, within the limits' time and memory once a child is free.

    A PDF is counted by what is in its page tree, never by what it claims; two readers that see different documents make it corrupt.
    Only a file that needs a password to open is `encrypted`. An image that cannot be decoded is `corrupt`. The same bytes give the same
    answer, but for a file at the edge of the time limit. Raises OSError when the file itself cannot be read.
    """
    size = path.stat().st_size
    if limits.file_bytes is not None and size > limits.file_bytes:
        return Refusal(
            RefusalCode.FILE_TOO_LARGE,
            f"The file is larger than {limits.file_bytes // 1_000_000} MB, the limit of the plan.",
        )
    if size == 0:
        return Refusal(RefusalCode.CORRUPT, "The file is empty.")
    try:
        if media_type is MediaType.PDF:
            return await _count_pdf(path, limits)
        pages = await run_bounded(
            _FRAMES,
            path,
            media_type,
            limits.max_pages,
            limits.max_pixels,
            wall_seconds=limits.wall_seconds,
            memory_bytes=limits.memory_bytes,
        )
    except FileRefused as refused:
        return Refusal(refused.reason, refused.detail)
    except TimeExceeded:
        return Refusal(
            RefusalCode.CORRUPT,
            f"The pages could not be counted within {limits.wall_seconds:g} seconds; the file is damaged.",
        )
    except MemoryExceeded:
        return Refusal(
            RefusalCode.CORRUPT, "Counting the pages took more memory than any sound file does; the file is damaged."
        )
    except BoundedFailure:
        return Refusal(RefusalCode.CORRUPT, "The pages could not be counted; the file is damaged.")
    return _within(pages, limits)


async def _count_pdf(path: Path, limits: MediaLimits) -> PageCount | Refusal:
    started = time.monotonic()

    async def ask(reader: str, share: float) -> Opened | Refused:
        left = limits.wall_seconds - (time.monotonic() - started)
        answer = await run_bounded(
            reader, path, limits.max_pages, wall_seconds=max(0.1, left * share), memory_bytes=limits.memory_bytes
        )
        if not isinstance(answer, Opened | Refused):
            raise TypeError(f"{reader} answered {type(answer).__name__}")
        return answer

    async def ask_another(reader: str, share: float) -> Opened | Refused:
        try:
            return await ask(reader, share)
        except BoundedFailure:
            return Refused()

    first = await ask(_PDFIUM, _FIRST_READER_SHARE)
    second = await ask_another(_PIKEPDF, _SECOND_READER_SHARE)
    if isinstance(second, Refused) and not (_encrypted(first) and _encrypted(second)):
        third = await ask_another(_PYPDF, 1.0)
        second = third if isinstance(third, Opened) or _encrypted(third) else second
    return agreed(first, second, limits)


def agreed(first: Opened | Refused, second: Opened | Refused, limits: MediaLimits) -> PageCount | Refusal:
    """What pdfium's answer and another reader's come to."""
    if isinstance(first, Refused) and isinstance(second, Refused):
        if first.encrypted or second.encrypted:
            return Refusal(
                RefusalCode.ENCRYPTED, "The PDF needs a password to open. Remove the password and upload it again."
            )
        return Refusal(RefusalCode.CORRUPT, "The PDF cannot be opened; it is damaged.")
    if isinstance(second, Refused):
        assert isinstance(first, Opened)
        # Alone, pdfium is believed only where it reached every page that it speaks of.
        if first.claimed is None or first.existing != min(first.claimed, limits.max_pages + 1):
            return Refusal(RefusalCode.CORRUPT, "The pages of the PDF are damaged: some of them are not there.")
        return _within(first.existing, limits)
    if isinstance(first, Opened) and not _same_document(first, second):
        return Refusal(RefusalCode.CORRUPT, "The PDF is damaged: readers do not agree on its pages.")
    return _within(second.existing, limits)


def _same_document(first: Opened, second: Opened) -> bool:
    """Both reached the same number, or both read the same claim and only differ in how they take a tree with holes or a lying claim.

    Readers of a damaged file may each have rebuilt another document from it; then neither the numbers nor the claims are equal.
    """
    return second.existing in (first.existing, first.claimed) or (
        first.claimed is not None and second.claimed == first.claimed
    )


def _encrypted(answer: Opened | Refused) -> bool:
    return isinstance(answer, Refused) and answer.encrypted


def _within(pages: int, limits: MediaLimits) -> PageCount | Refusal:
    if pages < 1:
        return Refusal(RefusalCode.NO_PAGES, "The file has no pages.")
    if pages > limits.max_pages:
        return Refusal(
            RefusalCode.TOO_MANY_PAGES,
            f"The file has more than {limits.max_pages:,} pages. Split it and upload the parts.",
        )
    return PageCount(pages)
