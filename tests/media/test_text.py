"""The words of a document, where they stand on the page as shown."""

import io
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from ingestio.domain.media import MediaType
from ingestio.domain.text import DocumentText, PageText
from ingestio.errors import FileRefused, RefusalCode
from ingestio.media.bounded import run_bounded
from ingestio.media.text import read_text, read_text_sync
from tests.media import hostile
from tests.media.conftest import Save

WIDTH, HEIGHT = 400, 300


def drawn(draw: Callable[[Canvas], object], *, pages: int = 1) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(WIDTH, HEIGHT), invariant=True)
    for _ in range(pages):
        canvas.setFont("Helvetica", 10)
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def changed(data: bytes, change: Callable[[pikepdf.Page], object]) -> bytes:
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        for page in document.pages:
            change(page)
        document.save(target)
    return target.getvalue()


async def first_page(save: Save, data: bytes) -> PageText:
    return (await read_text(save(data), MediaType.PDF)).pages[0]


def texts(page: PageText) -> list[str]:
    return [line.text for line in page.lines]


def invoice(canvas: Canvas) -> None:
    canvas.drawString(40, 250, "Invoice Number: INV-42")
    canvas.drawString(40, 230, "Total due")
    canvas.drawRightString(300, 230, "1,234.50")


async def test_words_stand_where_they_are_shown(save: Save) -> None:
    page = await first_page(save, drawn(invoice))
    assert (page.number, page.width, page.height) == (1, WIDTH, HEIGHT)
    assert texts(page) == ["Invoice Number: INV-42", "Total due", "1,234.50"]
    x0, y0, x1, y1 = page.lines[2].box
    assert x1 == pytest.approx(300, abs=0.5)
    assert x0 == pytest.approx(300 - 38.9, abs=1)
    # The base line is 70 points below the top; the box reaches from above the capitals to below the descenders.
    assert y0 < 70 - 7 < 70 < y1 < 70 + 4


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
async def test_a_turned_page_reads_the_same_and_its_boxes_turn_with_it(turns: int, save: Save) -> None:
    upright = await first_page(save, drawn(invoice))
    page = await first_page(save, changed(drawn(invoice), lambda each: each.rotate(90 * turns, relative=False)))
    assert sorted(texts(page)) == sorted(texts(upright))
    assert (page.width, page.height) == ((WIDTH, HEIGHT) if turns % 2 == 0 else (HEIGHT, WIDTH))
    boxes = {line.text: line.box for line in page.lines}
    for line in upright.lines:
        x0, y0, x1, y1 = line.box
        expected = {
            0: (x0, y0, x1, y1),
            1: (HEIGHT - y1, x0, HEIGHT - y0, x1),
            2: (WIDTH - x1, HEIGHT - y1, WIDTH - x0, HEIGHT - y0),
            3: (y0, WIDTH - x1, y1, WIDTH - x0),
        }[turns]
        assert boxes[line.text] == pytest.approx(expected, abs=0.05)


async def test_boxes_count_from_the_corner_of_what_is_shown(save: Save) -> None:
    def crop(page: pikepdf.Page) -> None:
        page.mediabox = pikepdf.Array([-50, -20, WIDTH, HEIGHT])
        page.cropbox = pikepdf.Array([30, 100, 350, 280])

    page = await first_page(save, changed(drawn(invoice), crop))
    assert (page.width, page.height) == (320, 180)
    x0, y0, _, y1 = page.lines[0].box
    assert x0 == pytest.approx(10, abs=0.1)
    assert y0 < 30 < y1


async def test_sideways_text_is_read_as_lines_of_its_own(save: Save) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(40, 250, "Upright text")
        for angle, x, y in ((90, 300, 50), (-90, 350, 200), (180, 200, 100), (30, 60, 60)):
            canvas.saveState()
            canvas.translate(x, y)
            canvas.rotate(angle)
            canvas.drawString(0, 0, f"turned by {angle}")
            canvas.drawString(0, -14, "second line")
            canvas.restoreState()

    page = await first_page(save, drawn(draw))
    assert texts(page)[0] == "Upright text"
    for angle in (90, -90, 180):
        at = texts(page).index(f"turned by {angle}")
        assert texts(page)[at + 1] == "second line"
    assert "turned by 30" in texts(page)
    x0, y0, x1, y1 = page.lines[texts(page).index("turned by 90")].box
    assert x1 - x0 < 15 < y1 - y0


async def test_text_stays_as_it_is_written(save: Save) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(40, 250, "an unusual hyphen-")
        canvas.drawString(40, 236, "ation and café Ünïcode €5")
        canvas.drawString(40, 200, "two  spaces")

    assert texts(await first_page(save, drawn(draw))) == [
        "an unusual hyphen-",
        "ation and café Ünïcode €5",
        "two spaces",
    ]


