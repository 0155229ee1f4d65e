"""Browsers that sign in at an identity provider, and what somebody in between may try (R31)."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.db.session import service_session
from ingestio.services.erasures import close_account
from tests.api.conftest import assert_problem, running
from tests.api.web.conftest import Browser, NewApp, browser_of
from tests.auth.issuer import SigningKey
from tests.auth.provider import CLIENT_ID, CLIENT_SECRET, Provider, providing


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture
def oidc_app(new_app: NewApp, provider: Provider) -> Callable[..., FastAPI]:
    def make(**changes: Any) -> FastAPI:
        settings = {
            "INGESTIO_AUTH": "oidc",
            "INGESTIO_OIDC_ISSUER": provider.address,
            "INGESTIO_OIDC_AUDIENCE": "ingestio",
            "INGESTIO_OIDC_CLIENT_ID": CLIENT_ID,
            "INGESTIO_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        }
        return new_app(**(settings | changes))

    return make


@pytest_asyncio.fixture
async def visitor(oidc_app: Callable[..., FastAPI]) -> AsyncIterator[Browser]:
    """A browser without cookies, at a front door that signs people in at the provider."""
    app = oidc_app()
    async with running(app), browser_of(app) as browser:
        yield browser


async def go_out(visitor: Browser, next_path: str = "/dashboard/batches") -> str:
    """To the provider, as the link on the sign-in page leads."""
    answer = await visitor.get("/sign-in/start", params={"next": next_path})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def come_back(visitor: Browser, address: str) -> httpx.Response:
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.path) == ("http", "localhost", "/sign-in/callback")
    return await visitor.get(f"{parts.path}?{parts.query}")


async def refused(visitor: Browser, answer: httpx.Response, status: int = 401) -> str:
    """Nobody was signed in, and the page with the way in says why."""
    assert answer.status_code == status, answer.text
    assert "/sign-in/start" in answer.text
    assert 'role="alert"' in answer.text
    assert (await visitor.client.get("/api/v1/account")).status_code == 401
    return answer.text


async def test_a_browser_signs_in_and_arrives_where_it_wanted_to_go(visitor: Browser, provider: Provider) -> None:
    page = await visitor.get("/sign-in", params={"next": "/dashboard/batches"})
    assert 'href="/sign-in/start?next=/dashboard/batches"' in page.text

    answer = await come_back(visitor, provider.authorize(await go_out(visitor)))

    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/batches")
    account = (await visitor.client.get("/api/v1/account")).json()
    assert (account["user_id"], account["full_name"], account["email"]) == ("user_oidc", "Ann Böhm", "ann@b.example")
    assert "Ann Böhm" in (await visitor.get("/dashboard")).text
    (request,) = provider.token_requests
    assert request["authorization"].startswith("Basic ")
    assert "client_secret" not in request
    assert provider.discoveries == 1


async def test_every_cookie_of_a_sign_in_is_out_of_reach_of_scripts_and_other_sites(
    visitor: Browser, provider: Provider
) -> None:
    begun = await visitor.get("/sign-in/start")
    ended = await come_back(visitor, provider.authorize(begun.headers["location"]))

    cookies = begun.headers.get_list("set-cookie") + ended.headers.get_list("set-cookie")
    assert len(cookies) == 4
    for cookie in cookies:
        attributes = {item.strip().lower() for item in cookie.split(";")}
        assert {"httponly", "samesite=lax"} <= attributes
    (session,) = [cookie for cookie in cookies if "Path=/;" in cookie + ";"]
    assert "user_oidc" not in session


async def test_behind_https_addresses_and_cookies_are_those_of_the_public_address(
    oidc_app: Callable[..., FastAPI], provider: Provider
) -> None:
    app = oidc_app(INGESTIO_PUBLIC_URL="https://docs.example.org")
    async with running(app), browser_of(app) as browser:
        begun = await browser.get("/sign-in/start")

    asked = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
    assert asked["redirect_uri"] == "https://docs.example.org/sign-in/callback"
    assert "Secure" in begun.headers["set-cookie"]
    assert provider.discoveries == 1


async def test_a_public_client_and_one_that_posts_its_secret_sign_in_too(
    oidc_app: Callable[..., FastAPI], provider: Provider
) -> None:
    provider.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    app = oidc_app()
    async with running(app), browser_of(app) as browser:
        assert (await come_back(browser, provider.authorize(await go_out(browser)))).status_code == 303
    assert provider.token_requests[-1]["client_secret"] == CLIENT_SECRET

    app = oidc_app(INGESTIO_OIDC_CLIENT_SECRET=None)
    async with running(app), browser_of(app) as browser:
        await come_back(browser, provider.authorize(await go_out(browser)))
    assert provider.token_requests[-1]["client_id"] == CLIENT_ID
    assert "client_secret" not in provider.token_requests[-1]


@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example", "/\\evil.example", "/sign-in/callback", "/signed-out"]
)
async def test_a_sign_in_leads_to_no_other_site_and_in_no_circle(
    visitor: Browser, provider: Provider, place: str
) -> None:
    answer = await come_back(visitor, provider.authorize(await go_out(visitor, place)))

    assert answer.headers["location"] == "/dashboard"


async def test_an_answer_that_another_browser_asked_for_signs_nobody_in(
    visitor: Browser, provider: Provider, oidc_app: Callable[..., FastAPI]
) -> None:
    """Else an attacker could sign a victim in as the attacker, and read what they upload."""
    attackers_answer = provider.authorize(await go_out(visitor))
    app = oidc_app()
    async with running(app), browser_of(app) as victim:
        await refused(victim, await come_back(victim, attackers_answer))
        await go_out(victim)
        await refused(victim, await come_back(victim, attackers_answer))
    assert provider.token_requests == []


async def test_an_answer_counts_once(visitor: Browser, provider: Provider) -> None:
    address = provider.authorize(await go_out(visitor))
    assert (await come_back(visitor, address)).status_code == 303
    name, _ = next((item.name, item.value) for item in visitor.client.cookies.jar if item.name.count("_") == 1)
    visitor.client.cookies.delete(name)

    await refused(visitor, await come_back(visitor, address))


async def test_a_code_that_was_stolen_is_worth_nothing_without_its_verifier(
    visitor: Browser, provider: Provider
) -> None:
    stolen = dict(parse_qsl(urlsplit(provider.authorize(await go_out(visitor))).query))["code"]
    own = dict(parse_qsl(urlsplit(provider.authorize(await go_out(visitor))).query))

    address = f"http://localhost/sign-in/callback?{urlencode(own | {'code': stolen})}"

    assert "did not confirm" in await refused(visitor, await come_back(visitor, address))


@pytest.mark.parametrize(
    "change",
    [
        {"state": "guessed"},
        {"state": ""},
        {"state": "é"},
        {"iss": "https://evil.example"},
        {"code": ""},
        {"code": "made-up"},
        {"error": "access_denied"},
        {"error": "server_error", "error_description": "<script>alert(1)</script> call +1 555"},
    ],
)
async def test_an_answer_that_does_not_fit_is_refused_in_our_own_words(
    visitor: Browser, provider: Provider, change: dict[str, str]
) -> None:
    text = await refused(visitor, await come_back(visitor, provider.authorize(await go_out(visitor), **change)))

    assert "555" not in text
    assert "<script>alert" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": None},
        {"sub": "../me"},
        {"sub": 7},
    ],
)
async def test_an_id_token_that_is_not_for_this_sign_in_is_refused(
    visitor: Browser, provider: Provider, changes: dict[str, Any]
) -> None:
    provider.changes = changes

    await refused(visitor, await come_back(visitor, provider.authorize(await go_out(visitor))))


async def test_an_id_token_of_another_key_is_refused(visitor: Browser, provider: Provider) -> None:
    way_in = await go_out(visitor)
    assert (await come_back(visitor, provider.authorize(way_in))).status_code == 303
    visitor.client.cookies.clear()

    provider.key = SigningKey.new("provider-1")

    await refused(visitor, await come_back(visitor, provider.authorize(await go_out(visitor))))


@pytest.mark.parametrize(
    ("status", "body"), [(500, b""), (200, b"not json"), (200, b"[" * 100_000), (200, b"x" * 300_000)]
)
async def test_a_provider_that_is_away_or_talks_nonsense_is_said_to_be_away(
    visitor: Browser, provider: Provider, status: int, body: bytes
) -> None:
    provider.token_status, provider.token_body = status, body

    text = await refused(visitor, await come_back(visitor, provider.authorize(await go_out(visitor))), 503)

    assert "cannot be reached" in text


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": None},
        {"token_endpoint": "ftp://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
async def test_a_discovery_that_is_not_the_issuers_is_not_followed(
    visitor: Browser, provider: Provider, document: dict[str, Any]
) -> None:
    provider.document = document

    for _ in range(3):
        answer = await visitor.get("/sign-in/start")
        assert answer.status_code == 503
        assert "cannot be reached" in answer.text
    assert provider.discoveries == 1, "asked once per cooldown"


async def test_sign_out_ends_the_session_here_and_leads_on_to_the_providers(
    visitor: Browser, provider: Provider
) -> None:
    await come_back(visitor, provider.authorize(await go_out(visitor)))

    answer = await visitor.post("/sign-out")
    assert answer.headers["location"] == "/signed-out"
    assert (await visitor.client.get("/api/v1/account")).status_code == 401
    page = await visitor.get("/signed-out")

    way_out = page.headers["refresh"].partition("url=")[2]
    asked = dict(parse_qsl(urlsplit(way_out).query))
    assert way_out.startswith(f"{provider.address}/logout?from=here&")
    assert asked["client_id"] == CLIENT_ID
    assert asked["post_logout_redirect_uri"] == "http://localhost/sign-in"
    assert asked["id_token_hint"].count(".") == 2
    assert "script" not in page.headers["content-security-policy"]
    assert "id_token_hint" not in (await visitor.get("/signed-out")).headers["refresh"], "the hint is used once"


async def test_where_the_provider_has_no_way_out_sign_out_ends_at_the_sign_in_page(
    visitor: Browser, provider: Provider
) -> None:
    provider.document = {"end_session_endpoint": None}
    await come_back(visitor, provider.authorize(await go_out(visitor)))

    await visitor.post("/sign-out")

    assert (await visitor.get("/signed-out")).headers["location"] == "/sign-in"


async def test_who_deleted_their_account_is_told_so_and_not_let_in(
    visitor: Browser, provider: Provider, engine: AsyncEngine
) -> None:
    provider.user = "user_oidc_gone"
    await come_back(visitor, provider.authorize(await go_out(visitor)))
    assert (await visitor.client.get("/api/v1/account")).status_code == 200
    async with service_session(engine) as session:
        await close_account(session, "user_oidc_gone", datetime.now(UTC))

    assert_problem(await visitor.client.get("/api/v1/account"), 401, "unauthenticated")
    visitor.client.cookies.clear()
    text = await refused(visitor, await come_back(visitor, provider.authorize(await go_out(visitor))))
    assert "This account was deleted" in text


@pytest.mark.parametrize("path", ["/sign-in/start", "/sign-in/callback", "/signed-out"])
async def test_in_local_mode_there_is_no_such_way_in(stranger: Browser, path: str) -> None:
    assert (await stranger.get(path)).status_code == 404
