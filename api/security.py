"""Who may talk to us, and what every answer says to browsers: Host allow-list, security headers (R29, R32, R101)."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem_of
from ingestio.config import Settings
from ingestio.errors import MisdirectedHost

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_WILDCARDS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  # recognised, not bound
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class AllowedHosts:
    """Answers 421 unless the Host header names one of ours: a page on another site cannot reach us by pointing its name at loopback."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _host_name(Headers(scope=scope).get("host", "")) not in self._hosts:
            error = MisdirectedHost("The Host header names none of this service's hosts; see INGESTIO_PUBLIC_URL.")
            await problem_of(error, scope["state"]["trace_id"])(scope, receive, send)
            return
        await self._app(scope, receive, send)


def hosts_of(settings: Settings) -> frozenset[str]:
    """The loopback names, the public address's host, those that the operator adds, and the address that we listen on when it is a
    single one."""
    hosts = {*LOOPBACK_NAMES, *settings.hosts}
    if settings.public_url:
        hosts.add(_host_name(urlsplit(settings.public_url).netloc))
    if settings.host not in _WILDCARDS:
        hosts.add(settings.host.lower())
    return frozenset(hosts)


def _host_name(host: str) -> str:
    """`name:port`, `[v6]:port` or either alone, as the bare name in lower case; "" for anything malformed."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    return "" if "@" in host or parts.path or parts.query or parts.fragment else (parts.hostname or "")


class SecurityHeaders:
    """Puts the strict headers on every answer; a route that needs another value has set it already."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_secured)
