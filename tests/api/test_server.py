"""A real process on a real socket: streaming, hanging up, refusing early, starting and stopping."""

import asyncio
import http.client
import json
import os
import signal
import socket
import statistics
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import pytest_asyncio

from ingestio.config import Settings
from tests.api.conftest import NewUser, User, documents_of, stored_files
from tests.api.files import pdf
from tests.api.processes import Line, Server, free_port, serve, serving
from tests.api.waiting import until

MIB = 1 << 20
FORM = {"Content-Type": "multipart/form-data; boundary=B"}
HEAD = b'--B\r\nContent-Disposition: form-data; name="prompt_strategy"\r\n\r\nauto\r\n'
FILE = b'--B\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
END = b"\r\n--B--\r\n"
UPGRADE = (
    b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def server(make_settings: Callable[..., Settings]) -> Iterator[Server]:
    with serving(make_settings(INGESTIO_PLANS='{"plus": {"file_mb": 1}}')) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def walker(server: Server, new_user: NewUser) -> AsyncIterator[User]:
    """A user at the real socket."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        user: User = await new_user(client=client)
        yield user


def big_pdf(size: int) -> bytes:
    """A sound PDF with `size` bytes of something in it."""
    import io

    import pikepdf

    document = pikepdf.new()
    document.add_blank_page()
    document.pages[0].Contents = pikepdf.Stream(document, os.urandom(MIB) * (size // MIB))
    out = io.BytesIO()
    document.save(out, compress_streams=False)
    return out.getvalue()


def chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def test_a_large_upload_passes_through_without_staying_in_memory(server: Server, walker: User) -> None:
    content = big_pdf(120 * MIB)
    await walker.upload([("warm.pdf", pdf())])
    draft = await walker.draft()
    before = peak = server.resident_bytes()
    stop = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not stop.wait(0.01):
            peak = max(peak, server.resident_bytes())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        form = await walker.upload([("big.pdf", content)])
        raw = await walker.put(draft["id"], "big", content)
    finally:
        stop.set()
        watching.join()

    assert (form.status_code, raw.status_code) == (202, 201)
    assert peak - before < 50 * MIB
    download = await walker.get(f"/documents/{raw.json()['id']}/file")
    assert download.content == content


async def test_hanging_up_in_the_middle_of_a_batch_leaves_neither_rows_nor_files(server: Server, walker: User) -> None:
    before = stored_files(server.settings)
    with Line(server, walker.token) as line:
        body = HEAD + FILE + pdf() + b"\r\n" + FILE + b"%PDF-1.4" + bytes(3 * MIB)
        line.send("POST", "/batches", FORM | {"Content-Length": str(10 * MIB)}, body)
        await until(lambda: len(stored_files(server.settings)) >= len(before) + 2)
        assert len((await walker.get("/batches")).json()["items"]) == 1  # the shell, committed before the files

    await until(lambda: stored_files(server.settings) == before)
    await until(lambda: walker.row("SELECT count(*) FROM extraction_batches WHERE user_id = %s", walker.id) == 0)


async def test_hanging_up_in_the_middle_of_a_draft_file_leaves_the_draft_as_it_was(
    server: Server, walker: User
) -> None:
    draft = await walker.draft()
    before = stored_files(server.settings)
    with Line(server, walker.token) as line:
        headers = {"Content-Length": str(10 * MIB)}
        line.send("PUT", f"/batches/{draft['id']}/files/a?filename=a.pdf", headers, b"%PDF-1.4" + bytes(3 * MIB))
        await until(lambda: len(stored_files(server.settings)) == len(before) + 1)

    await until(lambda: stored_files(server.settings) == before)
    assert await documents_of(walker, draft["id"]) == []


async def test_a_form_that_ends_before_its_boundary_is_refused(server: Server, walker: User) -> None:
    with Line(server, walker.token) as line:
        body = HEAD + FILE + pdf()
        line.send("POST", "/batches", FORM | {"Content-Length": str(len(body))}, body)
        status, answer = line.answer()

    assert status == 422
    assert b"closing boundary" in answer
    assert (await walker.get("/batches")).json()["items"] == []


async def test_a_refusal_arrives_although_the_client_is_still_sending(server: Server, new_user: NewUser) -> None:
    user = await new_user()
    user.superuser.execute("UPDATE profiles SET membership = 'plus' WHERE user_id = %s", [user.id])
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        user.client = client
        draft = await user.draft()
        content = pdf() + bytes(30 * MIB)
        many = [(f"{index}.pdf", bytes(MIB // 2)) for index in range(30)]

        assert (await user.put(draft["id"], "a", content)).status_code == 413
        assert (await user.upload(many)).status_code == 413
        user.token += "x"
        assert (await user.upload([("a.pdf", content)])).status_code == 401


async def test_a_client_that_asks_first_is_refused_before_it_sends(server: Server, walker: User) -> None:
    draft = await walker.draft()
    with Line(server, walker.token) as line:
        headers = {"Content-Length": str(600 * MIB), "Expect": "100-continue"}
        started = time.monotonic()
        line.send("PUT", f"/batches/{draft['id']}/files/a?filename=a.pdf", headers)
        status, answer = line.answer()

    assert status == 413
    assert b"100 Continue" not in answer
    assert time.monotonic() - started < 5


async def test_a_chunked_body_of_unknown_length_is_taken(server: Server, walker: User) -> None:
    content = pdf(2)
    body = HEAD + FILE + content + END
    with Line(server, walker.token) as line:
        line.send("POST", "/batches", FORM | {"Transfer-Encoding": "chunked"})
        for start in range(0, len(body), 7):
            line.more(chunked(body[start : start + 7]))
        line.more(b"0\r\n\r\n")
        status, answer = line.answer()

    assert status == 202
    assert b'"total_pages":2' in answer


async def test_many_small_parts_do_not_get_through(server: Server, walker: User) -> None:
    body = (b'--B\r\nContent-Disposition: form-data; name="name"\r\n\r\n\r\n' * 5000) + END[2:]
    with Line(server, walker.token) as line:
        line.send("POST", "/batches", FORM | {"Content-Length": str(len(body))}, body)
        status, _ = line.answer()

    assert status == 422


async def test_other_requests_are_answered_while_an_upload_runs(server: Server, walker: User) -> None:
    content = big_pdf(64 * MIB)
    upload = asyncio.create_task(walker.upload([("big.pdf", content)]))
    took = []
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as another:
        while not upload.done():
            started = time.monotonic()
            assert (await another.get("/healthz")).status_code == 200
            took.append(time.monotonic() - started)

    assert (await upload).status_code == 202
    # A busy machine, or this process while it sends, may hold one of them up, but not most.
    assert statistics.median(took) < 1.0
    assert max(took) < 10


async def test_an_answer_on_an_open_connection_does_not_wait_for_a_timer_of_tcp(server: Server, walker: User) -> None:
    took = []
    for _ in range(20):
        started = time.monotonic()
        assert (await walker.get("/plans")).status_code == 200
        took.append(time.monotonic() - started)

    assert min(took) < 0.03


def test_a_port_that_is_taken_is_one_line_that_names_the_setting(make_settings: Callable[..., Settings]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = serve(make_settings(), port)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    last = errors.decode().strip().splitlines()[-1]
    assert "INGESTIO_HOST" in last
    assert f"127.0.0.1:{port}" in last


@pytest.mark.parametrize(("variable", "value"), [("INGESTIO_SECRET_KEY", ""), ("INGESTIO_STORAGE_URL", "s3://")])
def test_a_wrong_setting_stops_the_start_and_is_named(
    make_settings: Callable[..., Settings], variable: str, value: str
) -> None:
    process = serve(make_settings(), free_port(), **{variable: value})
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    last = errors.decode().strip().splitlines()[-1]
    assert "ConfigurationError" in last
    assert variable in last


def test_sigterm_ends_the_process_although_a_client_is_connected(make_settings: Callable[..., Settings]) -> None:
    with serving(make_settings()) as server, socket.create_connection(("127.0.0.1", server.port)) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Never: ")
        server.process.send_signal(signal.SIGTERM)

        assert server.process.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (b"hello\r\n\r\n", 400, "invalid_request"),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400, "invalid_request"),  # without a Host
        (b"POST /api/v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400, "invalid_request"),
        (UPGRADE, 401, "unauthenticated"),
    ],
)
def test_what_is_no_request_of_ours_is_a_problem_as_well(server: Server, said: bytes, status: int, code: str) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0), timeout=30) as line:
        line.sendall(said)
        answer = http.client.HTTPResponse(line)
        answer.begin()
        problem = json.loads(answer.read())

    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["trace_id"] == answer.headers["X-Trace-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
