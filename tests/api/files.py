"""Small files of every kind, each with its own bytes."""

import io
from itertools import count

import pikepdf
from PIL import Image

_numbers = count(1)


def pdf(pages: int = 1) -> bytes:
    """A PDF with blank pages, different from every other one."""
    document = pikepdf.new()
    for _ in range(pages):
        document.add_blank_page(page_size=(200, 200))
    document.docinfo["/Title"] = f"number {next(_numbers)}"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def encrypted_pdf() -> bytes:
    """A PDF that needs a password to open."""
    document = pikepdf.open(io.BytesIO(pdf()))
    out = io.BytesIO()
    document.save(out, encryption=pikepdf.Encryption(owner="owner", user="user"))
    return out.getvalue()


def damaged_pdf() -> bytes:
    """A PDF that was cut off."""
    return pdf(3)[:120]


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), frames: int = 1) -> bytes:
    """An image; `frames` makes a TIFF of several pages."""
    images = [Image.new("RGB", size, (next(_numbers) % 256, 90, 30)) for _ in range(frames)]
    out = io.BytesIO()
    images[0].save(out, kind, **({"save_all": True, "append_images": images[1:]} if frames > 1 else {}))
    return out.getvalue()


def huge_picture() -> bytes:
    """A PNG of a few kilobytes that claims more pixels than anybody may decode."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )
