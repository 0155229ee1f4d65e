"""Whatever goes wrong is a problem detail with a trace id, and says nothing of our insides (R90)."""

import asyncio
import json
import logging
import re
import shutil
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from api.requests import BoundedBodies
from api.security import HEADERS
from ingestio.auth.local_issuer import LocalIssuer
from ingestio.config import Settings
from tests.api.conftest import NOBODY_LISTENS, SECRET, NewUser, OpenDoor, User, assert_problem, documents_of, running
from tests.api.files import pdf
from tests.api.web.conftest import ORIGIN, PAGE
from tests.conftest import Database


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1/batches/", 404, "not_found"),
        ("DELETE", "/healthz", 405, "method_not_allowed"),
        ("PUT", "/api/v1/batches", 405, "method_not_allowed"),
        ("BREW", "/api/v1/batches", 405, "method_not_allowed"),
        ("GET", "/api/v1/batches", 401, "unauthenticated"),
    ],
)
async def test_the_frameworks_own_errors_are_problems_too(
    front: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await front.request(method, path)

    assert_problem(answer, status, code)


async def test_an_address_says_every_method_that_it_takes(front: httpx.AsyncClient) -> None:
    one = f"/api/v1/documents/{uuid4()}"
    for path, taken in (
        ("/api/v1/batches", "GET, POST, HEAD"),
        (f"/api/v1/batches/{uuid4()}", "GET, PATCH, DELETE, HEAD"),
        (f"{one}/extract", "POST"),
        (f"{one}/file", "GET, HEAD"),
        ("/healthz", "GET, HEAD"),
    ):
        assert (await front.request("BREW", path)).headers["allow"] == taken


async def test_head_is_answered_like_get_without_the_body(user: User, front: httpx.AsyncClient) -> None:
    document = await user.document()
    batch = (await user.upload([("a.txt", b"text")])).json()
    one = f"/documents/{document['id']}"
    for path in ("/usage", "/documents", one, f"{one}/file", f"/batches/{batch['id']}/events", f"{one}/result"):
        async with asyncio.timeout(20):
            head = await user.ask("HEAD", path)
        assert head.content == b""
        if path.endswith("/events"):
            assert (head.status_code, head.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
            continue
        got = await user.get(path)
        assert (head.status_code, head.headers["content-type"]) == (got.status_code, got.headers["content-type"])
        assert head.headers["content-length"] == str(len(got.content))
    assert (await front.head("/healthz")).status_code == 200
    assert (await front.head("/api/v1/usage")).status_code == 401
    assert (await front.head("/api/v1/nothing")).status_code == 404
    assert (await user.ask("HEAD", f"{one}/extract")).status_code == 405


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 422, "invalid_request"),
        (b"[" * 100_000, "application/json", 422, "invalid_request"),
        (b'"\xff"', "application/json", 422, "invalid_request"),
        (b"{}", "text/plain", 422, "invalid_request"),
        (b'{"prompt": "' + b"x" * (1 << 20) + b'"}', "application/json", 413, "request_too_large"),
        # A draft may be given the prompts of all its documents at once.
        (b'{"name": "' + b"x" * (32 << 20) + b'"}', "application/json", 413, "request_too_large"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    user: User, content: bytes, kind: str, status: int, code: str
) -> None:
    draft = await user.draft()

    asked = [("PATCH", f"/batches/{draft['id']}"), ("POST", f"/batches/{draft['id']}/retry")]
    for method, path in asked[content.startswith(b'{"prompt"') :]:
        answer = await user.ask(method, path, content=content, headers={"Content-Type": kind})
        problem = assert_problem(answer, status, code)
        if status == 422:
            assert [item["field"] for item in problem["errors"]] == ["body"]


async def test_the_draft_body_is_bounded_as_well(user: User) -> None:
    headers = {"Content-Type": "application/json"}

    async def endless() -> object:
        for _ in range(40):
            yield b" " * (64 << 10)

    for content in (b'{"name": "' + b"x" * (2 << 20) + b'"}', endless()):
        answer = await user.post("/batches", content=content, headers=headers)
        assert_problem(answer, 413, "request_too_large")
    for wrong in (b"{", b"[]", b'{"nam": 1}', b""):
        answer = await user.post("/batches", content=wrong, headers=headers)
        assert_problem(answer, 422, "invalid_request")


async def test_a_body_that_stops_coming_is_given_up() -> None:
    messages = [{"type": "http.request", "body": b"x", "more_body": True}]
    read: list[bytes] = []

    async def receive() -> Message:
        return messages.pop() if messages else await asyncio.get_running_loop().create_future()

    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            read.append((await receive())["body"])

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "state": {}, "headers": [(b"content-length", b"10")]}
    with pytest.raises(HTTPException) as given_up:
        await BoundedBodies(reading, idle_seconds=0.05)(scope, receive, send)

    assert given_up.value.status_code == 408
    assert read == [b"x"]


async def test_a_trace_id_of_the_caller_is_kept(front: httpx.AsyncClient) -> None:
    theirs = "4bf92f3577b34da6a3ce929d0e0e4736"

    kept = await front.get("/nothing", headers={"traceparent": f"00-{theirs}-00f067aa0ba902b7-01"})
    fresh = await front.get("/nothing", headers={"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"})

    assert kept.json()["trace_id"] == kept.headers["x-trace-id"] == theirs
    assert re.fullmatch(r"[0-9a-f]{32}", fresh.headers["x-trace-id"])
    assert fresh.headers["x-trace-id"] != "0" * 32


