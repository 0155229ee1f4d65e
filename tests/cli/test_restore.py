"""The drill of docs/backup.md with the commands that it names: dump, wipe, restore, a healthy doctor, and batches that continue."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ingestio.auth.local_issuer import LocalIssuer
from ingestio.embedded.postgres import start_postgres
from ingestio.embedded.temporal import start_temporal
from ingestio.samples import documents_folder
from tests.api.processes import free_port
from tests.backups import dump, restore
from tests.cli.conftest import ingestio
from tests.cli.test_rolling_restart import PATIENCE_SECONDS, SECRET, Fleet

# Each wait in it has its own bound; together they may be longer than a test has by default.
pytestmark = pytest.mark.timeout(600)

FILES = ("Rechnung_RE-2026-0417.pdf", "Factuur 20260588.pdf") * 20
HEADERS = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue('me')}"}


@contextmanager
def servers(place: Path, objects: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """New servers with a migrated database: the environment of our processes, and the address for a superuser."""
    with start_postgres(place / "postgres") as postgres, start_temporal(place / "temporal") as temporal:
        variables: dict[str, Any] = {
            "INGESTIO_DATA_DIR": str(place / "data"),
            "INGESTIO_DATABASE_URL": postgres.app_url,
            "INGESTIO_DATABASE_OWNER_URL": postgres.owner_url,
            "TEMPORAL_ADDRESS": temporal.address,
            "INGESTIO_STORAGE_URL": objects.as_uri(),
            "INGESTIO_SECRET_KEY": SECRET,
        }
        assert ingestio("migrate", **variables).returncode == 0
        yield variables, f"{postgres.superuser_url.rpartition('/')[0]}/{postgres.app_url.rpartition('/')[2]}"


@asynccontextmanager
async def serving(variables: dict[str, str], logs: Path) -> AsyncIterator[str]:
    """A front door and a worker; both are killed at the end, as their machine would be."""
    fleet = Fleet(variables, {"door": free_port()}, logs)
    try:
        for name in ("door", "worker"):
            fleet.start(name)
        for name in ("door", "worker"):
            await fleet.ready(name)
        yield fleet.urls[0]
    finally:
        for process in fleet.processes.values():
            process.kill()
            process.wait()


def documents(superuser_url: str) -> tuple[int, int]:
    """How many there are, and how many of them are completed."""
    with psycopg.connect(superuser_url) as connection:
        row = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE status = 'completed') FROM documents"
        ).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.mark.long
async def test_a_wiped_deployment_goes_on_from_its_dump(tmp_path: Path) -> None:
    objects, night = tmp_path / "objects", tmp_path / "night.dump"
    with servers(tmp_path / "before", objects) as (variables, superuser_url):
        async with serving(variables, tmp_path) as url, asyncio.timeout(PATIENCE_SECONDS):
            files = [("files", (name, (documents_folder() / name).read_bytes())) for name in FILES]
            async with httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=60) as client:
                sent = await client.post("/api/v1/batches", files=files, data={"prompt_strategy": "auto"})
            assert sent.status_code == 202, sent.text
            while not 0 < (await asyncio.to_thread(documents, superuser_url))[1] < len(FILES):
                await asyncio.sleep(0.02)
        dump(superuser_url, night)
        _, done = documents(superuser_url)
        assert done < len(FILES), "the backup was to be taken in the middle of a batch"
    shutil.rmtree(tmp_path / "before")

    with servers(tmp_path / "after", objects) as (variables, superuser_url):
        restore(superuser_url, night)
        assert documents(superuser_url) == (len(FILES), done)
        assert ingestio("migrate", **variables).returncode == 0
        async with serving(variables, tmp_path), asyncio.timeout(PATIENCE_SECONDS):
            while (await asyncio.to_thread(documents, superuser_url))[1] < len(FILES):
                await asyncio.sleep(0.1)
            examined = await asyncio.to_thread(ingestio, "doctor", "--json", **variables)
    assert [each for each in json.loads(examined.stdout) if each["status"] != "ok"] == []
    assert examined.returncode == 0
