"""A Temporal server, a worker with the real activities, and a front door reduced to what tests need of it."""

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
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

from ingestio.bootstrap import WorkerDeps
from ingestio.config import Settings
from ingestio.db.session import service_session
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.messages import BatchInput
from ingestio.domain.plans import Membership
from ingestio.domain.submissions import BatchSpec, ReceivedFile
from ingestio.embedded.temporal import TemporalServer, start_temporal
from ingestio.services import accounts, submissions
from ingestio.services.accounts import PlanBook
from ingestio.storage.keys import original_key
from ingestio.storage.objects import ObjectStore, open_store
from ingestio.temporal import ensure_search_attributes
from tests.conftest import Database
from tests.workflows.scripted import ScriptedProvider
from worker import build
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
class House:
    """One user's view of the product: submit, steer, look."""

    deps: WorkerDeps
    client: Client
    provider: ScriptedProvider
    superuser: psycopg.Connection[Any]
    user_id: str

    async def open(self, membership: Membership = Membership.GROWTH) -> None:
        async with service_session(self.deps.engine) as session:
            await accounts.provision(
                session,
                self.user_id,
                email=None,
                full_name=None,
                book=self.deps.book,
                now=self.deps.clock(),
                membership=membership,
            )

    async def store(self, name: str, pages: int, position: int, prompt: str | None) -> ReceivedFile:
        document_id = str(uuid4())
        key = original_key(self.user_id, document_id)
        content = f"{name}\n".encode()
        await self.deps.store.put_bytes(key, self.user_id, content)
        return ReceivedFile(
            document_id=document_id,
            client_id=str(position),
            position=position,
            filename=f"{name}.pdf",
            mime_type="application/pdf",
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            page_count=pages,
            storage_path=key,
            prompt=prompt,
        )

    async def accept(
        self,
        names: Sequence[str],
        *,
        pages: int = 1,
        strategy: PromptStrategy = PromptStrategy.GLOBAL,
        prompt: str | None = "Extract the invoice number",
        prompts: Sequence[str | None] | None = None,
    ) -> UUID:
        """Commit a batch without starting it, as a front door that was killed right after."""
        batch_id = uuid4()
        files = [
            await self.store(name, pages, index, None if prompts is None else prompts[index])
            for index, name in enumerate(names)
        ]
        book, now = self.deps.book, self.deps.clock()
        async with service_session(self.deps.engine) as session:
            await submissions.open_batch(
                session, self.user_id, batch_id, BatchSpec("test", strategy, prompt), book, files=len(files)
            )
        async with service_session(self.deps.engine) as session:
            await submissions.accept_batch(session, self.user_id, batch_id, files, [], claim=None, book=book, now=now)
        return batch_id

    async def start(self, batch_id: UUID) -> None:
        await workflows.start_batch(self.client, BatchInput(str(batch_id), self.user_id, "growth"))

    async def submit(self, names: Sequence[str], **options: Any) -> UUID:
        batch_id = await self.accept(names, **options)
        await self.start(batch_id)
        return batch_id

    async def finished(self, batch_id: UUID) -> dict[str, Any]:
        """Wait for the run's end and answer the batch's row."""
        await self.client.get_workflow_handle(f"batch/{batch_id}").result()
        return self.batch(batch_id)

    def batch(self, batch_id: UUID) -> dict[str, Any]:
        return self.one("SELECT * FROM extraction_batches WHERE id = %s", batch_id)

    def usage(self) -> tuple[int, int]:
        """Pages (processed, reserved)."""
        row = self.one("SELECT pages_processed, pages_reserved FROM user_usage WHERE user_id = %s", self.user_id)
        return row["pages_processed"], row["pages_reserved"]

    def documents(self, batch_id: UUID) -> list[dict[str, Any]]:
        return self.all("SELECT * FROM documents WHERE batch_id = %s ORDER BY position", batch_id)

    def one(self, statement: str, *values: Any) -> dict[str, Any]:
        return self.all(statement, *values)[0]

    def all(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        cursor = self.superuser.execute(statement.encode(), values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture
def settings() -> Settings:
    return Settings.load(INGESTIO_MODEL_WAIT_SECONDS=3600)


@pytest_asyncio.fixture(loop_scope="session")
async def house(
    engine: AsyncEngine,
    clean_database: Database,
    superuser: psycopg.Connection[Any],
    temporal: Client,
    provider: ScriptedProvider,
    settings: Settings,
    tmp_path: Path,
) -> AsyncIterator[House]:
    """A provisioned growth user and a running worker."""
    store: ObjectStore = open_store((tmp_path / "storage").as_uri(), scratch=tmp_path / "scratch")
    deps = WorkerDeps(
        settings=settings,
        engine=engine,
        store=store,
        book=PlanBook(settings.plans, local=True),
        clock=lambda: datetime.now(UTC),
        provider=provider,
    )
    house = House(deps, temporal, provider, superuser, f"user-{uuid4().hex[:8]}")
    await house.open()
    async with AsyncExitStack() as stack:
        for worker in build(temporal, deps, tagged=True):
            await stack.enter_async_context(worker)
        yield house
