"""The client that blocks: plans carried out by waiting for each step, and everything that can be asked, in groups."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from ingestio.client import accounts, batches, documents, drafts, exports, webhooks
from ingestio.client.asking import Core
from ingestio.client.plans import Doing, Finding, Found, Load, Open, Pause, Piece, Step, one
from ingestio.client.wire import address, build, headers, presented_as

P = ParamSpec("P")
T = TypeVar("T")


class Ingestio:
    """One user's connection to one service; any number of threads may share it. Close it, or use it as a context manager.

    `token` is an API key or a bearer token. `timeout` bounds each silence of the service in seconds, except after an upload, whose pages
    are counted then; `patience` how long in all what may be repeated is repeated while the service is away, restarts or says when to
    come back.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 30.0, patience: float = 60.0) -> None:
        self.url = address(url)
        self._core = Core(self.url, patience)
        self._http = httpx.Client(base_url=self.url, headers=headers(token), timeout=timeout)
        self.batches = Batches(self)
        self.drafts = Drafts(self)
        self.documents = Documents(self)
        self.exports = Exports(self)
        self.webhooks = Webhooks(self)
        self.account = Account(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _carry_out(self, plan: Finding[T]) -> Generator[T, None, None]:
        with closing(plan), closing(_Line(self._http)) as line:
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
                    outcome = line.take(step)
                except httpx.RequestError as error:
                    go_on, outcome = plan.throw, error


class _Line:
    """One plan's use of the connections: at most one answer is open at a time."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._answer = httpx.Response(204)
        self._pieces: Iterator[bytes] = iter(())

    def take(self, step: Step) -> object:
        """Take a step; answers what it comes to. Raises httpx.RequestError."""
        match step:
            case Open(call):
                self.close()
                self._answer = self._http.send(build(self._http, call), stream=True)
                self._pieces = self._answer.iter_bytes()
                return self._answer
            case Load():
                return self._answer.read()
            case Piece():
                return next(self._pieces, None)
            case Pause(seconds):
                time.sleep(seconds)
                return None

    def close(self) -> None:
        """Close the answer that is open."""
        self._answer.close()


class _Group:
    """What can be asked about one noun."""

    def __init__(self, client: Ingestio) -> None:
        self._client = client


def _do(plan: Callable[Concatenate[Core, P], Doing[T]]) -> Callable[Concatenate[_Group, P], T]:
    """A method that gives the result of a plan."""

    @presented_as(plan)
    def method(group: _Group, /, *args: P.args, **kwargs: P.kwargs) -> T:
        client = group._client
        with closing(client._carry_out(one(plan(client._core, *args, **kwargs)))) as only:
            return next(only)

    return method


def _find(plan: Callable[Concatenate[Core, P], Finding[T]]) -> Callable[Concatenate[_Group, P], Iterator[T]]:
    """A method that iterates over what a plan finds."""

    @presented_as(plan)
    def method(group: _Group, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        client = group._client
        return client._carry_out(plan(client._core, *args, **kwargs))

    return method


class Batches(_Group):
    """Batches: handed in whole, watched, steered."""

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


class Drafts(_Group):
    """Batches whose files come one by one, with the exact quote before they are submitted."""

    create = _do(drafts.create)
    put = _do(drafts.put)
    remove = _do(drafts.remove)
    change = _do(drafts.change)
    quote = _do(drafts.quote)
    submit = _do(drafts.submit)


class Documents(_Group):
    """Documents: extracted by themselves or with a batch, read, corrected, judged."""

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


class Exports(_Group):
    """Results as files."""

    save = _do(exports.save)
    create = _do(exports.create)
    get = _do(exports.get)
    list = _find(exports.list_all)
    wait = _do(exports.wait)
    download = _do(exports.download)
    cancel = _do(exports.cancel)
    delete = _do(exports.delete)


class Webhooks(_Group):
    """Endpoints that are told of events, and what became of each delivery."""

    create = _do(webhooks.create)
    get = _do(webhooks.get)
    list = _find(webhooks.list_all)
    change = _do(webhooks.change)
    delete = _do(webhooks.delete)
    rotate = _do(webhooks.rotate)
    deliveries = _find(webhooks.deliveries)
    replay = _do(webhooks.replay)


class Account(_Group):
    """The caller: account, pages used and left, plans, API keys."""

    get = _do(accounts.get)
    usage = _do(accounts.usage)
    plans = _do(accounts.plans)
    export = _do(accounts.export)
    create_key = _do(accounts.create_key)
    keys = _find(accounts.keys)
    revoke_key = _do(accounts.revoke_key)
