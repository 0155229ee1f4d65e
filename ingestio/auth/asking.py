"""Questions to the identity provider, each with a bound on its time and on the size of its answer.

A module of its own, because local mode asks nobody and need not pay for an HTTP client.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple, TypeGuard
from urllib.parse import urlsplit

import httpx

MOST_BYTES = 256 * 1024
FAILURES = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)
"""What `ask` raises when there is no answer, or one that is too long; OSError includes our own timeout."""


class Answer(NamedTuple):
    """Status and body."""

    status: int
    body: bytes


async def ask(
    url: str, *, timeout_seconds: float, form: Mapping[str, str] | None = None, basic: tuple[str, str] | None = None
) -> Answer:
    """GET, or POST a form; `basic` are user and password. Redirects are not followed: an address is configured, or was discovered at
    one that is."""
    body = bytearray()
    # Uncompressed, so that the limit counts what we hold.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    async with (
        asyncio.timeout(timeout_seconds),
        httpx.AsyncClient(timeout=timeout_seconds, auth=basic) as client,
        client.stream("GET" if form is None else "POST", url, headers=headers, data=form) as response,
    ):
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MOST_BYTES:
                raise ValueError("too large")
        return Answer(response.status_code, bytes(body))


def is_web_address(url: object, schemes: frozenset[str] = frozenset({"https", "http"})) -> TypeGuard[str]:
    """Whether this is a whole address of one of these schemes."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port  # raises for one that is out of range
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and port != 0
