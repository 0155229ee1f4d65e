"""Two front doors and two workers on servers of one's own, each restarted under load: nothing is lost, nothing is done twice."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import httpx
import psycopg
import pytest

from ingestio.auth.local_issuer import LocalIssuer
from ingestio.config import Settings
from ingestio.db.engine import create_engine
from ingestio.db.invariants import violations
from ingestio.db.migrate import migrate
from ingestio.db.session import service_session
from ingestio.domain.plans import Membership
from ingestio.embedded.postgres import start_postgres
from ingestio.embedded.temporal import start_temporal
from ingestio.samples import documents_folder
from ingestio.services import privileged
from ingestio.services.accounts import PlanBook
from tests.api.processes import free_port
from tests.cli.conftest import environment

# Each wait in it has its own bound; together they may be longer than a test has by default.
pytestmark = pytest.mark.timeout(600)

SECRET = "a secret that all replicas share"
FILES = ("Rechnung_RE-2026-0417.pdf", "Factuur 20260588.pdf")
PATIENCE_SECONDS = 180
USER = "somebody"


@dataclass
class Fleet:
    """Processes on the same servers, by name."""

    environment: dict[str, str]
    ports: dict[str, int]
    logs: Path
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports.values()]

    def start(self, name: str) -> None:
        part = ["api", "--port", str(self.ports[name])] if name in self.ports else ["worker"]
        with self._log(name).open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "ingestio.cli", *part], env=environment() | self.environment, stderr=log
            )

    async def ready(self, name: str) -> None:
        """A front door answers; a worker says so in its log."""
        async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient() as client:
            while not await self._is_ready(name, client):
                assert self.processes[name].poll() is None, self._log(name).read_text()
                await asyncio.sleep(0.1)

    async def _is_ready(self, name: str, client: httpx.AsyncClient) -> bool:
        if name not in self.ports:
            return "worker ready" in self._log(name).read_text()
        try:
            return (await client.get(f"http://127.0.0.1:{self.ports[name]}/readyz", timeout=5)).status_code == 200
        except httpx.TransportError:
            return False

    async def restart(self, name: str) -> None:
        """As an operator deploys: SIGTERM, wait for the end, start the next one."""
        process = self.processes[name]
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0, self._log(name).read_text()
        self.start(name)
        await self.ready(name)

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


@asynccontextmanager
async def fleet(variables: dict[str, str], logs: Path) -> AsyncIterator[Fleet]:
    """Two front doors and two workers."""
    made = Fleet(variables, {"first door": free_port(), "second door": free_port()}, logs)
    try:
        for name in (*made.ports, "first worker", "second worker"):
            made.start(name)
        await asyncio.gather(*(made.ready(name) for name in made.processes))
        yield made
    finally:
        for process in made.processes.values():
            process.kill()
            process.wait()


class Customer:
    """Sends batches and reads lists without pause. Whoever does not answer, or says 503, is asked again elsewhere, with the same key."""

    def __init__(self, fleet: Fleet, token: str) -> None:
        self._fleet = fleet
        self._headers = {"Authorization": f"Bearer {token}"}
        self._turn = count()
        self.accepted: dict[str, str] = {}
        self.done = asyncio.Event()

    async def send_batches(self) -> None:
        for number in count():
            if self.done.is_set():
                return
            key = f"batch {number}"
            answer = await self._ask(
                "POST",
                "/api/v1/batches",
                files=[("files", (name, (documents_folder() / name).read_bytes())) for name in FILES],
                data={"prompt_strategy": "auto"},
                headers=self._headers | {"Idempotency-Key": key},
            )
            assert answer.status_code == 202, answer.text
            self.accepted[key] = answer.json()["id"]
            await asyncio.sleep(3)  # more than the machine can do only makes the end longer

    async def read_lists(self) -> None:
        while not self.done.is_set():
            answer = await self._ask("GET", "/api/v1/batches", headers=self._headers)
            assert answer.status_code == 200, answer.text
            await asyncio.sleep(0.5)

    async def _ask(self, method: str, path: str, **options: object) -> httpx.Response:
        async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient(timeout=60) as client:
            while True:
                url = self._fleet.urls[next(self._turn) % len(self._fleet.urls)]
                try:
                    answer = await client.request(method, url + path, **options)  # type: ignore[arg-type]
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
                    continue
                if answer.status_code != 503:
                    return answer
                assert int(answer.headers["retry-after"]) >= 1


async def test_a_rolling_restart_under_load_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    with start_postgres(tmp_path / "postgres") as postgres, start_temporal() as temporal:
        migrate(postgres.owner_url, postgres.app_url)
        engine = create_engine(postgres.app_url)
        async with service_session(engine) as session:
            await privileged.provision(
                session,
                USER,
                email=None,
                full_name=None,
                book=PlanBook(Settings.load().plans, local=True),
                now=datetime.now(UTC),
                membership=Membership.GROWTH,
            )
        variables = {
            "INGESTIO_DATA_DIR": str(tmp_path / "data"),
            "INGESTIO_DATABASE_URL": postgres.app_url,
            "TEMPORAL_ADDRESS": temporal.address,
            "INGESTIO_STORAGE_URL": (tmp_path / "objects").as_uri(),
            "INGESTIO_SECRET_KEY": SECRET,
        }
        async with fleet(variables, tmp_path) as running:
            customer = Customer(running, LocalIssuer(SECRET).issue(USER))
            load = asyncio.gather(customer.send_batches(), customer.read_lists())
            for which in ("first", "second"):
                await asyncio.gather(running.restart(f"{which} door"), running.restart(f"{which} worker"))
            customer.done.set()
            await load
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await _open_batches(postgres.superuser_url, postgres.app_url):
                    await asyncio.sleep(0.5)
        async with service_session(engine) as session:
            assert await violations(session) == []
        await engine.dispose()
        with psycopg.connect(_in_app_database(postgres.superuser_url, postgres.app_url)) as looking:
            batches = looking.execute("SELECT id::text, status::text FROM extraction_batches").fetchall()
            results = looking.execute("SELECT count(*), count(DISTINCT document_id) FROM extracted_data").fetchone()
            usage = looking.execute("SELECT sum(pages_processed), sum(pages_reserved) FROM user_usage").fetchone()
            pages = looking.execute("SELECT sum(page_count) FROM documents").fetchone()

    assert len(customer.accepted) >= 2
    assert sorted(batches) == sorted((batch_id, "completed") for batch_id in customer.accepted.values())
    assert results == (len(batches) * len(FILES), len(batches) * len(FILES))
    assert pages is not None
    assert usage == (pages[0], 0)


async def _open_batches(superuser_url: str, app_url: str) -> int:
    def look() -> int:
        with psycopg.connect(_in_app_database(superuser_url, app_url)) as looking:
            row = looking.execute(
                "SELECT count(*) FROM extraction_batches WHERE status IN ('queued', 'processing')"
            ).fetchone()
        assert row is not None
        return int(row[0])

    return await asyncio.to_thread(look)


def _in_app_database(superuser_url: str, app_url: str) -> str:
    return superuser_url.rpartition("/")[0] + "/" + app_url.rpartition("/")[2]
