"""Parts that go away: 503 with Retry-After comes quickly, nothing half-done is taken for done, and a repeat makes it whole."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from api.app import create_app
from api.load import Places
from ingestio.bootstrap import REQUEST_ANSWER_SECONDS, REQUEST_PATIENCE_SECONDS
from ingestio.config import Settings
from ingestio.embedded.temporal import TemporalServer
from ingestio.errors import Unavailable
from tests.api.conftest import NewUser, User, assert_problem, documents_of, running
from tests.api.files import pdf
from tests.api.web.conftest import Browser
from tests.api.wire import Wire, wire
from tests.conftest import Database

FORM = {"Content-Type": "multipart/form-data; boundary=B"}
FIELD = b'--B\r\nContent-Disposition: form-data; name="prompt_strategy"\r\n\r\nauto\r\n'
FILE = b'--B\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
END = b"\r\n--B--\r\n"


@asynccontextmanager
async def behind_a_wire(
    database: Database, make_settings: Callable[..., Settings], new_user: NewUser
) -> AsyncIterator[tuple[User, Wire]]:
    """A user at a front door whose database can be cut off."""
    parts = urlsplit(database.app_url)
    async with wire(parts.port or 5432) as line:
        address = parts.netloc.rpartition("@")[0] + f"@127.0.0.1:{line.port}"
        settings = make_settings(INGESTIO_DATABASE_URL=parts._replace(netloc=address).geturl())
        async with running(create_app(settings)) as client:
            yield await new_user(client=client), line


async def send(user: User, content: bytes, between: Callable[[], object]) -> httpx.Response:
    """A one-shot batch of two files; `between` happens when the first one is with the server."""

    async def body() -> AsyncIterator[bytes]:
        yield FIELD + FILE + content + b"\r\n" + FILE
        yield content
        between()
        yield END

    return await user.post("/batches", content=body(), headers=FORM | {"Idempotency-Key": "k"})


@pytest.fixture
async def cut_off(
    database: Database, make_settings: Callable[..., Settings], new_user: NewUser
) -> AsyncIterator[tuple[User, Wire]]:
    async with behind_a_wire(database, make_settings, new_user) as both:
        yield both


async def test_a_batch_that_could_not_be_committed_is_503_and_its_repeat_makes_one_batch(
    cut_off: tuple[User, Wire],
) -> None:
    user, line = cut_off
    content = pdf()

    answer = await send(user, content, line.cut)

    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    line.mend()
    left = (await user.get("/batches")).json()["items"]
    assert [(item["status"], item["document_count"]) for item in left] == [
        ("pending_upload", 0)
    ]  # the shell, for upkeep
    again = await send(user, content, lambda: None)
    assert again.status_code == 202
    assert "idempotency-replayed" not in again.headers
    assert (await user.usage())["pages_reserved"] == 2


async def test_a_draft_file_that_could_not_be_registered_is_503_and_its_repeat_puts_it(
    cut_off: tuple[User, Wire],
) -> None:
    user, line = cut_off
    draft = await user.draft()
    content = pdf()

    async def body() -> AsyncIterator[bytes]:
        yield content
        line.cut()

    answer = await user.put(draft["id"], "a", body())  # type: ignore[arg-type]

    assert_problem(answer, 503, "unavailable")
    line.mend()
    assert await documents_of(user, draft["id"]) == []
    assert (await user.put(draft["id"], "a", content)).status_code == 201


async def test_an_upload_whose_shell_was_swept_is_told_so_and_takes_no_page(user: User) -> None:
    def sweep() -> None:
        user.superuser.execute("DELETE FROM extraction_batches WHERE user_id = %s", [user.id])

    answer = await send(user, pdf(), sweep)

    assert_problem(answer, 503, "unavailable")
    assert (await user.get("/batches")).json()["items"] == []
    assert (await user.usage())["pages_reserved"] == 0


# What a busy machine may add to the bound of a wait.
SLACK_SECONDS = 8.0


async def answered(user: User, path: str = "/usage") -> tuple[httpx.Response, float]:
    """The answer and how long it took, in seconds."""
    started = time.monotonic()
    answer = await user.get(path)
    return answer, time.monotonic() - started


async def recovered(user: User, seconds: float = 60) -> None:
    """Wait until a request succeeds."""
    async with asyncio.timeout(seconds):
        while (await user.get("/usage")).status_code != 200:
            await asyncio.sleep(0.1)


async def test_a_database_that_refuses_is_said_at_once(cut_off: tuple[User, Wire]) -> None:
    user, line = cut_off
    browser = Browser(user.client)
    await browser.sign_in()
    line.cut()

    answer, seconds = await answered(user)
    page = await browser.get("/dashboard/batches?q=a")

    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert seconds < REQUEST_PATIENCE_SECONDS
    assert page.status_code == 503
    assert f"Try again in {page.headers['retry-after']} seconds." in page.text
    assert '<a class="button primary" href="/dashboard/batches?q=a">Try again</a>' in page.text
    assert page.headers["x-trace-id"] in page.text
    line.mend()
    await recovered(user)


async def test_a_database_that_says_nothing_is_said_within_seconds_to_everybody(cut_off: tuple[User, Wire]) -> None:
    user, line = cut_off
    assert all(answer.status_code == 200 for answer, _ in await asyncio.gather(*(answered(user) for _ in range(12))))
    line.silence()

    # More than the pool holds: some have a connection that is silent, some get none.
    for answer, seconds in await asyncio.gather(*(answered(user) for _ in range(30))):
        assert_problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert seconds < REQUEST_PATIENCE_SECONDS + SLACK_SECONDS

    line.mend()
    await recovered(user)
    assert all(answer.status_code == 200 for answer, _ in await asyncio.gather(*(answered(user) for _ in range(12))))


async def test_a_database_that_falls_silent_in_a_transaction_is_given_up(
    cut_off: tuple[User, Wire], superuser: psycopg.Connection[Any]
) -> None:
    user, line = cut_off
    draft = await user.draft()
    with superuser.transaction():
        superuser.execute("SELECT 1 FROM extraction_batches WHERE id = %s FOR UPDATE", [draft["id"]])
        started = time.monotonic()
        deleting = asyncio.create_task(user.ask("DELETE", f"/batches/{draft['id']}"))
        await asyncio.sleep(1)
        line.silence()
        answer = await deleting

    assert_problem(answer, 503, "unavailable")
    assert time.monotonic() - started < REQUEST_ANSWER_SECONDS + SLACK_SECONDS
    line.mend()
    await recovered(user)
    assert (await user.get(f"/batches/{draft['id']}")).status_code == 200


@pytest.fixture
async def out_of_touch(
    make_settings: Callable[..., Settings], new_user: NewUser, temporal_server: TemporalServer
) -> AsyncIterator[tuple[User, Wire]]:
    """A user at a front door whose workflow server can fall silent."""
    async with wire(int(temporal_server.address.rpartition(":")[2])) as line:
        settings = make_settings(TEMPORAL_ADDRESS=f"127.0.0.1:{line.port}")
        async with running(create_app(settings)) as client:
            yield await new_user(client=client), line


@pytest.mark.parametrize("ailment", ["cut", "silence"])
async def test_work_is_taken_in_and_steered_while_the_workflow_server_is_away(
    out_of_touch: tuple[User, Wire], ailment: str
) -> None:
    user, line = out_of_touch
    assert (await user.batch([1]))["status"] == "queued"
    getattr(line, ailment)()

    started = time.monotonic()
    batch = await user.batch([1])
    assert time.monotonic() - started < 4 + SLACK_SECONDS
    for action in ("pause", "resume", "cancel"):
        started = time.monotonic()
        assert (await user.post(f"/batches/{batch['id']}/{action}")).status_code == 202
        assert time.monotonic() - started < 4 + SLACK_SECONDS
    progress, seconds = await answered(user, f"/batches/{batch['id']}/progress")

    assert progress.json() == {"running": 0, "waiting": 1, "paused": False, "waiting_for": None}
    assert seconds < 1 + SLACK_SECONDS
    line.mend()
    async with asyncio.timeout(60):
        while (await user.client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.2)


async def test_beyond_its_places_work_is_sent_away_and_taken_again_when_one_is_free() -> None:
    places = Places(2, "uploads")
    with places.taken():
        with places.taken(), pytest.raises(Unavailable) as caught, places.taken():
            pass
        assert caught.value.retry_after_seconds >= 1
        with places.taken():
            pass
    await asyncio.wait_for(places.empty(5), 1)
