"""Lone documents below the front door, and a look at the books."""

from uuid import UUID

from ingestio.db.invariants import violations
from ingestio.db.session import service_session
from ingestio.domain.messages import DocumentInput
from ingestio.services.documents import QueuedJob, extract_lone, register_lone
from tests.workflows.conftest import House
from workflows import client as workflows


async def lone(house: House, name: str, pages: int = 1) -> tuple[UUID, QueuedJob]:
    """A committed lone document without a run, as a front door that was killed right after leaves it."""
    received = await house.store(name, pages, 0, None)
    deps, document_id = house.deps, UUID(received.document_id)
    async with service_session(deps.engine) as session:
        await register_lone(session, house.user_id, received)
        queued = await extract_lone(
            session, house.user_id, document_id, prompt="the total", options={}, book=deps.book, now=deps.clock()
        )
    return document_id, queued


async def run_lone(house: House, document_id: UUID, job: QueuedJob) -> None:
    """Open its run."""
    request = DocumentInput(str(job.job_id), str(document_id), house.user_id, job.attempt)
    await workflows.ensure_document(house.client, request)


async def in_order(house: House) -> None:
    """Every invariant holds."""
    async with service_session(house.deps.engine) as session:
        assert await violations(session) == []
