"""How the rest of the house starts, steers and asks workflows. Starting twice is harmless: the id names the work, not the request."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.common import (
    Priority,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from ingestio.domain.messages import (
    BatchInput,
    BatchOutcome,
    BatchProgress,
    DeliveryRef,
    DocumentInput,
    DocumentOutcome,
    ExportInput,
    ExportOutcome,
    StripeEventRef,
    UserRef,
)
from ingestio.domain.plans import fairness_weight
from ingestio.errors import Unavailable
from workflows import names, options
from workflows.accounts import AccountErasureWorkflow
from workflows.batches import BatchWorkflow
from workflows.billing import StripeEventWorkflow
from workflows.documents import DocumentWorkflow
from workflows.exports import ExportWorkflow
from workflows.webhooks import DeliveryWorkflow

# The front door answers while Temporal is away, so it must learn of that quickly; the reconciler starts what was left.
RPC_TIMEOUT = timedelta(seconds=3)
QUERY_TIMEOUT = timedelta(seconds=1)

# Shown by the Temporal UI beside every run of a batch.
_BATCH_DETAILS = (
    "Postgres holds the facts, this run only works them off. Cancel means here what it means to the user. "
    "A run that was terminated is opened again within a minute; a reset charges nothing twice. See docs/operating.md."
)

# RuntimeError is how a lazy client says that it cannot connect; TimeoutError is our own bound on that connection.
_AWAY = (RPCError, RuntimeError, TimeoutError)


async def start_batch(client: Client, request: BatchInput) -> None:
    """Make sure that a run of the batch is open and will look for new jobs (signal-with-start). Raises Unavailable."""
    await _start_batch(client, request, wake=True)


async def ensure_batch(client: Client, request: BatchInput) -> None:
    """Make sure that a run of the batch is open, without a trace in a run that is. Raises Unavailable."""
    await _start_batch(client, request, wake=False)


async def _start_batch(client: Client, request: BatchInput, *, wake: bool) -> None:
    await _open(
        client,
        BatchWorkflow.run,
        request,
        names.batch_workflow_id(request.batch_id),
        f"A batch, {request.plan} plan",
        meanwhile="the batch is safe and will start by itself",
        start_signal="wake" if wake else None,
        priority=_share(request),
        search_attributes=_attributes(request, {names.BATCH: request.batch_id, names.STATUS: "queued"}),
        static_details=_BATCH_DETAILS,
    )


async def ensure_document(client: Client, request: DocumentInput) -> None:
    """Make sure that a run of a lone document's attempt is open. Raises Unavailable."""
    await _open(
        client,
        DocumentWorkflow.run,
        request,
        names.document_workflow_id(request.document_id, request.attempt),
        f"A single document, {request.plan} plan",
        meanwhile="the document is safe and will start by itself",
        priority=_share(request),
        search_attributes=_attributes(request),
    )


async def ensure_erasure(client: Client, user_id: str) -> None:
    """Make sure that a run that erases a closed account is open. Raises Unavailable."""
    await _open(
        client,
        AccountErasureWorkflow.run,
        UserRef(user_id),
        names.erasure_workflow_id(user_id),
        "An account that was deleted",
        meanwhile="the account is closed and will be erased by itself",
    )


async def ensure_export(client: Client, request: ExportInput) -> None:
    """Make sure that a run of the export is open. Raises Unavailable."""
    await _open(
        client,
        ExportWorkflow.run,
        request,
        names.export_workflow_id(request.export_id),
        f"An export, {request.plan} plan",
        meanwhile="the export is safe and will start by itself",
        priority=_share(request),
        search_attributes=_attributes(request),
    )


async def ensure_delivery(client: Client, request: DeliveryRef) -> None:
    """Make sure that a run of the delivery is open. Raises Unavailable."""
    await _open(
        client,
        DeliveryWorkflow.run,
        request,
        names.delivery_workflow_id(request.delivery_id),
        "A webhook",
        meanwhile="events are sent when it does",
        priority=Priority(fairness_key=request.user_id[:64]),
    )


