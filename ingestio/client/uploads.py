"""Files on their way out: named and measured at once, opened only while their bytes go, so that a thousand need one open file."""

import io
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, Protocol

from ingestio.errors import InvalidRequest

Content = str | os.PathLike[str] | bytes | BinaryIO
File = Content | tuple[str, Content]
"""A path, bytes or an open binary file, by itself or as (file name, content). Texts are paths."""

HeardBytes = Callable[[int], None]


class OutgoingFile(io.RawIOBase):
    """A file of an upload: its size is known at once, it is open only while its bytes go out, and it never sends more or less."""

    def __init__(self, file: File, on_bytes: HeardBytes | None = None) -> None:
        """Raises InvalidRequest for what cannot be read, has no name, or is an open file whose size nobody knows."""
        super().__init__()
        given, content = file if isinstance(file, tuple) else (None, file)
        self._source = _source_of(content)
        name = given or self._source.name
        if name is None:
            raise InvalidRequest("a file without a name: hand it in as (name, content)")
        self.filename = name
        self._on_bytes = on_bytes
        self._file: BinaryIO | None = None
        self._sent = 0
        try:
            self._size = self._source.measure()
        except OSError as error:
            raise self._unreadable(error) from error

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
                self._file = self._source.open()
            chunk = self._file.read(wanted)
        except OSError as error:
            raise self._unreadable(error) from error
        if not chunk and wanted:
            raise InvalidRequest(f"{self._source}: became shorter while it was read; try again")
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
            self._source.shut(self._file)
            self._file = None

    def _tell_listener(self, count: int) -> None:
        if self._on_bytes is not None and count:
            self._on_bytes(count)

    def _unreadable(self, error: OSError) -> InvalidRequest:
        return InvalidRequest(f"{self._source}: cannot be read ({error.strerror or error})")


class _Source(Protocol):
    """Where the bytes are."""

    @property
    def name(self) -> str | None:
        """What the file is called, where that is known."""

    def measure(self) -> int:
        """How many bytes there are."""

    def open(self) -> BinaryIO:
        """A file that stands at their beginning."""

    def shut(self, file: BinaryIO) -> None:
        """The file is not read any further for now."""


@dataclass(frozen=True)
class _OnDisk:
    path: Path

    @property
    def name(self) -> str | None:
        return self.path.name

    def measure(self) -> int:
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        return self.path.open("rb")

    def shut(self, file: BinaryIO) -> None:
        file.close()

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class _InHand:
    """An open file, sent from where it stands; it stays the caller's to close."""

    file: BinaryIO
    start: int

    @property
    def name(self) -> str | None:
        name = getattr(self.file, "name", None)
        return PurePath(name).name if isinstance(name, str) else None

    def measure(self) -> int:
        return self.file.seek(0, io.SEEK_END) - self.start

    def open(self) -> BinaryIO:
        self.file.seek(self.start)
        return self.file

    def shut(self, file: BinaryIO) -> None:
        """Nothing: it is not ours."""

    def __str__(self) -> str:
        return self.name or "an open file"


def _source_of(content: Content) -> _Source:
    if isinstance(content, bytes):
        return _InHand(io.BytesIO(content), 0)
    if isinstance(content, str | os.PathLike):
        return _OnDisk(Path(content))
    file: object = content  # what was typed carelessly may be open as text
    if isinstance(file, io.TextIOBase):
        raise InvalidRequest('an open file must be binary: open(path, "rb")')
    with suppress(OSError):  # also io.UnsupportedOperation
        return _InHand(content, content.tell())
    raise InvalidRequest("an open file must be seekable, so that its size is known and it can be sent again")
