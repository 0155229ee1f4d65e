"""Who gets in by browser, and what an attacker tries instead (R31, R32)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from tests.api.conftest import assert_problem, running
from tests.api.web.conftest import ORIGIN, PAGE, Browser, NewApp, browser_of

ELSEWHERE = [
    "http://evil.example",
    "https://localhost.evil.example",
    "http://localhost:1",
    "null",
    "",
    "file://localhost",
]


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/batches", "/dashboard/batches?status=failed&q=a"])
async def test_a_page_sends_whoever_is_not_signed_in_to_the_way_in_and_back(stranger: Browser, path: str) -> None:
    answer = await stranger.get(path)

    assert answer.status_code == 303
    place = httpx.URL(answer.headers["location"])
    assert (place.path, place.params["next"]) == ("/sign-in", path)
    signed_in = await stranger.client.post(
        "/sign-in", headers=PAGE | {"Origin": ORIGIN}, data={"user": "me", "next": place.params["next"]}
    )
    assert signed_in.headers["location"] == path


FOREIGN_PLACES = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/dashboard\r\nSet-Cookie: a=b",
    "evil.example",
    "",
    "/sign-out",
    "http://[",
]


@pytest.mark.parametrize("place", FOREIGN_PLACES)
async def test_sign_in_never_leads_to_another_site(stranger: Browser, place: str) -> None:
    page = await stranger.get("/sign-in", params={"next": place})
    answer = await stranger.client.post(
        "/sign-in", headers=PAGE | {"Origin": ORIGIN}, data={"user": "me", "next": place}
    )

    assert 'name="next" value="/dashboard"' in page.text
    assert answer.headers["location"] == "/dashboard"
    assert "a=b" not in str(answer.headers)


@pytest.mark.parametrize("origin", [None, *ELSEWHERE])
async def test_another_site_cannot_sign_a_browser_in(stranger: Browser, origin: str | None) -> None:
    headers = PAGE if origin is None else PAGE | {"Origin": origin}
    answer = await stranger.client.post("/sign-in", headers=headers, data={"user": "me"})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("user", ["root", "user-1", "", "sample-enterprise", "me'--"])
async def test_nobody_signs_in_under_a_name_that_is_not_offered(stranger: Browser, user: str) -> None:
    answer = await stranger.client.post("/sign-in", headers=PAGE | {"Origin": ORIGIN}, data={"user": user})

    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


async def test_with_an_identity_provider_there_is_no_one_click_way_in(new_app: NewApp) -> None:
    oidc = {
        "INGESTIO_AUTH": "oidc",
        "INGESTIO_OIDC_ISSUER": "https://issuer.example",
        "INGESTIO_OIDC_AUDIENCE": "ingestio",
        "INGESTIO_OIDC_JWKS_URL": "http://127.0.0.1:1/jwks.json",
    }
    app = new_app(**oidc)
    async with running(app), browser_of(app) as browser:
        page = await browser.get("/sign-in")
        answer = await browser.client.post("/sign-in", headers=PAGE | {"Origin": ORIGIN}, data={"user": "me"})

    assert page.status_code == 200
    assert "<form" not in page.text
    assert answer.status_code == 404


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(stranger: Browser) -> None:
    header = (await stranger.sign_in()).headers["set-cookie"]

    assert header.startswith("ingestio_")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=7200"} <= set(header.split("; "))
    assert "Domain" not in header


async def test_behind_https_the_cookie_travels_by_https_only(new_app: NewApp) -> None:
    app = new_app(INGESTIO_PUBLIC_URL="https://docs.example.org")
    async with running(app), browser_of(app) as browser:
        headers = PAGE | {"Origin": "https://docs.example.org"}
        answer = await browser.client.post("/sign-in", headers=headers, data={"user": "me"})

    assert answer.status_code == 303
    assert "Secure" in answer.headers["set-cookie"].split("; ")


async def test_two_instances_on_one_machine_do_not_share_a_cookie(new_app: NewApp, browser: Browser) -> None:
    app = new_app(INGESTIO_SECRET_KEY="another secret of the tests")
    name, value = browser.cookie
    async with running(app), browser_of(app) as visitor:
        visitor.client.cookies.set(name, value)
        assert (await visitor.get("/dashboard")).status_code == 303
        await visitor.sign_in()
        own = {item.name for item in visitor.client.cookies.jar}

    assert len(own) == 2


async def test_a_signed_in_browser_may_use_the_api(browser: Browser) -> None:
    account = await browser.client.get("/api/v1/account")

    assert account.status_code == 200
    assert account.json()["user_id"] == "me"


async def test_the_samples_of_the_plans_are_on_them(stranger: Browser) -> None:
    for plan, pages in (("starter", 25), ("plus", 250), ("growth", 5000)):
        await stranger.sign_in(f"sample-{plan}")
        usage = (await stranger.client.get("/api/v1/usage")).json()
        assert (usage["plan"], usage["pages_limit"]) == (plan, pages)


@pytest.mark.parametrize("change", ["", "x", "{value}x", "{value}.{value}", "e30.e30", "{cut}"])
async def test_a_cookie_that_was_altered_opens_nothing(browser: Browser, change: str) -> None:
    name, value = browser.cookie
    browser.client.cookies.clear()
    browser.client.cookies.set(name, change.replace("{value}", value).replace("{cut}", value[:-1]))

    assert_problem(await browser.client.get("/api/v1/account"), 401, "unauthenticated")
    assert (await browser.get("/dashboard")).status_code == 303


async def test_a_cookie_is_no_bearer_token_and_a_token_no_cookie(browser: Browser) -> None:
    _, value = browser.cookie
    browser.client.cookies.clear()
    as_bearer = await browser.client.get("/api/v1/account", headers={"Authorization": f"Bearer {value}"})

    assert_problem(as_bearer, 401, "unauthenticated")


async def test_a_bad_bearer_token_is_not_saved_by_a_good_cookie(browser: Browser) -> None:
    """Otherwise a request that claims to be exempt from the form token could still write in the cookie's name."""
    headers = {"Authorization": "Bearer nonsense"}

    assert_problem(await browser.client.post("/api/v1/batches", headers=headers, json={}), 401, "unauthenticated")