async def test_every_request_is_one_line_in_the_log_without_ids_or_names(
    user: User, caplog: pytest.LogCaptureFixture
) -> None:
    document = await user.document()
    caplog.clear()
    with caplog.at_level(logging.INFO, "ingestio.api"):
        answer = await user.get(f"/documents/{document['id']}/pages/9.png", headers={"X-Secret": "s3cret"})

    (record,) = [record for record in caplog.records if record.getMessage() == "request"]
    facts = record.__dict__
    assert (facts["method"], facts["route"], facts["status"]) == (
        "GET", "/api/v1/documents/{document_id}/pages/{number}.png", 404,
    )  # fmt: skip
    assert facts["ms"] >= 0
    assert answer.status_code == 404
    assert user.token not in caplog.text


async def test_what_nobody_foresaw_is_a_500_that_tells_nothing_and_a_log_that_tells_where(
    open_door: OpenDoor, new_database: Callable[[], Database], caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue('somebody-secret')}"}
    async with open_door(INGESTIO_DATABASE_URL=new_database().app_url) as client:  # no table in it
        page = await client.post("/sign-in", headers=PAGE | {"Origin": ORIGIN}, data={"user": "me"})
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            answer = await client.get("/api/v1/usage", headers=headers)

    problem = assert_problem(answer, 500, "internal")
    assert set(problem) == {"type", "title", "status", "detail", "code", "trace_id"}
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert page.status_code == 500
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["x-trace-id"] in page.text
    assert "What you sent may not have been taken" in page.text
    for inside in ("sql", "psycopg", "relation", "users", "role", "traceback", ".py"):
        assert inside not in json.dumps(problem).lower()
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "psycopg.errors" in record.getMessage() or "sqlalchemy.exc" in record.getMessage()
    assert any("services" in frame for frame in record.__dict__["stack"])
    assert "somebody-secret" not in json.dumps(record.__dict__, default=str)


async def test_without_the_database_the_answer_is_503_with_retry_after(open_door: OpenDoor) -> None:
    headers = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue('anybody')}"}
    async with open_door(INGESTIO_DATABASE_URL=f"postgresql://a:b@{NOBODY_LISTENS}/none") as client:
        answers = [
            await client.get(f"/api/v1{path}", headers=headers) for path in ("/batches", "/usage", "/documents/x")
        ]
        alive, ready = await client.get("/healthz"), await client.get("/readyz")

    for answer in answers:
        assert_problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert alive.status_code == 200
    assert assert_problem(ready, 503, "unavailable")["parts"]["database"] == "unavailable"


async def test_without_temporal_batches_and_documents_are_accepted_and_steered(
    new_user: NewUser, open_door: OpenDoor
) -> None:
    async with open_door(TEMPORAL_ADDRESS=NOBODY_LISTENS) as client:
        user = await new_user(client=client)
        batch = await user.batch([1, 2])
        assert batch["status"] == "queued"
        for action in ("pause", "resume", "cancel"):
            assert (await user.post(f"/batches/{batch['id']}/{action}")).status_code == 202
        assert (await user.get(f"/batches/{batch['id']}/progress")).json()["waiting"] == 2
        document = await user.document()
        assert (await user.post(f"/documents/{document['id']}/extract")).status_code == 202
        assert (await user.post(f"/documents/{document['id']}/cancel")).json()["status"] == "cancelled"
        ready = await client.get("/readyz")

    parts = assert_problem(ready, 503, "unavailable")["parts"]
    assert parts == {"database": "ok", "temporal": "unavailable", "storage": "ok"}
    assert int(ready.headers["retry-after"]) >= 1


async def test_without_storage_an_upload_is_503_and_leaves_no_batch(
    new_user: NewUser, make_settings: Callable[..., Settings]
) -> None:
    from api.app import create_app

    settings = make_settings()
    async with running(create_app(settings)) as client:
        user = await new_user(client=client)
        draft = await user.draft()
        document = await user.document()
        shutil.rmtree(settings.data_dir / "storage")

        answers = [
            await user.upload([("a.pdf", pdf())]),
            await user.put(draft["id"], "a", pdf()),
            await user.post("/documents", files={"file": ("a.pdf", pdf())}),
            await user.get(f"/documents/{document['id']}/file"),
        ]

        for answer in answers:
            assert_problem(answer, 503, "unavailable")
        assert [item["id"] for item in (await user.get("/batches")).json()["items"]] == [draft["id"]]
        assert await documents_of(user, draft["id"]) == []
        assert assert_problem(await client.get("/readyz"), 503, "unavailable")["parts"]["storage"] == "unavailable"


async def test_with_everything_there_the_process_is_alive_and_ready(front: httpx.AsyncClient) -> None:
    assert (await front.get("/healthz")).json() == {"status": "ok"}
    ready = await front.get("/readyz")
    assert (ready.status_code, ready.json()["parts"]) == (200, {"database": "ok", "temporal": "ok", "storage": "ok"})
