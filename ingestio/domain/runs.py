"""Runs as operators meet them in Temporal: what they are searched by, and where its UI shows them."""

from urllib.parse import quote

# All of Temporal's type Keyword: matched whole. What each holds and when it changes is in docs/operating.md.
USER = "IngestioUser"
PLAN = "IngestioPlan"
BATCH = "IngestioBatch"
STRATEGY = "IngestioStrategy"
STATUS = "IngestioStatus"
SEARCH_ATTRIBUTES = (USER, PLAN, BATCH, STRATEGY, STATUS)


def run_url(ui_url: str, namespace: str, workflow_id: str) -> str:
    """The page of a workflow's newest run in the Temporal UI that answers at `ui_url`."""
    return f"{ui_url.rstrip('/')}/namespaces/{quote(namespace, safe='')}/workflows/{quote(workflow_id, safe='')}"