async def test_sign_out_ends_the_session_and_not_only_its_cookie(browser: Browser) -> None:
    name, value = browser.cookie

    answer = await browser.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert not list(browser.client.cookies.jar)

    browser.client.cookies.set(name, value)
    assert_problem(await browser.client.get("/api/v1/account"), 401, "unauthenticated")
    assert (await browser.get("/dashboard")).headers["location"].startswith("/sign-in")


async def test_sign_out_leaves_other_browsers_of_the_same_user_signed_in(browser: Browser) -> None:
    name, value = browser.cookie
    await browser.sign_in()
    await browser.post("/sign-out")
    browser.client.cookies.set(name, value)

    assert (await browser.get("/dashboard")).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_signing_out_and_choosing_are_posts(browser: Browser, method: str) -> None:
    for path in ("/sign-out", "/theme"):
        assert (await browser.client.request(method, path)).status_code == 405


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


async def test_an_idle_session_ends_and_a_used_one_is_renewed_until_a_week_is_over(new_app: NewApp) -> None:
    clock = Clock()
    app = new_app(clock=clock)
    async with running(app), browser_of(app) as browser:
        await browser.sign_in()
        _, first = browser.cookie
        assert "set-cookie" not in (await browser.get("/dashboard")).headers, "fresh"
        clock.now += timedelta(minutes=90)
        renewed = await browser.client.get("/api/v1/account")
        assert "HttpOnly" in renewed.headers["set-cookie"]
        assert browser.cookie[1] != first
        for _ in range(24 * 7 - 2):
            clock.now += timedelta(hours=1)
            assert (await browser.client.get("/api/v1/account")).status_code == 200
        clock.now += timedelta(hours=1)
        assert (await browser.get("/dashboard")).status_code == 303, "a week is the end, however busy"

        await browser.sign_in()
        clock.now += timedelta(hours=2, seconds=1)
        assert (await browser.get("/dashboard")).status_code == 303, "idle"


async def test_a_sign_out_is_not_undone_by_a_renewal(new_app: NewApp) -> None:
    clock = Clock()
    app = new_app(clock=clock)
    async with running(app), browser_of(app) as browser:
        await browser.sign_in()
        token = await browser.token()
        clock.now += timedelta(minutes=30)
        answer = await browser.post("/sign-out", token=token)

    assert len(answer.headers.get_list("set-cookie")) == 1
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_the_table_of_sessions_signs_nobody_in(browser: Browser, superuser: psycopg.Connection[Any]) -> None:
    _, value = browser.cookie
    # Tests of other modules have left rows of their own in this table.
    hashes = superuser.execute("SELECT token_hash FROM browser_sessions WHERE user_id = 'me'").fetchall()

    assert hashes
    assert all(item not in value and len(item) == 64 for (item,) in hashes)
