"""Documents per second through the whole pipeline, beside a bare Temporal parent and child on the same server, rounds interleaved.

Twice: with a provider that answers at once (what the orchestration, the ledger and the storage cost) and with the offline engine reading
one-page invoices (what a user of this machine gets).
"""

import asyncio
import hashlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID, uuid4

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import worker
from benchmarks.bare import BareChild, BareParent, nothing
from benchmarks.figures import Figure
from ingestio.bootstrap import WorkerDeps, back_room
from ingestio.config import Settings
from ingestio.db.migrate import migrate
from ingestio.db.session import service_session
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.evidence import Evidence, FieldState
from ingestio.domain.fields import ExtractedField, Extraction
from ingestio.domain.messages import BatchInput
from ingestio.domain.submissions import BatchSpec, ReceivedFile
from ingestio.embedded.instance import Instance
from ingestio.extraction.base import Classification, ClassifyRequest, ExtractRequest
from ingestio.services import accounts, submissions
from ingestio.storage.keys import original_key
from ingestio.temporal import ensure_search_attributes
from tests.data.make_many import make_invoice_pdf
from workflows import client as workflows

ROUNDS = 3
DOCUMENTS = 200
USER = "me"


class InstantProvider:
    """Answers at once, as a model's service would after no time."""

    name = "instant"
    model = "instant-1"

    async def classify(self, _request: ClassifyRequest) -> Classification:
        return Classification("invoice", 1.0)

    async def extract(self, _request: ExtractRequest) -> Extraction:
        place = Evidence(1, "INV-1", (0.0, 0.0, 10.0, 10.0))
        field = ExtractedField("invoice_number", "INV-1", FieldState.SUPPORTED, 1.0, (place,))
        return Extraction("invoice", self.name, self.model, {"invoice_number": "INV-1"}, (field,))


def measure() -> Iterator[Figure]:
    """Medians over interleaved rounds."""
    bare, instant, local = asyncio.run(_measure())
    floor = statistics.median(bare)
    yield Figure(
        "documents through the pipeline, instant provider; floor: bare",
        statistics.median(instant),
        floor,
        "docs/s",
        "higher",
    )
    yield Figure(
        "documents read by the offline engine; floor: bare", statistics.median(local), floor, "docs/s", "higher"
    )


async def _measure() -> tuple[list[float], list[float], list[float]]:
    with tempfile.TemporaryDirectory(prefix="ingestio-bench-") as folder:
        Path(folder).chmod(0o755)
        with Instance(Path(folder) / "data") as instance:
            endpoints = await asyncio.to_thread(instance.start)
            migrate(endpoints.database_owner_url, endpoints.database_url)
            settings = Settings.load(
                INGESTIO_DATA_DIR=Path(folder) / "data",
                INGESTIO_DATABASE_URL=endpoints.database_url,
                TEMPORAL_ADDRESS=endpoints.temporal_address,
                INGESTIO_PROVIDER="local",
            )
            client = await Client.connect(endpoints.temporal_address)
            await ensure_search_attributes(client)
            async with back_room(settings) as deps:
                await _provision(deps)
                bare, instant, local = [], [], []
                for _ in range(ROUNDS):
                    bare.append(await _bare(client))
                    fast = WorkerDeps(deps.settings, deps.engine, deps.store, deps.book, deps.clock, InstantProvider())
                    instant.append(await _ours(client, fast))
                    local.append(await _ours(client, deps))
                return bare, instant, local


async def _bare(client: Client) -> float:
    async with Worker(
        client,
        task_queue="bare",
        workflows=[BareParent, BareChild],
        activities=[nothing],
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules("benchmarks")
        ),
    ):
        begun = time.perf_counter()
        await client.execute_workflow(BareParent.run, DOCUMENTS, id=f"bare-{uuid4()}", task_queue="bare")
        return DOCUMENTS / (time.perf_counter() - begun)


async def _ours(client: Client, deps: WorkerDeps) -> float:
    batch_id = await _accept(deps)
    async with AsyncExitStack() as stack:
        for part in worker.build(client, deps, tagged=True):
            await stack.enter_async_context(part)
        begun = time.perf_counter()
        await workflows.start_batch(client, BatchInput(str(batch_id), USER, "growth"))
        outcome = await client.get_workflow_handle(f"batch/{batch_id}").result()
        seconds = time.perf_counter() - begun
    if outcome["status"] != "completed":
        raise RuntimeError(f"the batch ended {outcome}")
    return DOCUMENTS / seconds


async def _provision(deps: WorkerDeps) -> None:
    async with service_session(deps.engine) as session:
        await accounts.provision(session, USER, email=None, full_name=None, book=deps.book, now=deps.clock())


async def _accept(deps: WorkerDeps) -> UUID:
    batch_id = uuid4()
    received = []
    for position in range(DOCUMENTS):
        content, document_id = make_invoice_pdf(position), str(uuid4())
        key = original_key(USER, document_id)
        await deps.store.put_bytes(key, USER, content)
        received.append(
            ReceivedFile(
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
        )
    spec = BatchSpec("bench", PromptStrategy.GLOBAL, "Extract the invoice number and the total")
    async with service_session(deps.engine) as session:
        await submissions.open_batch(session, USER, batch_id, spec, deps.book, files=DOCUMENTS)
    async with service_session(deps.engine) as session:
        await submissions.accept_batch(
            session, USER, batch_id, received, [], claim=None, book=deps.book, now=deps.clock()
        )
    return batch_id
