"""The settings page: profile and keys, without scripts (R34, R92)."""

import re

import pytest
from fastapi import FastAPI

from tests.api.conftest import User, assert_problem
from tests.api.web.conftest import Browser

PATH = "/dashboard/settings"


@pytest.fixture
async def mine(stranger: Browser, user: User, app: FastAPI) -> Browser:
    """A browser on which this test's own user is signed in."""
    await stranger.sign_in_as(app, user.id)
    return stranger


async def test_a_profile_is_changed_and_seen_at_once(mine: Browser, user: User) -> None:
    answer = await mine.post(f"{PATH}/profile", full_name=" Ann Böhm ", avatar_url="https://pictures.example/ann.png")
    page = await mine.get(answer.headers["location"])
    account = (await user.get("/account")).json()

    assert answer.status_code == 303
    assert "The profile was saved." in page.text
    assert page.text.count("Ann Böhm") >= 2, "in the form and in the shell"
    assert (account["full_name"], account["avatar_url"]) == ("Ann Böhm", "https://pictures.example/ann.png")

    await mine.post(f"{PATH}/profile", full_name="", avatar_url="")
    assert (await user.get("/account")).json()["full_name"] is None


@pytest.mark.parametrize(
    "address", ["http://a.example/x", "javascript:alert(1)", "//a.example", "https://", "https://a b"]
)
async def test_a_wrong_address_is_said_beside_its_field_and_nothing_changes(
    mine: Browser, user: User, address: str
) -> None:
    page = await mine.post(f"{PATH}/profile", full_name="Ann", avatar_url=address)

    assert page.status_code == 422
    assert 'id="avatar_url-error"' in page.text
    assert (await user.get("/account")).json()["full_name"] is None


async def test_a_key_is_made_used_and_revoked_on_the_page(mine: Browser, user: User) -> None:
    form = {"csrf_token": await mine.token(), "name": "import <b>", "scopes": ["read"]}
    page = await mine.client.post(
        f"{PATH}/api-keys", data=form, headers={"Accept": "text/html", "Origin": "http://localhost"}
    )
    key = re.search(r"ing_[A-Za-z0-9]{43}", page.text)
    assert key, "the page shows no key"
    assert page.headers["cache-control"] == "no-store"
    assert "import &lt;b&gt;" in page.text

    again = (await mine.get(PATH)).text
    assert key[0] not in again
    assert key[0][:12] in again
    bearer = {"Authorization": f"Bearer {key[0]}"}
    assert (await user.client.get("/api/v1/batches", headers=bearer)).status_code == 200

    revoke = re.search(rf"{PATH}/api-keys/[0-9a-f-]+/revoke", again)
    assert revoke
    assert (await mine.post(revoke[0])).status_code == 303
    assert (await user.client.get("/api/v1/batches", headers=bearer)).status_code == 401
    assert (await mine.get(revoke[0])).status_code == 303, "reloading a form's address leads back"


async def test_a_key_without_a_name_or_a_scope_is_not_made(mine: Browser, user: User) -> None:
    page = await mine.post(f"{PATH}/api-keys", name=" ")

    assert page.status_code == 422
    assert "must not be empty" in page.text
    assert "choose at least one" in page.text
    assert (await user.get("/api-keys")).json()["items"] == []


@pytest.mark.parametrize("path", ["profile", "api-keys", "api-keys/5f0c8a3e-6d1b-4f7a-9c52-0b8e7d41a963/revoke"])
async def test_a_form_of_another_site_changes_nothing(mine: Browser, user: User, path: str) -> None:
    assert (await mine.post(f"{PATH}/{path}", name="a", full_name="a", token="0" * 64)).status_code == 403
    assert (await mine.post(f"{PATH}/{path}", name="a", full_name="a", origin="http://evil.example")).status_code == 403
    assert (await user.get("/account")).json()["full_name"] is None


async def test_a_key_is_judged_by_its_own_scopes_even_beside_a_good_cookie(mine: Browser, user: User) -> None:
    """A bearer credential is exempt from the form token; if the cookie then lent its powers, any page could write."""
    key = (await user.post("/api-keys", json={"name": "reader", "scopes": ["read"]})).json()["key"]

    answer = await mine.client.post("/api/v1/batches", headers={"Authorization": f"Bearer {key}"}, json={})

    assert_problem(answer, 403, "insufficient_scope")


async def test_keys_are_searched_where_they_are_many(mine: Browser, user: User) -> None:
    names = [f"{word} {number}" for word in ("Import", "Export") for number in range(5)]
    for name in names[:8]:
        await mine.post(f"{PATH}/api-keys", name=name, scopes="read")
    few = (await mine.get(PATH)).text
    for name in names[8:]:
        await mine.post(f"{PATH}/api-keys", name=name, scopes="read")
    many = (await mine.get(PATH)).text
    beginning = re.findall(r"<code>([^<]+)…</code>", many)[0]

    def listed(page: str) -> set[str]:
        return {name for name in names if f'aria-label="Revoke {name}"' in page}

    assert ('name="q"' in few, 'name="q"' in many) == (False, True)
    assert listed(many) == set(names)
    assert listed((await mine.get(f"{PATH}?q=export")).text) == set(names[5:])
    assert len(listed((await mine.get(f"{PATH}?q={beginning}")).text)) == 1
    assert "No key of that name" in (await mine.get(f"{PATH}?q=nothing")).text
    assert "No key of that name" in (await mine.get(f"{PATH}?q=%25")).text, "no wildcard"
