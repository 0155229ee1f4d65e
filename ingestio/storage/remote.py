"""Objects in a cloud's bucket: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage.

Retries inside the client are few and short, so that a workflow sees an outage and waits by its own policy. A crash in the middle of a
large upload leaves parts that no listing shows: give the bucket a lifecycle rule that aborts incomplete multipart uploads.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, GCSStore, S3Store

from ingestio.errors import ConfigurationError, ObjectMissing, Unavailable
from ingestio.storage.keys import is_key
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

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_CALL_SECONDS = 3.5
"""A question without a body: head, list, delete, the headers of a download. Behind many of them somebody waits for a page."""
_SLOWEST_BYTES_PER_SECOND = 250_000
"""A transfer is given up when it takes longer than this speed would, plus a minute."""
_PART_BYTES = 5 * 1024 * 1024
_PARTS_AT_ONCE = 4  # at most 20 MiB of an upload in memory
_READ_BYTES = 1 << 20
_LIST_PAGE = 1000

_CLIENT: "ClientConfig" = {
    # Only has an effect when the endpoint itself is written http://; the clouds' own endpoints are https.
    "allow_http": True,
    # Three attempts to connect fit _CALL_SECONDS.
    "connect_timeout": timedelta(seconds=1.1),
    # Counts from the last byte that arrived, and so while a part is sent.
    "read_timeout": timedelta(seconds=60),
    # For a whole request including its body: as long as the slowest reader of the largest file may take.
    "timeout": timedelta(hours=1),
}
_RETRY: "RetryConfig" = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=8),
    "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(milliseconds=200), "base": 2},
}

_Store = S3Store | GCSStore | AzureStore
_T = TypeVar("_T")


def open_bucket(scheme: str, bucket: str, prefix: str, *, scratch: Path, options: Mapping[str, str]) -> "RemoteObjects":
    """See `objects.open_store`; `prefix` is without slashes at its ends."""
    common: dict[str, Any] = {
        "prefix": prefix or None,
        "config": dict(options),
        "client_options": _CLIENT,
        "retry_config": _RETRY,
    }
    try:
        match scheme:
            case "s3":
                store: _Store = S3Store(bucket, **common)
            case "gs":
                store = GCSStore(bucket, **common)
            case _:
                store = AzureStore(container_name=bucket, **common)
    except (BaseError, ValueError) as error:
        # The first line says what is missing; the rest is the library's debug output.
        raise ConfigurationError(f"INGESTIO_STORAGE_URL: {scheme}://{bucket}: {str(error).splitlines()[0]}") from None
    return RemoteObjects(store, scratch)


class RemoteObjects(ObjectStore):
    """A bucket, and a local folder for files on their way."""

    def __init__(self, store: _Store, scratch: Path) -> None:
        self._store = store
        self._scratch = scratch / "objects"
        try:
            scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._scratch.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"The scratch folder {scratch} cannot be used: {error.strerror}") from error

    async def sweep_staging(self, older_than_seconds: float) -> int:
        with disk_errors():
            return await in_thread(sweep, self._scratch, older_than_seconds)

    async def staging_leftovers(self, older_than_seconds: float) -> Sequence[str]:
        with disk_errors():
            return await in_thread(leftovers, self._scratch, older_than_seconds)

    async def check(self) -> None:
        listing = obstore.list(self._store, "check", chunk_size=1)
        try:
            await _answer(anext(listing), _CALL_SECONDS)
        except StopAsyncIteration:
            return

    def _stage(self, key: str) -> AbstractAsyncContextManager[Stage]:
        async def publish(path: Path, size_bytes: int) -> None:
            await self._put(key, path, size_bytes)

        return staged(self._scratch, publish)

    @asynccontextmanager
    async def _local_copy(self, key: str) -> AsyncIterator[Path]:
        path = temporary_path(self._scratch)
        try:
            with disk_errors():
                file = create_private(path)
            with file:
                async for chunk in self._stream(key, None, None):
                    with disk_errors():
                        await in_thread(file.write, chunk)
            yield path
        finally:
            with disk_errors():
                await in_thread(path.unlink, missing_ok=True)

    async def _get_bytes(self, key: str) -> bytes:
        return b"".join([chunk async for chunk in self._stream(key, None, None)])

    async def _put_bytes(self, key: str, data: bytes) -> None:
        await self._put(key, data, len(data))

    async def _stream(self, key: str, start: int | None, end: int | None) -> AsyncGenerator[bytes, None]:
        options: Any = {} if start is None else {"range": (start, end) if end is not None else {"offset": start}}
        result = await self._find(obstore.get_async(self._store, key, options=options))
        chunks = result.stream(min_chunk_size=_READ_BYTES)
        while True:
            try:
                chunk = await _answer(anext(chunks), 60 + _READ_BYTES / _SLOWEST_BYTES_PER_SECOND)
            except StopAsyncIteration:
                return
            yield bytes(chunk)

    async def _size(self, key: str) -> int:
        return (await self._find(obstore.head_async(self._store, key)))["size"]

    async def _delete(self, key: str) -> None:
        try:
            await self._find(obstore.delete_async(self._store, key))
        except ObjectMissing:
            return  # S3 says nothing about it, the other clouds do

    async def _delete_prefix(self, prefix: str) -> int:
        removed = 0
        async for page in self._pages(prefix):
            keys = [found["path"] for found in page]
            try:
                await _answer(obstore.delete_async(self._store, keys), 60)
            except FileNotFoundError:
                # Someone else deletes too; some clouds stop at the first missing name.
                for key in keys:
                    await self._delete(key)
            removed += len(keys)
        return removed

    async def _list(self, prefix: str) -> AsyncIterator[StoredObject]:
        async for page in self._pages(prefix):
            for found in page:
                if is_key(found["path"]):
                    yield StoredObject(found["path"], found["size"], found["last_modified"])

    async def _page(self, after: str | None, limit: int) -> ListedPage:
        # The clouds answer in the order of the names' bytes and take up behind any name, whether it still exists or not.
        listing = obstore.list(self._store, offset=after, chunk_size=limit)
        try:
            found = await _answer(anext(listing), _CALL_SECONDS)
        except StopAsyncIteration:
            return ListedPage((), None)
        objects = [
            StoredObject(each["path"], each["size"], each["last_modified"]) for each in found if is_key(each["path"])
        ]
        return ListedPage(objects, found[-1]["path"] if len(found) == limit else None)

    async def _pages(self, prefix: str) -> AsyncIterator[Sequence[Any]]:
        listing = obstore.list(self._store, prefix or None, chunk_size=_LIST_PAGE)
        while True:
            try:
                page = await _answer(anext(listing), _CALL_SECONDS)
            except StopAsyncIteration:
                return
            yield page

    async def _put(self, key: str, content: Path | bytes, size_bytes: int) -> None:
        try:
            await _answer(
                obstore.put_async(self._store, key, content, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE),
                60 + size_bytes / _SLOWEST_BYTES_PER_SECOND,
            )
        except FileNotFoundError as error:
            raise Unavailable("The bucket of the file store does not exist.") from error

    async def _find(self, request: Awaitable[_T]) -> _T:
        """The answer about one object. "Not found" is trusted only when the bucket itself answers: the two look alike."""
        try:
            return await _answer(request, _CALL_SECONDS)
        except FileNotFoundError:
            await self.check()
            raise ObjectMissing("The stored file is missing.") from None


async def _answer(request: Awaitable[_T], seconds: float) -> _T:
    """Wait for the cloud, at most so long. A missing object stays FileNotFoundError; every outage becomes Unavailable."""
    try:
        async with asyncio.timeout(seconds):
            return await request
    except FileNotFoundError:
        raise
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise Unavailable("The file store refuses our credentials.") from error
    except (BaseError, OSError) as error:
        raise Unavailable("The file store does not answer. Nothing was lost.") from error
