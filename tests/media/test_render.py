"""Pictures of pages as a person sees them."""

import io
import struct
import zlib
from itertools import pairwise

import pikepdf
import pytest
from PIL import Image, ImageOps
from reportlab.pdfgen.canvas import Canvas

from ingestio.domain.media import MediaType
from ingestio.domain.shapes import shape_of
from ingestio.errors import FileRefused, NotFound, RefusalCode
from ingestio.media.counting import PageCount, count_pages
from ingestio.media.render import MAX_RENDERED_PIXELS, render_page
from ingestio.media.sniff import sniff
from ingestio.media.text import read_text
from tests.data.scans import encoded
from tests.media import hostile
from tests.media.conftest import Save


async def picture(save: Save, data: bytes, media_type: MediaType, *, page: int = 1, dpi: int = 72) -> Image.Image:
    drawn = await render_page(save(data), media_type, page, dpi)
    assert drawn.startswith(b"\x89PNG")
    return Image.open(io.BytesIO(drawn)).convert("RGB")


def _two_pages(rotation: int = 0) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(200, 100))
    for colour in ((1, 0, 0), (0, 0, 1)):
        canvas.setFillColorRGB(*colour)
        canvas.rect(0, 80, 20, 20, stroke=0, fill=1)
        canvas.showPage()
    canvas.save()
    rotated = io.BytesIO()
    with pikepdf.open(target) as document:
        for page in document.pages:
            page.rotate(rotation, relative=False)
        document.save(rotated)
    return rotated.getvalue()


async def test_a_page_is_drawn_at_its_size(save: Save) -> None:
    shown = await picture(save, _two_pages(), MediaType.PDF, dpi=144)
    assert shown.size == (400, 200)
    assert shown.getpixel((10, 10)) == (255, 0, 0)
    assert shown.getpixel((390, 190)) == (255, 255, 255)


def _turned_between() -> bytes:
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(_two_pages())) as document:
        document.pages[1].rotate(90, relative=False)
        document.save(target)
    return target.getvalue()


def _photograph(size: tuple[int, int], *, turn: int = 1, kind: str = "JPEG", **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = turn
    target = io.BytesIO()
    Image.new("L", size, "grey").save(target, kind, exif=exif, **options)
    return target.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        _turned_between(),
        _photograph((400, 300)),
        _photograph((400, 300), turn=6),
        _photograph((400, 300), turn=3),
        _photograph((400, 300), turn=8, kind="PNG"),
        _photograph((300, 1500), kind="WEBP"),
        _photograph((200, 200), kind="TIFF"),
        _photograph((1728, 1100), kind="TIFF", dpi=(204, 98)),
        _photograph((1000, 1400), kind="PNG", dpi=(200, 204)),
        hostile.HEIC,
    ],
)
async def test_pages_are_counted_with_the_shapes_that_they_are_drawn_in(data: bytes, save: Save) -> None:
    media_type = sniff(data)
    assert media_type is not None
    counted = await count_pages(save(data), media_type)
    assert isinstance(counted, PageCount)

    for number in range(1, counted.pages + 1):
        drawn = await picture(save, data, media_type, page=number)
        assert shape_of(counted.shapes, number) == pytest.approx(drawn.height / drawn.width, rel=0.01)


@pytest.mark.parametrize("size", [(1, 200_000), (200_000, 1)])
async def test_a_picture_that_is_a_line_is_a_page_like_any_other(size: tuple[int, int], save: Save) -> None:
    data = _photograph(size, kind="PNG")

    assert await count_pages(save(data), MediaType.PNG) == PageCount(1)
    drawn = await picture(save, data, MediaType.PNG)
    assert min(drawn.size) == 1


async def test_a_photograph_whose_notes_are_damaged_is_a_page_like_any_other(save: Save) -> None:
    whole = _photograph((40, 30), turn=6)
    at = whole.index(b"Exif\0\0") + 6

    for notes in (b"MM\0*\0\0\0\xff", b"XX\0*\0\0\0\x08", b"\0" * 8):
        assert await count_pages(save(whole[:at] + notes + whole[at + 8 :]), MediaType.JPEG) == PageCount(1)


