"""Batches: handed in whole, watched, steered."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from uuid import uuid4

import httpx

from ingestio.client.asking import Core, given, jittered, part
from ingestio.client.models import Batch, Document, Progress
from ingestio.client.plans import Call, Doing, Finding, Found, Open, Pause, Piece
from ingestio.client.streams import EventReader
from ingestio.client.uploads import File, HeardBytes, OutgoingFile
from ingestio.client.waiting import Deadline
from ingestio.domain.batches import BatchStatus, DocumentStatus, PromptStrategy
from ingestio.errors import InvalidRequest

AGAIN_SECONDS = 1.0
# The service says something at least every 15 seconds. What holds its words back is noticed a little later.
SILENCE_SECONDS = 20.0
_NO_MORE = 204

Prompts = Sequence[str | None] | Mapping[int, str] | Mapping[str, str]
"""A prompt for each file: in the order of the files, or by position from 0, or by file name."""


def submit(
    core: Core,
    files: Iterable[File],
    *,
    prompt: str | None = None,
    prompts: Prompts | None = None,
    name: str | None = None,
    all_or_nothing: bool = False,
    idempotency_key: str | None = None,
    on_bytes: HeardBytes | None = None,
) -> Doing[Batch]:
    """Send files and queue them as a batch: with one `prompt` for all, with `prompts`, or with neither by their types.

    Files are streamed in order, none is held in memory. Those that are no documents are in `refused_files` and stop no other. A repeat
    after a lost answer is harmless, because it carries the same key; give one of your own to make a repeat after a crash harmless too.
    `on_bytes` hears how many bytes of files went out since it was last called; a negative number when they must go again. An awaited upload
    calls it from another thread.
    Raises InvalidRequest for a file that cannot be read, ApiError.
    """
    if isinstance(files, str | bytes):
        raise InvalidRequest("hand files in as a list, also when there is but one")
    form = {"prompt_strategy": _strategy(prompt, prompts), "all_or_nothing": "true" if all_or_nothing else "false"}
    form |= given({"name": name, "global_prompt": prompt})
    if prompts is not None:
        form["per_document_prompts"] = json.dumps(_written(prompts))
    with ExitStack() as opened:
        parts = [("files", opened.enter_context(OutgoingFile(file, on_bytes))) for file in files]
        key = {"Idempotency-Key": idempotency_key or str(uuid4())}
        return (yield from core.read(Batch, Call("POST", "/batches", form=form, files=parts, headers=key)))


def get(core: Core, batch_id: str) -> Doing[Batch]:
    """One batch as it is now."""
    return core.read(Batch, Call("GET", _path(batch_id)))


def list_all(core: Core, *, status: BatchStatus | str | None = None, sort: str = "-created_at") -> Finding[Batch]:
    """All batches, newest first unless sorted."""
    return core.pages(Batch, "/batches", {"status": status, "sort": sort})


def documents(
    core: Core,
    batch_id: str,
    *,
    status: DocumentStatus | str | None = None,
    search: str | None = None,
    sort: str | None = None,
) -> Finding[Document]:
    """The documents of a batch, in the order of its files unless sorted."""
    return core.pages(Document, _path(batch_id, "documents"), {"status": status, "q": search, "sort": sort})


def progress(core: Core, batch_id: str) -> Doing[Progress]:
    """How many documents run and wait, and what the batch waits for."""
    return core.read(Progress, Call("GET", _path(batch_id, "progress")))


def events(core: Core, batch_id: str) -> Finding[Batch | Document]:
    """The batch as it is, then the batch and its documents whenever one of them changed, until the batch has ended.

    Several changes within a moment are one. A line that breaks is taken up where it broke, and nothing is missed.
    """
    reader = EventReader()
    while True:
        answer = yield from core.ask(_listening(batch_id, reader, SILENCE_SECONDS), _unread)
        if answer.status_code == _NO_MORE:
            return
        with suppress(httpx.RequestError):
            while (piece := (yield Piece())) is not None:
                for change in _changes(core, reader, piece):
                    yield Found(change)
                    if _is_end(change):
                        return
        reader.broke()
        yield Pause(jittered(AGAIN_SECONDS))


def wait(core: Core, batch_id: str, *, timeout: float | None = None) -> Doing[Batch]:
    """The batch as it ended, however it did. Raises StillRunning after `timeout` seconds, or up to 15 seconds later.

    The service tells of the end as soon as it comes. Where its word does not get through, it is asked now and then.
    """
    deadline = Deadline(timeout)
    while True:
        batch = yield from get(core, batch_id)
        if batch.has_ended:
            return batch
        deadline.check(f"the batch {batch_id}", batch)
        if not (yield from _hear_of_end(core, batch_id, deadline)):
            yield Pause(deadline.at_most(jittered(AGAIN_SECONDS)))


def cancel(core: Core, batch_id: str) -> Doing[Batch]:
    """Stop a batch; finished documents stay finished."""
    return core.read(Batch, Call("POST", _path(batch_id, "cancel")))


def pause(core: Core, batch_id: str) -> Doing[Batch]:
    """Start no further document of a batch; running ones finish."""
    return core.read(Batch, Call("POST", _path(batch_id, "pause")))


def resume(core: Core, batch_id: str) -> Doing[Batch]:
    """Go on with a paused batch."""
    return core.read(Batch, Call("POST", _path(batch_id, "resume")))


def retry(core: Core, batch_id: str, *, prompt: str | None = None) -> Doing[Batch]:
    """Run the failed and cancelled documents of an ended batch again, with another prompt when one is given."""
    body = given({"prompt": prompt})
    return core.read(Batch, Call("POST", _path(batch_id, "retry"), json=body, repeatable=False))


def delete(core: Core, batch_id: str) -> Doing[None]:
    """Delete a draft with its documents, or an ended batch whose documents stay."""
    return core.done(Call("DELETE", _path(batch_id)))


def _hear_of_end(core: Core, batch_id: str, deadline: Deadline) -> Doing[bool]:
    """Listen until the batch has ended: True. False when there is nothing to be heard any more, or no time."""
    reader = EventReader()
    with suppress(httpx.RequestError):
        answer: httpx.Response = yield Open(_listening(batch_id, reader, deadline.at_most(SILENCE_SECONDS)))
        while answer.is_success and not deadline.has_passed and (piece := (yield Piece())) is not None:
            if any(_is_end(change) for change in _changes(core, reader, piece)):
                return True
    return False


def _listening(batch_id: str, reader: EventReader, silence_seconds: float) -> Call:
    headers = given({"Accept": "text/event-stream", "Last-Event-ID": reader.last_id})
    return Call("GET", _path(batch_id, "events"), headers=headers, read_seconds=silence_seconds)


def _unread(answer: httpx.Response) -> Doing[httpx.Response]:
    """The answer as it was opened."""
    yield from ()
    return answer


def _changes(core: Core, reader: EventReader, piece: bytes) -> Iterator[Batch | Document]:
    kinds: dict[str, type[Batch | Document]] = {"batch": Batch, "document": Document}
    for event in reader.feed(piece):
        if (kind := kinds.get(event.name)) is not None:
            yield core.parsed(kind, event.data)


def _is_end(change: Batch | Document) -> bool:
    return isinstance(change, Batch) and change.has_ended


def _strategy(prompt: str | None, prompts: Prompts | None) -> PromptStrategy:
    if prompt is not None and prompts is not None:
        raise InvalidRequest("give one prompt for all, or prompts for each, not both")
    if prompt is not None:
        return PromptStrategy.GLOBAL
    return PromptStrategy.AUTO if prompts is None else PromptStrategy.PER_DOCUMENT


def _written(prompts: Prompts) -> list[str | None] | dict[str, str]:
    if isinstance(prompts, Mapping):
        return {str(key): text for key, text in prompts.items()}
    return list(prompts)


def _path(batch_id: str, *more: str) -> str:
    return "/".join(["/batches", part(batch_id), *more])
