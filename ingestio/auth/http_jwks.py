"""The keys at an issuer's JWKS address, cached. A module of its own, because local mode needs no HTTP client.

Who holds a forged token can choose its key id, so an unknown id must not turn into a request to the issuer: all callers together fetch
at most once per cooldown. A rotated key is therefore refused for up to that long.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable

from jwt import PyJWK

from ingestio.auth.asking import FAILURES, ask, is_web_address
from ingestio.auth.jwks import KeySet
from ingestio.errors import ConfigurationError, Unavailable

_COLD_COOLDOWN_SECONDS = 5.0
"""Between attempts while there are no keys at all, and so nobody can sign in."""

_log = logging.getLogger(__name__)


class HttpJwks:
    """Keys at the issuer's address. One instance belongs to one event loop.

    Fresh for `fresh_seconds`; then fetched anew by the next token, while others wait for the same request. When the issuer is away, the
    keys we have go on serving for `stale_seconds`: an outage there must not sign everybody out here, nor keep a withdrawn key alive.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float = 3.0,
        fresh_seconds: float = 300.0,
        cooldown_seconds: float = 30.0,
        stale_seconds: float = 86_400.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not is_web_address(url):
            raise ConfigurationError("INGESTIO_OIDC_JWKS_URL: must be an https:// address")
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._fresh_seconds = fresh_seconds
        self._cooldown_seconds = cooldown_seconds
        self._stale_seconds = stale_seconds
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._next_attempt_at = clock()
        self._failing = False
        self._fetch: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> PyJWK | None:
        if self._age() >= self._fresh_seconds:
            await self._refresh()
        found = self._find(kid, algorithm)
        if found is None:
            await self._refresh()
            found = self._find(kid, algorithm)
        if found is None and self._failing:
            # It may be a new key of an issuer that we cannot ask: not the caller's fault.
            wait = max(1, round(self._next_attempt_at - self._clock()))
            raise Unavailable("The sign-in service cannot be reached.", retry_after_seconds=wait)
        return found

    def _find(self, kid: str | None, algorithm: str) -> PyJWK | None:
        return self._keys.find(kid, algorithm) if self._keys is not None and self._age() < self._stale_seconds else None

    def _age(self) -> float:
        return float("inf") if self._keys is None else self._clock() - self._fetched_at

    async def _refresh(self) -> None:
        """Fetch, join the fetch that runs, or do nothing because the last attempt is too recent."""
        if self._fetch is None:
            if self._clock() < self._next_attempt_at:
                return
            self._next_attempt_at = self._clock() + (
                _COLD_COOLDOWN_SECONDS if self._keys is None else self._cooldown_seconds
            )
            self._fetch = asyncio.create_task(self._run())
        # A task of its own: a caller who hangs up neither ends it for the others nor opens the way to another one.
        await asyncio.shield(self._fetch)

    async def _run(self) -> None:
        try:
            self._keys = KeySet.parse(json.loads(await self._download()))
        except (*FAILURES, RecursionError) as error:
            self._failing = True
            _log.warning("the issuer's keys could not be fetched: %s", type(error).__name__)
        else:
            self._failing = False
            self._fetched_at = self._clock()
            self._next_attempt_at = self._clock() + self._cooldown_seconds
        finally:
            self._fetch = None

    async def _download(self) -> bytes:
        answer = await ask(self._url, timeout_seconds=self._timeout_seconds)
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        return answer.body
