"""How many pages a file has, counted from its bytes before any quota decision; whatever cannot be counted is refused (R42).

Nothing here parses: the readers run in a bounded child, and what they say is weighed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingestio.domain.media import MediaType
from ingestio.domain.shapes import shape, shortened
from ingestio.errors import FileRefused, RefusalCode
from ingestio.media.bounded import BoundedFailure, MemoryExceeded, TimeExceeded, run_bounded
from ingestio.media.readers import Opened, Refused

_READERS = "ingestio.media.pdf_trees:ask_readers"
_FRAMES = "ingestio.media.images:count_frames"


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What a file may be and what counting it may cost."""

    max_pages: int = 5_000
    max_pixels: int = 100_000_000
    wall_seconds: float = 4.0
    memory_bytes: int = 500 << 20


@dataclass(frozen=True, slots=True)
class PageCount:
    """The pages that the file has: what a document is metered by. `shapes`: theirs, as far as counting saw them."""

    pages: int
    shapes: tuple[float, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the file is not accepted. `message` says what to do and is safe to show."""

    code: RefusalCode
    message: str


async def count_pages(path: Path, media_type: MediaType, limits: MediaLimits = MediaLimits()) -> PageCount | Refusal:
    """PDF pages, TIFF frames, 1 for any other image. Always one of the two, within the limits' time and memory once a child is free.

    A PDF is counted by what is in its page tree, never by what it claims; two readers that see different documents make it corrupt.
    Only a file that needs a password to open is `encrypted`. An image that cannot be decoded is `corrupt`. The same bytes give the same
    answer, but for a file at the edge of the time limit. Raises OSError when the file itself is not there, Unavailable when the
    machine lets no child process live.
    """
    if path.stat().st_size == 0:
        return Refusal(RefusalCode.CORRUPT, "The file is empty.")
    try:
        if media_type is MediaType.PDF:
            answer = await run_bounded(
                _READERS,
                path,
                limits.max_pages,
                limits.wall_seconds,
                wall_seconds=limits.wall_seconds,
                memory_bytes=limits.memory_bytes,
            )
        else:
            answer = await run_bounded(
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
    match answer:
        case (Opened() | Refused() as first, Opened() | Refused() as second):
            return agreed(first, second, limits)
        case Opened() as counted:
            return _within(counted.existing, counted.shapes, limits)
        case _:
            return Refusal(RefusalCode.CORRUPT, "The pages could not be counted; the file is damaged.")


def agreed(first: Opened | Refused, second: Opened | Refused, limits: MediaLimits) -> PageCount | Refusal:
    """What pdfium's answer and another reader's come to."""
    shapes = first.shapes if isinstance(first, Opened) else ()
    if isinstance(first, Refused) and isinstance(second, Refused):
        if first.encrypted or second.encrypted:
            return Refusal(
                RefusalCode.ENCRYPTED, "The PDF needs a password to open. Remove the password and upload it again."
            )
        return Refusal(RefusalCode.CORRUPT, "The PDF cannot be opened; it is damaged.")
    if isinstance(second, Refused):
        assert isinstance(first, Opened)
        # Alone, pdfium is believed only where it reached every page that it speaks of.
        if first.existing != min(first.claimed, limits.max_pages + 1):
            return Refusal(RefusalCode.CORRUPT, "The pages of the PDF are damaged: some of them are not there.")
        return _within(first.existing, shapes, limits)
    if isinstance(first, Refused) or (_same_document(first, second) and second.existing >= first.existing):
        return _within(second.existing, shapes, limits)
    # pdfium repairs more than the others: it may reach all that is claimed where they leave pages out, but then really all.
    if _same_document(first, second) and first.existing == first.claimed:
        return _within(first.existing, shapes, limits)
    return Refusal(RefusalCode.CORRUPT, "The PDF is damaged: readers do not agree on its pages.")


def _same_document(first: Opened, second: Opened) -> bool:
    """Both reached the same number, or both found the same claims and differ only in how they take lies and holes.

    Readers of a damaged file may each have rebuilt another document from it; then neither the numbers nor the claims are equal.
    """
    return second.existing in (first.existing, first.claimed) or second.claimed == first.claimed


def _within(pages: int, shapes: Sequence[float], limits: MediaLimits) -> PageCount | Refusal:
    if pages < 1:
        return Refusal(RefusalCode.NO_PAGES, "The file has no pages.")
    if pages > limits.max_pages:
        return Refusal(
            RefusalCode.TOO_MANY_PAGES,
            f"The file has more than {limits.max_pages:,} pages. Split it and upload the parts.",
        )
    # Said by a child that parses hostile bytes: none is stored that no page could have.
    return PageCount(pages, shortened(shape(1, item) for item in shapes[:pages]))
