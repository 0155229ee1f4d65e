"""The client that awaits: the same plans and the same groups as in `sync`, for asyncio and trio."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, closing
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import anyio
import anyio.to_thread
import httpx

from ingestio.client import accounts, batches, documents, drafts, exports, webhooks
from ingestio.client.asking import Core
from ingestio.client.plans import Doing, Finding, Found, Load, Open, Pause, Piece, Step, one
from ingestio.client.wire import address, build, headers, presented_as

P = ParamSpec("P")
T = TypeVar("T")


class AsyncIngestio:
    """One user's connection to one service; any number of tasks may share it. Close it, or use it as a context manager.

    Arguments as for `Ingestio`. Methods that list answer asynchronous iterators, all others are awaited.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 30.0, patience: float = 60.0) -> None:
        self.url = address(url)
        self._core = Core(self.url, patience)
        self._http = httpx.AsyncClient(base_url=self.url, headers=headers(token), timeout=timeout)
        self.batches = AsyncBatches(self)
        self.drafts = AsyncDrafts(self)
        self.documents = AsyncDocuments(self)
        self.exports = AsyncExports(self)
        self.webhooks = AsyncWebhooks(self)
        self.account = AsyncAccount(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def _carry_out(self, plan: Finding[T]) -> AsyncGenerator[T, None]:
        with closing(plan):
            async with aclosing(_Line(self._http)) as line:
                go_on: Callable[[Any], Step | Found[T]] = plan.send
                outcome: Any = None
                while True:
                    try:
                        step = go_on(outcome)
                    except StopIteration:
                        return
                    go_on, outcome = plan.send, None
                    if isinstance(step, Found):
                        yield step.item
                        continue
                    try:
                        outcome = await line.take(step)
                    except httpx.RequestError as error:
                        go_on, outcome = plan.throw, error


class _Line:
    """One plan's use of the connections: at most one answer is open at a time."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._answer = httpx.Response(204)
        self._pieces: AsyncIterator[bytes] = self._answer.aiter_bytes()

    async def take(self, step: Step) -> object:
        """Take a step; answers what it comes to. Raises httpx.RequestError."""
        match step:
            case Open(call):
                await self.aclose()
                request = build(self._http, call)
                if isinstance(request.stream, httpx.SyncByteStream):
                    request.stream = _ReadInThreads(request.stream)
                self._answer = await self._http.send(request, stream=True)
                self._pieces = self._answer.aiter_bytes()
                return self._answer
            case Load():
                return await self._answer.aread()
            case Piece():
                return await anext(self._pieces, None)
            case Pause(seconds):
                await anyio.sleep(seconds)
                return None

    async def aclose(self) -> None:
        """Close the answer that is open."""
        await self._answer.aclose()


class _ReadInThreads(httpx.AsyncByteStream):
    """A request's body whose files are read beside the event loop, so that a slow disk holds nobody up."""

    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self._stream)
        while (piece := await anyio.to_thread.run_sync(next, pieces, None)) is not None:
            yield piece


class _Group:
    """What can be asked about one noun."""

    def __init__(self, client: AsyncIngestio) -> None:
        self._client = client


def _do(plan: Callable[Concatenate[Core, P], Doing[T]]) -> Callable[Concatenate[_Group, P], Awaitable[T]]:
    """A method whose result, awaited, is that of a plan."""

    @presented_as(plan)
    async def method(group: _Group, /, *args: P.args, **kwargs: P.kwargs) -> T:
        client = group._client
        async with aclosing(client._carry_out(one(plan(client._core, *args, **kwargs)))) as only:
            return await anext(only)

    return method


def _find(plan: Callable[Concatenate[Core, P], Finding[T]]) -> Callable[Concatenate[_Group, P], AsyncIterator[T]]:
    """A method that iterates over what a plan finds."""

    @presented_as(plan)
    def method(group: _Group, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        client = group._client
        return client._carry_out(plan(client._core, *args, **kwargs))

    return method


class AsyncBatches(_Group):
    """As `Batches`, awaited."""

    submit = _do(batches.submit)
    get = _do(batches.get)
    list = _find(batches.list_all)
    documents = _find(batches.documents)
    progress = _do(batches.progress)
    events = _find(batches.events)
    wait = _do(batches.wait)
    cancel = _do(batches.cancel)
    pause = _do(batches.pause)
    resume = _do(batches.resume)
    retry = _do(batches.retry)
    delete = _do(batches.delete)


class AsyncDrafts(_Group):
    """As `Drafts`, awaited."""

    create = _do(drafts.create)
    put = _do(drafts.put)
    remove = _do(drafts.remove)
    change = _do(drafts.change)
    quote = _do(drafts.quote)
    submit = _do(drafts.submit)


class AsyncDocuments(_Group):
    """As `Documents`, awaited."""

    upload = _do(documents.upload)
    extract = _do(documents.extract)
    get = _do(documents.get)
    list = _find(documents.list_all)
    wait = _do(documents.wait)
    result = _do(documents.result)
    correct = _do(documents.correct)
    review = _do(documents.review)
    revisions = _find(documents.revisions)
    cancel = _do(documents.cancel)
    retry = _do(documents.retry)
    delete = _do(documents.delete)
    download = _do(documents.download)
    picture = _do(documents.picture)


class AsyncExports(_Group):
    """As `Exports`, awaited."""

    save = _do(exports.save)
    create = _do(exports.create)
    get = _do(exports.get)
    list = _find(exports.list_all)
    wait = _do(exports.wait)
    download = _do(exports.download)
    cancel = _do(exports.cancel)
    delete = _do(exports.delete)


class AsyncWebhooks(_Group):
    """As `Webhooks`, awaited."""

    create = _do(webhooks.create)
    get = _do(webhooks.get)
    list = _find(webhooks.list_all)
    change = _do(webhooks.change)
    delete = _do(webhooks.delete)
    rotate = _do(webhooks.rotate)
    deliveries = _find(webhooks.deliveries)
    replay = _do(webhooks.replay)


class AsyncAccount(_Group):
    """As `Account`, awaited."""

    get = _do(accounts.get)
    usage = _do(accounts.usage)
    plans = _do(accounts.plans)
    export = _do(accounts.export)
    create_key = _do(accounts.create_key)
    keys = _find(accounts.keys)
    revoke_key = _do(accounts.revoke_key)
