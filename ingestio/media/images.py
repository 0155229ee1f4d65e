"""Images: opened by what their bytes are, header checked before a pixel is decoded. Runs inside a bounded child process."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pi_heif
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from ingestio.domain.media import MediaType
from ingestio.domain.shapes import UNKNOWN, shape, shortened
from ingestio.errors import FileRefused, RefusalCode
from ingestio.media.png import png_has_its_pixels
from ingestio.media.readers import Opened
from ingestio.media.webp import webp_is_whole, webp_size

pi_heif.register_heif_opener()

# A file is only ever given to the decoder that its magic bytes name; MPO is how cameras store two JPEGs in one.
_FORMATS: dict[MediaType, tuple[str, ...]] = {
    MediaType.PNG: ("PNG",),
    MediaType.JPEG: ("JPEG", "MPO"),
    MediaType.TIFF: ("TIFF",),
    MediaType.WEBP: ("WEBP",),
    MediaType.HEIC: ("HEIF",),
}
# What Pillow and its decoders raise on damaged files; MemoryError is not among them, it belongs to the pool.
IMAGE_TROUBLE = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    NotImplementedError,
    RuntimeError,
)
# About 160 MB decoded. The largest picture that is allowed would not fit into the memory that counting may take, twice for WebP.
_DECODED_PIXELS = 40_000_000
# Cameras and programs write 72 or 96 when they know nothing of paper.
_BELIEVABLE_DPI = range(110, 2401)
_LEAST_FAX_DPI = 50
_LONGEST_POINTS = 842.0
_LEAST_POINTS = 0.01
# Between the lightest and the darkest of 255 levels: what shows less is not to be read.
_FAINT = 48
# Of a picture's own shape and its paper's: nearer than this they are meant to be one.
_SAME_SHAPE = 1.05


def count_frames(path: Path, media_type: MediaType, max_pages: int, max_pixels: int) -> Opened:
    """The pages of an image and their shapes, at most one past `max_pages`. Raises FileRefused (corrupt, image_too_large).

    An image is only sound when it decodes. Frames are decoded as far as a budget of pixels goes, which keeps the time and the memory of
    counting small; what is beyond must at least be whole by its own table of contents. A JPEG always decodes: at an eighth of its size.
    """
    shapes: list[float] = []
    budget = _DECODED_PIXELS
    if media_type is MediaType.WEBP and _is_huge_webp(path, max_pixels):
        return Opened(1, 1)
    with open_image(path, media_type, max_pixels) as image:
        for _ in frames(image, media_type, max_pages, max_pixels):
            budget -= image.size[0] * image.size[1]
            # Of a PNG what a camera said is only known once it is decoded.
            shapes.append(_shape(image) if budget >= 0 or media_type is not MediaType.PNG else shape(*image.size))
            if len(shapes) > max_pages:
                break
            if budget >= 0 or media_type is MediaType.JPEG:
                image.draft(None, (1, 1))
                decode(image)
            elif not _is_whole(image, media_type, path):
                raise damaged()
    return Opened(len(shapes), len(shapes), shortened(shapes))


def _shape(image: Image.Image) -> float:
    """As the present frame will be drawn; a camera's damaged notes are no reason to refuse its picture."""
    try:
        (width, height), (across, down) = shown_size(image), size_in_points(image)
    except (*IMAGE_TROUBLE, struct.error):
        return UNKNOWN
    return shape(across, down) if is_bent(width / height, across / down) else shape(width, height)


def is_bent(shown: float, paper: float) -> bool:
    """Whether a picture with these proportions has to be stretched to those of its paper: a fax has fewer dots down than across."""
    return not 1 / _SAME_SHAPE < shown / paper < _SAME_SHAPE


def shown_size(image: Image.Image) -> tuple[int, int]:
    """Pixels across and down of the frame, turned as its camera meant it."""
    width, height = image.size
    # Of a TIFF Pillow tells the size that it has once it is turned.
    return (height, width) if image.format != "TIFF" and _lies_on_its_side(image) else (width, height)


def _lies_on_its_side(image: Image.Image) -> bool:
    return image.getexif().get(0x0112, 1) in (5, 6, 7, 8)


def _is_huge_webp(path: Path, max_pixels: int) -> bool:
    """True for a whole picture of too many pixels to decode it here; raises FileRefused when it has more than is allowed, or is cut off."""
    with path.open("rb") as stream:
        head = stream.read(64)
    size = webp_size(head)
    if size is None or not webp_is_whole(head, path.stat().st_size):
        raise damaged()
    if size[0] * size[1] > max_pixels:
        raise too_large(max_pixels)
    return size[0] * size[1] > _DECODED_PIXELS


def _is_whole(image: Image.Image, media_type: MediaType, path: Path) -> bool:
    """Whether all that the headers speak of is in the file, without decoding it. HEIC was looked through when it was opened."""
    try:
        match media_type:
            case MediaType.PNG:
                # Every chunk with its checksum up to the end mark; the image is of no use afterwards.
                image.verify()
                return png_has_its_pixels(path, _DECODED_PIXELS * 4)
            case MediaType.TIFF:
                tags = cast("TiffImagePlugin.TiffImageFile", image).tag_v2
                offsets, lengths = tags.get(273, tags.get(324, ())), tags.get(279, tags.get(325, ()))
                size_bytes = path.stat().st_size
                return bool(offsets) and all(a + b <= size_bytes for a, b in zip(offsets, lengths, strict=True))
    except IMAGE_TROUBLE:
        return False
    return True


