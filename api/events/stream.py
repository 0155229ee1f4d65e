"""One open stream: the response that lasts until its feed is over, its token expires, its client leaves or the process stops."""

import asyncio
import random
from contextlib import aclosing, suppress
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from api.events.cursors import Cursor
from api.events.feeds import Feed
from api.events.hub import Hub

MEDIA_TYPE = "text/event-stream"
# A client that takes nothing for so long is not there.
STALL_SECONDS = 30.0
_LAST_WORD_SECONDS = 1.0
# How long a browser waits before it comes again; not all of them in the same second after a restart.
_RETRY_MILLISECONDS = (1_000, 3_000)
_HEADERS = {
    # no-transform: a proxy that compresses would hold events back until it has a block full.
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}
DESCRIPTION: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}
}


class EventStream(Response):
    """Server-sent events of a feed, for at most so many seconds. Its client may hang or leave as it likes.

    Answers 503 instead when the process has as many streams as it takes.
    """

    media_type = MEDIA_TYPE

    def __init__(self, hub: Hub, feed: Feed, resumed: Cursor | None, seconds: float) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._feed = feed
        self._resumed = resumed
        self._seconds = seconds

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        with self._hub.places.taken():
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            with suppress(TimeoutError):
                async with self._hub.span(self._seconds) as span:
                    watching = asyncio.create_task(_end_when_gone(receive, span))
                    try:
                        await self._send_all(send)
                    finally:
                        watching.cancel()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORD_SECONDS):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_all(self, send: Send) -> None:
        await send(_body(b"retry: %d\n\n" % random.randint(*_RETRY_MILLISECONDS)))  # noqa: S311  # spreads a crowd, guards nothing
        async with self._hub.topic(self._feed) as topic, aclosing(topic.follow(self._resumed)) as texts:
            async for text in texts:
                async with asyncio.timeout(STALL_SECONDS):
                    await send(_body(text))


def _body(text: bytes) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": True}


async def _end_when_gone(receive: Receive, span: asyncio.Timeout) -> None:
    with suppress(HTTPException):  # a body that was announced and did not come is no reason to stay either
        while (await receive())["type"] != "http.disconnect":
            pass
    if not span.expired():
        span.reschedule(asyncio.get_running_loop().time())
