"""Memory and time of exports of 10,000 documents, each with 40 values and their evidence, in a process of its own per format."""

import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import text

from activities.exports import ExportActivities
from benchmarks.figures import Figure
from ingestio.bootstrap import WorkerDeps
from ingestio.config import Settings
from ingestio.db.engine import create_engine
from ingestio.db.migrate import migrate
from ingestio.db.session import service_session
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.exports import ExportFormat, ExportLayout, ExportValues
from ingestio.domain.plans import Membership
from ingestio.embedded.postgres import start_postgres
from ingestio.extraction.base import Provider
from ingestio.services import accounts, exports
from ingestio.services.accounts import PlanBook
from ingestio.storage.objects import open_store

DOCUMENTS = 10_000
LIMIT_MB = 300.0
USER = "bench"
_VALUES = 40
_DOCUMENTS = text("SELECT id FROM documents WHERE user_id = :user_id ORDER BY id")
_EVERYTHING = ExportLayout(ExportValues.BOTH, explode=True, provenance=True)


def measure(documents: int = DOCUMENTS) -> Iterator[Figure]:
    """One export in each format with everything that can be asked for."""
    with tempfile.TemporaryDirectory(prefix="ingestio-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)  # PostgreSQL runs as another user when we are root
        with start_postgres(place / "postgres") as postgres:
            migrate(postgres.owner_url, postgres.app_url)
            asyncio.run(_provision(postgres.app_url))
            database = urlsplit(postgres.owner_url).path
            _fill(urlsplit(postgres.superuser_url)._replace(path=database).geturl(), documents)
            for export_format in ExportFormat:
                with get_context("spawn").Pool(1) as process:
                    peak_mb, seconds, size_mb = process.apply(_export, (postgres.app_url, folder, export_format.value))
                what = f"{documents} documents as {export_format}"
                print(f"{what}: {seconds:.1f} s, a file of {size_mb:.0f} MB")
                yield Figure(f"{what}, peak of its process; bound", peak_mb, LIMIT_MB, "MB", "lower")


async def _provision(app_url: str) -> None:
    engine = create_engine(app_url)
    book, now = PlanBook(Settings.load().plans, local=True), datetime.now(UTC)
    async with service_session(engine) as session:
        await accounts.provision(
            session, USER, email=None, full_name=None, book=book, now=now, membership=Membership.GROWTH
        )
    await engine.dispose()


def _fill(superuser_url: str, documents: int) -> None:
    items = [{"description": f"Item {number}", "amount": f"{number}.10"} for number in range(_VALUES // 4)]
    data = {f"field_{number}": f"value {number} of a document" for number in range(_VALUES // 2)} | {"items": items}
    paths = {name: value for name, value in data.items() if isinstance(value, str)}
    paths |= {f"items[{index}].{name}": value for index, item in enumerate(items) for name, value in item.items()}
    fields = [
        {
            "path": path,
            "value": value,
            "state": "supported",
            "confidence": 0.98,
            "evidence": [{"page": 1, "quote": value, "box": [72.0, 96.5, 130.25, 108.0]}],
        }
        for path, value in paths.items()
    ]
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO documents (user_id, original_filename, storage_path, mime_type, file_size, sha256, page_count, status) "
            "SELECT %s, n || '.pdf', 'none', 'application/pdf', 1, 'none', 1, 'completed' FROM generate_series(1, %s) n",
            [USER, documents],
        )
        connection.execute(
            "INSERT INTO extracted_data (user_id, document_id, data, fields, document_type, provider, model, pages) "
            "SELECT user_id, id, %s, %s, 'invoice', 'bench', 'bench', 1 FROM documents",
            [Jsonb(data), Jsonb(fields)],
        )
    print(f"{len(json.dumps(data)) + len(json.dumps(fields)):,} bytes of JSON a document")


def _export(app_url: str, folder: str, export_format: str) -> tuple[float, float, float]:
    """Peak MB of this process, seconds, MB of the file."""
    return asyncio.run(_make(app_url, Path(folder), ExportFormat(export_format)))


async def _make(app_url: str, folder: Path, export_format: ExportFormat) -> tuple[float, float, float]:
    engine, settings = create_engine(app_url), Settings.load()
    store = open_store((folder / "storage").as_uri(), scratch=folder / "scratch")
    book = PlanBook(settings.plans, local=True)
    deps = WorkerDeps(settings, engine, store, book, lambda: datetime.now(UTC), cast("Provider", None))
    async with service_session(engine) as session:
        ids = [row.id for row in await session.execute(_DOCUMENTS, {"user_id": USER})]
    async with service_session(engine) as session:
        export_id, _ = await exports.order_export(
            session,
            USER,
            uuid4(),
            batch_id=None,
            document_ids=ids,
            export_format=export_format,
            layout=_EVERYTHING,
        )
    begun = time.perf_counter()
    outcome = await ExportActivities(deps).write(USER, export_id)
    seconds = time.perf_counter() - begun
    await engine.dispose()
    if (outcome.status, outcome.documents) != (ExtractionStatus.COMPLETED, len(ids)):
        raise RuntimeError(f"the export ended {outcome.status} with {outcome.documents} documents")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, seconds, outcome.size_bytes / 1e6
