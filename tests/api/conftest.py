"""A front door on the real PostgreSQL, and users to walk through it."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from api.app import create_app
from ingestio.auth.local_issuer import LocalIssuer
from ingestio.config import Settings
from ingestio.db.session import service_connection, service_session
from ingestio.domain.plans import Membership
from ingestio.embedded.temporal import TemporalServer, start_temporal
from ingestio.errors import FailureCode
from ingestio.services import jobs, privileged
from ingestio.services.accounts import PlanBook
from tests.api.files import pdf
from tests.conftest import Database

SECRET = "a secret of the tests, long enough"
NOBODY_LISTENS = "127.0.0.1:1"

Json = dict[str, Any]
_users = count(1)


@pytest.fixture(scope="session")
def temporal_server() -> Iterator[TemporalServer]:
    """The embedded server, in memory. No worker listens unless a test starts one, so batches stay queued."""
    with start_temporal() as server:
        yield server


@pytest.fixture(scope="session")
def make_settings(
    database: Database, temporal_server: TemporalServer, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Settings]:
    """Settings of a front door on the test servers, with a data dir of its own; keywords are environment variables."""

    def make(**changes: Any) -> Settings:
        values: Json = {
            "INGESTIO_DATA_DIR": tmp_path_factory.mktemp("data"),
            "INGESTIO_DATABASE_URL": database.app_url,
            "INGESTIO_SECRET_KEY": SECRET,
            "TEMPORAL_ADDRESS": temporal_server.address,
            "INGESTIO_AUTH": "local",
        }
        return Settings(**(values | changes))

    return make


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The application with its lifespan, reached without a network."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client:
            yield client


@pytest.fixture(scope="session")
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings()


@pytest.fixture(scope="session")
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def front(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The front door that most tests share; users keep them apart."""
    async with running(app) as client:
        yield client


OpenDoor = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="session")
def open_door(make_settings: Callable[..., Settings]) -> OpenDoor:
    """Another front door, with other settings."""

    def open_it(**changes: Any) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        return running(create_app(make_settings(**changes)))

    return open_it


def _made(answer: httpx.Response, status: int) -> Json:
    assert answer.status_code == status, answer.text
    body: Json = answer.json()
    return body


@dataclass
class User:
    """Somebody at the front door."""

    id: str
    client: httpx.AsyncClient
    engine: AsyncEngine
    book: PlanBook
    superuser: psycopg.Connection[Any]
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request to /api/v1."""
        headers = self.headers | options.pop("headers", {})
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        return await self.ask("POST", path, **options)

    async def upload(self, files: list[tuple[str, bytes]], *, key: str | None = None, **fields: str) -> httpx.Response:
        """A one-shot batch of (name, content); the strategy is auto unless given."""
        return await self.post(
            "/batches",
            files=[("files", (name, content, "application/octet-stream")) for name, content in files],
            data={"prompt_strategy": "auto"} | fields,
            headers={"Idempotency-Key": key} if key else {},
        )

    async def batch(self, pages: list[int], **fields: str) -> Json:
        """A queued batch of PDFs with so many pages each."""
        answer = await self.upload([(f"{index}.pdf", pdf(count)) for index, count in enumerate(pages)], **fields)
        return _made(answer, 202)

    async def draft(self, **fields: Any) -> Json:
        """An empty draft."""
        answer = await self.post("/batches", json={"prompt_strategy": "auto"} | fields)
        return _made(answer, 201)

    async def put(
        self, batch_id: str, client_id: str, content: bytes, filename: str | None = None, **options: Any
    ) -> httpx.Response:
        """One file into a draft."""
        return await self.ask(
            "PUT",
            f"/batches/{batch_id}/files/{client_id}",
            params={"filename": f"{client_id}.pdf" if filename is None else filename},
            content=content,
            **options,
        )

    async def document(self, pages: int = 1) -> Json:
        """A lone document, uploaded and not extracted."""
        answer = await self.post("/documents", files={"file": ("one.pdf", pdf(pages))})
        return _made(answer, 201)

    async def usage(self) -> Json:
        return _made(await self.get("/usage"), 200)

    async def change_plan(self, membership: Membership) -> None:
        """What the operator, or a paid invoice, does."""
        async with service_session(self.engine) as session:
            await privileged.change_plan(session, self.id, membership, self.book, datetime.now(UTC))

    def has_used(self, pages: int) -> None:
        """Let so many pages of the current period be charged already."""
        self.superuser.execute("UPDATE user_usage SET pages_processed = %s WHERE user_id = %s", [pages, self.id])
        self.superuser.execute(
            "INSERT INTO page_ledger (user_id, job_id, document_id, usage_id, pages, state) "
            "SELECT user_id, gen_random_uuid(), gen_random_uuid(), id, %s, 'committed' FROM user_usage WHERE user_id = %s",
            [pages, self.id],
        )

    def row(self, query: str, *values: object) -> Any:
        """The first column of the first row."""
        found = self.superuser.execute(query.encode(), values).fetchone()
        return None if found is None else found[0]


@pytest.fixture(scope="session")
def new_user(
    front: httpx.AsyncClient,
    engine: AsyncEngine,
    settings: Settings,
    superuser: psycopg.Connection[Any],
) -> Callable[..., Any]:
    """Makes a user on a plan; `client` is another front door than the shared one."""
    book = PlanBook(settings.plans, local=True)
    issuer = LocalIssuer(SECRET)

    async def make(membership: Membership = Membership.GROWTH, client: httpx.AsyncClient | None = None) -> User:
        user_id = f"user-{next(_users)}"
        async with service_session(engine) as session:
            await privileged.provision(
                session,
                user_id,
                email=None,
                full_name=None,
                book=book,
                now=datetime.now(UTC),
                membership=membership,
            )
        return User(user_id, client or front, engine, book, superuser, issuer.issue(user_id))

    return make


NewUser = Callable[..., Any]


@pytest_asyncio.fixture
async def user(new_user: NewUser) -> User:
    """A user on the growth plan."""
    made: User = await new_user()
    return made


@pytest_asyncio.fixture
async def other(new_user: NewUser) -> User:
    """Somebody else on the growth plan."""
    made: User = await new_user()
    return made


def assert_problem(answer: httpx.Response, status: int, code: str) -> Json:
    """The answer is a well-formed problem detail with this status and code."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: Json = answer.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["type"] == f"urn:ingestio:problem:{code}"
    assert body["trace_id"] == answer.headers["x-trace-id"]
    assert len(body["trace_id"]) == 32
    if status == 422:
        assert all(set(item) == {"field", "message"} for item in body["errors"])
    return body


