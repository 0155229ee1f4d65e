"""What happens around every request: a trace id, one line in the log, bounds on its body, and an answer whatever happens inside."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import internal_problem, log_unexpected, problem_of
from ingestio.errors import Unavailable
from ingestio.metrics import COUNTS
from ingestio.observability import bound
from ingestio.tracing import request_span

if TYPE_CHECKING:
    from opentelemetry.trace import Span

logger = logging.getLogger("ingestio.api")

JSON_LIMIT_BYTES = 1 << 20
# A body that stops coming holds a connection and a staged file; a slow line still delivers something within this time.
BODY_IDLE_SECONDS = 60.0
# Beyond that time a body, or an answer, must move at this pace on average: a byte a minute would never be idle and never end.
SLOWEST_BYTES_PER_SECOND = 1024
_CLIENT_GONE = 499
_STOPPING = Unavailable("This process is being stopped; send the request again.", retry_after_seconds=1)
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
# A method is the client's word, and whoever makes up words must not make up metrics.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Traced:
    """Outermost: gives the trace id (the caller's own, if it sends a `traceparent`) and the span, answers what nobody caught, writes the
    line and counts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with request_span(Headers(scope=scope), scope["method"]) as (trace_id, span), bound(trace_id=trace_id):
            scope.setdefault("state", {})["trace_id"] = trace_id
            await self._answer(scope, receive, send, trace_id, span)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, trace_id: str, span: "Span | None") -> None:
        started = time.perf_counter()
        status = 0

        async def send_traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Trace-Id"] = trace_id
            await send(message)

        try:
            await self._app(scope, receive, send_traced)
        except ClientDisconnect:
            status = status or _CLIENT_GONE
        except asyncio.CancelledError:
            # The server cancels what has not finished when its time to drain is over, and nothing else does.
            if status:
                raise  # cut off in the middle, as below
            logger.warning("a request did not finish before the stop", extra={"route": _template(scope)})
            await problem_of(_STOPPING, trace_id)(scope, receive, send_traced)
        except Exception as error:  # noqa: BLE001  # the edge: whatever it is, the caller gets an answer and the log the reason
            log_unexpected(error)
            if not status:
                await internal_problem(trace_id)(scope, receive, send_traced)
            # Otherwise the answer is cut off, which is how the client learns that it is not whole.
        finally:
            self._tell(scope, status, time.perf_counter() - started, span)

    def _tell(self, scope: Scope, status: int, seconds: float, span: "Span | None") -> None:
        method, route = scope["method"], _template(scope)
        level = logging.DEBUG if scope["path"] in _QUIET else logging.INFO
        facts = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000)}
        logger.log(level, "request", extra=facts)
        known = method if method in _METHODS else "other"
        COUNTS.add("ingestio_requests_total", method=known, route=route, status=str(status))
        COUNTS.add("ingestio_request_seconds_sum", seconds, method=known, route=route)
        if span is not None:
            span.update_name(f"{known} {route}")
            span.set_attributes(
                {"http.request.method": known, "http.route": route, "http.response.status_code": status}
            )


class BoundedBodies:
    """Limits what a body may be, how slowly it may come, and how slowly an answer may be taken.

    The limit is that of JSON unless the route lifts it with `lift_body_limit`, as uploads and forms full of prompts do. An answer may come
    before the body's end: uvicorn then reads the rest away, so that no reset overtakes it on its way to the client.
    """

    def __init__(self, app: ASGIApp, *, idle_seconds: float = BODY_IDLE_SECONDS) -> None:
        self._app = app
        self._idle_seconds = idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_on(message: Message) -> None:
            patience = self._idle_seconds + len(message.get("body", b"")) / SLOWEST_BYTES_PER_SECOND
            try:
                async with asyncio.timeout(patience):
                    await send(message)
            except TimeoutError:
                raise ClientDisconnect from None  # whoever does not take the answer is as good as gone

        await self._app(scope, _Body(scope, receive, self._idle_seconds).receive, send_on)


class HeadAnswers:
    """Answers HEAD as GET would be answered, without the body, wherever GET is (RFC 9110, 9.3.2): for probes, and for whoever wants to
    know a file's size first. Innermost; everything around it sees the method that was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        is_whole = False

        async def send_head(message: Message) -> None:
            nonlocal is_whole
            if message["type"] != "http.response.body":
                await send(message)
            elif is_whole:
                raise ClientDisconnect  # an answer that comes in pieces, perhaps without end: nobody waits for them
            else:
                is_whole = True
                await send({**message, "body": b"", "more_body": False})

        inner = {**scope, "method": "GET"}
        try:
            await self._app(inner, receive, send_head)
        finally:
            # What the router found out, for those around.
            scope.update({key: inner[key] for key in ("route", "endpoint", "path_params") if key in inner})


class _Body:
    def __init__(self, scope: Scope, receive: Receive, idle_seconds: float) -> None:
        self._scope = scope
        self._idle_seconds = idle_seconds
        self._receive = receive
        self._headers = Headers(scope=scope)
        self._taken = 0
        self._waited_seconds = 0.0
        # A request without either header has no body to wait for.
        self._ended = "content-length" not in self._headers and "transfer-encoding" not in self._headers

    async def receive(self) -> Message:
        if self._ended:
            return await self._receive()
        limit: int | None = self._scope["state"].get("body_limit_bytes", JSON_LIMIT_BYTES)
        if limit is not None and _declared_length(self._headers) > limit:
            raise _too_large(limit)
        message = await self._next()
        self._taken += len(message.get("body", b""))
        if limit is not None and self._taken > limit:
            raise _too_large(limit)
        return message

    async def _next(self) -> Message:
        # Only our waiting counts: while the bytes are stored the client may have to wait for us.
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._idle_seconds):
                message = await self._receive()
        except TimeoutError:
            self._ended = True
            raise HTTPException(408, f"Nothing of the body came for {self._idle_seconds:g} seconds.") from None
        self._waited_seconds += time.monotonic() - began
        if self._waited_seconds > self._idle_seconds and self._taken < self._waited_seconds * SLOWEST_BYTES_PER_SECOND:
            self._ended = True
            raise HTTPException(408, f"The body came at less than {SLOWEST_BYTES_PER_SECOND:,} bytes a second.")
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message


def lift_body_limit(request: Request, most_bytes: int | None = None) -> None:
    """Let this request's body be larger than JSON is; of any size, unless told, for a route that streams it and limits it itself."""
    request.state.body_limit_bytes = most_bytes


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"The body may have at most {limit:,} bytes here.")


def _declared_length(headers: Headers) -> int:
    value = headers.get("content-length", "0")
    return int(value) if value.isascii() and value.isdigit() else 0


def _template(scope: Scope) -> str:
    """The path with the names of its parameters in place of their values, so that lines of one route are alike; "-" when none matched."""
    if "route" not in scope:
        return "-"
    names = {str(value): name for name, value in scope.get("path_params", {}).items()}
    path: str = scope["path"]
    for value, name in names.items():
        if "/" in value:  # a parameter that takes the rest of a path
            path = path.removesuffix(value) + f"{{{name}}}"

    def named(segment: str) -> str:
        stem, dot, suffix = segment.partition(".")
        if segment in names:
            return f"{{{names[segment]}}}"
        return f"{{{names[stem]}}}{dot}{suffix}" if stem in names else segment

    return "/".join(map(named, path.split("/")))
