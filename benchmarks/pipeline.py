"""What every suite that runs batches shares: servers of its own, a provider of known time, batches accepted without an upload."""

import asyncio
import hashlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

from temporalio.client import Client, WorkflowHandle

from ingestio.bootstrap import WorkerDeps, back_room
from ingestio.config import Settings
from ingestio.db.migrate import migrate
from ingestio.db.session import service_session
from ingestio.domain.batches import BatchStatus, PromptStrategy
from ingestio.domain.evidence import Evidence, FieldState
from ingestio.domain.fields import ExtractedField, Extraction
from ingestio.domain.messages import BatchInput, BatchOutcome
from ingestio.domain.plans import Membership
from ingestio.domain.submissions import BatchSpec, ReceivedFile
from ingestio.embedded.instance import Child, Instance
from ingestio.extraction.base import Classification, ClassifyRequest, ExtractRequest
from ingestio.services import accounts, submissions
from ingestio.storage.keys import original_key
from ingestio.temporal import ensure_search_attributes
from tests.data.make_many import make_invoice_pdf
from workflows import client as workflows
from workflows import names
from workflows.batches import BatchWorkflow

USER = "me"
"""Not metered, so that a batch may have any size."""

PUTS_AT_A_TIME = 8


@dataclass(frozen=True, slots=True)
class InstantProvider:
    """Answers after `seconds`, by default at once, without looking at the document: a model's service whose time is known."""

    seconds: float = 0.0
    name: str = "instant"
    model: str = "instant-1"

    async def classify(self, _request: ClassifyRequest) -> Classification:
        await asyncio.sleep(self.seconds)
        return Classification("invoice", 1.0)

    async def extract(self, _request: ExtractRequest) -> Extraction:
        await asyncio.sleep(self.seconds)
        place = Evidence(1, "INV-1", (0.0, 0.0, 10.0, 10.0))
        field = ExtractedField("invoice_number", "INV-1", FieldState.SUPPORTED, 1.0, (place,))
        return Extraction("invoice", self.name, self.model, {"invoice_number": "INV-1"}, (field,))


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Embedded servers in a directory of their own, a client, and what the activities run on. USER is provisioned."""

    instance: Instance
    client: Client
    deps: WorkerDeps

    @property
    def instant(self) -> WorkerDeps:
        """The same with a provider that answers at once."""
        return replace(self.deps, provider=InstantProvider())

    def log(self, part: str) -> Path:
        """The log of `temporal`, `postgres` or a worker."""
        return self.instance.data_dir / "logs" / f"{part}.log"

    def add_worker(self, *, seconds: float | None, name: str = "worker") -> int:
        """Start a worker as a process of its own and wait until it works; answers its process id.

        Its provider takes `seconds` a document; None: the offline engine reads the document.
        """
        program = ["ingestio.cli", "worker"] if seconds is None else ["benchmarks.instant_worker", str(seconds)]
        log = self.log(name)
        settings, endpoints = self.deps.settings, self.instance.endpoints
        environment = {
            **os.environ,
            "INGESTIO_DATA_DIR": str(settings.data_dir),
            "INGESTIO_DATABASE_URL": endpoints.database_url,
            "INGESTIO_PROVIDER": "local",
            "INGESTIO_SECRET_KEY": "only-for-benchmarks",
            "TEMPORAL_ADDRESS": endpoints.temporal_address,
        }
        child = Child(
            name, [sys.executable, "-m", *program], environment, ready=lambda _pid: "worker ready" in log.read_text()
        )
        return self.instance.add(child).pid


@asynccontextmanager
async def laboratory(*, plans: str | None = None) -> AsyncIterator[Laboratory]:
    """Everything that a round needs but a worker. `plans` as in INGESTIO_PLANS."""
    with tempfile.TemporaryDirectory(prefix="ingestio-bench-") as folder:
        # Made for its owner alone, but PostgreSQL runs as another user when we are root.
        Path(folder).chmod(0o755)
        with Instance(Path(folder) / "data") as instance:
            endpoints = await asyncio.to_thread(instance.start)
            migrate(endpoints.database_owner_url, endpoints.database_url)
            settings = Settings.load(
                INGESTIO_DATA_DIR=Path(folder) / "data",
                INGESTIO_DATABASE_URL=endpoints.database_url,
                TEMPORAL_ADDRESS=endpoints.temporal_address,
                INGESTIO_PROVIDER="local",
                INGESTIO_PLANS=plans,
            )
            client = await Client.connect(endpoints.temporal_address)
            await ensure_search_attributes(client)
            async with back_room(settings) as deps:
                await provision(deps, USER)
                yield Laboratory(instance, client, deps)


async def provision(deps: WorkerDeps, user_id: str) -> None:
    """Make a user on the growth plan."""
    async with service_session(deps.engine) as session:
        await accounts.provision(
            session,
            user_id,
            email=None,
            full_name=None,
            book=deps.book,
            now=deps.clock(),
            membership=Membership.GROWTH,
        )


async def accept(
    deps: WorkerDeps,
    documents: int,
    *,
    user_id: str = USER,
    content_of: Callable[[int], bytes] = make_invoice_pdf,
) -> UUID:
    """Commit a batch of so many one-page documents, without an upload and without starting it. `content_of` a position."""
    batch_id = uuid4()
    received: list[ReceivedFile] = []
    for first in range(0, documents, PUTS_AT_A_TIME):
        positions = range(first, min(first + PUTS_AT_A_TIME, documents))
        received += await asyncio.gather(
            *(_store(deps, user_id, position, content_of(position)) for position in positions)
        )
    spec = BatchSpec("bench", PromptStrategy.GLOBAL, "Extract the invoice number and the total")
    async with service_session(deps.engine) as session:
        await submissions.open_batch(session, user_id, batch_id, spec, deps.book, files=documents)
    async with service_session(deps.engine) as session:
        await submissions.accept_batch(
            session, user_id, batch_id, received, [], claim=None, book=deps.book, now=deps.clock()
        )
    return batch_id


async def _store(deps: WorkerDeps, user_id: str, position: int, content: bytes) -> ReceivedFile:
    document_id = str(uuid4())
    key = original_key(user_id, document_id)
    await deps.store.put_bytes(key, user_id, content)
    return ReceivedFile(
        document_id,
        str(position),
        position,
        f"{position}.pdf",
        "application/pdf",
        len(content),
        hashlib.sha256(content).hexdigest(),
        1,
        key,
    )


async def start(client: Client, batch_id: UUID, *, user_id: str = USER) -> None:
    """Open the run of an accepted batch, as the front door does after its commit."""
    await workflows.start_batch(client, BatchInput(str(batch_id), user_id, Membership.GROWTH))


async def ended(client: Client, batch_id: UUID) -> BatchOutcome:
    """Wait for the end of a batch, however often its run continues as new."""
    handle: WorkflowHandle[BatchWorkflow, BatchOutcome] = client.get_workflow_handle_for(
        BatchWorkflow.run, names.batch_workflow_id(str(batch_id))
    )
    return await handle.result()


async def completed(client: Client, batch_id: UUID) -> BatchOutcome:
    """The same; raises RuntimeError unless every document completed, because a figure of failures would say nothing."""
    outcome = await ended(client, batch_id)
    if outcome.status is not BatchStatus.COMPLETED:
        raise RuntimeError(f"the batch ended {outcome}")
    return outcome
