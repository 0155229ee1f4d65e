"""A one-shot upload marks its shell for as long as it comes in, and one that was given up is told so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

from ingestio.config import Settings
from tests.api.conftest import User, assert_problem, documents_of, stored_files
from tests.api.files import pdf

FORM = {"Content-Type": "multipart/form-data; boundary=B"}
FIELD = b'--B\r\nContent-Disposition: form-data; name="prompt_strategy"\r\n\r\nauto\r\n'
FILE = b'--B\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
END = b"\r\n--B--\r\n"


async def send(user: User, between: Callable[[], Awaitable[None]]) -> httpx.Response:
    """A batch of two files; `between` happens when the first one has come in."""

    async def body() -> AsyncIterator[bytes]:
        yield FIELD + FILE + pdf() + b"\r\n" + FILE
        await between()
        yield pdf()
        yield END

    return await user.post("/batches", content=body(), headers=FORM)


async def marks(user: User) -> list[tuple[str, bool]]:
    """(status, marked) of every batch of the user, once there is one."""
    async with asyncio.timeout(60):
        while True:
            rows = user.superuser.execute(
                "SELECT status::text, receiving_at IS NOT NULL FROM extraction_batches WHERE user_id = %s", [user.id]
            ).fetchall()
            if rows:
                return rows
            await asyncio.sleep(0.05)


async def test_a_shell_is_marked_while_bytes_arrive_and_no_longer(user: User) -> None:
    async def look() -> None:
        assert await marks(user) == [("pending_upload", True)]

    answer = await send(user, look)

    assert answer.status_code == 202
    assert await marks(user) == [("queued", False)]
    assert len(await documents_of(user, answer.json()["id"])) == 2


async def test_an_upload_whose_shell_was_swept_is_refused_and_leaves_nothing(user: User, settings: Settings) -> None:
    async def sweep() -> None:
        await marks(user)
        user.superuser.execute("DELETE FROM extraction_batches WHERE user_id = %s", [user.id])

    answer = await send(user, sweep)

    assert_problem(answer, 503, "unavailable")
    assert "given up" in answer.json()["detail"]
    assert user.superuser.execute("SELECT id FROM extraction_batches WHERE user_id = %s", [user.id]).fetchall() == []
    assert [path for path in stored_files(settings) if user.id in path.parts] == []
