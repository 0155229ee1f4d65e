"""Browsers at the front door."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

from api.app import create_app
from ingestio.config import Settings

ORIGIN = "http://localhost"
PAGE = {"Accept": "text/html"}


@dataclass
class Browser:
    """Keeps cookies, asks for pages, and sends the Origin and the form token as a browser on our page does."""

    client: httpx.AsyncClient

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, headers=PAGE | options.pop("headers", {}), **options)

    async def post(
        self, path: str, *, origin: str | None = ORIGIN, token: str | None = "own", **fields: str
    ) -> httpx.Response:
        """Post a form from one of our pages; `origin` and `token` None are left out, `own` is the page's token."""
        if token is not None:
            fields["csrf_token"] = await self.token() if token == "own" else token
        headers = PAGE if origin is None else PAGE | {"Origin": origin}
        return await self.client.post(path, headers=headers, data=fields)

    async def token(self) -> str:
        """The form token of this session, read off a page."""
        found = re.search(r'data-form-token="([0-9a-f]{64})"', (await self.get("/dashboard")).text)
        assert found, "the page carries no form token"
        return found[1]

    async def sign_in(self, user: str = "me") -> httpx.Response:
        answer = await self.client.post("/sign-in", headers=PAGE | {"Origin": ORIGIN}, data={"user": user})
        assert answer.status_code == 303, answer.text
        return answer

    async def sign_in_as(self, app: FastAPI, user_id: str) -> None:
        """As an identity provider's way in will do: open a session of a user who exists."""
        response = Response()
        await app.state.front_door.browser.open(response, user_id, email=None, full_name=None)
        name, _, rest = response.headers["set-cookie"].partition("=")
        self.client.cookies.set(name, rest.partition(";")[0])

    @property
    def cookie(self) -> tuple[str, str]:
        """Name and value of the session's cookie."""
        ((name, value),) = [(item.name, item.value or "") for item in self.client.cookies.jar if item.name != "theme"]
        return name, value


@asynccontextmanager
async def browser_of(app: FastAPI) -> AsyncIterator[Browser]:
    """A browser without cookies; the application runs already."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN, timeout=60) as client:
        yield Browser(client)


@pytest.fixture
async def stranger(app: FastAPI, front: httpx.AsyncClient) -> AsyncIterator[Browser]:
    """A browser that nobody has signed in on."""
    async with browser_of(app) as browser:
        yield browser


@pytest.fixture
async def browser(stranger: Browser) -> Browser:
    """A browser on which the machine's owner has signed in."""
    await stranger.sign_in()
    return stranger


NewApp = Callable[..., FastAPI]


@pytest.fixture
def new_app(make_settings: Callable[..., Settings]) -> NewApp:
    """Makes an application with its own clock or settings; the caller runs it."""

    def make(*, clock: Any = None, **changes: Any) -> FastAPI:
        settings = make_settings(**changes)
        return create_app(settings) if clock is None else create_app(settings, clock)

    return make
