"""Counting in windows: how many of one kind somebody has spent, until the window closes and all is given back.

A window opens with the first thing that is counted in it. What does not fit is refused whole and counts for nothing, so whoever waits
until the window closes gets in. The price of windows that do not slide: around a boundary twice the limit can pass within one length.
In memory each process counts for itself; with Redis all of them count together, in one round trip.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger("ingestio.api")

# An API's limits must not become its slowest part: what Redis has not answered by then is counted here.
REDIS_SECONDS = 0.25
# After a failure Redis is left alone for so long, or each request would wait for it again.
REST_SECONDS = 5.0
_MOST_KEYS = 100_000


@dataclass(frozen=True, slots=True)
class Count:
    """What became of one attempt: whether it fitted, how much is spent now, and in how many seconds all is given back."""

    fits: bool
    spent: int
    resets_in: float


class Counts(Protocol):
    """Where windows are kept."""

    async def spend(self, key: str, cost: int, limit: int, window_seconds: int) -> Count: ...

    async def close(self) -> None: ...


class MemoryCounts:
    """Windows of this process alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[int, float]] = {}

    async def spend(self, key: str, cost: int, limit: int, window_seconds: int) -> Count:
        now = self._clock()
        spent, closes = self._windows.get(key, (0, 0.0))
        if closes <= now:
            spent, closes = 0, now + window_seconds
        # A sum and its difference may be a hair longer than the window.
        left = min(closes - now, window_seconds)
        if spent + cost > limit:
            return Count(False, spent, left)
        if key not in self._windows and len(self._windows) >= _MOST_KEYS:
            self._forget_closed(now)
        self._windows[key] = (spent + cost, closes)
        return Count(True, spent + cost, left)

    async def close(self) -> None:
        self._windows.clear()

    def _forget_closed(self, now: float) -> None:
        """Make room; should nothing have closed, the oldest windows go, which is in their owners' favour."""
        self._windows = {key: window for key, window in self._windows.items() if window[1] > now}
        while len(self._windows) > _MOST_KEYS * 0.9:
            del self._windows[next(iter(self._windows))]


# One step, so that processes that count at the same moment never let more through than fits.
_SPEND = """
local spent = tonumber(redis.call('GET', KEYS[1]) or '0')
local left = redis.call('PTTL', KEYS[1])
if left < 0 then spent = 0; left = tonumber(ARGV[3]) end
if spent + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return {0, spent, left} end
spent = spent + tonumber(ARGV[1])
redis.call('SET', KEYS[1], spent, 'PX', left)
return {1, spent, left}
"""


class RedisCounts:
    """Windows of all processes together; of this one alone while Redis is away.

    That is decided so: closing the door when Redis fails would make it a part that everything hangs on, opening it wide would make its
    failure worth causing. Each process goes on counting by itself from zero, so the most that passes is the limit times the processes.
    """

    def __init__(self, client: "Redis", *, rest_seconds: float = REST_SECONDS) -> None:
        self._client = client
        self._spend: Any = client.register_script(_SPEND)
        self._alone = MemoryCounts()
        self._rest_seconds = rest_seconds
        self._resting_until = 0.0

    async def spend(self, key: str, cost: int, limit: int, window_seconds: int) -> Count:
        from redis.exceptions import RedisError

        if time.monotonic() >= self._resting_until:
            try:
                fits, spent, left = await self._spend(
                    keys=[f"ingestio:rate:{key}"], args=[cost, limit, window_seconds * 1000]
                )
            except (RedisError, OSError, TimeoutError) as error:
                self._resting_until = time.monotonic() + self._rest_seconds
                logger.warning("Redis is away, rates are counted by each process: %s", type(error).__name__)
            else:
                return Count(bool(fits), int(spent), int(left) / 1000)
        return await self._alone.spend(key, cost, limit, window_seconds)

    async def close(self) -> None:
        await self._client.aclose()


def open_counts(redis_url: str | None) -> Counts:
    """Where windows are kept. Nothing is contacted yet."""
    if redis_url is None:
        return MemoryCounts()
    # Imported here because most instances have no Redis.
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return RedisCounts(
        Redis.from_url(
            redis_url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
    )
