"""PDFs and images that lie, loop, lack parts or explode, made here byte by byte."""

import base64
import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image

CATALOG = "<</Type/Catalog/Pages 2 0 R>>"
PAGE = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>"

Objects = dict[int, str | bytes]


def pdf(objects: Objects, *, trailer: str = "") -> bytes:
    """A PDF with exactly these objects and a right cross-reference table; object 1 is the catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    offsets: dict[int, int] = {}
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n" % number + (body.encode() if isinstance(body, str) else body) + b"\nendobj\n"
    start = len(out)
    size = max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % offsets[number] if number in offsets else b"0000000000 65535 f \n"
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer.encode(), start)
    return bytes(out)


def pages(existing: int, claimed: int | None = None, kids: str | None = None) -> bytes:
    """A flat tree of `existing` pages (objects 3, 4, ...) whose `/Count` says `claimed`; `kids` replaces the list of them."""
    objects: Objects = {1: CATALOG}
    references = " ".join(f"{3 + index} 0 R" for index in range(existing)) if kids is None else kids
    objects[2] = f"<</Type/Pages/Count {existing if claimed is None else claimed}/Kids[{references}]>>"
    objects.update((3 + index, PAGE) for index in range(existing))
    return pdf(objects)


def nested(depth: int) -> bytes:
    """One page below `depth` levels of nodes."""
    objects: Objects = {1: CATALOG}
    for level in range(depth):
        parent = f"/Parent {1 + level} 0 R" if level else ""
        objects[2 + level] = f"<</Type/Pages/Count 1/Kids[{3 + level} 0 R]{parent}>>"
    objects[2 + depth] = f"<</Type/Page/Parent {1 + depth} 0 R/MediaBox[0 0 200 200]>>"
    return pdf(objects)


def multiplying(levels: int) -> bytes:
    """Every node lists the next one ten times: ten to the power of `levels` pages for who follows it."""
    objects: Objects = {1: CATALOG}
    for level in range(levels):
        objects[2 + level] = f"<</Type/Pages/Count {10 ** (levels - level)}/Kids[{f'{3 + level} 0 R ' * 10}]>>"
    objects[2 + levels] = PAGE
    return pdf(objects)


def bomb(size_bytes: int, times: int = 1, *, start: bytes = b"", filler: bytes = b"\0") -> bytes:
    """`start` and then `size_bytes` of `filler`, deflated `times` times; made from one deflated piece, repeated."""
    piece = filler * (1 << 20)
    packer = zlib.compressobj(9, wbits=-15)
    head = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = zlib.adler32(start)
    for _ in range(size_bytes >> 20):
        checksum = zlib.adler32(piece, checksum)
    data = b"\x78\xda" + head + block * (size_bytes >> 20) + b"\x03\x00" + checksum.to_bytes(4, "big")
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    return data


def stream(entries: str, data: bytes) -> bytes:
    return f"<<{entries}/Length {len(data)}>>\nstream\n".encode() + data + b"\nendstream"


def xref_stream_bomb(size_bytes: int, times: int = 1) -> bytes:
    """A cross-reference stream that unfolds to `size_bytes`."""
    head = f"%PDF-1.7\n1 0 obj\n{CATALOG}\nendobj\n2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n3 0 obj\n{PAGE}\nendobj\n".encode()
    filters = "/FlateDecode " * times
    body = stream(f"/Type/XRef/Size {size_bytes // 4}/W[1 2 1]/Root 1 0 R/Filter[{filters}]", bomb(size_bytes, times))
    return head + b"4 0 obj\n" + body + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(head)


def object_stream_bomb(size_bytes: int, times: int = 1) -> bytes:
    """The page tree sits in an object stream that unfolds to `size_bytes`."""
    tree = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
    data = bomb(size_bytes, times, start=b"2 0 " + tree, filler=b" ")
    out = bytearray(b"%PDF-1.7\n")
    offsets: dict[int, int] = {}
    filters = "/FlateDecode " * times
    for number, body in (
        (1, CATALOG.encode()),
        (3, PAGE.encode()),
        (4, stream(f"/Type/ObjStm/N 1/First 4/Filter[{filters}]", data)),
    ):
        offsets[number] = len(out)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    rows = [(0, 0, 0), (1, offsets[1], 0), (2, 4, 0), (1, offsets[3], 0), (1, offsets[4], 0), (1, start, 0)]
    table = b"".join(struct.pack(">BIB", *row) for row in rows)
    out += b"5 0 obj\n" + stream("/Type/XRef/Size 6/W[1 4 1]/Root 1 0 R", table) + b"\nendobj\n"
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def deep_array(depth: int) -> bytes:
    """A catalogue that opens `depth` arrays: recursion for every parser."""
    return pdf(
        {
            1: f"<</Type/Catalog/Pages 2 0 R/X {'[' * depth}{']' * depth}>>",
            2: "<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: PAGE,
        }
    )


def looping_previous() -> bytes:
    """A trailer whose `/Prev` is itself."""
    whole = pages(2)
    start = int(whole.rsplit(b"startxref\n", 1)[1].split()[0])
    return whole.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % start)


PDFS: dict[str, Callable[[], bytes]] = {
    "claims ten thousand million": lambda: pages(2, 9_999_999_999),
    "claims half a million": lambda: pages(2, 500_000),
    "claims three, has one": lambda: pages(1, 3),
    "claims one, has three": lambda: pages(3, 1),
    "claims less than none": lambda: pages(2, -5),
    "claims none": lambda: pages(2, 0),
    "one page three times": lambda: pages(1, 3, "3 0 R 3 0 R 3 0 R"),
    "a kid that is missing": lambda: pages(2, 3, "3 0 R 99 0 R 4 0 R"),
    "a kid that is a number": lambda: pages(1, 2, "3 0 R 7"),
    "a kid that is its parent": lambda: pages(1, 2, "3 0 R 2 0 R"),
    "nothing but itself": lambda: pages(1, 1, "2 0 R"),
    "no pages": lambda: pages(0, 0),
    "no pages, claims five": lambda: pages(0, 5),
    "no kids": lambda: pdf({1: CATALOG, 2: "<</Type/Pages/Count 1>>"}),
    "no tree": lambda: pdf({1: "<</Type/Catalog>>"}),
    "multiplying": lambda: multiplying(9),
    "500 levels": lambda: nested(500),
    "5,000 levels": lambda: nested(5_000),
    "100,000 levels": lambda: nested(100_000),
    "100,000 pages": lambda: pages(100_000),
    "100,000 brackets": lambda: deep_array(100_000),
    "previous is itself": looping_previous,
    "cut off": lambda: pages(9)[:-300],
    "wrong start of the table": lambda: pages(3).replace(b"startxref\n", b"startxref\n9"),
    "table of two thousand million": lambda: pages(2).replace(b"/Size 5", b"/Size 2147483646"),
    "exploding table": lambda: xref_stream_bomb(600 << 20),
    "twice exploding table": lambda: xref_stream_bomb(600 << 20, 2),
    "exploding tree": lambda: object_stream_bomb(600 << 20),
    "twice exploding tree": lambda: object_stream_bomb(600 << 20, 2),
    "only a header": lambda: b"%PDF-1.7\n",
    "a header and zeros": lambda: b"%PDF-1.7\n" + bytes(1 << 20),
    "a million opened objects": lambda: b"%PDF-1.7\n" + b"1 0 obj <</Type/Catalog/Pages 2 0 R>>\n" * 300_000,
}


def image(format_: str, size: tuple[int, int] = (20, 10), mode: str = "RGB", **options: object) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size, "white" if mode != "1" else 1).save(target, format_, **options)
    return target.getvalue()


def tiff(frames: int, size: tuple[int, int] = (20, 10)) -> bytes:
    """A TIFF of `frames` pages."""
    target = io.BytesIO()
    first, *others = (Image.new("1", size, 1) for _ in range(frames))
    first.save(target, "TIFF", save_all=True, append_images=others)
    return target.getvalue()


def small_tiff(frames: int, width: int = 8, height: int = 8, *, loop: bool = False) -> bytes:
    """A TIFF of `frames` directories that share one strip; the last points back to the first when it should `loop`."""
    out = bytearray(b"II*\x00\x10\x00\x00\x00" + bytes(8))
    length = 2 + 8 * 12 + 4
    for index in range(frames):
        here = 16 + index * length
        following = here + length if index < frames - 1 else (16 if loop else 0)
        entries = (
            (256, width),
            (257, height),
            (258, 1),
            (259, 1),
            (262, 1),
            (273, 8),
            (278, height),
            (279, (width + 7) // 8 * height),
        )
        out += struct.pack("<H", 8) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
        out += struct.pack("<I", following)
    return bytes(out)


def png_claiming(width: int, height: int) -> bytes:
    """A small PNG whose header claims another size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


# 64 by 32 pixels, white with a red square; drawn by us, written by libheif 1.x with x265.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAADQAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt"
    "AAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5j"
    "bHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAIAAAAAEAAAAAAAAAAv///+AAAAACAAAAEHBp"
    "eGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAADxtZGF0AAAAMCgBrxmA99kaM6HUxv9xlsV4y2B+li0FCHNC9rjy"
    "HjPgr8/inlRiIKIIRDeeOelheA=="
)
