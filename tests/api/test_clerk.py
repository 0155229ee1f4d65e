"""Clerk's messages at the front door: once, in any order, beside a first sign-in, and never for somebody who was deleted (R33, R86)."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import psycopg
import pytest_asyncio

from ingestio.auth.local_issuer import LocalIssuer
from ingestio.domain.users import user_hash
from tests.api.conftest import SECRET, Json, OpenDoor, assert_problem
from tests.auth import svix

_messages = count(1)
_users = count(1)


@dataclass
class Clerk:
    """Sends messages about one user."""

    client: httpx.AsyncClient
    superuser: psycopg.Connection[Any]
    user_id: str

    async def send(
        self, kind: str, *, message_id: str | None = None, age_seconds: int = 0, **data: Any
    ) -> httpx.Response:
        body = json.dumps({"type": kind, "object": "event", "data": {"id": self.user_id} | data}).encode()
        headers = svix.headers(message_id or f"msg_{next(_messages)}", body, age_seconds=age_seconds)
        return await self.client.post("/webhooks/clerk", content=body, headers=headers)

    async def named(self, name: str, version: int, kind: str = "user.updated", **more: Any) -> None:
        answer = await self.send(kind, first_name=name, updated_at=version, **more)
        assert (answer.status_code, answer.content) == (204, b"")

    async def sign_in(self) -> httpx.Response:
        """A request with a token that Clerk might have made."""
        token = LocalIssuer(SECRET).issue(self.user_id, email="token@b.example", full_name="Token")
        return await self.client.get("/api/v1/account", headers={"Authorization": f"Bearer {token}"})

    @property
    def row(self) -> tuple[Any, ...] | None:
        return self.superuser.execute(
            "SELECT full_name, email, avatar_url FROM users WHERE user_id = %s", [self.user_id]
        ).fetchone()

    def count(self, table: str) -> int:
        found = self.superuser.execute(f"SELECT count(*) FROM {table} WHERE user_id = %s".encode(), [self.user_id])
        (number,) = found.fetchone() or (0,)
        return int(number)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(open_door: OpenDoor) -> AsyncIterator[httpx.AsyncClient]:
    async with open_door(CLERK_WEBHOOK_SECRET=svix.SECRET) as client:
        yield client


@pytest_asyncio.fixture
async def clerk(door: httpx.AsyncClient, superuser: psycopg.Connection[Any]) -> Clerk:
    return Clerk(door, superuser, f"user_clerk{next(_users)}")


async def test_a_created_user_has_an_account_and_a_period(clerk: Clerk) -> None:
    await clerk.named("Ann", 1, "user.created", image_url="https://img.example/a.png")

    assert clerk.row == ("Ann", None, "https://img.example/a.png")
    assert (clerk.count("profiles"), clerk.count("user_usage")) == (1, 1)
    assert (await clerk.sign_in()).json()["full_name"] == "Ann"


async def test_a_message_counts_once_and_a_newer_one_is_not_undone_by_an_older(clerk: Clerk) -> None:
    await clerk.named("first", 10, "user.created")
    await clerk.named("third", 30)
    await clerk.named("second", 20)
    assert clerk.row == ("third", None, None)

    for _ in range(3):
        answer = await clerk.send(
            "user.updated", message_id=f"again {clerk.user_id}", first_name="fourth", updated_at=40
        )
        assert answer.status_code == 204
        clerk.superuser.execute("UPDATE users SET full_name = 'own choice' WHERE user_id = %s", [clerk.user_id])
    assert clerk.row == ("own choice", None, None)


async def test_first_requests_and_messages_at_the_same_moment_make_one_account(clerk: Clerk) -> None:
    answers = await asyncio.gather(
        *(clerk.sign_in() for _ in range(4)),
        *(
            clerk.send("user.created", message_id=f"same {clerk.user_id}", first_name="Ann", updated_at=5)
            for _ in range(4)
        ),
    )

    assert {answer.status_code for answer in answers} == {200, 204}
    assert (clerk.count("users"), clerk.count("profiles"), clerk.count("user_usage")) == (1, 1, 1)
    assert clerk.row is not None
    assert clerk.row[0] == "Ann"


async def test_a_deleted_user_stays_deleted_whatever_comes_late(clerk: Clerk) -> None:
    await clerk.named("Ann", 1, "user.created")
    assert (await clerk.sign_in()).status_code == 200

    assert (await clerk.send("user.deleted", deleted=True)).status_code == 204

    assert_problem(await clerk.sign_in(), 401, "unauthenticated")
    await clerk.named("late", 2)
    await clerk.named("late", 3, "user.created")
    assert_problem(await clerk.sign_in(), 401, "unauthenticated")
    assert clerk.row == ("Ann", None, None), "until the run erases it"


async def test_an_end_that_is_told_before_the_beginning_lets_nobody_begin(clerk: Clerk) -> None:
    assert (await clerk.send("user.deleted", deleted=True)).status_code == 204
    await clerk.named("late", 3, "user.created")

    assert clerk.row is None
    assert_problem(await clerk.sign_in(), 401, "unauthenticated")
    assert clerk.superuser.execute(
        "SELECT user_id FROM account_tombstones WHERE user_hash = %s", [user_hash(clerk.user_id)]
    ).fetchone() == (clerk.user_id,)


async def test_a_deletion_and_a_first_request_at_the_same_moment_leave_nobody_signed_in(clerk: Clerk) -> None:
    await asyncio.gather(*(clerk.sign_in() for _ in range(3)), clerk.send("user.deleted", deleted=True))

    assert_problem(await clerk.sign_in(), 401, "unauthenticated")


async def test_forged_stale_and_odd_messages_change_nothing(clerk: Clerk) -> None:
    body = json.dumps({"type": "user.created", "data": {"id": clerk.user_id}}).encode()
    forged: Json = svix.headers("m", body) | {"svix-signature": "v1,AAAA"}

    assert_problem(await clerk.client.post("/webhooks/clerk", content=body, headers=forged), 401, "unauthenticated")
    assert_problem(await clerk.client.post("/webhooks/clerk", content=body), 401, "unauthenticated")
    assert_problem(await clerk.send("user.created", age_seconds=600), 401, "unauthenticated")
    assert_problem(await clerk.send("user.created", id="../me"), 422, "invalid_request")
    assert (await clerk.send("organization.created", id="org_1")).status_code == 204
    assert clerk.row is None


async def test_without_the_secret_there_is_no_such_address(front: httpx.AsyncClient) -> None:
    body = b'{"type": "user.created", "data": {"id": "user_x"}}'

    answer = await front.post("/webhooks/clerk", content=body, headers=svix.headers("m", body))

    assert_problem(answer, 404, "not_found")
