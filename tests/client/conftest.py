"""Both kinds of client behind one face, so that a test is written once and says the same of each."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from ingestio.client import AsyncIngestio, Ingestio
from tests.client.stand_in import Reply, StandIn

Connect = Callable[..., AbstractContextManager[Ingestio]]
Talk = Callable[..., AbstractContextManager[tuple[StandIn, Ingestio]]]


class _Group:
    """A group of the awaited client, whose methods block here."""

    def __init__(self, group: object, portal: BlockingPortal) -> None:
        self._group, self._portal = group, portal

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._group, name)

        def blocking(*args: Any, **kwargs: Any) -> Any:
            begun = method(*args, **kwargs)
            if hasattr(begun, "__aiter__"):
                return self._iterated(begun)
            return self._portal.call(self._awaited, begun)

        return blocking

    def _iterated(self, items: Any) -> Iterator[Any]:
        nothing = object()
        try:
            while (item := self._portal.call(anext, items, nothing)) is not nothing:
                yield item
        finally:
            self._portal.call(items.aclose)

    @staticmethod
    async def _awaited(begun: Any) -> Any:
        return await begun


class _Blocking:
    def __init__(self, client: AsyncIngestio, portal: BlockingPortal) -> None:
        self._client, self._portal = client, portal

    def __getattr__(self, name: str) -> _Group:
        return _Group(getattr(self._client, name), self._portal)


@contextmanager
def _awaited_client(*args: Any, **kwargs: Any) -> Iterator[Ingestio]:
    with start_blocking_portal() as portal:
        with portal.wrap_async_context_manager(AsyncIngestio(*args, **kwargs)) as client:
            yield cast("Ingestio", _Blocking(client, portal))


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Makes a client of either kind."""
    return Ingestio if request.param == "sync" else _awaited_client


@pytest.fixture
def talk(connect: Connect) -> Talk:
    """Opens a conversation with a server that says what it is told to."""

    @contextmanager
    def talking(*replies: Reply, patience: float = 5.0) -> Iterator[tuple[StandIn, Ingestio]]:
        with (
            StandIn(list(replies)).serving() as server,
            connect(server.url, "secret-token", patience=patience) as client,
        ):
            yield server, client

    return talking
