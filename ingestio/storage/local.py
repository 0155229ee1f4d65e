"""Objects in a local folder: each key is a path, and a staged file becomes an object by one rename.

Folders are 0700 and files 0600. A case-insensitive volume would merge the folders of user ids that differ in case only: use a
case-sensitive one when ids come from an outside issuer.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from stat import S_ISREG

from ingestio.errors import ConfigurationError, ObjectMissing, Unavailable
from ingestio.storage.keys import is_key, is_prefix
from ingestio.storage.objects import ListedPage, ObjectStore, StoredObject
from ingestio.storage.staging import (
    Stage,
    create_private,
    disk_errors,
    in_thread,
    leftovers,
    staged,
    sweep,
    temporary_path,
)

# `~` is outside the alphabet of user ids, so no user's folder can have this name.
_STAGING = "~staging"
_CHUNK_BYTES = 256 * 1024
_LIST_PAGE = 1000
_FOLDER_ATTEMPTS = 20


class LocalObjects(ObjectStore):
    """A folder of objects; made when absent."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staging = root / _STAGING
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._staging.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"INGESTIO_STORAGE_URL: {root} cannot be used: {error.strerror}") from error

    async def sweep_staging(self, older_than_seconds: float) -> int:
        with disk_errors():
            return await in_thread(sweep, self._staging, older_than_seconds)

    async def staging_leftovers(self, older_than_seconds: float) -> Sequence[str]:
        with disk_errors():
            return await in_thread(leftovers, self._staging, older_than_seconds)

    async def check(self) -> None:
        if not await in_thread(self._is_usable):
            raise Unavailable("The storage folder is gone or not writable; is its volume mounted?")

    def _stage(self, key: str) -> AbstractAsyncContextManager[Stage]:
        async def publish(path: Path, size_bytes: int) -> None:  # noqa: ARG001  # the remote store needs the size
            with disk_errors():
                await in_thread(self._publish, path, key)

        return staged(self._staging, publish)

    @asynccontextmanager
    async def _local_copy(self, key: str) -> AsyncIterator[Path]:
        path = self._root / key
        # No hop to a thread: a look at the local disk takes microseconds, the hop a hundred of them.
        with self._reading():
            _require_file(path.stat())
        yield path

    async def _get_bytes(self, key: str) -> bytes:
        path = self._root / key
        with self._reading():
            # As for a copy; every document is asked for twice in vain.
            path.stat()
            return await in_thread(path.read_bytes)

    async def _put_bytes(self, key: str, data: bytes) -> None:
        with disk_errors():
            await in_thread(self._write, key, data)

    async def _stream(self, key: str, start: int | None, end: int | None) -> AsyncGenerator[bytes, None]:
        with self._reading():
            file = await in_thread((self._root / key).open, "rb")
        with file:
            file.seek(start or 0)
            left = end - file.tell() if end is not None else None
            while left is None or left > 0:
                with disk_errors():
                    chunk = await in_thread(file.read, _CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES))
                if not chunk:
                    return
                left = None if left is None else left - len(chunk)
                yield chunk

    async def _size(self, key: str) -> int:
        with self._reading():
            found = await in_thread((self._root / key).stat)
        _require_file(found)
        return found.st_size

    async def _delete(self, key: str) -> None:
        with disk_errors():
            await in_thread(self._unlink, self._root / key)

    async def _delete_prefix(self, prefix: str) -> int:
        with disk_errors():
            return await in_thread(self._unlink_below, prefix)

    async def _list(self, prefix: str) -> AsyncIterator[StoredObject]:
        walk = self._walk(prefix)
        with disk_errors():
            page = await in_thread(partial(_take, walk, _LIST_PAGE))
        while page:
            for stored in page:
                yield stored
            with disk_errors():
                page = await in_thread(partial(_take, walk, _LIST_PAGE))

    async def _page(self, after: str | None, limit: int) -> ListedPage:
        with disk_errors():
            objects = await in_thread(_take, self._walk_after("", [] if after is None else after.split("/")), limit)
        return ListedPage(objects, objects[-1].key if len(objects) == limit else None)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Nothing at this path is ObjectMissing while the folder itself is there; anything else is an outage."""
        with disk_errors():
            try:
                yield
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                if not self._is_usable():
                    raise
                raise ObjectMissing("The stored file is missing.") from None

    def _is_usable(self) -> bool:
        return self._staging.is_dir() and os.access(self._root, os.R_OK | os.W_OK | os.X_OK)

    def _write(self, key: str, data: bytes) -> None:
        path = temporary_path(self._staging)
        try:
            with create_private(path) as file:
                file.write(data)
            self._publish(path, key)
        finally:
            path.unlink(missing_ok=True)

    def _publish(self, staged_path: Path, key: str) -> None:
        """Rename into place; what is visible afterwards is on the disk, also after a power cut."""
        target = self._root / key
        _sync(staged_path)
        for attempt in range(_FOLDER_ATTEMPTS):
            try:
                self._make_folders(target.parent)
                staged_path.replace(target)
                break
            except FileNotFoundError:
                # A delete may remove the folder, still empty, at any moment; a missing staged file or root is no such race.
                if attempt == _FOLDER_ATTEMPTS - 1 or not staged_path.exists():
                    raise
        with suppress(FileNotFoundError):  # deleted again already
            _sync(target.parent)

    def _make_folders(self, folder: Path) -> None:
        if folder == self._root or folder.is_dir():
            return
        self._make_folders(folder.parent)
        # Not `exist_ok`: it looks again whether that is a folder, and by then a delete may have removed it.
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        _sync(folder.parent)

    def _unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._prune(path.parent)

    def _unlink_below(self, prefix: str) -> int:
        removed = 0
        for stored in self._walk(prefix):
            path = self._root / stored.key
            path.unlink(missing_ok=True)
            removed += 1
            self._prune(path.parent)
        return removed

    def _prune(self, folder: Path) -> None:
        """Remove folders that became empty, up to the root."""
        while folder != self._root:
            try:
                folder.rmdir()
            except OSError:
                return  # not empty, or already gone: either way nothing is left to do here
            folder = folder.parent

    def _walk(self, prefix: str) -> Iterator[StoredObject]:
        return self._walk_after(prefix, [])

    def _walk_after(self, prefix: str, after: Sequence[str]) -> Iterator[StoredObject]:
        """Objects below `prefix`, folder by folder in the order of names, behind the one that the segments `after` lead to."""
        folder = self._root / prefix
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            if not self._is_usable():
                raise  # an unmounted volume is not an empty store
            return
        first, *deeper = after or [""]
        for entry in found:
            if entry.name < first:
                continue
            key = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir(follow_symlinks=False):
                if is_prefix(key):
                    yield from self._walk_after(key, deeper if entry.name == first else [])
            elif is_key(key) and entry.name != first:
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # deleted meanwhile
                if S_ISREG(status.st_mode):
                    yield StoredObject(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _require_file(found: os.stat_result) -> None:
    if not S_ISREG(found.st_mode):
        raise ObjectMissing("The stored file is missing.")


def _take(walk: Iterator[StoredObject], count: int) -> list[StoredObject]:
    return list(islice(walk, count))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
