"""The stored file of a document, as it was when its pages were counted."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ingestio.bootstrap import WorkerDeps
from ingestio.db.steps import Work
from ingestio.errors import DocumentFailed, FailureCode, ObjectMissing


@asynccontextmanager
async def stored_file(deps: WorkerDeps, work: Work) -> AsyncIterator[Path]:
    """A local copy for the length of the block. Raises DocumentFailed(file_missing) when it is gone or other bytes took its place.

    The check matters where users hold keys to the bucket (Supabase): a file swapped after counting would be read unpaid.
    """
    try:
        async with deps.store.local_copy(work.storage_path, work.user_id) as path:
            if await asyncio.to_thread(_sha256, path) != work.sha256:
                raise DocumentFailed(
                    FailureCode.FILE_MISSING, "The stored file is not the one whose pages were counted."
                )
            yield path
    except ObjectMissing:
        raise DocumentFailed(FailureCode.FILE_MISSING) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
