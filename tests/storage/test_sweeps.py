"""Objects that no row names are swept from a folder and from a bucket; what may still get its row, and what is not ours, stays."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.repairs.base import Ground
from activities.repairs.objects import ORPHAN_AGE, object_repairs
from activities.upkeep import make_round
from ingestio.db import batches
from ingestio.db.session import service_session
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.findings import Finding, FindingKind
from ingestio.storage.keys import document_prefix, export_key, extraction_key, original_key
from ingestio.storage.objects import ObjectStore
from tests.conftest import Database
from tests.db.rows import insert_all, row_id

ANN = "ann"
DOCUMENT, JOB, EXPORT = (row_id(ANN, table) for table in ("documents", "extraction_jobs", "exports"))


class Sweeper:
    """A store and the rows that name its objects; rounds are made as if `later`."""

    def __init__(self, engine: AsyncEngine, store: ObjectStore) -> None:
        self.engine = engine
        self.store = store

    async def put(self, key: str) -> str:
        await self.store.put_bytes(key, key.partition("/")[0], b"bytes")
        return key

    async def keys(self) -> set[str]:
        return {stored.key async for stored in self.store.list()}

    def ground(self, later: timedelta) -> Ground:
        return Ground(self.engine, lambda: datetime.now(UTC) + later, self.store)

    async def find(self, later: timedelta) -> Sequence[Finding]:
        objects, _ = object_repairs(self.ground(later), self.store)
        return (await objects.find(None)).findings

    async def sweep(self, later: timedelta, page_size: int = 1000) -> int:
        ground = self.ground(later)
        return await make_round(self.engine, ground.clock, object_repairs(ground, self.store, page_size))


@pytest.fixture
def sweeper(
    clean_database: Database, superuser: psycopg.Connection[Any], engine: AsyncEngine, store: ObjectStore
) -> Sweeper:
    insert_all(superuser, ANN)
    return Sweeper(engine, store)


async def test_what_no_row_names_goes_after_an_hour_and_nothing_else(sweeper: Sweeper) -> None:
    kept = {
        await sweeper.put(original_key(ANN, DOCUMENT)),
        await sweeper.put(f"{document_prefix(ANN, DOCUMENT)}/pages/1.png"),
        await sweeper.put(extraction_key(ANN, JOB)),
        await sweeper.put(export_key(ANN, EXPORT)),
        # Names of another shape are not ours to judge.
        await sweeper.put(f"{ANN}/pictures/{uuid4()}/original"),
        await sweeper.put(f"{ANN}/documents/not-an-id/original"),
    }
    gone = {
        await sweeper.put(original_key(ANN, uuid4())),
        await sweeper.put(f"{document_prefix(ANN, uuid4())}/pages/1.png"),
        await sweeper.put(extraction_key(ANN, uuid4())),
        await sweeper.put(export_key(ANN, uuid4())),
        # A row of the same id is no excuse when it is another user's.
        await sweeper.put(original_key("bob", DOCUMENT)),
    }

    assert await sweeper.find(timedelta(0)) == []
    assert await sweeper.sweep(timedelta(0)) == 0
    assert await sweeper.keys() == kept | gone

    found = await sweeper.find(ORPHAN_AGE + timedelta(minutes=1))
    assert {finding.subject for finding in found} == gone
    assert {finding.kind for finding in found} == {FindingKind.ORPHANED_OBJECT}
    # The rounds before looked at everything and rest; the walk begins anew after that.
    assert await sweeper.sweep(2 * ORPHAN_AGE) == len(gone)
    assert await sweeper.keys() == kept


async def test_an_upload_in_flight_keeps_its_objects_however_slow_it_is(sweeper: Sweeper) -> None:
    batch_id, document_id = uuid4(), uuid4()
    async with service_session(sweeper.engine) as session:
        await batches.create(
            session, ANN, batch_id, name=None, strategy=PromptStrategy.AUTO, prompt=None, receiving=True
        )
    early = await sweeper.put(original_key(ANN, document_id))
    dead = await sweeper.put(original_key("bob", uuid4()))

    assert await sweeper.sweep(timedelta(hours=30)) == 1
    assert await sweeper.keys() == {early}, f"{dead} is nobody's upload"

    async with service_session(sweeper.engine) as session:
        await batches.remove(session, ANN, batch_id)
    assert await sweeper.sweep(timedelta(hours=60)) == 1
    assert await sweeper.keys() == set()


async def test_an_object_that_got_its_row_between_finding_and_sweeping_stays(
    sweeper: Sweeper, superuser: psycopg.Connection[Any]
) -> None:
    document_id = uuid4()
    key = await sweeper.put(original_key(ANN, document_id))
    objects, _ = object_repairs(sweeper.ground(timedelta(hours=2)), sweeper.store)
    (finding,) = (await objects.find(None)).findings

    _document(superuser, document_id, key)

    assert not await objects.mend(finding)
    assert await sweeper.keys() == {key}


async def test_a_large_store_is_walked_over_many_rounds(sweeper: Sweeper) -> None:
    for _ in range(10):
        await sweeper.put(extraction_key(ANN, uuid4()))
    kept = await sweeper.put(original_key(ANN, DOCUMENT))

    mended = [await sweeper.sweep(2 * ORPHAN_AGE, page_size=4) for _ in range(4)]

    assert sum(mended) == 10
    assert max(mended) <= 4
    assert await sweeper.keys() == {kept}


async def test_staging_leftovers_go_after_a_day(sweeper: Sweeper) -> None:
    async with sweeper.store.stage(original_key(ANN, uuid4()), ANN) as stage:
        await stage.write(b"half")
        path = stage.path
        assert await sweeper.sweep(timedelta(0)) == 0
        day_ago = datetime.now(UTC).timestamp() - 24 * 3600 - 60
        os.utime(path, (day_ago, day_ago))
        assert await sweeper.sweep(timedelta(hours=2)) == 1
        assert not path.exists()


def _document(superuser: psycopg.Connection[Any], document_id: UUID, key: str) -> None:
    superuser.execute(
        "INSERT INTO documents (id, user_id, original_filename, storage_path, mime_type, file_size, sha256, page_count) "
        "VALUES (%s, %s, 'a.pdf', %s, 'application/pdf', 5, 'x', 1)",
        [document_id, ANN, key],
    )
