"""Keys of programs: what they open, what they never do, and how they end (R34)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.app import create_app
from ingestio.config import Settings
from ingestio.services.api_keys import MOST_KEYS
from tests.api.conftest import Json, NewUser, User, assert_problem, running

ALL = ["read", "write", "billing"]


async def made(user: User, **body: Any) -> Json:
    answer = await user.post("/api-keys", json={"name": "nightly import"} | body)
    assert answer.status_code == 201, answer.text
    key: Json = answer.json()
    return key


def program(user: User, key: Json) -> User:
    """The same user, by key."""
    return User(user.id, user.client, user.engine, user.book, user.superuser, key["key"])


async def test_a_key_acts_for_its_maker(user: User) -> None:
    key = await made(user)

    batch = await program(user, key).batch([1])

    assert (await user.get(f"/batches/{batch['id']}")).status_code == 200
    assert (await program(user, key).get("/account")).json()["user_id"] == user.id


async def test_the_whole_key_is_shown_once_and_stored_nowhere(user: User) -> None:
    key = await made(user, name="  one  ", scopes=["read", "read"])
    (listed,) = (await user.get("/api-keys")).json()["items"]

    assert set(key) - set(listed) == {"key"}
    assert key["key"].startswith(key["prefix"])
    assert (listed["name"], listed["scopes"], listed["last_used_at"]) == ("one", ["read"], None)
    assert key["key"] not in str(listed)
    stored = user.row("SELECT to_jsonb(k)::text FROM api_keys k WHERE id = %s", key["id"])
    assert key["key"] not in stored
    assert key["prefix"] in stored


async def test_a_key_may_do_what_it_was_made_for_and_nothing_else(user: User) -> None:
    document = await user.document()
    reads = [("GET", "/batches"), ("GET", f"/documents/{document['id']}"), ("GET", "/api-keys"), ("GET", "/usage")]
    writes = [("POST", "/batches"), ("POST", f"/documents/{document['id']}/extract"), ("DELETE", "/documents/x")]
    for scope, allowed, refused in (("read", reads, writes), ("write", writes, reads), ("billing", [], reads + writes)):
        holder = program(user, await made(user, scopes=[scope]))
        for method, path in refused:
            answer = await holder.ask(method, path, json={"prompt_strategy": "auto"} if path == "/batches" else None)
            assert "scope" in assert_problem(answer, 403, "insufficient_scope")["detail"]
        for method, path in allowed:
            answer = await holder.ask(method, path, json={"prompt_strategy": "auto"} if path == "/batches" else None)
            assert answer.status_code in {200, 201, 202, 404}, answer.text


async def test_no_key_makes_or_ends_keys(user: User) -> None:
    key = await made(user, scopes=ALL)
    holder = program(user, key)

    assert_problem(await holder.post("/api-keys", json={"name": "heir", "scopes": ALL}), 403, "insufficient_scope")
    assert_problem(await holder.ask("DELETE", f"/api-keys/{key['id']}"), 403, "insufficient_scope")
    assert len((await user.get("/api-keys")).json()["items"]) == 1


async def test_a_revoked_key_is_refused_at_once_by_every_process(
    user: User, make_settings: Callable[..., Settings]
) -> None:
    key = await made(user)
    async with running(create_app(make_settings())) as elsewhere:
        there = User(user.id, elsewhere, user.engine, user.book, user.superuser, key["key"])
        assert (await there.get("/batches")).status_code == 200

        assert (await user.ask("DELETE", f"/api-keys/{key['id']}")).status_code == 204

        for holder in (there, program(user, key)):
            assert_problem(await holder.get("/batches"), 401, "unauthenticated")
    assert (await user.get("/api-keys")).json()["items"] == []
    assert_problem(await user.ask("DELETE", f"/api-keys/{key['id']}"), 404, "not_found")


async def test_nobody_sees_or_ends_anothers_key(user: User, other: User) -> None:
    key = await made(user)

    assert_problem(await other.ask("DELETE", f"/api-keys/{key['id']}"), 404, "not_found")
    assert (await other.get("/api-keys")).json()["items"] == []
    assert (await program(user, key).get("/batches")).status_code == 200


@pytest.mark.parametrize("change", ["{key}A", "{cut}", "{swapped}", "ing_", "ing_{blank}"])
async def test_what_only_looks_like_a_key_opens_nothing(user: User, change: str) -> None:
    key = (await made(user))["key"]
    last = "A" if key[-1] != "A" else "B"
    forged = change.format(key=key, cut=key[:-1], swapped=key[:-1] + last, blank="0" * 43)

    assert_problem(await program(user, {"key": forged}).get("/batches"), 401, "unauthenticated")


async def test_the_last_use_is_noted_to_the_minute(new_user: NewUser, make_settings: Callable[..., Settings]) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
    clock = {"now": start}
    async with running(create_app(make_settings(), clock=lambda: clock["now"])) as client:
        user = await new_user(client=client)
        holder = program(user, await made(user))

        async def used_at(offset: int) -> datetime:
            clock["now"] = start + timedelta(seconds=offset)
            assert (await holder.get("/usage")).status_code == 200
            (key,) = (await user.get("/api-keys")).json()["items"]
            return datetime.fromisoformat(key["last_used_at"])

        assert await used_at(0) == start
        assert await used_at(59) == start
        assert await used_at(61) == start + timedelta(seconds=61)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a", "scopes": []}, "scopes"),
        ({"name": "a", "scopes": ["admin"]}, "scopes.0"),
        ({"name": "a", "user_id": "me"}, "user_id"),
        ({"name": "a", "key_hash": "0"}, "key_hash"),
    ],
)
async def test_a_wrong_key_is_refused_with_its_reason(user: User, body: Json, field: str) -> None:
    problem = assert_problem(await user.post("/api-keys", json=body), 422, "invalid_request")

    assert [item["field"] for item in problem["errors"]] == [field]


async def test_an_account_has_a_bounded_number_of_keys(user: User) -> None:
    user.superuser.execute(
        "INSERT INTO api_keys (user_id, name, prefix, key_hash) "
        "SELECT %s, 'n', 'p', %s || n FROM generate_series(1, %s) AS n",
        [user.id, user.id, MOST_KEYS],
    )

    assert (
        "Revoke" in assert_problem(await user.post("/api-keys", json={"name": "n"}), 422, "invalid_request")["detail"]
    )
