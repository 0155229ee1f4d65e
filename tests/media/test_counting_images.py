"""Images: one page each, a TIFF as many as it has frames; bombs and fragments are refused."""

import io
import time

import pytest
from PIL import Image

from ingestio.domain.media import MediaType
from ingestio.errors import RefusalCode
from ingestio.media.counting import MediaLimits, PageCount, Refusal, count_pages
from ingestio.media.sniff import sniff
from tests.media import hostile
from tests.media.conftest import Save


async def counted(save: Save, data: bytes, limits: MediaLimits | None = None) -> int | RefusalCode:
    media_type = sniff(data)
    assert media_type is not None
    answer: PageCount | Refusal = await count_pages(save(data), media_type, limits or MediaLimits())
    return answer.pages if isinstance(answer, PageCount) else answer.code


def _noise(format_: str, **options: object) -> bytes:
    target = io.BytesIO()
    Image.effect_noise((300, 300), 90).convert("RGB").save(target, format_, **options)
    return target.getvalue()


def _animated(format_: str) -> bytes:
    target = io.BytesIO()
    first, *others = (Image.new("RGB", (30, 20), colour) for colour in ("red", "green", "blue"))
    first.save(target, format_, save_all=True, append_images=others, duration=100)
    return target.getvalue()


def _webp_claiming(width: int, height: int) -> bytes:
    small = hostile.image("WEBP", (16, 16), lossless=True)
    return small[:21] + (width - 1 | height - 1 << 14).to_bytes(4, "little") + small[25:]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (hostile.image("PNG"), 1),
        (hostile.image("PNG", mode="1"), 1),
        (hostile.image("PNG", mode="I;16"), 1),
        (hostile.image("JPEG"), 1),
        (hostile.image("JPEG", mode="CMYK"), 1),
        (hostile.image("JPEG", progressive=True), 1),
        (hostile.image("WEBP"), 1),
        (hostile.image("WEBP", lossless=True), 1),
        (_animated("WEBP"), 1),
        (_animated("PNG"), 1),
        (_animated("MPO"), 1),
        (hostile.HEIC, 1),
        (hostile.image("TIFF"), 1),
        (hostile.image("TIFF", big_tiff=True), 1),
        (hostile.tiff(7), 7),
        (hostile.small_tiff(3), 3),
        (hostile.small_tiff(3, loop=True), 3),
    ],
)
async def test_an_image_has_as_many_pages_as_it_shows(data: bytes, expected: int, save: Save) -> None:
    assert await counted(save, data) == expected


@pytest.mark.parametrize(
    "data",
    [
        _noise("PNG")[:-2_000],
        _noise("JPEG")[:-2_000],
        _noise("JPEG", progressive=True)[:-2_000],
        _noise("WEBP")[:-2_000],
        _noise("TIFF", compression="tiff_lzw")[:-2_000],
        hostile.HEIC[:-20],
        hostile.HEIC[:300],
        hostile.png_claiming(100, 100),
        hostile.png_claiming(10_000, 10_000),
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"II*\x00\x08\x00\x00\x00",
        b"RIFF\x10\x00\x00\x00WEBPVP8 ",
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
    ],
)
async def test_an_image_that_cannot_be_decoded_is_corrupt(data: bytes, save: Save) -> None:
    assert await counted(save, data) is RefusalCode.CORRUPT


@pytest.mark.parametrize(
    "data",
    [
        hostile.png_claiming(60_000, 60_000),
        hostile.png_claiming(10_001, 10_000),
        hostile.small_tiff(2, 60_000, 60_000),
        _webp_claiming(16_383, 16_383),
    ],
)
async def test_a_bomb_is_too_large_by_its_header_alone(data: bytes, save: Save) -> None:
    started = time.monotonic()
    assert await counted(save, data) is RefusalCode.IMAGE_TOO_LARGE
    assert time.monotonic() - started < 20


async def test_the_limit_of_pixels_is_inclusive(save: Save) -> None:
    data = hostile.image("PNG", (100, 100))
    assert await counted(save, data, MediaLimits(max_pixels=10_000)) == 1
    assert await counted(save, data, MediaLimits(max_pixels=9_999)) is RefusalCode.IMAGE_TOO_LARGE


async def test_a_later_frame_can_be_too_large_as_well(save: Save) -> None:
    target = io.BytesIO()
    Image.new("1", (10, 10)).save(target, "TIFF", save_all=True, append_images=[Image.new("1", (200, 200))])
    assert await counted(save, target.getvalue(), MediaLimits(max_pixels=10_000)) is RefusalCode.IMAGE_TOO_LARGE


async def test_frames_are_counted_only_as_far_as_the_limit(save: Save) -> None:
    limits = MediaLimits(max_pages=50)
    assert await counted(save, hostile.small_tiff(50), limits) == 50
    assert await counted(save, hostile.small_tiff(51), limits) is RefusalCode.TOO_MANY_PAGES
    assert await counted(save, hostile.small_tiff(100_000), limits) is RefusalCode.TOO_MANY_PAGES


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "TIFF", "WEBP"])
async def test_a_picture_of_a_hundred_megapixels_is_counted_in_time(format_: str, save: Save) -> None:
    data = hostile.image(format_, (10_000, 10_000), "L", **({"method": 0} if format_ == "WEBP" else {}))
    started = time.monotonic()
    assert await counted(save, data) == 1
    assert time.monotonic() - started < 5
    assert await counted(save, data[: len(data) // 2]) is RefusalCode.CORRUPT


async def test_bytes_are_given_only_to_the_decoder_that_they_name(save: Save) -> None:
    answer = await count_pages(save(hostile.image("PNG")), MediaType.JPEG)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.CORRUPT
