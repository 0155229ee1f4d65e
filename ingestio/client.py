"""A small synchronous client of the HTTP contract: submit batches, watch them, fetch results.

    with Client("http://127.0.0.1:8000", token) as client:
        batch = client.submit_batch([Upload(Path("invoice.pdf"))], strategy=PromptStrategy.AUTO)
        for batch in client.watch(batch.id):
            print(batch.completed_count, "of", batch.document_count)
        for document in client.documents(batch.id):
            print(document.filename, document.status)

Requests that may be repeated are repeated while the service is away, restarts or says when to come back, for `patience_seconds` in all.
What the service refuses is a `ProblemError`; a service that stays away is `Unavailable`.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from ingestio.domain.batches import BatchStatus, DocumentStatus, PromptStrategy
from ingestio.errors import IngestioError, Unavailable
from ingestio.uploads import OpenedLater, Upload

PAGE = 200
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
# After the last byte the service still counts pages: bounded to seconds a file, but a batch has many.
UPLOAD_TIMEOUT = httpx.Timeout(60.0, connect=5.0, read=900.0)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0


class ProblemError(IngestioError):
    """The service's own refusal: a problem of RFC 9457. `extra` holds members beyond the standard ones, such as `batch_id`."""

    title = "The service refused the request"

    def __init__(
        self, status: int, code: str, detail: str, trace_id: str | None = None, extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        # Our own errors fix both for the class; here the service says them.
        self.status = status  # type: ignore[misc]
        self.code = code  # type: ignore[misc]
        self.trace_id = trace_id
        self.extra = dict(extra or {})


class _Answer(BaseModel):
    """Fields may be added to the contract at any time; what is not named here is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RefusedFile(_Answer):
    """A file that was not accepted, and why."""

    filename: str
    client_id: str
    code: str
    message: str


class Batch(_Answer):
    """A batch as the contract describes it."""

    id: str
    name: str | None
    status: BatchStatus
    paused: bool
    prompt_strategy: PromptStrategy
    document_count: int
    completed_count: int
    failed_count: int
    cancelled_count: int
    total_pages: int
    refused_files: tuple[RefusedFile, ...]
    created_at: str
    completed_at: str | None
    workflow_id: str | None = None


class DocumentError(_Answer):
    """Why a document did not complete."""

    code: str
    message: str


class Document(_Answer):
    """A document as the contract describes it; `position` is its place among the files of its batch, from 0."""

    id: str
    client_id: str | None
    position: int
    filename: str
    page_count: int
    status: DocumentStatus
    document_type: str | None
    error: DocumentError | None
    pages_charged: int


_A = TypeVar("_A", bound=_Answer)


class Client:
    """One user's connection to one service. Use it from one thread, as a context manager."""

    def __init__(self, url: str, token: str, *, patience_seconds: float = 60.0) -> None:
        self.url = url.rstrip("/")
        self._patience_seconds = patience_seconds
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=TIMEOUT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def submit_batch(
        self,
        files: Iterable[Upload],
        *,
        strategy: PromptStrategy,
        prompt: str | None = None,
        prompts: Mapping[int, str] | None = None,
        name: str | None = None,
        all_or_nothing: bool = False,
        idempotency_key: str | None = None,
        on_bytes: Callable[[int], None] | None = None,
    ) -> Batch:
        """Send files in order and queue them; files are streamed, none is held in memory.

        `prompts` by position from 0, under `per_document`. `on_bytes` hears how many bytes of files went out since the last call; a
        negative number when they must go again. A repeat after a lost answer is harmless: it carries the same key. Raises
        InvalidRequest for a file that cannot be read.
        """
        fields = {"prompt_strategy": strategy.value, "all_or_nothing": "true" if all_or_nothing else "false"}
        if name is not None:
            fields["name"] = name
        if prompt is not None:
            fields["global_prompt"] = prompt
        if prompts is not None:
            fields["per_document_prompts"] = json.dumps({str(position): text for position, text in prompts.items()})
        key = idempotency_key or str(uuid4())
        with ExitStack() as opened:
            parts = []
            for upload in files:
                content = OpenedLater(upload, on_bytes)
                opened.callback(content.close)
                parts.append(("files", (upload.filename, content, "application/octet-stream")))
            answer = self._send(
                "POST",
                "/batches",
                data=fields,
                files=parts,
                headers={"Idempotency-Key": key},
                timeout=UPLOAD_TIMEOUT,
            )
        return self._read(Batch, answer)

    def batch(self, batch_id: str) -> Batch:
        """One batch as it is now."""
        return self._read(Batch, self._send("GET", f"/batches/{batch_id}"))

    def batches(self, *, status: str | None = None, sort: str = "-created_at") -> Iterator[Batch]:
        """All batches, newest first, fetched page by page as they are asked for."""
        query = {"sort": sort} if status is None else {"sort": sort, "status": status}
        return self._pages(Batch, "/batches", query)

    def documents(self, batch_id: str) -> Iterator[Document]:
        """All documents of a batch, fetched page by page as they are asked for."""
        return self._pages(Document, f"/batches/{batch_id}/documents", {})

    def result(self, document_id: str) -> dict[str, Any]:
        """A completed document's result, as the contract describes it."""
        return self._object(self._send("GET", f"/documents/{document_id}/result"))

    def watch(self, batch_id: str, *, every_seconds: float = 0.3) -> Iterator[Batch]:
        """The batch now and then again until it has ended; its end comes last."""
        while True:
            batch = self.batch(batch_id)
            yield batch
            if batch.status.is_terminal:
                return
            time.sleep(every_seconds)

    def cancel(self, batch_id: str) -> Batch:
        """Stop a batch; finished documents stay finished."""
        return self._act(batch_id, "cancel")

    def pause(self, batch_id: str) -> Batch:
        """Start no further document of a batch."""
        return self._act(batch_id, "pause")

    def resume(self, batch_id: str) -> Batch:
        """Go on with a paused batch."""
        return self._act(batch_id, "resume")

    def retry(self, batch_id: str, *, prompt: str | None = None) -> Batch:
        """Run failed and cancelled documents again, with another prompt when one is given."""
        return self._act(batch_id, "retry", repeatable=False, json={} if prompt is None else {"prompt": prompt})

    def _act(self, batch_id: str, action: str, *, repeatable: bool = True, **options: Any) -> Batch:
        return self._read(Batch, self._send("POST", f"/batches/{batch_id}/{action}", repeatable=repeatable, **options))

    def _pages(self, kind: type[_A], path: str, query: Mapping[str, str]) -> Iterator[_A]:
        cursor: str | None = None
        while True:
            asked = {**query, "limit": str(PAGE)} | ({} if cursor is None else {"cursor": cursor})
            page = self._object(self._send("GET", path, params=asked))
            for item in page.get("items", ()):
                yield self._checked(kind, item)
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def _send(self, method: str, path: str, *, repeatable: bool = True, **options: Any) -> httpx.Response:
        deadline, pause = time.monotonic() + self._patience_seconds, FIRST_PAUSE_SECONDS
        while True:
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if not (repeatable or never_sent) or time.monotonic() + pause > deadline:
                    raise Unavailable(f"{self.url} does not answer ({type(error).__name__}).") from error
                time.sleep(pause)
            else:
                if answer.is_success:
                    return answer
                wait = _wait_seconds(answer, pause)
                if not _may_come_back(answer, repeatable=repeatable) or time.monotonic() + wait > deadline:
                    raise _problem(answer)
                time.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _read(self, kind: type[_A], answer: httpx.Response) -> _A:
        return self._checked(kind, self._object(answer))

    def _object(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            content = answer.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise self._strange()
        return content

    def _checked(self, kind: type[_A], content: Any) -> _A:
        try:
            return kind.model_validate(content)
        except ValidationError as error:
            raise self._strange() from error

    def _strange(self) -> ProblemError:
        return ProblemError(502, "unexpected_answer", f"{self.url} answered something that is not of this service.")


def _may_come_back(answer: httpx.Response, *, repeatable: bool) -> bool:
    # 429 is said before anything is done; 502 and 504 come from a proxy that does not know what happened.
    return answer.status_code == 429 or (repeatable and answer.status_code in {502, 503, 504})


def _wait_seconds(answer: httpx.Response, default: float) -> float:
    try:
        return max(float(answer.headers.get("Retry-After", default)), 0.0)
    except ValueError:
        return default


def _problem(answer: httpx.Response) -> ProblemError:
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict) or "code" not in content:
        return ProblemError(
            answer.status_code, "unexpected_answer", f"HTTP {answer.status_code} without an explanation"
        )
    standard = {"type", "title", "status", "detail", "code", "trace_id"}
    detail = str(content.get("detail") or content.get("title") or content["code"])
    return ProblemError(
        answer.status_code,
        str(content["code"]),
        " ".join([detail, *_wrong_fields(content.get("errors"), detail)]),
        content.get("trace_id"),
        {name: value for name, value in content.items() if name not in standard},
    )


def _wrong_fields(errors: Any, detail: str) -> list[str]:
    """The first few wrong inputs of a 422 as sentences, unless the detail says them already."""
    found = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    said = [
        f"{error.get('field')}: {error.get('message')}."
        for error in found[:3]
        if str(error.get("message")) not in detail
    ]
    return [*said, "..."] if said and len(found) > 3 else said
