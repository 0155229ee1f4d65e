"""A Temporal server, a worker with the real activities, and a front door reduced to what tests need of it."""

import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from ingestio.billing.gateway import StripeGateway
from ingestio.bootstrap import WorkerDeps
from ingestio.config import Settings
from ingestio.domain.messages import BatchInput, DocumentInput
from ingestio.embedded.temporal import TemporalServer, start_temporal
from ingestio.media.bounded import close_shared_pool
from ingestio.services.accounts import PlanBook
from ingestio.storage.objects import ObjectStore, open_store
from ingestio.temporal import ensure_search_attributes
from tests.conftest import Database
from tests.tenant import Tenant
from tests.workflows.scripted import Gate, ScriptedProvider
from worker import CACHED_RUNS, build
from workflows import client as workflows


@pytest.fixture(scope="session")
def temporal_server() -> Iterator[TemporalServer]:
    """The embedded server, in memory."""
    with start_temporal() as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal(temporal_server: TemporalServer) -> Client:
    client = await Client.connect(temporal_server.address, namespace=temporal_server.namespace)
    assert await ensure_search_attributes(client)
    return client


@dataclass
class House(Tenant):
    """A tenant with a Temporal server and a worker: submit, steer, wait."""

    client: Client
    provider: ScriptedProvider
    tagged: bool = True

    async def start(self, batch_id: UUID) -> None:
        await workflows.start_batch(self.client, BatchInput(str(batch_id), self.user_id, "growth", tagged=self.tagged))

    def document_input(self, job_id: str, document_id: str, batch_id: UUID) -> DocumentInput:
        return DocumentInput(job_id, document_id, self.user_id, 1, batch_id=str(batch_id), plan="growth")

    async def submit(self, names: Sequence[str], **options: Any) -> UUID:
        batch_id = await self.accept(names, **options)
        await self.start(batch_id)
        return batch_id

    async def finished(self, batch_id: UUID) -> dict[str, Any]:
        """Wait for the run's end and answer the batch's row."""
        await self.client.get_workflow_handle(f"batch/{batch_id}").result()
        return self.batch(batch_id)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bounded_pool() -> AsyncIterator[None]:
    """Child processes for parsing, for tests with a provider that really reads; ended with the session."""
    yield
    await close_shared_pool()


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture
def settings() -> Settings:
    return Settings.load(INGESTIO_MODEL_WAIT_SECONDS=3600)


@pytest.fixture
def cached_runs() -> int:
    """How many runs the worker keeps in memory. `WORKFLOW_CACHE=0 pytest tests/workflows` has all of them rebuilt from their histories
    at every step, which finds what a workflow does differently the second time."""
    return int(os.environ.get("WORKFLOW_CACHE", CACHED_RUNS))


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


@pytest.fixture
def billing() -> StripeGateway | None:
    """Nothing is sold, unless a test says where Stripe is."""
    return None


@pytest_asyncio.fixture(loop_scope="session")
async def unmanned(
    engine: AsyncEngine,
    clean_database: Database,
    superuser: psycopg.Connection[Any],
    temporal: Client,
    provider: ScriptedProvider,
    settings: Settings,
    clock: Callable[[], datetime],
    billing: StripeGateway | None,
    tmp_path: Path,
) -> House:
    """A provisioned growth user, and no worker yet."""
    tagged = await ensure_search_attributes(temporal)
    store: ObjectStore = open_store((tmp_path / "storage").as_uri(), scratch=tmp_path / "scratch")
    deps = WorkerDeps(
        settings=settings,
        engine=engine,
        store=store,
        book=PlanBook(settings.plans, local=True),
        clock=clock,
        provider=provider,
        billing=billing,
    )
    house = House(deps, superuser, f"user-{uuid4().hex[:8]}", temporal, provider, tagged)
    await house.open()
    return house


@pytest_asyncio.fixture(loop_scope="session")
async def house(unmanned: House, cached_runs: int) -> AsyncIterator[House]:
    """The same with a running worker."""
    async with AsyncExitStack() as stack:
        for worker in build(unmanned.client, unmanned.deps, tagged=unmanned.tagged, cached_runs=cached_runs):
            await stack.enter_async_context(worker)
        yield unmanned


@pytest.fixture
def gate(house: House) -> Gate:
    """Documents called `slow` are read until it is opened."""
    gate = Gate()
    house.provider.plays["slow"] = gate.play
    return gate
