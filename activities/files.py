"""The stored file of a document, as it was when its pages were counted."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ingestio.bootstrap import WorkerDeps
from ingestio.db.steps import Work
from ingestio.errors import DocumentFailed, FailureCode, ObjectMissing


@dataclass(slots=True)
class _Copy:
    """A local copy that the parts of one document share while any of them reads it."""

    readers: int = 0
    path: Path | None = None
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)
    held: AsyncExitStack = field(default_factory=AsyncExitStack)


_copies: dict[tuple[int, str, str], _Copy] = {}


@asynccontextmanager
async def stored_file(deps: WorkerDeps, work: Work) -> AsyncIterator[Path]:
    """A local copy for the length of the block. Raises DocumentFailed(file_missing) when it is gone or other bytes took its place.

    The check matters where users hold keys to the bucket (Supabase): a file swapped after counting would be read unpaid.
    """
    try:
        async with _shared_copy(deps, work) as path:
            if await asyncio.to_thread(_sha256, path) != work.sha256:
                raise DocumentFailed(
                    FailureCode.FILE_MISSING, "The stored file is not the one whose pages were counted."
                )
            yield path
    except ObjectMissing:
        raise DocumentFailed(FailureCode.FILE_MISSING) from None


@asynccontextmanager
async def _shared_copy(deps: WorkerDeps, work: Work) -> AsyncIterator[Path]:
    """Windows of a long document are read at once: whoever comes first fetches it, whoever leaves last lets it go."""
    key = (id(deps.store), work.user_id, work.storage_path)
    copy = _copies.setdefault(key, _Copy())
    copy.readers += 1
    try:
        async with copy.fetching:
            if copy.path is None:
                copy.path = await copy.held.enter_async_context(deps.store.local_copy(work.storage_path, work.user_id))
        yield copy.path
    finally:
        copy.readers -= 1
        if not copy.readers:
            del _copies[key]
            await copy.held.aclose()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