async def test_each_page_has_its_own_picture(save: Save) -> None:
    assert (await picture(save, _two_pages(), MediaType.PDF, page=2)).getpixel((5, 5)) == (0, 0, 255)


async def test_a_turned_page_is_drawn_turned(save: Save) -> None:
    shown = await picture(save, _two_pages(90), MediaType.PDF)
    assert shown.size == (100, 200)
    assert shown.getpixel((95, 5)) == (255, 0, 0)


async def test_a_word_is_drawn_where_its_box_says(save: Save) -> None:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(200, 100))
    canvas.drawString(60, 40, "X")
    canvas.save()
    path = save(target.getvalue())
    x0, y0, x1, y1 = (await read_text(path, MediaType.PDF)).pages[0].lines[0].box
    shown = Image.open(io.BytesIO(await render_page(path, MediaType.PDF, 1, 72))).convert("L")
    ink = shown.point(lambda value: 255 if value < 128 else 0).getbbox()
    assert ink is not None
    assert x0 - 1 <= ink[0] < ink[2] <= x1 + 1
    assert y0 - 1 <= ink[1] < ink[3] <= y1 + 1


async def test_a_page_that_is_not_there_is_not_found(save: Save) -> None:
    for data, media_type in (
        (_two_pages(), MediaType.PDF),
        (hostile.image("PNG"), MediaType.PNG),
        (hostile.tiff(2), MediaType.TIFF),
    ):
        for page in (0, 3):
            with pytest.raises(NotFound):
                await render_page(save(data), media_type, page, 72)


async def test_a_page_beyond_a_lying_count_is_drawn(save: Save) -> None:
    assert (await picture(save, hostile.PDFS["claims one, has three"](), MediaType.PDF, page=3)).size == (200, 200)


async def test_a_poster_is_drawn_coarser_instead_of_refused(save: Save) -> None:
    poster = hostile.pages(1).replace(b"[0 0 200 200]", b"[0 0 14400 14400]")
    drawn = Image.open(io.BytesIO(await render_page(save(poster), MediaType.PDF, 1, 600)))
    assert drawn.width * drawn.height <= MAX_RENDERED_PIXELS * 1.001
    assert [pixels * 72 / dots for pixels, dots in zip(drawn.size, drawn.info["dpi"], strict=True)] == [
        pytest.approx(14400, rel=1e-3)
    ] * 2, "the picture says how large the page is"
    strip = hostile.pages(1).replace(b"[0 0 200 200]", b"[0 0 14400 1]")
    assert max((await picture(save, strip, MediaType.PDF, dpi=600)).size) <= 25_001


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (hostile.image("PNG", (40, 20), "RGBA"), MediaType.PNG),
        (hostile.image("PNG", (40, 20), "P"), MediaType.PNG),
        (hostile.image("PNG", (40, 20), "I;16"), MediaType.PNG),
        (hostile.image("JPEG", (40, 20), "CMYK"), MediaType.JPEG),
        (hostile.image("TIFF", (40, 20), "1"), MediaType.TIFF),
        (hostile.image("TIFF", (40, 20), "F"), MediaType.TIFF),
        (hostile.image("WEBP", (40, 20)), MediaType.WEBP),
    ],
)
async def test_every_kind_of_image_is_drawn_and_never_enlarged(data: bytes, media_type: MediaType, save: Save) -> None:
    assert (await picture(save, data, media_type, dpi=300)).size == (40, 20)
    assert (await picture(save, data, media_type, dpi=55)).size == (20, 10)


def _ink() -> Image.Image:
    """A page that is larger than it is drawn, with ink in its first quarter."""
    page = Image.new("L", (1200, 1600), 255)
    page.paste(0, (0, 0, 600, 800))
    return page


