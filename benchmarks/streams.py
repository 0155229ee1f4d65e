"""Live streams: what so many cost the API process, and how long a committed change takes to the last of them.

Twice: every stream on a batch of its own, which shares nothing, and all on one batch, where one change goes to everybody at once.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import psycopg

from benchmarks.figures import Figure
from ingestio.auth.local_issuer import LocalIssuer
from ingestio.config import Settings
from ingestio.db.migrate import migrate
from ingestio.embedded.postgres import start_postgres
from tests.api.processes import Server, serving

SECRET = "only for benchmarks"
USER = "me"
PROMISED_MB = 100.0
PROMISED_SECONDS = 1.0
# Opened at the same moment: what is measured is streams that are open, not a rush for the pool.
AT_ONCE = 20


@dataclass
class Streams:
    """Open streams, and who waits for what comes next on each."""

    server: Server
    superuser: psycopg.AsyncConnection
    received: dict[int, int] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.server.process.pid)

    def resident_mb(self) -> float:
        return self.server.resident_bytes() / 1e6

    def cpu_ms(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system) * 1e3

    async def connections(self) -> int:
        """How many of the application's are at the database."""
        rows = await self.superuser.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'ingestio_app'")
        found = await rows.fetchone()
        assert found is not None
        return int(found[0])

    async def open(self, batches: list[UUID]) -> None:
        """One stream on each, every one with its first event."""
        begin = len(self.received)
        for start in range(0, len(batches), AT_ONCE):
            numbers = range(begin + start, min(begin + start + AT_ONCE, begin + len(batches)))
            for number in numbers:
                self.received[number] = 0
                self._tasks.append(asyncio.create_task(self._follow(number, batches[number - begin])))
            await self.until(numbers, 1)

    async def until(self, numbers: range, events: int) -> None:
        """Wait until these streams have had so many events each."""
        while any(self.received[number] < events for number in numbers):
            for task in self._tasks:
                if task.done():
                    raise RuntimeError("a stream ended") from task.exception()
            self._news.clear()
            await self._news.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _follow(self, number: int, batch_id: UUID) -> None:
        token = LocalIssuer(SECRET).issue(USER)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        try:
            writer.write(
                f"GET /api/v1/batches/{batch_id}/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            )
            while line := await reader.readline():
                if line.startswith(b"event: batch"):
                    self.received[number] += 1
                    self._news.set()
        finally:
            writer.close()
            self._news.set()


def measure(*, streams: int = 500, rounds: int = 20) -> Iterator[Figure]:
    """Memory and connections beside what was promised; medians over rounds for time."""
    return iter(asyncio.run(_measure(streams, rounds)))


async def _measure(streams: int, rounds: int) -> list[Figure]:
    async with _front_door() as apart:
        batches = await _batches(apart.superuser, streams + 1)
        await apart.open(batches[:1])
        before = apart.resident_mb()
        await apart.open(batches[1:])
        grown, connections = apart.resident_mb() - before, await apart.connections()
        alone = await _change(apart, batches, rounds)
        await apart.close()
    async with _front_door() as together:
        batch = await _batches(together.superuser, 1)
        await together.open(batch * streams)
        used = together.cpu_ms()
        all_of_them = await _change_for_all(together, batch[0], streams, rounds)
        each = (together.cpu_ms() - used) / rounds / streams
        await together.close()
    return [
        Figure(f"{streams} streams on as many batches: growth; floor: the promise", grown, PROMISED_MB, "MB", "lower"),
        Figure("connections to the database; floor: pool and listener", connections, 9, "", "lower"),
        Figure("commit to event, one of them; floor: the promise", alone, PROMISED_SECONDS, "s", "lower"),
        Figure(f"commit to the last of {streams} on one batch", all_of_them, PROMISED_SECONDS, "s", "lower"),
        Figure("CPU of the API for one event of one stream; floor: 1 ms", each, 1.0, "ms", "lower"),
    ]


@asynccontextmanager
async def _front_door() -> AsyncIterator[Streams]:
    with tempfile.TemporaryDirectory(prefix="ingestio-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        with start_postgres(place / "postgres") as postgres:
            migrate(postgres.owner_url, postgres.app_url)
            settings = Settings.load(
                INGESTIO_DATA_DIR=place / "data",
                INGESTIO_DATABASE_URL=postgres.app_url,
                INGESTIO_SECRET_KEY=SECRET,
                # No run is started, so there need not be anybody.
                TEMPORAL_ADDRESS="127.0.0.1:1",
            )
            address = postgres.superuser_url.rpartition("/")[0] + "/" + postgres.owner_url.rpartition("/")[2]
            with serving(settings) as server:
                async with await psycopg.AsyncConnection.connect(address, autocommit=True) as superuser:
                    yield Streams(server, superuser)


async def _batches(superuser: psycopg.AsyncConnection, count: int) -> list[UUID]:
    ids = [uuid4() for _ in range(count)]
    await superuser.execute("INSERT INTO users (user_id) VALUES (%s)", [USER])
    await superuser.execute("INSERT INTO profiles (user_id, membership) VALUES (%s, 'growth')", [USER])
    await superuser.execute(
        "INSERT INTO extraction_batches (id, user_id, status) SELECT id, %s, 'processing' FROM unnest(%s::uuid[]) AS id",
        [USER, ids],
    )
    return ids


async def _change(streams: Streams, batches: list[UUID], rounds: int) -> float:
    took = []
    for number in range(1, rounds + 1):
        await _count(streams.superuser, batches[number])
        committed = time.perf_counter()
        await streams.until(range(number, number + 1), 2)
        took.append(time.perf_counter() - committed)
    return statistics.median(took)


async def _change_for_all(streams: Streams, batch_id: UUID, count: int, rounds: int) -> float:
    took = []
    for number in range(rounds):
        await _count(streams.superuser, batch_id)
        committed = time.perf_counter()
        await streams.until(range(count), number + 2)
        took.append(time.perf_counter() - committed)
        # Past the pace: otherwise the next change would wait for it.
        await asyncio.sleep(0.5)
    return statistics.median(took)


async def _count(superuser: psycopg.AsyncConnection, batch_id: UUID) -> None:
    await superuser.execute(
        "UPDATE extraction_batches SET completed_count = completed_count + 1 WHERE id = %s", [batch_id]
    )
