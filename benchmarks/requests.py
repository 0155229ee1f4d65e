"""What a request costs: `GET /batches` beside a request that does nothing, and row-level security beside the same query without it.

The list is one page of 50 of a user's 500 batches, among those of 20 users.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from benchmarks.figures import Figure
from ingestio.auth.local_issuer import LocalIssuer
from ingestio.config import Settings
from ingestio.db import batches
from ingestio.db.engine import create_engine
from ingestio.db.migrate import migrate
from ingestio.db.pages import PageRequest
from ingestio.db.session import user_session
from ingestio.embedded.postgres import start_postgres
from tests.api.processes import serving

SECRET = "only for benchmarks"
USER = "user-0"
USERS, BATCHES = 20, 500
AT_ONCE = 16
REQUESTS = 600
QUERIES = 400
_PAGE = PageRequest(50, None, "-created_at")
# What entering a session costs without any role or policy: the same statement, which changes nothing.
_SAME_TRIP = text("SELECT set_config('ingestio.none', :role, true), set_config('ingestio.nothing', :claims, true)")


def measure(*, rounds: int = 5) -> Iterator[Figure]:
    """Rounds in turns, ours and the floor, so that both have the machine's mood of the same minute."""
    return iter(asyncio.run(_measure(rounds)))


async def _measure(rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="ingestio-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        with start_postgres(place / "postgres") as postgres:
            migrate(postgres.owner_url, postgres.app_url)
            address = postgres.superuser_url.rpartition("/")[0] + "/" + postgres.owner_url.rpartition("/")[2]
            _fill(address)
            security = await _row_security(postgres.app_url, address, rounds)
            settings = Settings.load(
                INGESTIO_DATA_DIR=place / "data",
                INGESTIO_DATABASE_URL=postgres.app_url,
                INGESTIO_SECRET_KEY=SECRET,
                # No run is started, so there need not be anybody.
                TEMPORAL_ADDRESS="127.0.0.1:1",
            )
            with serving(settings) as server:
                return [*security, *await _requests(server.url, rounds)]


def _fill(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as superuser:
        for number in range(USERS):
            user = [f"user-{number}"]
            superuser.execute("INSERT INTO users (user_id) VALUES (%s)", user)
            superuser.execute("INSERT INTO profiles (user_id, membership) VALUES (%s, 'growth')", user)
            superuser.execute(
                "INSERT INTO extraction_batches (id, user_id, status, created_at) "
                "SELECT id, %s, 'completed', now() - random() * interval '90 days' FROM unnest(%s::uuid[]) AS id",
                [*user, [uuid4() for _ in range(BATCHES)]],
            )
        superuser.execute("ANALYZE")


async def _row_security(app_url: str, superuser_url: str, rounds: int) -> list[Figure]:
    """One connection each, one query after another: milliseconds a transaction."""
    app, superuser = create_engine(app_url, pool_size=1), create_engine(superuser_url, pool_size=1)

    async def secured() -> None:
        async with user_session(app, USER) as session:
            await batches.page(session, USER, _PAGE, status=None)

    def without(*, trip: bool) -> Callable[[], Awaitable[None]]:
        async def query() -> None:
            async with AsyncSession(superuser, expire_on_commit=False) as session, session.begin():
                if trip:
                    await session.execute(_SAME_TRIP, {"role": "authenticated", "claims": '{"sub": "user-0"}'})
                await batches.page(session, USER, _PAGE, status=None)

        return query

    plain, same_trip = without(trip=False), without(trip=True)
    taken: dict[str, list[float]] = {"secured": [], "plain": [], "same trip": []}
    try:
        for query in (secured, plain, same_trip):
            await _each(query, 20)
        for _ in range(rounds):
            for name, query in (("secured", secured), ("plain", plain), ("same trip", same_trip)):
                taken[name].append(await _each(query, QUERIES))
    finally:
        await _dispose(app, superuser)
    return [
        Figure.of_rounds("a page of batches, secured; floor: no role, no policy", taken["secured"], taken["plain"], "ms", "lower"),
        Figure.of_rounds("of that the policies; floor: the same round trips", taken["secured"], taken["same trip"], "ms", "lower"),
    ]  # fmt: skip


async def _dispose(*engines: AsyncEngine) -> None:
    for engine in engines:
        await engine.dispose()


async def _each(query: Callable[[], Awaitable[None]], times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        await query()
    return 1000 * (time.perf_counter() - begun) / times


async def _requests(url: str, rounds: int) -> list[Figure]:
    """So many at once, each connection one request after another."""
    headers = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue(USER)}"}
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    speeds: dict[str, list[float]] = {}
    slowest: dict[str, list[float]] = {}
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=30) as client:
        for path in ("/api/v1/batches", "/healthz"):
            await _rush(client, path, AT_ONCE)
        for _ in range(rounds):
            for path in ("/api/v1/batches", "/healthz"):
                begun = time.perf_counter()
                took = await _rush(client, path, REQUESTS)
                speeds.setdefault(path, []).append(REQUESTS / (time.perf_counter() - begun))
                slowest.setdefault(path, []).append(1000 * statistics.quantiles(took, n=100)[98])
    what = f"GET /batches, {AT_ONCE} at once"
    ours, floor = speeds.values()
    our_p99, floor_p99 = slowest.values()
    return [
        Figure.of_rounds(f"{what}; floor: GET /healthz", ours, floor, "req/s", "higher"),
        Figure.of_rounds("its p99", our_p99, floor_p99, "ms", "lower"),
    ]


async def _rush(client: httpx.AsyncClient, path: str, requests: int) -> list[float]:
    left = iter(range(requests))
    took: list[float] = []

    async def connection() -> None:
        for _ in left:
            begun = time.perf_counter()
            (await client.get(path)).raise_for_status()
            took.append(time.perf_counter() - begun)

    await asyncio.gather(*(connection() for _ in range(AT_ONCE)))
    return took
