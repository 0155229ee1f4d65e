"""How long a connection may take to say what it wants: one that opens and stays silent, or spells its headers out, is closed; one that
says what is no HTTP is told so as every other mistake is; and one that says no more once everything is asked is answered.

uvicorn bounds the pause between two requests and leaves the time of a request's head open. Bodies have bounds of their own, in
`requests`.
"""

import asyncio
import logging
from uuid import uuid4

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.errors import problem
from api.security import HEADERS

logger = logging.getLogger("ingestio.api")

# A browser opens connections ahead of need and opens them again when they are gone; a slow line still sends a head in a moment.
HEAD_SECONDS = 20.0


class PromptHeads(H11Protocol):
    """uvicorn's own protocol, with a bound on the time until a request's head is there, and problems for what is none."""

    head_seconds = HEAD_SECONDS
    _due: asyncio.TimerHandle | None = None
    _says_no_more = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._due is None and not self._is_at_work:
            self._expect_head()
        super().data_received(data)
        if self._is_at_work:
            self._stop_waiting()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn declares that it always hangs up
        """The client has closed its side. True keeps ours open for the answer to what it asked whole.

        Not once an answer has begun: who leaves a live stream closes both sides, which looks the same from here.
        """
        self._says_no_more = self._is_at_work and not self.cycle.more_body and not self.cycle.response_started
        return self._says_no_more

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._says_no_more and not self._is_at_work:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, unless another answer is on its way already, and close."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            trace_id = uuid4().hex
            logger.info("no HTTP", extra={"trace_id": trace_id})
            answer = problem(400, "invalid_request", "Bad Request", msg, trace_id=trace_id)
            headers = HEADERS | dict(answer.headers) | {"X-Trace-Id": trace_id, "Connection": "close"}
            for event in (
                h11.Response(status_code=400, headers=list(headers.items()), reason="Bad Request"),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
        self.transport.close()

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
