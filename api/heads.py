"""How long a connection may take to say what it wants: one that opens and stays silent, or spells its headers out, is closed.

uvicorn bounds the pause between two requests and leaves the time of a request's head open. Bodies have bounds of their own, in
`requests`.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

# A browser opens connections ahead of need and opens them again when they are gone; a slow line still sends a head in a moment.
HEAD_SECONDS = 20.0


class PromptHeads(H11Protocol):
    """uvicorn's own protocol, with a bound on the time until a request's head is there."""

    head_seconds = HEAD_SECONDS
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._due is None and not self._is_at_work:
            self._expect_head()
        super().data_received(data)
        if self._is_at_work:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def _is_at_work(self) -> bool:
        """Whether a request is here whose answer is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_head(self) -> None:
        self._due = self.loop.call_later(self.head_seconds, self._close)

    def _stop_waiting(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _close(self) -> None:
        self._due = None
        if not self._is_at_work:
            self.transport.close()
