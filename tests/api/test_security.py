"""Who gets in, and through which name (R29, R31, R32, R101)."""

import asyncio
from typing import Any

import httpx
import pytest

from ingestio.auth.local_issuer import LocalIssuer
from tests.api.conftest import SECRET, NewUser, OpenDoor, User, assert_problem

HOSTS = [
    ("localhost", 200),
    ("LOCALHOST:8000", 200),
    ("127.0.0.1:8123", 200),
    ("[::1]:8000", 200),
    ("evil.example", 421),
    ("evil.example:8000", 421),
    ("localhost.evil.example", 421),
    ("localhost@evil.example", 421),
    ("127.0.0.1.evil.example", 421),
    ("localhost/evil", 421),
    ("localhost:port", 421),
    ("", 421),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
@pytest.mark.parametrize("path", ["/healthz", "/api/v1/batches", "/nothing"])
async def test_only_our_own_hosts_are_served(user: User, host: str, status: int, path: str) -> None:
    answer = await user.client.get(path, headers=user.headers | {"Host": host})

    if status == 421:
        assert_problem(answer, 421, "misdirected_host")
    else:
        assert answer.status_code == (404 if path == "/nothing" else 200)


async def test_the_public_address_is_one_of_our_hosts(open_door: OpenDoor) -> None:
    async with open_door(INGESTIO_PUBLIC_URL="https://Docs.Example.org:8443/app") as client:
        for host, status in (("docs.example.org", 200), ("docs.example.org:8443", 200), ("example.org", 421)):
            assert (await client.get("/healthz", headers={"Host": host})).status_code == status


@pytest.mark.parametrize("forwarded", ["X-Forwarded-Host", "Forwarded", "X-Host"])
async def test_no_other_header_speaks_for_the_host(front: httpx.AsyncClient, forwarded: str) -> None:
    answer = await front.get("/healthz", headers={"Host": "evil.example", forwarded: "localhost"})

    assert answer.status_code == 421


CREDENTIALS = [
    None,
    "",
    "Bearer",
    "Bearer ",
    "Basic dXNlcjpwYXNz",
    "Bearer nonsense",
    "Bearer " + "x" * 10_000,
    "Bearer ing_" + "A" * 43,
    "Token {token}",
    "Bearer {token}x",
]


@pytest.mark.parametrize("credential", CREDENTIALS)
async def test_without_a_good_token_nothing_is_answered(user: User, credential: str | None) -> None:
    headers = {} if credential is None else {"Authorization": credential.replace("{token}", user.token)}

    for method, path in (("GET", "/batches"), ("POST", "/batches"), ("GET", "/plans"), ("DELETE", "/documents/x")):
        answer = await user.client.request(method, f"/api/v1{path}", headers=headers)
        assert_problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_scheme_is_read_whatever_its_case(user: User) -> None:
    answer = await user.client.get("/api/v1/usage", headers={"Authorization": f"bEaReR {user.token}"})

    assert answer.status_code == 200


async def test_the_first_request_makes_account_and_period(front: httpx.AsyncClient, user: User) -> None:
    token = LocalIssuer(SECRET).issue("first-time", email="first@example.org", full_name="First Time")
    headers = {"Authorization": f"Bearer {token}"}

    account = (await front.get("/api/v1/account", headers=headers)).json()
    usage = (await front.get("/api/v1/usage", headers=headers)).json()

    assert (account["user_id"], account["email"], account["full_name"]) == (
        "first-time", "first@example.org", "First Time",
    )  # fmt: skip
    assert (account["plan"], usage["plan"], usage["pages_limit"], usage["pages_remaining"]) == (
        "starter",
        "starter",
        25,
        25,
    )
    assert user.row("SELECT count(*) FROM user_usage WHERE user_id = 'first-time'") == 1


async def test_the_machines_owner_is_not_metered(front: httpx.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue('me')}"}

    usage = (await front.get("/api/v1/usage", headers=headers)).json()
    plans = (await front.get("/api/v1/plans", headers=headers)).json()

    assert (usage["pages_limit"], usage["pages_remaining"]) == (None, None)
    assert (plans["current"]["pages"], plans["current"]["batch_documents"]) == (None, None)


async def test_plans_say_what_each_allows(user: User) -> None:
    plans = (await user.get("/plans")).json()

    assert {item["name"]: (item["pages"], item["batch_documents"], item["file_mb"]) for item in plans["items"]} == {
        "starter": (25, 0, 20),
        "plus": (250, 25, 100),
        "growth": (5000, 1000, 500),
    }
    assert plans["current"]["name"] == "growth"


async def test_plans_can_be_changed_by_the_operator(new_user: NewUser, open_door: OpenDoor) -> None:
    async with open_door(INGESTIO_PLANS='{"growth": {"pages": null, "file_mb": 7}}') as client:
        user = await new_user(client=client)
        current = (await user.get("/plans")).json()["current"]

    assert (current["pages"], current["file_mb"]) == (None, 7)


async def test_the_key_set_verifies_the_tokens_of_local_mode(front: httpx.AsyncClient) -> None:
    answer = await front.get("/.well-known/jwks.json")

    (key,) = answer.json()["keys"]
    assert key["kty"] == "OKP"
    assert "d" not in key


async def test_there_is_no_key_set_outside_local_mode(open_door: OpenDoor) -> None:
    changes: dict[str, Any] = {
        "INGESTIO_AUTH": "oidc",
        "INGESTIO_OIDC_ISSUER": "https://issuer.example",
        "INGESTIO_OIDC_AUDIENCE": "ingestio",
        "INGESTIO_OIDC_JWKS_URL": "http://127.0.0.1:1/jwks.json",
    }
    async with open_door(**changes) as client:
        assert_problem(await client.get("/.well-known/jwks.json"), 404, "not_found")
        local = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue('me')}"}
        answer = await client.get("/api/v1/usage", headers=local)

    assert int(assert_problem_with_retry(answer)) >= 1


def assert_problem_with_retry(answer: httpx.Response) -> str:
    """The issuer's keys cannot be had: nobody is let in, and nobody is called a liar."""
    assert_problem(answer, 503, "unavailable")
    return answer.headers["retry-after"]


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/openapi.json", "/api/v1/batches"])
async def test_every_answer_carries_the_strict_headers(front: httpx.AsyncClient, path: str) -> None:
    headers = (await front.get(path)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


async def test_no_page_loads_scripts_from_another_host(front: httpx.AsyncClient) -> None:
    for path in ("/docs", "/redoc"):
        assert (await front.get(path)).status_code == 404


async def test_a_token_of_ours_lives_no_longer_than_it_was_made_for(front: httpx.AsyncClient) -> None:
    """It is one machine's clock that made it and reads it: unlike with a foreign issuer there is nothing to allow for."""
    headers = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue('brief', ttl_seconds=2)}"}
    assert (await front.get("/api/v1/usage", headers=headers)).status_code == 200

    async with asyncio.timeout(20):
        while (await front.get("/api/v1/usage", headers=headers)).status_code == 200:
            await asyncio.sleep(0.1)

    assert_problem(await front.get("/api/v1/usage", headers=headers), 401, "unauthenticated")