@contextmanager
def open_image(path: Path, media_type: MediaType, max_pixels: int) -> Iterator[Image.Image]:
    """The image at its first frame, not yet decoded. Raises FileRefused (corrupt, image_too_large)."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    # Opened as a stream: of a file Pillow maps plain samples into memory, and those of a TIFF that lies on its side with the wrong width.
    with path.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(stream, formats=_FORMATS[media_type])
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise too_large(max_pixels) from None
        except IMAGE_TROUBLE:
            raise damaged() from None
        with image:
            check_size(image, max_pixels)
            yield image


def check_size(image: Image.Image, max_pixels: int) -> None:
    """Raises FileRefused when the present frame has more pixels than allowed."""
    width, height = image.size
    if width * height > max_pixels:
        raise too_large(max_pixels)
    if width < 1 or height < 1:
        raise damaged()


def frames(image: Image.Image, media_type: MediaType, max_pages: int, max_pixels: int) -> Iterator[int]:
    """Goes to each page's frame in turn, at most one past `max_pages`: every TIFF frame, one frame of anything else."""
    yield 0
    if media_type is not MediaType.TIFF:
        return
    for index in range(1, max_pages + 1):
        try:
            image.seek(index)
        except EOFError:
            return
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise too_large(max_pixels) from None
        except IMAGE_TROUBLE:
            raise damaged() from None
        check_size(image, max_pixels)
        yield index


def decode(image: Image.Image) -> None:
    """Decodes the present frame. Raises FileRefused (corrupt)."""
    try:
        image.load()
    except IMAGE_TROUBLE:
        raise damaged() from None


def size_in_points(image: Image.Image) -> tuple[float, float]:
    """The frame's size on paper as shown: by its own resolution when that is believable, else no longer than a sheet of A4.

    Never fewer than 110 pixels an inch, so that pages drawn for the screen at that resolution keep the picture's size or shrink it.
    """
    width, height = shown_size(image)
    dpi = image.info.get("dpi")
    try:
        across, down = (float(dpi[0]), float(dpi[1])) if dpi else (0.0, 0.0)
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        across, down = 0.0, 0.0
    if _lies_on_its_side(image):
        across, down = down, across
    least, most = _BELIEVABLE_DPI.start, _BELIEVABLE_DPI.stop
    # A fax has 204 dots across and 98 down: who writes that down knows the paper.
    if not (least <= max(across, down) < most and 3 * min(across, down) >= max(across, down, 3 * _LEAST_FAX_DPI)):
        across = down = max(float(least), max(width, height) * 72 / _LONGEST_POINTS)
    # However narrow, it has a width: proportions are made of it.
    return max(_LEAST_POINTS, round(width * 72 / across, 2)), max(_LEAST_POINTS, round(height * 72 / down, 2))


def upright(image: Image.Image) -> Image.Image:
    """The decoded frame turned as its camera meant it."""
    return ImageOps.exif_transpose(image)


def fit_to_shrink(image: Image.Image) -> Image.Image:
    """The decoded frame in a mode in which neighbouring pixels can be mixed. Of two colours or a palette Pillow keeps every so many pixels
    instead: thin strokes break. Samples of 16 bits it cannot shrink to less than a quarter. And a colour that stands for nothing must not
    be mixed with ink."""
    keyed = "transparency" in image.info and image.size[0] * image.size[1] <= _DECODED_PIXELS
    if keyed and image.mode in ("1", "L", "P", "RGB"):
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "P":
        return image.convert("RGB")
    return image.convert("F") if image.mode.startswith("I;16") else image


def on_paper(image: Image.Image) -> Image.Image:
    """The decoded frame in grey or colour with 8 bits a channel. Transparency is white paper; black where all ink is as light as that."""
    image = fit_to_shrink(image)
    if image.mode[0] in "IF":
        # 16-bit and floating point samples: convert() would cut everything above 255 to white.
        samples = image.convert("F")
        lowest, highest = cast("tuple[float, float]", samples.getextrema())
        if lowest == highest:
            # An even page is empty paper, unless there is no light in it.
            return Image.new("L", image.size, 255 if highest > 0 else 0)
        scale = 255.0 / (highest - lowest)
        return samples.point(lambda value: value * scale - lowest * scale).convert("L")
    if image.mode in ("RGBA", "LA", "PA"):
        ink = image.convert("RGBA")
        on_white = _laid_on("white", ink)
        if _contrast(on_white) >= _FAINT:
            return on_white
        on_black = _laid_on("black", ink)
        return on_black if _contrast(on_black) >= _FAINT else on_white
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _laid_on(colour: str, ink: Image.Image) -> Image.Image:
    paper = Image.new("RGBA", ink.size, colour)
    paper.alpha_composite(ink)
    return paper.convert("RGB")


def _contrast(shown: Image.Image) -> int:
    darkest, lightest = cast("tuple[int, int]", shown.convert("L").getextrema())
    return lightest - darkest


def too_large(max_pixels: int) -> FileRefused:
    return FileRefused(
        RefusalCode.IMAGE_TOO_LARGE,
        f"The image has more than {max_pixels // 1_000_000} megapixels. Scale it down and upload it again.",
    )


def damaged() -> FileRefused:
    return FileRefused(RefusalCode.CORRUPT, "The image cannot be decoded; it is damaged or cut off.")
