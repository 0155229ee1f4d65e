"""Problems as people see them: the same problem detail, as a page; and whoever is not signed in is sent to where they can."""

import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.browser import READING
from api.web.addresses import own_path
from api.web.rendering import Renderer

_PROBLEM = "application/problem+json"
_UNAUTHENTICATED = 401


class ProblemPages:
    """Outermost: turns a problem detail into a page when a browser asks for one. The API keeps its JSON whoever asks."""

    def __init__(self, app: ASGIApp, *, renderer: Renderer) -> None:
        self._app = app
        self._renderer = renderer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _wants_page(scope):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()

        async def send_page(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_problem(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                await self._answer(Request(scope), start, json.loads(body))(scope, receive, send)

        await self._app(scope, receive, send_page)

    def _answer(self, request: Request, start: Message, problem: dict[str, Any]) -> Response:
        if start["status"] == _UNAUTHENTICATED:
            response: Response = RedirectResponse(f"/sign-in?{urlencode({'next': _came_for(request)})}", 303)
        else:
            response = self._renderer.page(
                request,
                "errors/page.html",
                status_code=start["status"],
                status=start["status"],
                title=problem["title"],
                detail=problem["detail"],
                code=problem["code"],
                errors=problem.get("errors"),
                retry_after=int(Headers(raw=start["headers"]).get("retry-after", 0)),
                again=_came_for(request),
                sent=request.method not in READING,
                trace_id=problem["trace_id"],
            )
        own = MutableHeaders(raw=response.raw_headers)
        for name, value in Headers(raw=start["headers"]).items():
            if name not in {"content-type", "content-length", "content-security-policy", "www-authenticate"}:
                own.append(name, value)
        return response


def _wants_page(scope: Scope) -> bool:
    return not scope["path"].startswith("/api/") and "text/html" in Headers(scope=scope).get("accept", "")


def _is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "") == _PROBLEM


def _came_for(request: Request) -> str:
    """The page that was asked for; for a form, the page that it was on."""
    if request.method in READING:
        return own_path(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    sent_from = urlsplit(request.headers.get("referer", ""))
    return own_path(sent_from.path + (f"?{sent_from.query}" if sent_from.query else ""))