def _sixteen_bits_of_each_colour(page: Image.Image) -> bytes:
    """A PNG, byte by byte: Pillow writes none of that kind."""
    row = b"".join(b"\0" + bytes(level for level in line for _ in range(6)) for line in _lines_of(page))
    size = struct.pack(">IIBBBBB", *page.size, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", size), (b"IDAT", zlib.compress(row)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def _lines_of(page: Image.Image) -> list[bytes]:
    width, height = page.size
    samples = page.tobytes()
    return [samples[width * line : width * (line + 1)] for line in range(height)]


def _of_transparency(mode: str) -> Image.Image:
    """Black ink on nothing, and the nothing is black as well."""
    layers = {"L": Image.new("L", _ink().size), "A": ImageOps.invert(_ink())}
    return Image.merge(mode, [layers.get(band, layers["L"]) for band in mode])


@pytest.mark.parametrize(
    "data",
    [
        encoded(_of_transparency("RGBA"), "PNG"),
        encoded(_of_transparency("LA"), "PNG"),
        encoded(_of_transparency("RGBA").quantize(8), "PNG"),
        encoded(_of_transparency("RGBA"), "WEBP"),
        encoded(_of_transparency("RGBA"), "TIFF"),
        encoded(_ink().convert("1"), "PNG"),
        encoded(_ink().quantize(4), "PNG"),
        encoded(Image.eval(_ink().convert("I"), lambda level: level * 100 + 20_000).convert("I;16"), "PNG"),
        _sixteen_bits_of_each_colour(_ink()),
        encoded(_ink().convert("CMYK"), "JPEG"),
        encoded(_ink().convert("RGB"), "JPEG", progressive=True),
        encoded(_ink().convert("1"), "TIFF", compression="group3"),
        encoded(_ink().convert("1"), "TIFF", compression="group4"),
        encoded(_ink().convert("RGB"), "TIFF", compression="tiff_lzw"),
        encoded(_ink().convert("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
        encoded(_ink().convert("YCbCr"), "TIFF", compression="jpeg"),
    ],
)
async def test_ink_is_black_on_white_however_it_is_stored(data: bytes, save: Save) -> None:
    media_type = sniff(data)
    assert media_type is not None
    counted = await count_pages(save(data), media_type)
    assert counted == PageCount(1)

    shown = (await picture(save, data, media_type, dpi=50)).convert("L")
    assert shown.width < 1200
    corners = [shown.getpixel((shown.width * x // 4, shown.height * y // 4)) for y in (1, 3) for x in (1, 3)]
    assert corners == pytest.approx([0, 255, 255, 255], abs=12)


async def test_an_empty_page_of_16_bits_is_white(save: Save) -> None:
    blank = encoded(Image.new("I;16", (40, 20), 65_535), "PNG")
    assert (await picture(save, blank, MediaType.PNG)).getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["I;16", "I", "F", "CMYK", "1", "RGBA"])
async def test_every_kind_of_image_is_drawn_in_a_tenth_of_its_size(mode: str, save: Save) -> None:
    data = encoded(_ink().convert(mode), "TIFF", dpi=(300, 300))

    shown = (await picture(save, data, MediaType.TIFF, dpi=30)).convert("L")
    assert shown.size == (120, 160)
    assert [shown.getpixel((30, 40)), shown.getpixel((90, 120))] == pytest.approx([0, 255], abs=12)


async def test_frames_of_different_size_and_kind_are_pages_each(save: Save) -> None:
    frames = [_ink().convert("RGB"), Image.new("1", (300, 900), 1), Image.new("L", (1200, 300), 255)]
    data = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])

    counted = await count_pages(save(data), MediaType.TIFF)
    assert isinstance(counted, PageCount)
    assert counted.pages == len(frames)
    for number, frame in enumerate(frames, start=1):
        drawn = await picture(save, data, MediaType.TIFF, page=number)
        assert drawn.width / drawn.height == pytest.approx(frame.width / frame.height, rel=0.01)


async def test_heic_is_drawn(save: Save) -> None:
    shown = await picture(save, hostile.HEIC, MediaType.HEIC, dpi=110)
    assert shown.size == (64, 32)
    red, green, blue = shown.getpixel((16, 16))  # type: ignore[misc]
    assert red > 200 > 80 > max(green, blue)


async def test_transparency_is_white_paper(save: Save) -> None:
    target = io.BytesIO()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(target, "PNG")
    assert (await picture(save, target.getvalue(), MediaType.PNG)).getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
async def test_a_colour_that_stands_for_nothing_is_white_paper(mode: str, save: Save) -> None:
    paper, ink = Image.new("L", (40, 20), 0), Image.new("L", (20, 20), 20)
    paper.paste(ink)
    target = io.BytesIO()
    paper.convert(mode).save(target, "PNG", transparency=(0, 0, 0) if mode == "RGB" else 0)

    shown = await picture(save, target.getvalue(), MediaType.PNG, dpi=110)
    assert [shown.getpixel((x, 10)) for x in (10, 30)] == [(20, 20, 20), (255, 255, 255)]


@pytest.mark.parametrize(("level", "paper"), [(255, 0), (235, 0), (150, 255), (0, 255)])
async def test_light_ink_without_paper_is_laid_on_black(level: int, paper: int, save: Save) -> None:
    picture_ = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    picture_.paste((level, level, level, 255), (0, 0, 20, 20))
    target = io.BytesIO()
    picture_.save(target, "PNG")

    shown = await picture(save, target.getvalue(), MediaType.PNG, dpi=110)
    assert [shown.getpixel((x, 10)) for x in (10, 30)] == [(level,) * 3, (paper,) * 3]


@pytest.mark.parametrize("mode", ["1", "P"])
async def test_a_thin_stroke_in_two_colours_stays_whole_in_a_smaller_picture(mode: str, save: Save) -> None:
    strokes = Image.new("L", (1200, 1200), 255)
    for at in range(10, 1200, 101):
        strokes.paste(0, (at, 0, at + 3, 1200))
    drawn = strokes.convert(mode, dither=Image.Dither.NONE)

    shown = (await picture(save, encoded(drawn, "PNG"), MediaType.PNG, dpi=20)).convert("L")
    row = [level < 200 for level in shown.crop((0, 50, shown.width, 51)).tobytes()]
    assert sum(ink and not before for before, ink in pairwise(row)) == len(range(10, 1200, 101))


@pytest.mark.parametrize("kind", [MediaType.JPEG, MediaType.PNG, MediaType.TIFF, MediaType.WEBP])
@pytest.mark.parametrize("turn", range(1, 9))
async def test_a_photograph_is_drawn_upright(kind: MediaType, turn: int, save: Save) -> None:
    """A mark at the top left of what was meant; `turn` says which corner of the pixels that is (Exif 2.32, 4.6.4)."""
    meant = Image.new("L", (120, 80), 255)
    meant.paste(0, (0, 0, 60, 20))
    taken = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = meant.transpose(taken[turn][0]) if turn in taken else meant
    exif = Image.Exif()
    exif[0x0112] = turn

    shown = (await picture(save, encoded(stored, kind.name, exif=exif), kind, dpi=110)).convert("L")
    assert shown.size == (120, 80)
    corners = [shown.getpixel(at) for at in ((30, 10), (90, 10), (30, 70), (90, 70))]
    assert corners == pytest.approx([0, 255, 255, 255], abs=12)


async def test_a_fax_that_lies_on_its_side_has_its_resolutions_turned_with_it(save: Save) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    fax = hostile.image("TIFF", (1728, 1100), "1", exif=exif, dpi=(204, 98))

    page = (await read_text(save(fax), MediaType.TIFF)).pages[0]
    assert (page.width, page.height) == pytest.approx((1100 / 98 * 72, 1728 / 204 * 72), abs=0.01)


async def test_what_cannot_be_drawn_is_refused(save: Save) -> None:
    for data, media_type, reason in (
        (b"%PDF-1.7", MediaType.PDF, RefusalCode.CORRUPT),
        (hostile.png_claiming(60_000, 60_000), MediaType.PNG, RefusalCode.IMAGE_TOO_LARGE),
        (hostile.png_claiming(100, 100), MediaType.PNG, RefusalCode.CORRUPT),
    ):
        with pytest.raises(FileRefused) as caught:
            await render_page(save(data), media_type, 1, 72)
        assert caught.value.reason is reason


async def test_a_resolution_out_of_range_is_a_mistake_of_the_caller(save: Save) -> None:
    with pytest.raises(ValueError, match="dpi"):
        await render_page(save(_two_pages()), MediaType.PDF, 1, 0)
