"""One topic per feed that somebody follows: it reads each change once and keeps the last messages for all its streams.

A stream keeps no queue: it remembers how far it has come. One that falls behind the kept messages, because its client is slow, reads the
rows itself from there, so a slow client costs no memory and loses nothing.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextvars import Context
from dataclasses import dataclass

from api.errors import log_unexpected
from api.events.cursors import Cursor
from api.events.feeds import Feed
from api.events.reading import Message, Reader
from ingestio.bootstrap import Deps
from ingestio.errors import Unavailable

# The first change after a pause is told at once, further ones together: at most two and a half messages a second.
PACE_SECONDS = 0.4
PING_SECONDS = 15.0
PING = b": ping\n\n"
_AGAIN_SECONDS = 1.0
_KEPT_BYTES, _KEPT_MESSAGES = 1 << 16, 32


@dataclass(slots=True)
class _Place:
    """How far one stream has come: the last kept message that it has sent, or, without one, a reader of its own."""

    cursor: Cursor | None
    number: int | None = None
    reader: Reader | None = None


class Topic:
    """Reads its feed whenever it was touched, between `start` and `stop`."""

    def __init__(self, feed: Feed, deps: Deps, turns: asyncio.Semaphore) -> None:
        self.feed = feed
        self.streams = 0
        self.over = False
        self._deps = deps
        self._turns = turns
        self._reader = Reader(feed, deps)
        # One reader at a time, so that what a stream is told never goes back in time.
        self._reading = asyncio.Lock()
        self._touched = asyncio.Event()
        self._touched.set()
        self._kept: deque[Message] = deque(maxlen=_KEPT_MESSAGES)
        self._number = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read."""
        # A context of its own: what it logs belongs to no request.
        self._task = asyncio.create_task(self._run(), context=Context())

    def stop(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()

    def touch(self) -> None:
        """Have the rows read soon."""
        self._touched.set()

    async def _run(self) -> None:
        try:
            while not self.over:
                await self._touched.wait()
                self._touched.clear()
                try:
                    message, _ = await self._read(self._reader)
                except Unavailable:
                    self._touched.set()
                    await asyncio.sleep(_AGAIN_SECONDS)
                    continue
                self._publish(message)
                if message.cursor is None:
                    self._touched.set()
                else:
                    await asyncio.sleep(PACE_SECONDS)
        except Exception as error:  # noqa: BLE001  # the edge: streams must end then, so that their clients come again
            log_unexpected(error)
        finally:
            self.over = True
            self._wake()

    async def follow(self, resumed: Cursor | None) -> AsyncGenerator[bytes, None]:
        """What one stream sends, from where its client is, until the feed is over; a comment when there is nothing to say."""
        place = _Place(resumed)
        while True:
            message = await self._next(place)
            if message is None:
                if self.over:
                    return
                yield PING
                continue
            if message.text:
                yield message.text
            if message.ended:
                return

    async def _next(self, place: _Place) -> Message | None:
        """The next message for a stream, perhaps an empty one; None when there was none for a while, or will be none."""
        if place.number is None:
            return await (self._open(place) if place.cursor is None else self._catch_up(place))
        if not await self._moved_from(place.number):
            return None
        passed = self._number - place.number
        if passed > len(self._kept):
            place.number = None
            return Message()
        place.number = self._number
        messages = [self._kept[index] for index in range(-passed, 0)]
        place.cursor = next((item.cursor for item in reversed(messages) if item.cursor), place.cursor)
        return Message(b"".join(item.text for item in messages), place.cursor, messages[-1].ended)

    async def _open(self, place: _Place) -> Message | None:
        if not await self._moved_from(0):
            return None
        message = self._reader.opening()
        place.number, place.cursor = self._number, message.cursor
        return message

    async def _catch_up(self, place: _Place) -> Message | None:
        assert place.cursor is not None
        place.reader = place.reader or Reader(self.feed, self._deps, place.cursor.since)
        try:
            message, number = await self._read(place.reader)
        except Unavailable:
            await asyncio.sleep(_AGAIN_SECONDS)
            return None
        if message.cursor is not None:
            place.cursor, place.number, place.reader = message.cursor, number, None
        return message

    async def _read(self, reader: Reader) -> tuple[Message, int]:
        """A message, and the number of the last kept one that it makes up for."""
        async with self._reading, self._turns:
            return await reader.read(), self._number

    def _publish(self, message: Message) -> None:
        self._kept.append(message)
        while len(self._kept) > 1 and sum(len(item.text) for item in self._kept) > _KEPT_BYTES:
            self._kept.popleft()
        self._number += 1
        self.over = message.ended
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _moved_from(self, number: int) -> bool:
        """Wait for a message after `number`; False when none came for a while, or none will."""
        if self._number == number and not self.over:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                return False
        return self._number > number
