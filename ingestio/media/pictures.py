"""Draws a page. Runs inside a bounded child process: it parses hostile bytes."""

import io
import math
from pathlib import Path

import pypdfium2
from PIL import Image

from ingestio.domain.media import MediaType
from ingestio.errors import FileRefused, NotFound, RefusalCode
from ingestio.media.images import (
    check_size,
    decode,
    fit_to_shrink,
    frames,
    is_bent,
    on_paper,
    open_image,
    size_in_points,
    upright,
)
from ingestio.media.pdf_document import open_pdf
from ingestio.media.text import MAX_PAGES, MAX_PIXELS

# Level 1 costs a sixth of the default's time for a quarter more bytes.
_PNG_LEVEL = 1


def draw_page(path: Path, media_type: MediaType, page_number: int, dpi: int, max_pixels: int) -> bytes:
    """What `render_page` gives, in this process."""
    picture, width, height = page_picture(path, media_type, page_number, dpi, max_pixels)
    target = io.BytesIO()
    dots = (picture.width * 72 / max(width, 0.01), picture.height * 72 / max(height, 0.01))
    picture.save(target, "PNG", compress_level=_PNG_LEVEL, dpi=dots)
    return target.getvalue()


def page_picture(
    path: Path, media_type: MediaType, page_number: int, dpi: int, max_pixels: int
) -> tuple[Image.Image, float, float]:
    """The page as pixels, and its width and height in points. Raises FileRefused and, for a page that is not there, NotFound."""
    if media_type is MediaType.PDF:
        return _pdf_page(path, page_number, dpi, max_pixels)
    return _image_page(path, media_type, page_number, dpi, max_pixels)


def _pdf_page(path: Path, page_number: int, dpi: int, max_pixels: int) -> tuple[Image.Image, float, float]:
    with open_pdf(path, MAX_PAGES) as document:
        if page_number > len(document):
            raise NotFound(f"There is no page {page_number}.")
        # Before the first page is loaded, or filled fields stay invisible.
        document.init_forms()
        try:
            page = document[page_number - 1]
        except pypdfium2.PdfiumError:
            raise FileRefused(RefusalCode.CORRUPT, f"Page {page_number} is damaged.") from None
        width, height = page.get_size()
        if not (0 < width < math.inf and 0 < height < math.inf):
            raise FileRefused(RefusalCode.CORRUPT, f"Page {page_number} has no area.")
        scale = min(dpi / 72, math.sqrt(max_pixels / (width * height)), max_pixels / 1000 / max(width, height))
        bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=True)
        try:
            picture: Image.Image = bitmap.to_pil()
            return picture.convert("RGB"), round(width, 2), round(height, 2)
        finally:
            bitmap.close()
            page.close()


def _image_page(
    path: Path, media_type: MediaType, page_number: int, dpi: int, max_pixels: int
) -> tuple[Image.Image, float, float]:
    with open_image(path, media_type, MAX_PIXELS) as image:
        for index in frames(image, media_type, min(page_number, MAX_PAGES), MAX_PIXELS):
            if index == page_number - 1:
                break
        else:
            raise NotFound(f"There is no page {page_number}.")
        check_size(image, MAX_PIXELS)
        width, height = size_in_points(image)
        pixels = image.size[0] * image.size[1]
        scale = min(1.0, math.sqrt(width * height / pixels) * dpi / 72, math.sqrt(max_pixels / pixels))
        size = (max(1, round(image.size[0] * scale)), max(1, round(image.size[1] * scale)))
        # A JPEG can be unfolded at a half, a quarter or an eighth of its size, never below what is wanted.
        image.draft(None, size)
        decode(image)
        fit = fit_to_shrink(image)
        # Samples of 16 bits are spread from the darkest to the lightest, and the sharper filter makes edges darker and lighter than any.
        fit.thumbnail(size, Image.Resampling.HAMMING if fit.mode[0] in "IF" else Image.Resampling.LANCZOS)
        picture = on_paper(upright(fit))
        shape = width / height * picture.height / picture.width
        if is_bent(picture.width / picture.height, width / height):
            wider = (round(picture.width * shape), picture.height)
            higher = (picture.width, max(1, round(picture.height / shape)))
            picture = picture.resize(wider if shape > 1 else higher)
        return picture, width, height
