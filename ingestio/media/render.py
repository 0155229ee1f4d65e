"""A picture of one page, as a person sees it."""

from pathlib import Path

from ingestio.domain.media import MediaType
from ingestio.errors import FileRefused, NotFound, RefusalCode
from ingestio.media.bounded import BoundedFailure, run_bounded

MAX_DPI = 600
# Of the picture, not of the source: a poster is drawn coarser instead of refused.
MAX_RENDERED_PIXELS = 25_000_000
_WALL_SECONDS = 30.0
_MEMORY_BYTES = 1 << 30


async def render_page(path: Path, media_type: MediaType, page_number: int, dpi: int) -> bytes:
    """The page (from 1) as a PNG at `dpi` dots per inch, rotation and filled form fields applied, at most 25 megapixels.

    The picture says its own dots per inch, so that boxes of `read_text` times those / 72 are pixels: `dpi`, unless the cap made it
    coarser. Images are never drawn larger than they are. Raises NotFound for a page that is not there, FileRefused (encrypted, corrupt,
    image_too_large) for a file that cannot be drawn within 30 seconds and 1 GB. The same bytes give the same picture.
    """
    if not 1 <= dpi <= MAX_DPI:
        raise ValueError(f"dpi is from 1 to {MAX_DPI}")
    if page_number < 1:
        raise NotFound(f"There is no page {page_number}.")
    try:
        picture = await run_bounded(
            "ingestio.media.pictures:draw_page",
            path,
            media_type,
            page_number,
            dpi,
            MAX_RENDERED_PIXELS,
            wall_seconds=_WALL_SECONDS,
            memory_bytes=_MEMORY_BYTES,
        )
    except BoundedFailure:
        raise FileRefused(RefusalCode.CORRUPT, "The page could not be drawn; the file is damaged.") from None
    if not isinstance(picture, bytes):
        raise TypeError(f"a picture is bytes, not {type(picture).__name__}")
    return picture
