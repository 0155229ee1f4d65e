"""Names that operators read and clients rely on: task queues, workflow ids, search attributes."""

from temporalio.common import SearchAttributeKey

from ingestio.domain import runs
from ingestio.domain.messages import Reader
from ingestio.domain.users import user_hash

ORCHESTRATION_QUEUE = "ingestio"
"""Workflows and their short database steps, except a batch's documents, which live where they are read."""

MODEL_QUEUE = "ingestio-model"
"""Documents and their steps that wait for a model's service: many at once, and the server itself can hold them to a rate."""

PARSING_QUEUE = "ingestio-parsing"
"""Documents and their steps that the offline engine computes: as many at once as there are cores to use."""

EXPORT_QUEUE = "ingestio-export"
"""The writing of export files: a few at once, and none waits behind documents."""

WEBHOOK_QUEUE = "ingestio-webhook"
"""Requests to users' webhook endpoints: they wait for other people's servers."""

UPKEEP_ID = "upkeep/reconcile"

USER = SearchAttributeKey.for_keyword(runs.USER)
PLAN = SearchAttributeKey.for_keyword(runs.PLAN)
BATCH = SearchAttributeKey.for_keyword(runs.BATCH)
STRATEGY = SearchAttributeKey.for_keyword(runs.STRATEGY)
STATUS = SearchAttributeKey.for_keyword(runs.STATUS)


def reading_queue(reader: Reader) -> str:
    """Where what this reader does waits for a worker."""
    return PARSING_QUEUE if reader is Reader.CORES else MODEL_QUEUE


def batch_workflow_id(batch_id: str) -> str:
    """`batch/<id>`: one open run per batch, whoever starts it."""
    return f"batch/{batch_id}"


def document_workflow_id(document_id: str, attempt: int) -> str:
    """`document/<id>/<attempt>`: one open run per attempt; attempts count from 1."""
    return f"document/{document_id}/{attempt}"


def erasure_workflow_id(user_id: str) -> str:
    """`erasure/<hash>`: one open run per user, whose name is not kept in it."""
    return f"erasure/{user_hash(user_id)[:16]}"


def export_workflow_id(export_id: str) -> str:
    """`export/<id>`: one open run per export."""
    return f"export/{export_id}"


def delivery_workflow_id(delivery_id: str) -> str:
    """`webhook/<id>`: one open run per delivery."""
    return f"webhook/{delivery_id}"


def stripe_event_workflow_id(event_id: str) -> str:
    """`stripe/<event id>`: one run per event."""
    return f"stripe/{event_id}"
