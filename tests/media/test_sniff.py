"""What a file is, by its bytes."""

import io
import zipfile

import pytest

from ingestio.domain.media import MediaType
from ingestio.media.sniff import HEAD_BYTES, sniff
from tests.media.hostile import HEIC, image, pages, small_tiff


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (pages(1), MediaType.PDF),
        (image("PNG"), MediaType.PNG),
        (image("JPEG"), MediaType.JPEG),
        (image("TIFF"), MediaType.TIFF),
        (image("TIFF", big_tiff=True), MediaType.TIFF),
        (small_tiff(2), MediaType.TIFF),
        (b"MM\x00*" + bytes(20), MediaType.TIFF),
        (image("WEBP"), MediaType.WEBP),
        (image("WEBP", lossless=True), MediaType.WEBP),
        (HEIC, MediaType.HEIC),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", MediaType.HEIC),
    ],
)
def test_each_accepted_type_shows_in_its_first_bytes(data: bytes, expected: MediaType) -> None:
    assert sniff(data[:HEAD_BYTES]) is expected


def _zip() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    return target.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%",
        b"hello",
        b"<html><body>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x7fELF" + bytes(60),
        _zip(),
        image("GIF"),
        image("BMP"),
        b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom",
        b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1avifmiaf",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
    ],
)
def test_everything_else_is_nothing_that_we_accept(data: bytes) -> None:
    assert sniff(data[:HEAD_BYTES]) is None


@pytest.mark.parametrize(
    ("junk", "expected"), [(0, MediaType.PDF), (1, MediaType.PDF), (1023, MediaType.PDF), (1024, None)]
)
def test_a_pdf_may_begin_anywhere_in_its_first_1024_bytes(junk: int, expected: MediaType | None) -> None:
    assert sniff((b"\n" * junk + pages(1))[:HEAD_BYTES]) is expected


def test_a_type_knows_its_mime_type_and_suffix() -> None:
    assert (MediaType.HEIC.mime_type, MediaType.HEIC.extension) == ("image/heic", ".heic")
    assert {each.extension for each in MediaType} == {".pdf", ".png", ".jpg", ".tiff", ".webp", ".heic"}
