"""Committed work without an open run: found by comparing Postgres with Temporal, started on request (R67)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from ingestio.cli.checks import RPC_TIMEOUT, Check
from ingestio.db.session import service_session
from ingestio.domain.messages import BatchInput, DocumentInput
from ingestio.services.upkeep import UnfinishedDocument, unfinished_batches, unfinished_documents
from ingestio.temporal import ensure_search_attributes
from workflows import client as workflows
from workflows import names

# A front door that has just committed is about to start the run itself.
GRACE = timedelta(seconds=10)
MOST = 1000


async def runs(engine: AsyncEngine, client: Client, *, fix: bool, grace: timedelta = GRACE) -> list[Check]:
    """Whether every queued or processing batch and lone document has an open run; with `fix` those without get one.

    At most MOST of each are looked at, the longest unmoved first. Starting twice is harmless.
    """
    before = datetime.now(UTC) - grace
    async with service_session(engine) as session:
        batches = await unfinished_batches(session, before, MOST)
        lone = await unfinished_documents(session, before, MOST)
    idle_batches = [each for each in batches if not await _is_open(client, names.batch_workflow_id(each.batch_id))]
    idle_lone = [
        each for each in lone if not await _is_open(client, names.document_workflow_id(each.document_id, each.attempt))
    ]
    if fix and (idle_batches or idle_lone):
        tagged = await ensure_search_attributes(client)
        for batch in idle_batches:
            await workflows.ensure_batch(client, BatchInput(batch.batch_id, batch.user_id, batch.plan, tagged=tagged))
        for job in idle_lone:
            await workflows.ensure_document(client, _document_input(job, tagged=tagged))
    return [
        _check("batch runs", [each.batch_id for each in idle_batches], len(batches), fixed=fix),
        _check("document runs", [each.document_id for each in idle_lone], len(lone), fixed=fix),
    ]


def _document_input(job: UnfinishedDocument, *, tagged: bool) -> DocumentInput:
    return DocumentInput(job.job_id, job.document_id, job.user_id, job.attempt, plan=job.plan, tagged=tagged)


async def _is_open(client: Client, workflow_id: str) -> bool:
    try:
        described = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return described.status is WorkflowExecutionStatus.RUNNING


def _check(name: str, idle: Sequence[str], looked_at: int, *, fixed: bool) -> Check:
    if not idle:
        return Check(name, True, f"{looked_at} under way, each with an open run")
    shown = ", ".join(idle[:3]) + (", ..." if len(idle) > 3 else "")
    if fixed:
        return Check(name, True, f"{len(idle)} had no open run and were started: {shown}")
    return Check(name, False, f"{len(idle)} of {looked_at} under way have no open run: {shown}; --fix starts them")
