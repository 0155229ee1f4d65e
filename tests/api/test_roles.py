"""What each statement of a request runs as, asked of PostgreSQL itself while every route and page is driven once (R28)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from api.app import create_app
from ingestio.auth.local_issuer import LocalIssuer
from ingestio.config import Settings
from ingestio.db.migrate import migrate
from ingestio.embedded.postgres import PostgresServer, start_postgres
from tests.api.conftest import SECRET, running
from tests.api.files import pdf
from tests.api.test_route_matrix import json_body, operations, sample
from tests.api.web.conftest import browser_of

# Streams would not end by themselves, and the account is needed to the last.
LEFT_OUT = {"/api/v1/events", "/api/v1/batches/{batch_id}/events"}
PAGES = [
    "/dashboard",
    "/dashboard/batches",
    "/dashboard/batch-upload",
    "/dashboard/usage",
    "/dashboard/settings",
    "/sign-in",
]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of its own that remembers statements with the role they ran as."""
    settings = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.max": "10000"}
    with start_postgres(tmp_path_factory.mktemp("watched"), durable=False, settings=settings) as server:
        migrate(server.owner_url, server.app_url)
        yield server


@pytest.fixture(scope="module")
def watcher(watched: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    name = urlsplit(watched.owner_url).path
    url = urlsplit(watched.superuser_url)._replace(path=name).geturl()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        yield connection


async def drive(settings: Settings) -> None:
    """Every route of the description and every page, once, with things of the caller's own."""
    app = create_app(settings)
    headers = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue('me')}"}
    async with running(app) as client, browser_of(app) as browser:

        async def made(path: str, **options: Any) -> str:
            answer = await client.post(f"/api/v1{path}", headers=headers, **options)
            assert answer.is_success, answer.text
            return str(answer.json()["id"])

        own = {
            "batch_id": await made("/batches", json={"prompt_strategy": "auto"}),
            "document_id": await made("/documents", files={"file": ("a.pdf", pdf())}),
            "key_id": await made("/api-keys", json={"name": "one"}),
        }
        nothing = "5f0c8a3e-6d1b-4f7a-9c52-0b8e7d41a963"
        for method, path, operation in operations():
            if path in LEFT_OUT or (method, path) == ("DELETE", "/api/v1/account"):
                continue
            names = {item["name"] for item in operation.get("parameters", []) if item["in"] == "path"}
            filled = path.format(
                **{name: {"client_id": "a", "number": 1}.get(name, own.get(name, nothing)) for name in names}
            )
            body = json_body(operation)
            options: dict[str, Any] = {"json": sample(body)} if body else {"content": pdf()} if method == "PUT" else {}
            answer = await client.request(method, filled, headers=headers, **options)
            assert answer.status_code < 500, (method, path, answer.text)
        await browser.sign_in()
        for page in PAGES:
            assert (await browser.get(page)).status_code == 200, page
        await browser.post("/dashboard/settings/profile", full_name="Ann", avatar_url="")
        await browser.post("/sign-out")
        assert (await client.delete("/api/v1/account", headers=headers)).status_code == 204


async def test_no_statement_of_a_request_runs_as_more_than_it_needs(
    watched: PostgresServer, watcher: psycopg.Connection[Any], make_settings: Callable[..., Settings]
) -> None:
    watcher.execute("SELECT pg_stat_statements_reset()")
    await drive(make_settings(INGESTIO_DATABASE_URL=watched.app_url))
    login = urlsplit(watched.app_url).username
    statements = watcher.execute(
        """
        SELECT rolname, query FROM pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid
        WHERE query NOT LIKE '%pg_stat_statements%'
        """
    ).fetchall()
    tables = [name for (name,) in watcher.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]

    seen = {role: [query for by, query in statements if by == role] for role, _ in statements}
    assert set(seen) <= {"authenticated", "service_role", login}
    assert not [query for query in seen.get(str(login), []) if any(table in query for table in tables)]
    assert len(seen["authenticated"]) > 20
    assert len(seen["service_role"]) > 20
    written = [query for query in seen["authenticated"] if query.split()[0].upper() in {"INSERT", "DELETE", "UPDATE"}]
    assert all(query.startswith("UPDATE users") for query in written), written


async def test_who_calls_and_on_which_plan_is_one_statement_before_what_a_route_reads(
    watched: PostgresServer, watcher: psycopg.Connection[Any], make_settings: Callable[..., Settings]
) -> None:
    limited = '{"starter": {"requests_per_minute": 60}}'
    settings = make_settings(INGESTIO_DATABASE_URL=watched.app_url, INGESTIO_PLANS=limited)
    token, now = LocalIssuer(SECRET).issue("counted"), datetime.now(UTC)
    async with running(create_app(settings, lambda: now)) as client:

        async def ask(bearer: str) -> dict[str, int]:
            watcher.execute("SELECT pg_stat_statements_reset()")
            answer = await client.get("/api/v1/documents", headers={"Authorization": f"Bearer {bearer}"})
            assert (answer.status_code, answer.headers["ratelimit-limit"]) == (200, "60")
            return dict(
                watcher.execute(
                    """
                    SELECT rolname, sum(calls)::int FROM pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid
                    WHERE rolname IN ('authenticated', 'service_role') AND query ~* '^\\s*(select|insert|update|delete|with)'
                      AND query !~ 'set_config|metric_sums'
                    GROUP BY rolname
                    """
                ).fetchall()
            )

        made = await client.post("/api/v1/api-keys", headers={"Authorization": f"Bearer {token}"}, json={"name": "p"})
        key = made.json()["key"]
        await ask(key)  # its first use is written down
        assert await ask(token) == {"service_role": 1, "authenticated": 1}
        assert await ask(key) == {"service_role": 1, "authenticated": 1}
