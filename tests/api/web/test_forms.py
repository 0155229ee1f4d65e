"""Writes in a browser's session: only our own pages make them."""

from typing import Any

import httpx
import pytest

from tests.api.conftest import User, assert_problem
from tests.api.web.conftest import ORIGIN, Browser
from tests.api.web.test_sign_in import ELSEWHERE

FORMS = ["/sign-out", "/theme"]
WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/batches", {"prompt_strategy": "auto"}),
    ("PATCH", "/batches/00000000-0000-0000-0000-000000000000", {"name": "x"}),
    ("DELETE", "/batches/00000000-0000-0000-0000-000000000000", None),
    ("PUT", "/batches/00000000-0000-0000-0000-000000000000/files/a?filename=a.pdf", None),
]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("origin", [None, *ELSEWHERE])
async def test_a_form_from_another_origin_is_refused_even_with_the_token(
    browser: Browser, path: str, origin: str | None
) -> None:
    assert (await browser.post(path, origin=origin)).status_code == 403
    assert (await browser.get("/dashboard")).status_code == 200, "still signed in"


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", [None, "", "wrong", "0" * 64, "é"])
async def test_a_form_without_its_token_is_refused_even_from_our_origin(
    browser: Browser, path: str, token: str | None
) -> None:
    assert (await browser.post(path, token=token)).status_code == 403
    assert (await browser.get("/dashboard")).status_code == 200, "still signed in"


async def test_the_token_of_another_session_is_refused(browser: Browser) -> None:
    earlier = await browser.token()
    await browser.sign_in()

    assert await browser.token() != earlier
    assert (await browser.post("/sign-out", token=earlier)).status_code == 403


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_the_api_takes_a_cookies_write_only_with_token_and_origin(
    browser: Browser, method: str, path: str, body: Any
) -> None:
    token = await browser.token()
    good = {"X-CSRF-Token": token, "Origin": ORIGIN}
    without: list[dict[str, str]] = [
        {},
        {"Origin": ORIGIN},
        {"X-CSRF-Token": token},
        {"X-CSRF-Token": "0" * 64, "Origin": ORIGIN},
        *({"X-CSRF-Token": token, "Origin": origin} for origin in ELSEWHERE),
    ]

    async def send(headers: dict[str, str]) -> httpx.Response:
        return await browser.client.request(method, f"/api/v1{path}", headers=headers, json=body)

    for headers in without:
        assert_problem(await send(headers), 403, "foreign_request")
    assert (await send(good)).status_code in {201, 404}


async def test_reading_by_cookie_needs_no_token(browser: Browser) -> None:
    assert (await browser.client.get("/api/v1/batches")).status_code == 200


async def test_a_bearer_needs_neither_token_nor_origin(user: User) -> None:
    answer = await user.post("/batches", json={"prompt_strategy": "auto"}, headers={"Origin": "http://evil.example"})

    assert answer.status_code == 201


async def test_the_theme_is_kept_on_the_browser_and_nothing_else_is(browser: Browser) -> None:
    answer = await browser.post("/theme", theme="dark", next="/dashboard/batches?q=a")
    assert answer.headers["location"] == "/dashboard/batches?q=a"
    assert '<html lang="en" data-theme="dark">' in (await browser.get("/dashboard")).text

    browser.client.cookies.set("theme", '"><script>')
    page = await browser.get("/dashboard")
    assert "<script>" not in page.text
    assert "data-theme" not in page.text.split("<head>")[0]
