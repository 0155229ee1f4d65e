"""Files on their way out: named and measured at once, opened only while their bytes go, so that a thousand need one open file."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ingestio.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Upload:
    """One file to send, under a name of its own choosing; it is opened only when its turn comes."""

    path: Path
    name: str | None = None

    @property
    def filename(self) -> str:
        return self.name or self.path.name


class OpenedLater(io.RawIOBase):
    """A file of an upload: its size is known at once, it is open only while its bytes go out, and it never sends more or less."""

    def __init__(self, upload: Upload, on_bytes: Callable[[int], None] | None) -> None:
        super().__init__()
        self._upload, self._on_bytes = upload, on_bytes
        self._file: BinaryIO | None = None
        self._sent = 0
        try:
            self._size = upload.path.stat().st_size
        except OSError as error:
            raise InvalidRequest(f"{upload.path}: cannot be read ({error.strerror})") from error

    def tell(self) -> int:
        return self._sent

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To the start, for sending again, or to the end, which only says where that is."""
        if whence == io.SEEK_END:
            return self._size + offset
        if offset == 0 and self._sent:
            self._tell_listener(-self._sent)
            self._sent = 0
        self._shut()
        return offset

    def read(self, size: int = -1) -> bytes:
        wanted = min(size if size >= 0 else self._size, self._size - self._sent)
        try:
            if self._file is None:
                self._file = self._upload.path.open("rb")
            chunk = self._file.read(wanted)
        except OSError as error:
            raise InvalidRequest(f"{self._upload.path}: cannot be read ({error.strerror})") from error
        if not chunk and wanted:
            raise InvalidRequest(f"{self._upload.path}: became shorter while it was read; try again")
        if not chunk:
            self._shut()
        self._sent += len(chunk)
        self._tell_listener(len(chunk))
        return chunk

    def close(self) -> None:
        self._shut()
        super().close()

    def _shut(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _tell_listener(self, count: int) -> None:
        if self._on_bytes is not None and count:
            self._on_bytes(count)
