"""Staged files: bytes land in a private local file first and become an object only when they are kept.

An upload can be refused after its last byte (too many pages, encrypted, a wrong type), so nothing may be visible before that, and the
pages are counted in a child process, which needs a file.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar
from uuid import uuid4

from ingestio.errors import Unavailable

# One hop to a thread per MiB: measured, smaller pieces spend their time on hops, larger ones gain nothing.
BUFFER_BYTES = 1 << 20

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Stage:
    """One file on its way into the store. Write, look at `path`, then `keep`; leaving the context without `keep` removes it."""

    def __init__(self, path: Path, file: BinaryIO, publish: Callable[[Path, int], Awaitable[None]]) -> None:
        self._path = path
        self._file = file
        self._publish = publish
        self._buffered: list[bytes] = []
        self._buffered_bytes = 0
        self._digest = hashlib.sha256()
        self._kept = False
        self.size_bytes = 0

    async def write(self, chunk: bytes) -> None:
        """Append bytes. Hashing and the disk run in a thread, so the event loop stays free; a full disk is Unavailable."""
        self._buffered.append(chunk)
        self._buffered_bytes += len(chunk)
        self.size_bytes += len(chunk)
        if self._buffered_bytes >= BUFFER_BYTES:
            with disk_errors():
                await in_thread(self._drain)

    async def fill(self, write: Callable[[BinaryIO], None]) -> None:
        """Have a blocking writer write the content, in a thread and instead of `write`; what it wrote before a failure stays staged."""
        with disk_errors():
            await in_thread(self._fill, write)

    @property
    def path(self) -> Path:
        """A local file that holds every byte written so far. It is gone after `keep` and after the context."""
        with disk_errors():
            self._drain()
        return self._path

    @property
    def sha256(self) -> str:
        """Hex digest of every byte written so far."""
        with disk_errors():
            self._drain()
        return self._digest.hexdigest()

    async def keep(self) -> None:
        """Make the object visible under its key, whole or not at all, replacing one of the same key.

        Safe to call again after Unavailable; a second call after success does nothing.
        """
        if self._kept:
            return
        with disk_errors():
            await in_thread(self._close)
        await self._publish(self._path, self.size_bytes)
        self._kept = True

    async def discard(self) -> None:
        """Remove the local file, if it is still there."""
        with disk_errors():
            await in_thread(self._remove)

    def _drain(self) -> None:
        """Hash and write what is buffered (under 1 MiB unless one chunk was larger)."""
        if not self._buffered:
            return
        chunks, self._buffered, self._buffered_bytes = self._buffered, [], 0
        for chunk in chunks:
            self._digest.update(chunk)
            self._file.write(chunk)
        self._file.flush()

    def _fill(self, write: Callable[[BinaryIO], None]) -> None:
        write(self._file)
        self._file.flush()
        with self._path.open("rb") as written:
            self._digest = hashlib.file_digest(written, "sha256")
            self.size_bytes = written.tell()

    def _close(self) -> None:
        if not self._file.closed:
            self._drain()
            self._file.close()

    def _remove(self) -> None:
        self._buffered.clear()
        self._file.close()
        self._path.unlink(missing_ok=True)


@asynccontextmanager
async def staged(folder: Path, publish: Callable[[Path, int], Awaitable[None]]) -> AsyncIterator[Stage]:
    """A new staged file in `folder`; `publish(path, size_bytes)` is what `keep` calls to make it an object."""
    path = temporary_path(folder)
    with disk_errors():
        file = create_private(path)
    stage = Stage(path, file, publish)
    try:
        yield stage
    finally:
        await stage.discard()


def temporary_path(folder: Path) -> Path:
    return folder / f"{uuid4().hex}.part"


def create_private(path: Path) -> BinaryIO:
    """A new file for writing that only its owner may read, whatever the umask says."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb")


def leftovers(folder: Path, older_than_seconds: float) -> list[str]:
    """The names of what a crash left in `folder`: files untouched for that long."""
    limit = time.time() - older_than_seconds
    found = []
    for path in folder.glob("*.part"):
        try:
            if path.stat().st_mtime <= limit:
                found.append(path.name)
        except FileNotFoundError:
            continue  # its owner, or another sweep, was faster
    return found


def sweep(folder: Path, older_than_seconds: float) -> int:
    """Remove `leftovers`. Returns how many there were."""
    found = leftovers(folder, older_than_seconds)
    for name in found:
        (folder / name).unlink(missing_ok=True)
    return len(found)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Translate a failing local disk (full, read-only, gone) into Unavailable."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The local disk refuses: {error.strerror or type(error).__name__}. Nothing was lost."
        ) from error


async def in_thread(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Run blocking work in a thread. When cancelled, wait for it first: a file must not be closed under a write that still runs."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError:
                continue  # the first cancellation is raised below, once the thread has ended
        if not work.cancelled():
            work.exception()  # looked at, or asyncio reports it as never retrieved
        raise