async def test_small_raised_digits_are_not_digits_of_the_number_before_them(save: Save) -> None:
    def draw(canvas: Canvas) -> None:
        text = canvas.beginText(40, 250)
        for size, rise, part in ((14, 0, "$12"), (8, 5, "99"), (14, 0, " each, 1,250.00"), (7, 5, "2"), (7, 0, " net")):
            text.setFont("Helvetica", size)
            text.setRise(rise)
            text.textOut(part)
        canvas.drawText(text)
        canvas.setFont("Helvetica", 14)
        canvas.drawString(40, 200, "7")
        canvas.setFont("Helvetica", 8)
        canvas.drawString(48, 206, "50")  # an object of its own, set apart

    assert texts(await first_page(save, drawn(draw))) == ["$12⁹⁹ each, 1,250.00² net", "7⁵⁰"]


async def test_cells_of_a_table_are_lines_and_their_rows_stay_together(save: Save) -> None:
    rows = [("Item", "Qty", "Price"), ("Paper, white", "2", "7.00"), ("Ink", "11", "120.00")]

    def draw(canvas: Canvas) -> None:
        for column in range(3):
            for row, cells in enumerate(rows):
                x = (40, 200, 300)[column]
                (canvas.drawString if column == 0 else canvas.drawRightString)(x, 200 - 15 * row, cells[column])

    assert texts(await first_page(save, drawn(draw))) == [cell for row in rows for cell in row]


async def test_what_is_filled_into_a_form_is_text(save: Save) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(40, 250, "Name:")
        canvas.acroForm.textfield(name="name", value="Jane Miller", x=100, y=244, width=150, height=18)

    page = await first_page(save, drawn(draw))
    assert texts(page) == ["Name:", "Jane Miller"]
    assert 100 <= page.lines[1].box[0] < 110


async def test_reading_twice_gives_the_same(save: Save) -> None:
    path = save(drawn(invoice, pages=3))
    assert await read_text(path, MediaType.PDF) == await read_text(path, MediaType.PDF)


async def test_reading_stops_at_its_limits_and_says_so(save: Save) -> None:
    path = save(drawn(invoice, pages=3))

    async def read(pages: int, characters: int) -> DocumentText:
        text = await run_bounded(_limited, path, pages, characters, wall_seconds=10, memory_bytes=1 << 29)
        assert isinstance(text, DocumentText)
        return text

    whole, two, little = await read(9, 9_999), await read(2, 9_999), await read(9, 10)
    assert (len(whole.pages), whole.truncated) == (3, False)
    assert (len(two.pages), two.truncated) == (2, True)
    assert (texts(little.pages[0]), len(little.pages), little.truncated) == (["Invoice Nu"], 1, True)


def _limited(path: Path, pages: int, characters: int) -> DocumentText:
    return read_text_sync(path, MediaType.PDF, max_pages=pages, max_characters=characters)


@pytest.mark.parametrize(
    "name", ["claims three, has one", "claims one, has three", "a kid that is missing", "claims half a million"]
)
async def test_exactly_the_counted_pages_are_read(name: str, save: Save) -> None:
    expected = {"claims three, has one": 1, "claims one, has three": 3}.get(name, 2)
    text = await read_text(save(hostile.PDFS[name]()), MediaType.PDF)
    assert [page.number for page in text.pages] == list(range(1, expected + 1))
    assert {(page.width, page.height) for page in text.pages} == {(200, 200)}


async def test_files_that_cannot_be_read_are_refused_with_the_reason(save: Save) -> None:
    with pytest.raises(FileRefused) as caught:
        await read_text(save(b"%PDF-1.7\n"), MediaType.PDF)
    assert caught.value.reason is RefusalCode.CORRUPT
    target = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(target, encryption=pikepdf.Encryption(owner="o", user="u"))
    with pytest.raises(FileRefused) as caught:
        await read_text(save(target.getvalue()), MediaType.PDF)
    assert caught.value.reason is RefusalCode.ENCRYPTED


async def test_an_image_that_cannot_be_decoded_after_all_is_refused_too(save: Save) -> None:
    with pytest.raises(FileRefused) as caught:
        read_text_sync(save(hostile.png_claiming(9_000, 9_000)), MediaType.PNG)
    assert caught.value.reason is RefusalCode.CORRUPT


async def test_images_have_pages_of_their_size_and_no_text(save: Save) -> None:
    text = await read_text(save(hostile.tiff(3, (200, 100))), MediaType.TIFF)
    assert [(page.number, page.width, page.height, page.lines, page.pictured) for page in text.pages] == [
        (number, 130.91, 65.45, (), True) for number in (1, 2, 3)
    ]
    assert not text.has_text
    scan = await read_text(save(hostile.image("PNG", (2480, 3508), "L", dpi=(300, 300))), MediaType.PNG)
    assert (scan.pages[0].width, scan.pages[0].height) == pytest.approx((595.2, 841.9), abs=0.1)
    photograph = await read_text(save(hostile.image("JPEG", (3000, 4000), dpi=(72, 72))), MediaType.JPEG)
    assert (photograph.pages[0].width, photograph.pages[0].height) == (631.5, 842)


async def test_a_photograph_has_the_size_that_it_is_shown_in(save: Save) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    text = await read_text(save(hostile.image("JPEG", (60, 40), exif=exif)), MediaType.JPEG)
    assert (text.pages[0].width, text.pages[0].height) == (26.18, 39.27)
