"""The object store: uploads, results and exports, in a local folder or in a cloud's bucket, behind one interface (R103).

Every method that touches one object takes its owner and refuses a key whose first segment differs, as if the object did not exist:
S3 has no row policies, so this check is the wall between users. Errors are ours: `ObjectMissing` (not retryable) when the store answers
that nothing is there, `Unavailable` (retryable) for every kind of outage, including refused credentials and a missing bucket, because
an operator repairs those while documents wait.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ingestio.errors import ConfigurationError, InvalidRequest, NotFound
from ingestio.storage.keys import is_prefix, require_owner
from ingestio.storage.staging import Stage

_VARIABLE = "INGESTIO_STORAGE_URL"


class StoredObject(NamedTuple):
    """One line of a listing; `last_modified` carries its time zone."""

    key: str
    size_bytes: int
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A few lines of a listing, and where the next page goes on; `next_after` None after the last one."""

    objects: Sequence[StoredObject]
    next_after: str | None


class ObjectStore(ABC):
    """Objects by key. All methods may be repeated safely."""

    def stage(self, key: str, owner: str) -> AbstractAsyncContextManager[Stage]:
        """A staged upload: `write` its chunks, look at `path`, `size_bytes` and `sha256`, then `keep` it, or leave and nothing happened."""
        require_owner(key, owner)
        return self._stage(key)

    def local_copy(self, key: str, owner: str) -> AbstractAsyncContextManager[Path]:
        """The object as a local file, to read only, while the context is open. A local store lends the object itself."""
        require_owner(key, owner)
        return self._local_copy(key)

    async def get_bytes(self, key: str, owner: str) -> bytes:
        """The whole object in memory: for results, not for uploads."""
        require_owner(key, owner)
        return await self._get_bytes(key)

    async def put_bytes(self, key: str, owner: str, data: bytes) -> None:
        """Store `data` whole or not at all, replacing what was there."""
        require_owner(key, owner)
        await self._put_bytes(key, data)

    def stream(self, key: str, owner: str, start: int | None = None, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to but without `end`, in pieces of at most a few MiB.

        `end` beyond the object means its end; a `start` beyond it, or an empty range, is InvalidRequest. A missing object shows when the
        iteration starts, so ask `size` first where a status line is sent before the bytes.
        """
        require_owner(key, owner)
        return self._checked_stream(key, start, end)

    async def size(self, key: str, owner: str) -> int:
        """Bytes of the object."""
        require_owner(key, owner)
        return await self._size(key)

    async def delete(self, key: str, owner: str) -> None:
        """Remove the object; one that is already gone is fine."""
        require_owner(key, owner)
        await self._delete(key)

    async def delete_prefix(self, prefix: str, owner: str) -> int:
        """Remove every object below `prefix`, which is the owner's id or starts with it. Returns how many were there."""
        if not is_prefix(prefix) or prefix.partition("/")[0] != owner:
            raise NotFound("No such file.")
        return await self._delete_prefix(prefix)

    def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        """Every object below `prefix` (whole segments: `u1` does not match `u10/...`), in no promised order; "" is all users'.

        Names that we could not have made are left out, so that a sweep never removes what is not ours.
        """
        if prefix and not is_prefix(prefix):
            raise NotFound("No such folder.")
        return self._list(prefix)

    async def page(self, after: str | None, limit: int) -> ListedPage:
        """At most `limit` names of all users', from the one that follows `after` in the store's own order (None: from the start).

        A walk by pages may rest for days between two of them: what was added or removed meanwhile is seen or not, nothing else is
        missed. Names that we could not have made are left out, so a page may be empty and not the last.
        """
        return await self._page(after, limit)

    async def _checked_stream(self, key: str, start: int | None, end: int | None) -> AsyncIterator[bytes]:
        if start is not None or end is not None:
            start, end = _range(start, end, await self._size(key))
        async with aclosing(self._stream(key, start, end)) as chunks:
            async for chunk in chunks:
                yield chunk

    @abstractmethod
    async def sweep_staging(self, older_than_seconds: float) -> int:
        """Remove what crashed uploads and reads left on the local disk, and return how many files that were.

        Choose the age longer than any upload or extraction takes (a day): a file in use is only known by its age.
        """

    @abstractmethod
    async def staging_leftovers(self, older_than_seconds: float) -> Sequence[str]:
        """The names of the files that `sweep_staging` would remove."""

    @abstractmethod
    async def check(self) -> None:
        """Raises Unavailable unless the store can be reached and read."""

    @abstractmethod
    def _stage(self, key: str) -> AbstractAsyncContextManager[Stage]: ...
    @abstractmethod
    def _local_copy(self, key: str) -> AbstractAsyncContextManager[Path]: ...
    @abstractmethod
    async def _get_bytes(self, key: str) -> bytes: ...
    @abstractmethod
    async def _put_bytes(self, key: str, data: bytes) -> None: ...
    @abstractmethod
    def _stream(self, key: str, start: int | None, end: int | None) -> AsyncGenerator[bytes, None]: ...
    @abstractmethod
    async def _size(self, key: str) -> int: ...
    @abstractmethod
    async def _delete(self, key: str) -> None: ...
    @abstractmethod
    async def _delete_prefix(self, prefix: str) -> int: ...
    @abstractmethod
    def _list(self, prefix: str) -> AsyncIterator[StoredObject]: ...
    @abstractmethod
    async def _page(self, after: str | None, limit: int) -> ListedPage: ...


def open_store(url: str, *, scratch: Path, options: Mapping[str, str] | None = None) -> ObjectStore:
    """The store that INGESTIO_STORAGE_URL names: `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.

    Endpoint, region and keys come from the cloud's usual environment variables (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ...); `options` are
    laid over them by obstore's names (`endpoint`, `access_key_id`, ...). `scratch` is a local folder for files on their way to and from a
    bucket; a folder store stages beside its objects instead. Opening reaches no network. Raises ConfigurationError.
    """
    parts = urlsplit(url)
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigurationError(
            f"{_VARIABLE}: takes no credentials, query or fragment; keys come from the cloud's own variables"
        )
    # Imported here: the local store needs no cloud library, and a bucket's store no folder.
    if parts.scheme == "file":
        from ingestio.storage.local import LocalObjects

        folder = Path(unquote(parts.path))
        if parts.netloc not in {"", "localhost"} or not folder.is_absolute() or folder == Path("/"):
            raise ConfigurationError(f"{_VARIABLE}: a folder is written file:///absolute/path")
        return LocalObjects(folder)
    if parts.scheme in {"s3", "gs", "az"}:
        from ingestio.storage.remote import open_bucket

        prefix = unquote(parts.path).strip("/")
        if not parts.netloc or (prefix and not all(part not in {"", ".", ".."} for part in prefix.split("/"))):
            raise ConfigurationError(
                f"{_VARIABLE}: a bucket is written {parts.scheme}://name or {parts.scheme}://name/prefix"
            )
        return open_bucket(parts.scheme, parts.netloc, prefix, scratch=scratch, options=options or {})
    raise ConfigurationError(f"{_VARIABLE}: must start with file://, s3://, gs:// or az://")


def _range(start: int | None, end: int | None, size: int) -> tuple[int, int]:
    first, last = start or 0, size if end is None else min(end, size)
    if not 0 <= first < last:
        raise InvalidRequest(f"The range does not lie in the file's {size} bytes.")
    return first, last