async def start_stripe_event(client: Client, event_id: str) -> None:
    """Have an event of the inbox followed now instead of by the next upkeep. Raises Unavailable."""
    await _open(
        client,
        StripeEventWorkflow.run,
        StripeEventRef(event_id),
        names.stripe_event_workflow_id(event_id),
        "An event of Stripe's",
        meanwhile="the event is kept and will be followed",
    )


async def _open(
    client: Client,
    run: Callable[..., Awaitable[Any]],
    request: Any,
    workflow_id: str,
    summary: str,
    *,
    meanwhile: str,
    **details: Any,
) -> None:
    """Start a run unless one with this id is open. `meanwhile` tells a caller what happens to the work when the server is away."""
    try:
        # The timeout of the call does not cover a lazy client's first connection.
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            await client.start_workflow(
                run,
                request,
                id=workflow_id,
                task_queue=names.ORCHESTRATION_QUEUE,
                task_timeout=options.WORKFLOW_TASK_TIMEOUT,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary=summary,
                rpc_timeout=RPC_TIMEOUT,
                **details,
            )
    except _AWAY as error:
        raise Unavailable(f"The workflow server did not answer; {meanwhile}.") from error


async def nudge_batch(client: Client, batch_id: str) -> None:
    """Tell an open run that a wish (cancel, pause, resume) was committed; nothing happens when none is open. Raises Unavailable."""
    await _signal(_batch(client, batch_id), "follow")


async def cancel_document(client: Client, document_id: str, attempt: int) -> None:
    """Ask the run of a lone document's attempt to stop; nothing happens when none is open. Raises Unavailable."""
    handle: WorkflowHandle[DocumentWorkflow, DocumentOutcome] = client.get_workflow_handle_for(
        DocumentWorkflow.run, names.document_workflow_id(document_id, attempt)
    )
    await _cancel(handle)


async def cancel_export(client: Client, export_id: str) -> None:
    """Ask the run of an export to stop; nothing happens when none is open. Raises Unavailable."""
    handle: WorkflowHandle[ExportWorkflow, ExportOutcome] = client.get_workflow_handle_for(
        ExportWorkflow.run, names.export_workflow_id(export_id)
    )
    await _cancel(handle)


async def ask_progress(client: Client, batch_id: str) -> BatchProgress | None:
    """What an open run says of itself, within a second; None when it does not answer in time or none is open."""
    try:
        async with asyncio.timeout(QUERY_TIMEOUT.total_seconds()):
            return await _batch(client, batch_id).query(BatchWorkflow.progress, rpc_timeout=QUERY_TIMEOUT)
    except (*_AWAY, WorkflowQueryFailedError, WorkflowQueryRejectedError):
        return None


def _batch(client: Client, batch_id: str) -> WorkflowHandle[BatchWorkflow, BatchOutcome]:
    return client.get_workflow_handle_for(BatchWorkflow.run, names.batch_workflow_id(batch_id))


async def _signal(handle: WorkflowHandle[BatchWorkflow, BatchOutcome], name: str) -> None:
    try:
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            await handle.signal(name, rpc_timeout=RPC_TIMEOUT)
    except _AWAY as error:
        if not _is_closed(error):
            raise Unavailable("The workflow server did not answer; the wish is saved and will be followed.") from error


async def _cancel(handle: WorkflowHandle[Any, Any]) -> None:
    try:
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            await handle.cancel(rpc_timeout=RPC_TIMEOUT)
    except _AWAY as error:
        if not _is_closed(error):
            raise Unavailable("The workflow server did not answer; try again in a moment.") from error


def _is_closed(error: Exception) -> bool:
    """Whether the server answers that no such run is open, which is as good as done."""
    return isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND


def _attributes(
    request: BatchInput | DocumentInput | ExportInput, more: Mapping[SearchAttributeKey[str], str] | None = None
) -> TypedSearchAttributes | None:
    """What operators find a run by; None where the server does not know our attributes."""
    values = {names.USER: request.user_id, names.PLAN: request.plan, **(more or {})}
    return TypedSearchAttributes([SearchAttributePair(*each) for each in values.items()]) if request.tagged else None


def _share(request: BatchInput | DocumentInput | ExportInput) -> Priority:
    """Fair between users, in proportion to their plans (R69)."""
    return Priority(fairness_key=request.user_id[:64], fairness_weight=fairness_weight(request.plan))
