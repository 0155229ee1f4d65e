"""Objects that no row names: a crash between storing and committing leaves them, and deletions that could not reach the store (R23, R67).

Only names of a shape that we make are judged, and only by the row that they are made from; everything else in a bucket stays.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from activities.repairs.base import Ground, Repair
from ingestio.db import upkeep
from ingestio.db.session import service_session
from ingestio.db.upkeep import Owned
from ingestio.domain.findings import Finding, FindingKind, FoundPage
from ingestio.errors import Unavailable
from ingestio.services.controls import Removed
from ingestio.storage.keys import document_prefix, export_key, job_prefix, owner_of
from ingestio.storage.objects import ObjectStore

# An object is stored before its row: one file's is committed within seconds. A whole batch is committed after its last file, however
# slow the line is, and keeps a mark on its shell meanwhile, which guards what came in so far.
ORPHAN_AGE = timedelta(hours=1)

# One page of a listing a round, one request to a cloud; a store of a million objects is walked in a working day, restarts or not.
# Nothing younger than ORPHAN_AGE is touched, so a walk that came round rests as long.
OBJECTS_PER_PAGE = 1000
WALK_REST = timedelta(hours=1)

# Longer than an upload or an extraction takes: a file in use on the local disk is known by its age alone.
LEFTOVER_AGE = timedelta(days=1)
LEFTOVER_REST = timedelta(hours=1)


def object_repairs(ground: Ground, store: ObjectStore, page_size: int = OBJECTS_PER_PAGE) -> list[Repair]:
    """The walk through the store, and the local disk that this process stages on."""
    objects = _Objects(ground, store, page_size)
    return [
        Repair(FindingKind.ORPHANED_OBJECT, "stored objects", objects.orphans, objects.remove, rest=WALK_REST, pages=1),
        Repair(
            FindingKind.STAGING_LEFTOVER,
            "staging files",
            objects.leftovers,
            objects.remove_leftovers,
            rest=LEFTOVER_REST,
            pages=1,
        ),
    ]


async def remove_stored(store: ObjectStore, user_id: str, removed: Removed) -> None:
    """Delete what is stored of rows that are gone. What cannot be reached now is found by the walk, because no row names it."""
    with suppress(Unavailable):
        for document in removed.documents:
            await store.delete_prefix(document_prefix(user_id, document.id), user_id)
        for job_id in removed.job_ids:
            await store.delete_prefix(job_prefix(user_id, job_id), user_id)
        for export_id in removed.export_ids:
            await store.delete(export_key(user_id, export_id), user_id)


class _Objects:
    def __init__(self, ground: Ground, store: ObjectStore, page_size: int) -> None:
        self._ground = ground
        self._store = store
        self._page_size = page_size

    async def orphans(self, after: str | None) -> FoundPage:
        """Originals and renditions without a document, answers without a job, files that no export names, older than ORPHAN_AGE."""
        page = await self._store.page(after, self._page_size)
        old = self._ground.clock() - ORPHAN_AGE
        orphaned = await self._orphaned([stored.key for stored in page.objects if stored.last_modified < old])
        return FoundPage(
            [
                Finding(FindingKind.ORPHANED_OBJECT, key, owner_of(key), f"is stored for {noun} that does not exist")
                for key, noun in orphaned.items()
            ],
            page.next_after,
        )

    async def remove(self, finding: Finding) -> bool:
        """Delete one object, if no row has come to name it."""
        if not await self._orphaned([finding.subject]):
            return False
        await self._store.delete(finding.subject, finding.user_id)
        return True

    async def leftovers(self, _after: str | None) -> FoundPage:
        """What crashed uploads and reads left on this machine's disk."""
        names = await self._store.staging_leftovers(LEFTOVER_AGE.total_seconds())
        if not names:
            return FoundPage(())
        detail = f"{len(names)} files of uploads or reads that died more than a day ago"
        return FoundPage([Finding(FindingKind.STAGING_LEFTOVER, "staging", "", detail)])

    async def remove_leftovers(self, _finding: Finding) -> bool:
        return await self._store.sweep_staging(LEFTOVER_AGE.total_seconds()) > 0

    async def _orphaned(self, keys: Sequence[str]) -> dict[str, str]:
        """Which of these keys nothing names, and what each was for."""
        named = {key: name for key in keys if (name := _named_by(key)) is not None}
        documents = {name[1] for name in named.values() if name[0] == "documents"}
        jobs = {name[1] for name in named.values() if name[0] == "jobs"}
        exports = {name[1] for name in named.values() if name[0] == "exports"}
        async with service_session(self._ground.engine) as session:
            gone = {("documents", each) for each in await upkeep.documents_that_are_not(session, list(documents))}
            gone |= {("jobs", each) for each in await upkeep.jobs_that_are_not(session, list(jobs))}
            gone |= {("exports", each) for each in await upkeep.exports_that_are_not(session, list(exports))}
        nouns = {"documents": "a document", "jobs": "a job", "exports": "an export"}
        return {key: nouns[name[0]] for key, name in named.items() if name in gone}


def _named_by(key: str) -> tuple[str, Owned] | None:
    """The table and row that a key is made from; None for a key of another shape."""
    user_id, *rest = key.split("/")
    if len(rest) < 2 or rest[0] not in ("documents", "jobs", "exports"):
        return None
    try:
        return rest[0], Owned(UUID(rest[1]), user_id)
    except ValueError:
        return None
