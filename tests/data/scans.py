"""Pictures of paper, without a text layer: skewed, noisy, photographed, faxed. Their true fields are kept for optical recognition."""

from datetime import UTC, datetime
from io import BytesIO
from random import Random
from typing import Any

import pypdfium2
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tests.data.contracts import nda_pages
from tests.data.receipts import hardware_page, parking_page
from tests.data.scan_originals import carpenter_pages, clinic_page
from tests.data.trade import Made

Picture = Image.Image


def rendered(pdf: bytes, dpi: int) -> list[Picture]:
    """The pages in grey."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document]
    finally:
        document.close()


def grain(size: tuple[int, int], strength: int, seed: int) -> Picture:
    """Noise around middle grey, the same for the same seed; `strength` is its greatest deviation of 255."""
    table = [128 + (value - 128) * strength // 128 for value in range(256)]
    return (
        Image.frombytes("L", size, Random(seed).randbytes(size[0] * size[1]))
        .point(table)
        .filter(ImageFilter.BoxBlur(0.6))
    )


def noisy(page: Picture, strength: int, seed: int) -> Picture:
    return ImageChops.add(page, grain(page.size, strength, seed), 1, -128)


def scanned(page: Picture, degrees: float, *, strength: int, seed: int, ink: int = 38, paper: int = 250) -> Picture:
    """As a flat-bed scanner sees it: turned a little, not quite black on not quite white, with noise that the white mostly swallows."""
    turned = page.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255)
    dimmed = turned.point([ink + (paper - ink) * value // 255 for value in range(256)]).filter(
        ImageFilter.GaussianBlur(0.5)
    )
    return noisy(dimmed, strength, seed).point([min(255, value * 262 // 250) for value in range(256)])


def photographed(page: Picture, size: tuple[int, int], corners: tuple[float, ...], seed: int) -> Picture:
    """As a telephone sees it: on a table, lit from one side; `corners` says where the paper's corners lie, clockwise from the top left."""
    table = noisy(Image.new("L", size, 96), 26, seed).filter(ImageFilter.GaussianBlur(1.2))
    desk = Image.merge(
        "RGB", [table.point([min(255, value * factor // 100) for value in range(256)]) for factor in (118, 88, 64)]
    )
    width, height = page.size
    matrix = _perspective(corners, (0.0, 0.0, width, 0.0, width, height, 0.0, height))
    flat = page.point([44 + 200 * value // 255 for value in range(256)])
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).polygon([(corners[i], corners[i + 1]) for i in range(0, 8, 2)], fill=255)
    shadow = (
        ImageChops.offset(mask, 9, 12)
        .filter(ImageFilter.GaussianBlur(10))
        .point([value * 150 // 255 for value in range(256)])
    )
    desk.paste((22, 16, 12), (0, 0), shadow)
    paper = flat.transform(size, Image.Transform.PERSPECTIVE, matrix, Image.Resampling.BICUBIC, fillcolor=244)
    tinted = Image.merge(
        "RGB",
        (
            paper,
            paper.point([value * 98 // 100 for value in range(256)]),
            paper.point([value * 93 // 100 for value in range(256)]),
        ),
    )
    desk.paste(tinted, (0, 0), mask.filter(ImageFilter.GaussianBlur(0.7)))
    slope = (
        Image.linear_gradient("L")
        .rotate(58, Image.Resampling.BICUBIC)
        .crop((45, 45, 211, 211))
        .resize(size, Image.Resampling.BICUBIC)
    )
    light = slope.point([188 + value * 67 // 255 for value in range(256)])
    lit = ImageChops.multiply(desk, Image.merge("RGB", (light, light, light)))
    return Image.merge("RGB", [noisy(band, 9, seed + index) for index, band in enumerate(lit.split())])


def _perspective(source: tuple[float, ...], target: tuple[float, ...]) -> tuple[float, ...]:
    """The eight coefficients that take each of four source points to its target point (Gauss-Jordan on an 8 x 9 matrix)."""
    rows: list[list[float]] = []
    for index in range(0, 8, 2):
        x, y, u, v = source[index], source[index + 1], target[index], target[index + 1]
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    for pivot in range(8):
        best = max(range(pivot, 8), key=lambda row: abs(rows[row][pivot]))
        rows[pivot], rows[best] = rows[best], rows[pivot]
        rows[pivot] = [value / rows[pivot][pivot] for value in rows[pivot]]
        for other in range(8):
            if other != pivot:
                factor = rows[other][pivot]
                rows[other] = [value - factor * base for value, base in zip(rows[other], rows[pivot], strict=True)]
    return tuple(row[8] for row in rows)


def encoded(picture: Picture, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def pictured(document_type: str, pages: int, fields: dict[str, str]) -> dict[str, Any]:
    """What is expected of a picture: no text in the file, and these fields once it is recognised."""
    return {"scanned": True, "document_type": document_type, "pages": pages, "fields": fields}


def receipt_jpeg() -> Made:
    """A till receipt, somewhat crooked on the scanner's glass."""
    fields, pdf = hardware_page()
    page = rendered(pdf, 170)[0]
    glass = Image.new("L", (page.width + 220, page.height + 150), 255)
    glass.paste(page, (120, 70))
    edge = ImageDraw.Draw(glass)
    edge.rectangle((119, 69, 120 + page.width, 70 + page.height), outline=205, width=2)
    picture = scanned(glass, 1.7, strength=16, seed=11)
    content = encoded(picture, "JPEG", quality=68, dpi=(170, 170))
    return Made("scan_2026-09-21_0003.jpg", content, pictured("receipt", 1, fields))


def invoice_png() -> Made:
    """A bill scanned at 110 dpi in sixteen greys."""
    fields, pdf = clinic_page()
    picture = scanned(rendered(pdf, 110)[0], -0.8, strength=22, seed=23)
    greys = picture.point([value // 16 * 17 for value in range(256)])
    return Made("Scan-vet-invoice.png", encoded(greys, "PNG", dpi=(110, 110)), pictured("invoice", 1, fields))


def parking_webp() -> Made:
    """A parking receipt photographed on a table."""
    fields, pdf = parking_page()
    page = rendered(pdf, 260)[0]
    picture = photographed(page, (900, 1200), (168, 118, 706, 84, 792, 1046, 126, 1098), seed=5)
    return Made("IMG_20261002_1836.webp", encoded(picture, "WEBP", quality=58), pictured("receipt", 1, fields))


def contract_tiff() -> Made:
    """A signed agreement as a fax machine sends it: three frames of one bit."""
    fields, pdf = nda_pages()
    turns = (0.4, -0.3, 0.6)
    frames = []
    for index, (page, degrees) in enumerate(zip(rendered(pdf, 150), turns, strict=True)):
        grey = scanned(page, degrees, strength=30, seed=70 + index)
        frames.append(
            grey.point([255 if value > 150 else 0 for value in range(256)]).convert("1", dither=Image.Dither.NONE)
        )
    content = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:], compression="group4", dpi=(150, 150))
    return Made("NDA_signed_fax.tif", content, pictured("contract", 3, fields))


def invoice_scan_pdf() -> Made:
    """An invoice with its time sheet from an office scanner: a PDF that holds nothing but two pictures."""
    fields, pdf = carpenter_pages()
    turns = (0.6, -0.5)
    pages = [
        scanned(page, degrees, strength=14, seed=40 + index)
        for index, (page, degrees) in enumerate(zip(rendered(pdf, 120), turns, strict=True))
    ]
    moment = datetime(2026, 9, 2, 8, 14, tzinfo=UTC).timetuple()
    content = encoded(
        pages[0],
        "PDF",
        save_all=True,
        append_images=pages[1:],
        resolution=120,
        quality=60,
        producer="MFP Scan",
        creationDate=moment,
        modDate=moment,
    )
    return Made("20260902081402.pdf", content, pictured("invoice", 2, fields))
