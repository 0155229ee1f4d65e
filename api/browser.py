"""Browsers that are signed in: their cookie, and the proof that a write came from one of our own pages (R31)."""

from secrets import token_urlsafe
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingestio.auth.sessions import IDLE, BrowserIdentity
from ingestio.bootstrap import Deps
from ingestio.db.session import service_session
from ingestio.errors import ForeignRequest, Unauthenticated
from ingestio.services import privileged

FORM_TOKEN_FIELD = "csrf_token"  # noqa: S105  # the name of a field
FORM_TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class BrowserSessions:
    """Opens, recognises and ends the sessions of browsers."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        # Of our cookies. Only over HTTPS would a secure one come back, and on loopback there is none.
        self.secure = (deps.settings.public_url or "").startswith("https://")

    async def open(self, response: Response, user_id: str, *, email: str | None, full_name: str | None) -> None:
        """Sign in a user who exists: a new session, and its cookie on the response."""
        session_id = token_urlsafe(32)
        now = self._deps.clock()
        async with service_session(self._deps.engine) as session:
            await privileged.open_session(session, user_id, session_id, now)
        cookie = self._deps.cookies.issue(user_id, session_id, email=email, full_name=full_name, now=now)
        response.headers.append("Set-Cookie", self._header(cookie, int(IDLE.total_seconds())))

    async def identify(self, request: Request) -> BrowserIdentity | None:
        """Who signed in on this browser, None when nobody did. Raises Unauthenticated when that session is over.

        A cookie that has been in use for a while is renewed with the answer.
        """
        cookie = request.cookies.get(self._deps.cookies.cookie_name)
        if not cookie:
            return None
        now = self._deps.clock()
        found = self._deps.cookies.read(cookie, now)
        identity = found.identity
        async with service_session(self._deps.engine) as session:
            still_open = await privileged.is_session_open(session, identity.user_id, found.session_id, now)
        if not still_open:
            raise Unauthenticated("The session has ended. Sign in again.")
        if found.stale:
            fresh = self._deps.cookies.issue(
                identity.user_id, found.session_id, email=identity.email, full_name=identity.full_name, now=now
            )
            request.state.renewed_cookie = self._header(fresh, int(IDLE.total_seconds()))
        return found

    async def end(self, response: Response, browser: BrowserIdentity) -> None:
        """Sign out: the session is over wherever its cookie has been copied to."""
        async with service_session(self._deps.engine) as session:
            await privileged.end_session(session, browser.identity.user_id, browser.session_id)
        response.headers.append("Set-Cookie", self._header("", 0))

    def require_our_page(self, request: Request, browser: BrowserIdentity, form_token: str) -> None:
        """Raises ForeignRequest unless a write comes from our own origin and carries the token of its session."""
        self.require_our_origin(request)
        if not self._deps.cookies.is_form_token(browser.session_id, form_token):
            raise ForeignRequest("The form's token is missing or belongs to another session. Load the page again.")

    def require_our_origin(self, request: Request) -> None:
        """Raises ForeignRequest unless the browser says that one of our own pages sent this."""
        origin = _place(request.headers.get("origin", ""))
        ours = {request.headers.get("host", "").lower(), _place(self._deps.settings.public_url or "")}
        if not origin or origin not in ours:
            raise ForeignRequest("The request was sent by a page of another origin.")

    def form_token(self, browser: BrowserIdentity) -> str:
        """What this session's forms carry."""
        return self._deps.cookies.form_token(browser.session_id)

    def _header(self, value: str, max_age_seconds: int) -> str:
        secure = "; Secure" if self.secure else ""
        name = self._deps.cookies.cookie_name
        return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_seconds}{secure}"


def _place(address: str) -> str:
    """Host and port of an address, without the scheme: behind a proxy that ends TLS we do not know which one the browser used."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return parts.netloc.lower() if parts.scheme in {"http", "https"} else ""


class RenewedCookies:
    """Puts a renewed cookie on the answer, unless the answer sets that cookie itself: a sign-out must stay one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_renewed(message: Message) -> None:
            renewed: str | None = scope.get("state", {}).get("renewed_cookie")
            if message["type"] == "http.response.start" and renewed is not None:
                name = renewed.partition("=")[0]
                if not any(
                    value.startswith(f"{name}=") for value in Headers(raw=message["headers"]).getlist("set-cookie")
                ):
                    MutableHeaders(scope=message).append("Set-Cookie", renewed)
            await send(message)

        await self._app(scope, receive, send_renewed)
