"""The stored file of a document on a worker: fetched once for all who read it at the same time, and let go by the last."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from activities.files import stored_file
from ingestio.bootstrap import WorkerDeps
from ingestio.db.steps import Work
from ingestio.errors import DocumentFailed, FailureCode
from ingestio.storage.local import LocalObjects

USER, KEY, CONTENT = "u1", "u1/documents/1/original", b"%PDF-1.7 a long one"


class Bucket(LocalObjects):
    """Lends copies, as a bucket's store does, and counts them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root / "objects")
        self._copies = root
        self.fetched = 0

    @asynccontextmanager
    async def _local_copy(self, key: str) -> AsyncIterator[Path]:
        data = await self._get_bytes(key)
        self.fetched += 1
        path = self._copies / f"copy-{self.fetched}"
        path.write_bytes(data)
        try:
            yield path
        finally:
            path.unlink()


@dataclass(frozen=True)
class Deps:
    store: Bucket


def asked(sha256: str = hashlib.sha256(CONTENT).hexdigest()) -> Work:
    return Work(USER, None, {}, None, None, None, None, KEY, sha256, "application/pdf", 90, None, None)


async def test_parts_that_are_read_at_once_share_one_copy_and_the_last_lets_it_go(tmp_path: Path) -> None:
    store = Bucket(tmp_path)
    await store.put_bytes(KEY, USER, CONTENT)
    deps = cast("WorkerDeps", Deps(store))
    all_here = asyncio.Barrier(4)

    async def part() -> Path:
        async with stored_file(deps, asked()) as path:
            await all_here.wait()
            assert path.read_bytes() == CONTENT
            return path

    (path,) = set(await asyncio.gather(*(part() for _ in range(4))))
    assert store.fetched == 1
    assert not path.exists()
    async with stored_file(deps, asked()):
        assert store.fetched == 2


async def test_a_part_that_is_cancelled_or_refused_takes_the_copy_from_nobody(tmp_path: Path) -> None:
    store = Bucket(tmp_path)
    await store.put_bytes(KEY, USER, CONTENT)
    deps = cast("WorkerDeps", Deps(store))
    opened = asyncio.Event()

    async def endless() -> None:
        async with stored_file(deps, asked()):
            opened.set()
            await asyncio.Event().wait()

    first = asyncio.create_task(endless())
    await opened.wait()
    async with stored_file(deps, asked()) as path:
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(DocumentFailed) as caught:
            async with stored_file(deps, asked(sha256="other bytes")):
                pass
        assert caught.value.reason is FailureCode.FILE_MISSING
        assert path.read_bytes() == CONTENT
    assert not path.exists()
