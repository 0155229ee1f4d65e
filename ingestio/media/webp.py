"""The size of a WebP picture from its header. Pillow's decoder already takes two whole canvases on opening, bombs included."""

# RIFF header, then the first chunk: its name, its length, its payload (https://developers.google.com/speed/webp/docs/riff_container).
_NAME, _PAYLOAD = slice(12, 16), 20


def webp_size(head: bytes) -> tuple[int, int] | None:
    """Width and height in pixels from the first 40 bytes, or None when they are not those of a WebP."""
    if len(head) < _PAYLOAD + 10 or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    payload = head[_PAYLOAD:]
    match head[_NAME]:
        case b"VP8X":
            return 1 + int.from_bytes(payload[4:7], "little"), 1 + int.from_bytes(payload[7:10], "little")
        case b"VP8L" if payload[0] == 0x2F:
            bits = int.from_bytes(payload[1:5], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 " if payload[3:6] == b"\x9d\x01\x2a":
            return int.from_bytes(payload[6:8], "little") & 0x3FFF, int.from_bytes(payload[8:10], "little") & 0x3FFF
    return None


def webp_is_whole(head: bytes, size_bytes: int) -> bool:
    """Whether the file is as long as its header says."""
    return 8 + int.from_bytes(head[4:8], "little") <= size_bytes
