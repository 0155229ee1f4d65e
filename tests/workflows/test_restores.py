"""After a restore PostgreSQL and Temporal remember different moments: what disagrees is mended by itself, and charged once."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowExecutionStatus

from activities.rounds import keep_up
from activities.upkeep import UpkeepActivities
from ingestio.bootstrap import WorkerDeps
from ingestio.cli.doctor import examine
from ingestio.config import Settings
from ingestio.db.engine import create_engine
from ingestio.db.migrate import migrate
from ingestio.embedded.postgres import PostgresServer
from ingestio.embedded.temporal import start_temporal
from ingestio.services.accounts import PlanBook
from ingestio.storage.objects import open_store
from tests.backups import dump, restore
from tests.conftest import Database, further_databases
from tests.workflows.conftest import House
from tests.workflows.scripted import Gate, ScriptedProvider
from worker import UPKEEP_INTERVAL, build

# Each wait in it has its own bound; together they may be longer than a test has by default.
pytestmark = pytest.mark.timeout(600)

USER = "customer"
PATIENCE_SECONDS = 120
NO_GRACE = timedelta(0)
NO_BATCH = UUID(int=0)

NewDatabase = Callable[[], Database]


@dataclass
class Site:
    """Storage, a model, and what two nights' backups hold: `earlier` a batch in the middle, `later` its end and another batch."""

    folder: Path
    provider: ScriptedProvider
    early: UUID = NO_BATCH
    late: UUID = NO_BATCH

    def dumped(self, night: str) -> Path:
        return self.folder / f"{night}.dump"

    def runs(self, night: str) -> Path:
        return self.folder / night

    @asynccontextmanager
    async def at_work(self, database: Database, server: Path) -> AsyncIterator[tuple[House, Settings]]:
        """A worker on this database, and on a Temporal server that keeps its runs in this folder."""
        async with AsyncExitStack() as stack:
            temporal = stack.enter_context(start_temporal(server))
            settings = Settings.load(
                INGESTIO_DATA_DIR=self.folder,
                INGESTIO_DATABASE_URL=database.app_url,
                INGESTIO_STORAGE_URL=(self.folder / "storage").as_uri(),
                TEMPORAL_ADDRESS=temporal.address,
            )
            engine = create_engine(database.app_url)
            stack.push_async_callback(engine.dispose)
            store = open_store(settings.resolved_storage_url, scratch=self.folder / "scratch")
            book = PlanBook(settings.plans, local=True)
            deps = WorkerDeps(settings, engine, store, book, lambda: datetime.now(UTC), self.provider)
            client = await Client.connect(temporal.address, namespace=temporal.namespace)
            superuser = stack.enter_context(psycopg.connect(database.superuser_url, autocommit=True))
            house = House(deps, superuser, USER, client, self.provider)
            for worker in build(client, deps, tagged=True, drain=timedelta(milliseconds=100)):
                await stack.enter_async_context(worker)
            await stack.enter_async_context(
                keep_up(UpkeepActivities(deps, client, tagged=True), client, UPKEEP_INTERVAL)
            )
            yield house, settings


@pytest.fixture(scope="module")
def make_database(postgres: PostgresServer) -> Iterator[NewDatabase]:
    with further_databases(postgres) as make:
        yield make


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(make_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Site:
    gate = Gate()
    made = Site(tmp_path_factory.mktemp("restores"), ScriptedProvider({"slow": gate.play}))
    database, server = make_database(), made.folder / "server"
    migrate(database.owner_url, database.app_url)
    async with made.at_work(database, server) as (house, _), asyncio.timeout(PATIENCE_SECONDS):
        await house.open()
        made.early = await house.submit(["one", "two", "slow"], pages=2)
        while house.batch(made.early)["completed_count"] < 2 or not gate.reached.is_set():
            await asyncio.sleep(0.05)
    dump(database.superuser_url, made.dumped("earlier"))
    shutil.copytree(server, made.runs("earlier"))
    gate.opened.set()
    async with made.at_work(database, server) as (house, _), asyncio.timeout(PATIENCE_SECONDS):
        assert (await house.finished(made.early))["completed_count"] == 3
        made.late = await house.submit(["late"])
        await house.finished(made.late)
    dump(database.superuser_url, made.dumped("later"))
    shutil.copytree(server, made.runs("later"))
    return made


def rows_of_batches(house: House) -> list[tuple[Any, ...]]:
    rows = house.all("SELECT status, completed_count FROM extraction_batches ORDER BY created_at")
    return [(row["status"], row["completed_count"]) for row in rows]


MOMENTS = {
    "a new server without any run": ("earlier", None),
    "runs that are ahead of the rows": ("earlier", "later"),
    "runs that are behind the rows": ("later", "earlier"),
}


# Without any run is also how the drill of `make long` ends.
@pytest.mark.parametrize(
    "moment", [pytest.param(each, marks=pytest.mark.long if MOMENTS[each][1] is None else ()) for each in MOMENTS]
)
async def test_batches_continue_and_nothing_is_read_or_charged_twice(
    site: Site, make_database: NewDatabase, tmp_path: Path, moment: str
) -> None:
    rows, runs = MOMENTS[moment]
    database, server = make_database(), tmp_path / "server"
    restore(database.superuser_url, site.dumped(rows))
    if runs is not None:
        shutil.copytree(site.runs(runs), server)
    asked = site.provider.calls.copy()
    late = [("completed", 1)] if rows == "later" else []

    async with site.at_work(database, server) as (house, settings), asyncio.timeout(PATIENCE_SECONDS):
        early = house.client.get_workflow_handle(f"batch/{site.early}")
        while rows_of_batches(house) != [("completed", 3), *late] or (
            runs is not None and (await early.describe()).status is WorkflowExecutionStatus.RUNNING
        ):
            await asyncio.sleep(0.1)
        await house.finished(await house.submit(["after"]))
        found = await examine(settings, grace=NO_GRACE)

        assert [each for each in found if not each.healthy] == []
        assert rows_of_batches(house) == [("completed", 3), *late, ("completed", 1)]
        assert house.usage() == (2 * 3 + len(late) + 1, 0)
    # Answers lie in storage under their jobs, so the model was asked for the new document alone.
    assert site.provider.calls - asked == Counter(["after"])
