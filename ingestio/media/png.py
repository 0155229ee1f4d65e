"""Whether a PNG holds the pixels that its header speaks of, without room for them. Runs inside a bounded child process."""

import zlib
from collections.abc import Iterator
from pathlib import Path

# https://www.w3.org/TR/png-3/: signature; then chunks of length, name, payload and checksum. IHDR comes first and has 13 bytes.
_FIRST_CHUNK = 8
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by colour type
_PIECE_BYTES = 1 << 16
_UNPACKED_BYTES = 1 << 20


def png_has_its_pixels(path: Path, enough_bytes: int) -> bool:
    """Whether its data unpacks to what width, height and depth ask for; when they ask for more than `enough_bytes`, to at least so many.

    The file must have been verified: chunk by chunk, with their checksums. False also for data that no zlib reads.
    """
    with path.open("rb") as stream:
        stream.seek(_FIRST_CHUNK + 8)
        header = stream.read(13)
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    asked = width * height * header[8] * _SAMPLES.get(header[9], 1) // 8
    missing = min(asked, enough_bytes)
    unpacking = zlib.decompressobj()
    try:
        for piece in _data(path):
            packed = piece
            while packed and missing > 0:
                missing -= len(unpacking.decompress(packed, _UNPACKED_BYTES))
                packed = unpacking.unconsumed_tail
            if missing <= 0 or unpacking.eof:
                break
    except zlib.error:
        return False
    # What came in with the last piece may still be inside.
    return missing <= 0 or missing <= len(unpacking.flush())


def _data(path: Path) -> Iterator[bytes]:
    """The payloads of all IDAT chunks, in pieces."""
    with path.open("rb") as stream:
        stream.seek(_FIRST_CHUNK)
        while len(head := stream.read(8)) == 8:
            length, name = int.from_bytes(head[:4]), head[4:]
            if name != b"IDAT":
                stream.seek(length + 4, 1)
                continue
            while length > 0 and (piece := stream.read(min(length, _PIECE_BYTES))):
                length -= len(piece)
                yield piece
            stream.seek(4, 1)
