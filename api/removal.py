"""Objects that go after their rows went, or that never got one: the commit comes first, so that no row names what is not there."""

import asyncio
import logging
from collections.abc import Awaitable, Iterable

from ingestio.errors import Unavailable
from ingestio.services.controls import Removed
from ingestio.storage.keys import document_prefix, export_key, job_prefix
from ingestio.storage.objects import ObjectStore

logger = logging.getLogger("ingestio.api")

_AT_ONCE = 16


async def remove_stored(store: ObjectStore, user_id: str, removed: Removed) -> None:
    """Delete everything that is stored of these documents, jobs and exports."""
    await _all(
        [
            *(store.delete_prefix(document_prefix(user_id, item.id), user_id) for item in removed.documents),
            *(store.delete_prefix(job_prefix(user_id, job_id), user_id) for job_id in removed.job_ids),
            *(store.delete(export_key(user_id, export_id), user_id) for export_id in removed.export_ids),
        ]
    )


async def remove_objects(store: ObjectStore, user_id: str, keys: Iterable[str]) -> None:
    """Delete these objects."""
    await _all([store.delete(key, user_id) for key in keys])


async def _all(deletions: Iterable[Awaitable[object]]) -> None:
    """A few at a time. What cannot be deleted now is left to the sweep of orphans."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def in_turn(deletion: Awaitable[object]) -> None:
        async with turns:
            try:
                await deletion
            except Unavailable as error:
                logger.warning("an object is left to the sweep: %s", error.detail)

    await asyncio.gather(*map(in_turn, deletions))
