"""Names that operators read and clients rely on: task queues, workflow ids, search attributes."""

from temporalio.common import SearchAttributeKey

ORCHESTRATION_QUEUE = "ingestio"
"""Workflows and their short database steps."""

EXTRACTION_QUEUE = "ingestio-extraction"
"""Model calls and parsing: long, bounded, never in the way of orchestration."""

UPKEEP_ID = "upkeep/reconcile"

USER = SearchAttributeKey.for_keyword("IngestioUser")
PLAN = SearchAttributeKey.for_keyword("IngestioPlan")
BATCH = SearchAttributeKey.for_keyword("IngestioBatch")
STATUS = SearchAttributeKey.for_keyword("IngestioStatus")
SEARCH_ATTRIBUTES = (USER, PLAN, BATCH, STATUS)


def batch_workflow_id(batch_id: str) -> str:
    """`batch/<id>`: one open run per batch, whoever starts it."""
    return f"batch/{batch_id}"


def document_workflow_id(document_id: str, attempt: int) -> str:
    """`document/<id>/<attempt>`: one open run per attempt; attempts count from 1."""
    return f"document/{document_id}/{attempt}"
