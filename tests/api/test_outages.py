"""A database that goes away in the middle of an upload: nothing half-done is taken for done, and a repeat makes it whole."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from api.app import create_app
from ingestio.config import Settings
from tests.api.conftest import NewUser, User, assert_problem, documents_of, running
from tests.api.files import pdf
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


async def test_a_shell_that_upkeep_swept_in_a_long_upload_is_made_again(user: User) -> None:
    def sweep() -> None:
        user.superuser.execute("DELETE FROM extraction_batches WHERE user_id = %s", [user.id])

    answer = await send(user, pdf(), sweep)

    assert (answer.status_code, answer.json()["document_count"]) == (202, 2)
