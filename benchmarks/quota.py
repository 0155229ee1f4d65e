"""200 documents at once against the last 10 pages of a period, round after round: never one page over, never a stuck reservation."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from benchmarks.figures import Figure
from ingestio.db.engine import create_engine
from ingestio.db.invariants import violations
from ingestio.db.migrate import migrate
from ingestio.db.session import service_session
from ingestio.embedded.postgres import start_postgres
from tests.services.quota_race import race


def measure(*, rounds: int = 100) -> Iterator[Figure]:
    """What went wrong in all rounds together; its floor is nothing."""
    return iter(asyncio.run(_measure(rounds)))


async def _measure(rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="ingestio-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        with start_postgres(place / "postgres") as postgres:
            migrate(postgres.owner_url, postgres.app_url)
            address = postgres.superuser_url.rpartition("/")[0] + "/" + postgres.owner_url.rpartition("/")[2]
            engine = create_engine(postgres.app_url, patience_seconds=60)
            begun = time.perf_counter()
            with psycopg.connect(address, autocommit=True) as superuser:
                outcomes = [await race(engine, superuser) for _ in range(rounds)]
            seconds = (time.perf_counter() - begun) / rounds
            async with service_session(engine) as session:
                broken = await violations(session)
            await engine.dispose()
    over = sum(max(0, each.taken - each.room) + max(0, each.taken_again - each.room_again) for each in outcomes)
    unused = sum(max(0, each.room - each.taken) + max(0, each.room_again - each.taken_again) for each in outcomes)
    return [
        Figure(f"pages over the limit in {rounds} rounds; floor: none", over, 0, "pages", "lower"),
        Figure("pages refused although there was room", unused, 0, "pages", "lower"),
        Figure("pages reserved when all had ended", sum(each.stuck for each in outcomes), 0, "pages", "lower"),
        Figure("invariants violated", len(broken), 0, "", "lower"),
        Figure("one round of 2 rushes, arranging included; floor: 1 s", seconds, 1, "s", "lower"),
    ]
