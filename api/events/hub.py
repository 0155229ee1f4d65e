"""The process's live events: topics by feed, one listening connection for all of them, and every open stream's way out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context

from api.errors import log_unexpected
from api.events.feeds import BatchFeed, Feed, UserFeed
from api.events.topics import Topic
from api.load import Places
from ingestio.bootstrap import Deps, database_url
from ingestio.db.channel import POLL_SECONDS, Change, Channel

# Fewer than the requests that a process takes at once: streams last, and must leave room for the rest.
MOST_STREAMS = 800
# Topics that read at the same moment: the pool serves requests as well.
_TURNS = 2


class Hub:
    """Nothing runs, and no connection is made, before the first stream. Get it from `live_events`."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self.places = Places(MOST_STREAMS, "live streams")
        self._turns = asyncio.Semaphore(_TURNS)
        self._topics: dict[Feed, Topic] = {}
        self._spans: set[asyncio.Timeout] = set()
        self._listening: asyncio.Task[None] | None = None
        self._stopped = False

    @asynccontextmanager
    async def span(self, seconds: float) -> AsyncIterator[asyncio.Timeout]:
        """How long a stream lasts: TimeoutError after so many seconds, when the process stops, or when it is rescheduled."""
        async with asyncio.timeout(0 if self._stopped else seconds) as span:
            self._spans.add(span)
            try:
                yield span
            finally:
                self._spans.discard(span)

    @asynccontextmanager
    async def topic(self, feed: Feed) -> AsyncIterator[Topic]:
        """The feed's topic, which reads while somebody is in here."""
        if self._listening is None:
            # A context of its own: what it logs belongs to no request.
            self._listening = asyncio.create_task(self._listen(), context=Context())
        topic = self._topics.get(feed)
        if topic is None or topic.over:
            topic = self._topics[feed] = Topic(feed, self._deps, self._turns)
            topic.start()
        topic.streams += 1
        try:
            yield topic
        finally:
            topic.streams -= 1
            if not topic.streams:
                topic.stop()
                if self._topics.get(feed) is topic:
                    del self._topics[feed]

    def stop(self) -> None:
        """End every stream and open no new one."""
        self._stopped = True
        now = asyncio.get_running_loop().time()
        for span in self._spans:
            if not span.expired():
                span.reschedule(now)

    async def close(self) -> None:
        """Stop, and close the listening connection."""
        self.stop()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def _listen(self) -> None:
        channel = Channel(database_url(self._deps.settings), self._deps.engine, self._touch, self._touch_all)
        while True:
            try:
                await channel.run()
            except Exception as error:  # noqa: BLE001  # the edge: without it one surprise would silence every stream
                log_unexpected(error)
            self._touch_all()
            await asyncio.sleep(POLL_SECONDS)

    def _touch(self, change: Change) -> None:
        feeds: list[Feed] = [UserFeed(change.user_id)]
        if change.batch_id is not None:
            feeds.append(BatchFeed(change.user_id, change.batch_id))
        for feed in feeds:
            if (topic := self._topics.get(feed)) is not None:
                topic.touch()

    def _touch_all(self) -> None:
        for topic in self._topics.values():
            topic.touch()


@asynccontextmanager
async def live_events(deps: Deps, closing: asyncio.Event) -> AsyncIterator[Hub]:
    """The hub of a process; its streams end when `closing` is set."""
    hub = Hub(deps)

    async def stop_with_the_process() -> None:
        await closing.wait()
        hub.stop()

    waiting = asyncio.create_task(stop_with_the_process())
    try:
        yield hub
    finally:
        waiting.cancel()
        await hub.close()
