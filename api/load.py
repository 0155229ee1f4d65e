"""How much one process takes on at once: what is beyond that is sent away with Retry-After, so that neither memory nor waits grow."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem_of
from ingestio.errors import Unavailable

# Requests of every kind, open streams included. One waits at most a few seconds for the database, so this many is seconds of work.
MOST_REQUESTS = 1_000
# Each holds staged files, and up to eight whose pages are being counted; two cores count about a hundred small files a second.
MOST_UPLOADS = 64
# Each waits for one of the few processes that draw pages, at most half a minute a page.
MOST_PICTURES = 32
_COME_BACK_SECONDS = 2
# Whoever asks these wants to know how a process fares that takes on nothing more.
_ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})


class Places:
    """So many at once of one kind of work."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._taken = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place during the block. Raises Unavailable when there is none: nobody stands in line here."""
        if self._taken >= self._most:
            raise Unavailable(
                f"Too many {self._what} at once; try again in a moment.", retry_after_seconds=_COME_BACK_SECONDS
            )
        self._taken += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._taken -= 1
            if not self._taken:
                self._empty.set()

    async def empty(self, timeout_seconds: float) -> None:
        """Wait until nobody holds a place, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._empty.wait()


class BoundedCrowd:
    """Answers 503 beyond so many requests at once."""

    def __init__(self, app: ASGIApp, *, places: Places) -> None:
        self._app = app
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self._app(scope, receive, send)
            return
        try:
            with self._places.taken():
                await self._app(scope, receive, send)
        except Unavailable as error:
            # No place: what goes wrong further inside is answered there.
            await problem_of(error, scope["state"]["trace_id"])(scope, receive, send)
