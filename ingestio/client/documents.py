"""Documents: extracted by themselves or with a batch, read, corrected, judged."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from ingestio.client.asking import Core, given, part
from ingestio.client.downloads import save
from ingestio.client.models import Document, Result, Revision
from ingestio.client.plans import Call, Doing, Finding
from ingestio.client.uploads import File, HeardBytes, OutgoingFile
from ingestio.client.waiting import until_ended
from ingestio.domain.batches import DocumentStatus


def upload(
    core: Core, file: File, *, idempotency_key: str | None = None, on_bytes: HeardBytes | None = None
) -> Doing[Document]:
    """Upload a single document, streamed. Nothing runs, and nothing is charged, until it is extracted."""
    with OutgoingFile(file, on_bytes) as content:
        key = {"Idempotency-Key": idempotency_key or str(uuid4())}
        call = Call("POST", "/documents", files=[("file", content)], headers=key)
        return (yield from core.read(Document, call))


def extract(
    core: Core,
    document_id: str,
    *,
    prompt: str | None = None,
    custom_instructions: str | None = None,
    skip_classification: bool | None = None,
    reuse: bool | None = None,
    lane: Literal["interactive", "bulk"] | None = None,
) -> Doing[Document]:
    """Extract one document by itself; without a prompt its type is recognised and its usual fields are read.

    `reuse=False` reads it anew where the same was asked of the same bytes before.
    """
    options = {
        "custom_instructions": custom_instructions,
        "skip_classification": skip_classification,
        "reuse": reuse,
        "lane": lane,
    }
    body = given({"prompt": prompt, "options": given(options) or None})
    return core.read(Document, Call("POST", _path(document_id, "extract"), json=body, repeatable=False))


def get(core: Core, document_id: str) -> Doing[Document]:
    """One document as it is now, with its whole prompt."""
    return core.read(Document, Call("GET", _path(document_id)))


def list_all(
    core: Core,
    *,
    status: DocumentStatus | str | None = None,
    document_type: str | None = None,
    review: Literal["needed", "approved", "rejected"] | None = None,
    search: str | None = None,
    sort: str = "-created_at",
) -> Finding[Document]:
    """All documents, those of batches too, newest first unless sorted. `review="needed"`: those that a person should look at."""
    query = {"status": status, "document_type": document_type, "review": review, "q": search, "sort": sort}
    return core.pages(Document, "/documents", query)


def wait(core: Core, document_id: str, *, timeout: float | None = None) -> Doing[Document]:
    """The document as its extraction ended, however it did. Raises StillRunning after `timeout` seconds."""
    return until_ended(f"the document {document_id}", lambda: get(core, document_id), timeout)


def result(core: Core, document_id: str, *, values: Literal["reviewed", "machine"] = "reviewed") -> Doing[Result]:
    """What was found, with people's corrections unless `machine`. Raises ApiError `result_not_ready` before it is completed."""
    return core.read(Result, Call("GET", _path(document_id, "result"), {"values": values}))


def correct(core: Core, document_id: str, changes: Mapping[str, str | None], *, revision: int) -> Doing[Result]:
    """Correct values by path, all or none. `revision` is that of the result that you saw.

    Raises ApiError `revision_conflict` when somebody else came first: look at the newer result, and decide again.
    """
    wanted = [{"path": path, "value": value} for path, value in changes.items()]
    body: dict[str, Any] = {"revision": revision, "changes": wanted}
    return core.read(Result, Call("PATCH", _path(document_id, "fields"), json=body, repeatable=False))


def review(core: Core, document_id: str, decision: Literal["approved", "rejected"], *, revision: int) -> Doing[Result]:
    """Approve or reject a result as it stood at `revision`. Raises ApiError `revision_conflict`."""
    body = {"revision": revision, "decision": decision}
    return core.read(Result, Call("POST", _path(document_id, "review"), json=body, repeatable=False))


def revisions(core: Core, document_id: str, *, sort: str = "-created_at") -> Finding[Revision]:
    """Who changed what, and what later extractions changed, newest first unless sorted."""
    return core.pages(Revision, _path(document_id, "revisions"), {"sort": sort})


def cancel(core: Core, document_id: str) -> Doing[Document]:
    """Stop the extraction of a single document; its pages are released."""
    return core.read(Document, Call("POST", _path(document_id, "cancel"), repeatable=False))


def retry(core: Core, document_id: str, *, prompt: str | None = None) -> Doing[Document]:
    """Extract a single document that failed or was cancelled once more."""
    body = given({"prompt": prompt})
    return core.read(Document, Call("POST", _path(document_id, "retry"), json=body, repeatable=False))


def delete(core: Core, document_id: str) -> Doing[None]:
    """Delete a document with its file and results. What it was charged stays charged."""
    return core.done(Call("DELETE", _path(document_id)))


def download(core: Core, document_id: str, path: str | os.PathLike[str]) -> Doing[Path]:
    """Write the file as it was uploaded to `path`, streamed."""
    return save(core, Call("GET", _path(document_id, "file")), path)


def picture(core: Core, document_id: str, page: int, path: str | os.PathLike[str]) -> Doing[Path]:
    """Write a picture (PNG) of one page, from 1, to `path`."""
    return save(core, Call("GET", _path(document_id, "pages", f"{page}.png")), path)


def _path(document_id: str, *more: str) -> str:
    return "/".join(["/documents", part(document_id), *more])
