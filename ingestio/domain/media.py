"""The kinds of file that Ingestio accepts."""

from enum import StrEnum


class MediaType(StrEnum):
    """A file type as its first bytes show it; the value is the MIME type."""

    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"
    TIFF = "image/tiff"
    WEBP = "image/webp"
    HEIC = "image/heic"

    @property
    def mime_type(self) -> str:
        return self.value

    @property
    def extension(self) -> str:
        """The usual file name suffix, with its dot."""
        return _EXTENSIONS[self]

    @property
    def is_image(self) -> bool:
        return self is not MediaType.PDF


_EXTENSIONS = {
    MediaType.PDF: ".pdf",
    MediaType.PNG: ".png",
    MediaType.JPEG: ".jpg",
    MediaType.TIFF: ".tiff",
    MediaType.WEBP: ".webp",
    MediaType.HEIC: ".heic",
}
