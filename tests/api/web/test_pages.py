"""What every page has around it: headers, errors in the same design, static files."""

import re

import httpx
import pytest

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