def stored_files(settings: Settings) -> list[Path]:
    """Every object and every leftover of an upload below the storage folder."""
    root = settings.data_dir / "storage"
    return sorted(path for path in root.rglob("*") if path.is_file())


class Worker:
    """Does to rows what the activities do, through the same services, as far as a test needs it."""

    def __init__(self, user: User) -> None:
        self._user = user

    async def confirm(self, document_id: str) -> UUID:
        """Begin the newest job of a document; answers its id."""
        job_id: UUID = self._user.row(
            "SELECT id FROM extraction_jobs WHERE document_id = %s ORDER BY attempt DESC LIMIT 1", document_id
        )
        async with service_connection(self._user.engine) as connection:
            confirmed = await jobs.confirm(
                connection, self._user.id, job_id, book=self._user.book, now=datetime.now(UTC), model_timeout_seconds=1
            )
        assert confirmed.may_run, confirmed
        return job_id

    async def complete(self, document_id: str, **answer: Any) -> None:
        """Confirm the newest job of a document, resolve its prompt and commit it."""
        job_id = await self.confirm(document_id)
        async with service_connection(self._user.engine) as connection:
            await jobs.resolve_prompt(connection, self._user.id, job_id)
        whole = {
            "document_type": "invoice",
            "provider": "test",
            "model": "test-1",
            "schema_version": "1",
            "data": {"total": "12.50", "iban": None},
            "fields": [
                {
                    "path": "total",
                    "value": "12.50",
                    "state": "supported",
                    "confidence": 0.98,
                    "evidence": [{"page": 1, "quote": "12,50", "box": [1.0, 2.0, 30.5, 12.0]}],
                },
                {"path": "iban", "value": None, "state": "not_found", "confidence": 0.0, "evidence": []},
            ],
            "flags": [],
            "input_tokens": 11,
            "output_tokens": 7,
            "cached_tokens": 5,
            "thinking_tokens": 3,
            "estimated_cost": "0.0000120",
        }
        async with service_connection(self._user.engine) as connection:
            await jobs.commit(connection, self._user.id, job_id, json.dumps(whole | answer))

    async def fail(self, document_id: str, code: FailureCode = FailureCode.NO_TEXT) -> None:
        """Confirm the newest job of a document and end it without a result."""
        job_id = await self.confirm(document_id)
        async with service_session(self._user.engine) as session:
            await jobs.end(session, self._user.id, job_id, code)

    async def settle(self, batch_id: str) -> None:
        """Give the batch its final status."""
        async with service_session(self._user.engine) as session:
            settled = await jobs.settle_batch(session, self._user.id, UUID(batch_id), datetime.now(UTC))
        assert settled.open_jobs == 0


async def documents_of(user: User, batch_id: str) -> list[Json]:
    """The documents of a batch, in order."""
    answer = await user.get(f"/batches/{batch_id}/documents", params={"limit": 200})
    items: list[Json] = _made(answer, 200)["items"]
    return items
