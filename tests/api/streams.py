"""Reading live streams as a browser does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.api.conftest import User

PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Event:
    """One event, with the id that a reconnect would send after it."""

    name: str
    data: dict[str, Any]
    last_id: str


class Stream:
    """An open stream. Comments are counted, not answered."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.last_id = ""
        self.comments = 0
        self._lines = answer.aiter_lines()

    async def next(self, seconds: float = PATIENCE_SECONDS) -> Event | None:
        """The next event, None when the stream has ended."""
        async with asyncio.timeout(seconds):
            name, data = "", ""
            async for line in self._lines:
                field, _, value = line.partition(": ")
                if field == "":
                    self.comments += bool(value)
                if field == "id":
                    self.last_id = value
                if field == "event":
                    name = value
                if field == "data":
                    data += value
                if not line and data:
                    return Event(name, json.loads(data), self.last_id)
        return None

    async def until(self, name: str, /, **wanted: Any) -> Event:
        """The first event of this name whose data has these values; earlier ones are passed over."""
        while event := await self.next():
            if event.name == name and wanted.items() <= event.data.items():
                return event
        raise AssertionError(f"the stream ended without {name} {wanted}")

    async def rest(self) -> list[Event]:
        """Every event until the stream ends."""
        events = []
        while event := await self.next():
            events.append(event)
        return events

    async def quiet(self, seconds: float) -> bool:
        """Whether nothing comes for so long. The stream is of no use afterwards."""
        try:
            return await self.next(seconds) is None
        except TimeoutError:
            return True


@asynccontextmanager
async def streaming(user: User, path: str, last_id: str | None = None) -> AsyncIterator[Stream]:
    """An open stream of a user."""
    headers = user.headers | ({"Last-Event-ID": last_id} if last_id else {})
    async with user.client.stream("GET", f"/api/v1{path}", headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)


def of_batch(batch: dict[str, Any]) -> str:
    return f"/batches/{batch['id']}/events"
