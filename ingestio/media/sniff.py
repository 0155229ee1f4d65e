"""What a file is, by its first bytes alone; its name and the type that a client claims count for nothing (R42)."""

from ingestio.domain.media import MediaType

HEAD_BYTES = 4096
# PDF readers accept anything before the header as long as it begins within the first 1024 bytes (PDF 1.7, implementation note 13).
_PDF_HEADER_WITHIN = 1024
# ISO base media brands of still pictures coded with HEVC; `mif1` and `msf1` say only that it is a picture, of which codec is not told.
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_ANY_PICTURE_BRANDS = frozenset({b"mif1", b"msf1"})
_OTHER_CODEC_BRANDS = frozenset({b"avif", b"avis"})


def sniff(head: bytes) -> MediaType | None:
    """The type that the first bytes show, or None for everything that is not accepted. Needs the first 1,100 bytes, takes more."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaType.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return MediaType.JPEG
    # 42 is classic TIFF, 43 the one with 64-bit offsets.
    if head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return MediaType.TIFF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return MediaType.WEBP
    if _is_heic(head):
        return MediaType.HEIC
    if b"%PDF-" in head[: _PDF_HEADER_WITHIN + 4]:
        return MediaType.PDF
    return None


def _is_heic(head: bytes) -> bool:
    if head[4:8] != b"ftyp":
        return False
    size = int.from_bytes(head[:4], "big")
    box = head[8 : min(size, len(head))]
    brands = {box[:4], *(box[start : start + 4] for start in range(8, len(box) - 3, 4))}
    if brands & _HEIC_BRANDS:
        return True
    return bool(brands & _ANY_PICTURE_BRANDS) and not brands & _OTHER_CODEC_BRANDS
