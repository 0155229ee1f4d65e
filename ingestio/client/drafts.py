"""Drafts: batches whose files come one by one, with the exact quote before they are submitted."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from ingestio.client.asking import Core, given, part
from ingestio.client.models import Batch, Document, Quote
from ingestio.client.plans import Call, Doing
from ingestio.client.uploads import File, HeardBytes, OutgoingFile
from ingestio.domain.batches import PromptStrategy


def create(
    core: Core,
    *,
    strategy: PromptStrategy | str,
    prompt: str | None = None,
    name: str | None = None,
    idempotency_key: str | None = None,
) -> Doing[Batch]:
    """An empty draft: `global` with its prompt, `per_document`, or `auto`."""
    body = given({"prompt_strategy": strategy, "global_prompt": prompt, "name": name})
    key = {"Idempotency-Key": idempotency_key or str(uuid4())}
    return core.read(Batch, Call("POST", "/batches", json=body, headers=key))


def put(
    core: Core,
    batch_id: str,
    client_id: str,
    file: File,
    *,
    position: int | None = None,
    on_bytes: HeardBytes | None = None,
) -> Doing[Document]:
    """Put a file into a draft, streamed; the same `client_id` (1 to 64 of A-Z a-z 0-9 . _ -) replaces, the same bytes change nothing.

    Raises ApiError for a refused file too, which stays listed until it is replaced or removed.
    """
    with OutgoingFile(file, on_bytes) as content:
        query = given({"filename": content.filename, "position": None if position is None else str(position)})
        headers = {"Content-Type": "application/octet-stream"}
        call = Call("PUT", _path(batch_id, "files", part(client_id)), query, content=content, headers=headers)
        return (yield from core.read(Document, call))


def remove(core: Core, batch_id: str, client_id: str) -> Doing[None]:
    """Take a file, or a refusal, out of a draft."""
    return core.done(Call("DELETE", _path(batch_id, "files", part(client_id))))


def change(
    core: Core,
    batch_id: str,
    *,
    name: str | None = None,
    strategy: PromptStrategy | str | None = None,
    prompt: str | None = None,
    prompts: Mapping[str, str | None] | None = None,
) -> Doing[Batch]:
    """Change what is given; "" takes a name or prompt away. `prompts` are documents' own, by client id."""
    body: dict[str, Any] = {"name": name, "prompt_strategy": strategy, "global_prompt": prompt, "prompts": prompts}
    return core.read(Batch, Call("PATCH", _path(batch_id), json=given(body)))


def quote(core: Core, batch_id: str) -> Doing[Quote]:
    """What submitting now would do, exactly and without doing it."""
    return core.read(Quote, Call("GET", _path(batch_id, "quote")))


def submit(core: Core, batch_id: str, *, all_or_nothing: bool | None = None) -> Doing[Batch]:
    """Reserve the pages, first fit in document order, and start the batch."""
    body = given({"all_or_nothing": all_or_nothing})
    return core.read(Batch, Call("POST", _path(batch_id, "submit"), json=body, repeatable=False))


def _path(batch_id: str, *more: str) -> str:
    return "/".join(["/batches", part(batch_id), *more])
