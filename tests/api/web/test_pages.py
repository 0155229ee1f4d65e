"""What every page has around it: headers, errors in the same design, static files."""

import re

import httpx
import pytest
from fastapi import FastAPI, Request

from api.web.assets import Assets
from api.web.rendering import Renderer
from tests.api.conftest import User, Worker
from tests.api.web.conftest import Browser

PAGES = ["/sign-in", "/dashboard", "/dashboard/batches", "/nothing"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_lets_nothing_in_from_elsewhere_and_nothing_inline(browser: Browser, path: str) -> None:
    answer = await browser.get(path)

    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_names_no_other_host_and_holds_no_script_or_style(browser: Browser, path: str) -> None:
    page = (await browser.get(path)).text

    assert re.findall(r'(?:src|href|action)="(?!/|#)([^"]*)"', page) == []
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page)


async def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(browser: Browser) -> None:
    page = await browser.get("/nothing")
    program = await browser.client.get("/nothing")

    assert (page.status_code, program.status_code) == (404, 404)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-trace-id"] in page.text
    assert program.json()["code"] == "not_found"


async def test_the_api_answers_json_whoever_asks(browser: Browser) -> None:
    answer = await browser.get("/api/v1/batches/00000000-0000-0000-0000-000000000000")

    assert answer.json()["code"] == "not_found"


async def test_a_wrong_host_gets_the_page_and_nothing_of_the_visitor(browser: Browser) -> None:
    answer = await browser.get("/dashboard", headers={"Host": "evil.example"})

    assert answer.status_code == 421
    assert "csrf" not in answer.text


async def test_static_files_may_be_kept_for_a_year_because_their_address_changes(browser: Browser) -> None:
    page = (await browser.get("/dashboard")).text
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert len(addresses) >= 3

    for address in addresses:
        answer = await browser.client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding"
        old = await browser.client.get(re.sub(r"/static/[^/]+/", "/static/earlier/", address))
        assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", "", "app"])
async def test_only_static_files_are_static(browser: Browser, path: str) -> None:
    assert (await browser.client.get(f"/static/x/{path}")).status_code == 404


async def test_whoever_does_not_unpack_gets_the_plain_file(browser: Browser) -> None:
    packed = await browser.client.get("/favicon.ico", headers={"Accept-Encoding": "gzip"})
    plain = await browser.client.get("/favicon.ico", headers={"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content


async def test_the_first_page_weighs_less_than_100_kilobytes(stranger: Browser) -> None:
    await stranger.sign_in()
    page = await stranger.get("/dashboard")
    weight = len(page.content)
    for address in {"/favicon.ico", *re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text)}:
        weight += len((await stranger.client.get(address)).content)

    assert weight < 100_000


async def test_pages_are_no_part_of_the_described_api(front: httpx.AsyncClient) -> None:
    paths = (await front.get("/openapi.json")).json()["paths"]

    assert not [path for path in paths if path.startswith(("/dashboard", "/sign", "/static", "/theme"))]


async def test_the_dashboard_of_somebody_new_leads_to_the_first_batch(
    user: User, app: FastAPI, stranger: Browser
) -> None:
    await stranger.sign_in_as(app, user.id)  # not a sample user, whom other tests have given batches
    page = (await stranger.get("/dashboard")).text

    assert "No batches yet" in page
    assert 'class="button primary" href="/dashboard/batch-upload"' in page
    assert '<svg class="days"' not in page


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/batches"])
async def test_somebody_whose_plan_has_no_batches_is_led_to_a_single_document(stranger: Browser, path: str) -> None:
    await stranger.sign_in("sample-starter")
    page = (await stranger.get(path)).text

    assert "One document at a time" in page
    assert 'class="button primary" href="/dashboard/documents/new"' in page
    assert "New batch" not in page
    assert "Upload the first batch" not in page


async def test_a_long_prompt_of_a_batch_does_not_push_its_documents_away(
    user: User, app: FastAPI, stranger: Browser
) -> None:
    await stranger.sign_in_as(app, user.id)
    for prompt, folded in (("Extract the total.", False), ("Extract the total. " * 50, True)):
        batch = await user.batch([1], prompt_strategy="global", global_prompt=prompt)
        page = (await stranger.get(f"/dashboard/batches/{batch['id']}")).text
        assert prompt.strip() in page
        assert ("<summary>The whole prompt</summary>" in page) == folded


async def test_the_design_page_is_the_operators(browser: Browser) -> None:
    assert (await browser.get("/design")).status_code == 200
    await browser.sign_in("sample-plus")
    assert (await browser.get("/design")).status_code == 404


async def test_what_was_read_stands_beside_where_it_was_read(user: User, app: FastAPI, stranger: Browser) -> None:
    batch = await user.batch([2, 1])
    first, second = (await user.get(f"/batches/{batch['id']}/documents")).json()["items"]
    hidden = {"page": 2, "hiding": "invisible", "quote": "Obey <me>", "box": [5.0, 6.0, 30.0, 16.0]}
    flag = {"code": "hidden_text", "lines": 1, "pages": [2], "places": [hidden]}
    await Worker(user).complete(first["id"], flags=[flag])
    await stranger.sign_in_as(app, user.id)

    page = (await stranger.get(f"/dashboard/review/{first['id']}")).text
    assert 'data-path="total" x="-1.0" y="0.5" width="33.5" height="13.0"' in page
    assert 'name="value.total" aria-label="Total" value="12.50"' in page
    assert page.count(">Not found<") == page.count('placeholder="Not found"') == 1
    assert re.search(r'<rect class="concealed" x="3.0" [^>]*><title>Hidden text: Obey &lt;me&gt;</title>', page)
    assert page.count("/pages/1.png") == page.count("/pages/2.png") == 1
    waiting = (await stranger.get(f"/dashboard/review/{second['id']}")).text
    assert "Being read" in waiting
    dashboard = (await stranger.get("/dashboard")).text
    assert "Succeeded</dt><dd>100%" in dashboard
    assert dashboard.count('<rect class="done" x="291"') == dashboard.count('<rect class="open" x="291"') == 1


async def test_a_long_document_shows_twenty_pages_at_a_time(user: User, app: FastAPI, stranger: Browser) -> None:
    batch = await user.batch([45])
    (document,) = (await user.get(f"/batches/{batch['id']}/documents")).json()["items"]
    await stranger.sign_in_as(app, user.id)

    for asked, shown in (("", range(1, 21)), ("?from=21", range(21, 41)), ("?from=44", range(41, 46))):
        page = (await stranger.get(f"/dashboard/review/{document['id']}{asked}")).text
        assert [int(number) for number in re.findall(r"/pages/([0-9]+)[.]png", page)] == list(shown)


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "subscription_inactive"), (402, "quota_exceeded"), (404, "not_found"),
        (429, "rate_limited"), (500, "internal"), (503, "unavailable"),
    ],
)  # fmt: skip
async def test_an_error_page_has_one_thing_to_do_first(status: int, code: str, sent: bool) -> None:
    scope = {"type": "http", "method": "GET", "path": "/dashboard", "query_string": b"", "headers": []}
    page = Renderer(Assets()).page(
        Request(scope), "errors/page.html", status_code=status, status=status, title="Title", detail="Detail.", code=code,
        errors=None, retry_after=5, again="/dashboard/batches", sent=sent, trace_id="0" * 32,
    )  # fmt: skip

    assert bytes(page.body).decode().count('class="button primary"') == 1
