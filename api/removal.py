"""Objects that go after their rows went: first the commit, then the bytes, so that no row ever names what is not there."""

import asyncio
import logging
from collections.abc import Awaitable, Iterable

from api.deps import Caller
from ingestio.errors import Unavailable
from ingestio.services.controls import Removed
from ingestio.storage.keys import document_prefix, extraction_key

logger = logging.getLogger("ingestio.api")

_AT_ONCE = 16


async def remove_objects(caller: Caller, removed: Removed) -> None:
    """Delete what is stored of these documents and jobs. What cannot be deleted now is left to the sweep of orphans."""
    store, user_id = caller.store, caller.user_id
    turns = asyncio.Semaphore(_AT_ONCE)

    async def in_turn(deletion: Awaitable[object]) -> None:
        async with turns:
            try:
                await deletion
            except Unavailable as error:
                logger.warning("an object is left to the sweep: %s", error.detail)

    deletions: Iterable[Awaitable[object]] = [
        *(store.delete_prefix(document_prefix(user_id, item.id), user_id) for item in removed.documents),
        *(store.delete(extraction_key(user_id, job_id), user_id) for job_id in removed.job_ids),
    ]
    await asyncio.gather(*(in_turn(deletion) for deletion in deletions))
