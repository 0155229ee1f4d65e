"""From rows to messages: what changed since the last look, in pieces that are small enough to hold."""

from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from api.events.cursors import Cursor
from api.events.feeds import Feed, Summary
from ingestio.bootstrap import Deps
from ingestio.db.changes import EVERYTHING, read_horizon
from ingestio.db.session import user_session

# About 70 KB of documents.
ROWS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Message:
    """Events as they go over the wire, perhaps none. `cursor` None: there is more to read before the client has come further."""

    text: bytes = b""
    cursor: Cursor | None = None
    ended: bool = False


def event(name: str, json: str, cursor: Cursor | None = None) -> bytes:
    """One server-sent event. JSON has no raw line ends, so its data is one line."""
    identity = "" if cursor is None else f"id: {cursor}\n"
    return f"{identity}event: {name}\ndata: {json}\n\n".encode()


class Reader:
    """Reads a feed from a horizon on. Each look is one short transaction; errors leave the reader where it was.

    Without a horizon the first look sees the summary alone: a client that has just fetched the rows needs only what follows.
    """

    def __init__(self, feed: Feed, deps: Deps, since: int | None = None) -> None:
        self._feed = feed
        self._deps = deps
        self._since = since
        # Rows that were told and may be found again, because an older transaction is still open.
        self._told: dict[UUID, int] = {}
        self._summary: Summary | None = None

    async def read(self) -> Message:
        """The next message. Raises Unavailable."""
        async with user_session(self._deps.engine, self._feed.user_id) as session:
            horizon = await read_horizon(session)
            # Before the rows, so that a terminal summary never overtakes the last rows' end.
            summary = await self._feed.summary(session, self._deps)
            if summary is None:
                return Message(ended=True)
            changed = await self._feed.changed(session, self._from(horizon), horizon) if self._since is not None else {}
            news = {row_id: written for row_id, written in changed.items() if self._told.get(row_id) != written}
            page = dict(islice(news.items(), ROWS_AT_ONCE))
            rows = await self._feed.rows(session, self._deps, list(page)) if page else []
        self._told |= page
        if len(page) < len(news):
            return Message(b"".join(event(self._feed.event, row) for row in rows))
        return self._all_told(horizon, rows, summary)

    def opening(self) -> Message:
        """The summary as it was read last, for a client that begins here."""
        if self._summary is None or self._since is None:
            return Message(ended=True)
        cursor = Cursor(self._since, self._summary.end)
        ended = self._summary.end is not None
        return Message(event(self._summary.event, self._summary.json, cursor), cursor, ended)

    def _from(self, horizon: int) -> int:
        """Where to read from; a horizon that is ahead of the database's comes from another one and says nothing about this."""
        assert self._since is not None
        return self._since if self._since <= horizon else EVERYTHING

    def _all_told(self, horizon: int, rows: list[str], summary: Summary) -> Message:
        cursor = Cursor(horizon, summary.end)
        events = [(self._feed.event, row) for row in rows]
        if summary != self._summary:
            events.append((summary.event, summary.json))
        self._since, self._summary = horizon, summary
        self._told = {row_id: written for row_id, written in self._told.items() if written >= horizon}
        # Only the last carries the id: a client that is cut off before it reads this message once more.
        last = len(events) - 1
        text = b"".join(event(name, json, cursor if n == last else None) for n, (name, json) in enumerate(events))
        return Message(text, cursor, summary.end is not None)
