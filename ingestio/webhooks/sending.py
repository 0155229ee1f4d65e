"""One request to an endpoint: within a bound, to an address that was judged, and not a step further than there."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpcore
import httpx

from ingestio.domain.webhooks import Attempt
from ingestio.webhooks.addresses import Addresses, AddressRefused

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 15.0
_MOST_CONNECTIONS = 50
_LONGEST_HEADER = 500
_MOST_HEADERS = 40
_LONGEST_WAIT_SECONDS = 24 * 3600
USER_AGENT = "ingestio-webhooks/1"


class Sender:
    """Posts events. Redirects are answers like any other, and no proxy of the environment is asked."""

    def __init__(self, addresses: Addresses) -> None:
        context: ssl.SSLContext = httpx.create_ssl_context(trust_env=False)
        # Every request on a connection of its own: a kept one would skip the look at the address.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=_MOST_CONNECTIONS,
            max_keepalive_connections=0,
            network_backend=_Judged(addresses),
        )

    async def close(self) -> None:
        await self._pool.aclose()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """Send it once; whatever comes back, or does not, is an outcome."""
        sent = {"content-type": "application/json", "user-agent": USER_AGENT} | dict(headers)
        at, began = datetime.now(UTC).isoformat(timespec="milliseconds"), time.monotonic()
        found: dict[str, Any] = {}
        try:
            async with asyncio.timeout(_ANSWER_SECONDS), self._asked(url, body, sent) as answer:
                heads = _heads(answer.headers)
                found = {"status": answer.status, "response": heads, "retry_after_seconds": _retry_after(heads)}
        except AddressRefused as refused:
            found = {"error": str(refused)}
        except TimeoutError:
            found = {"error": f"no answer within {_ANSWER_SECONDS:g} s"}
        except (httpcore.NetworkError, httpcore.TimeoutException) as error:
            found = {"error": _said(error)}
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, UnicodeError):
            found = {"error": "the answer is not HTTP"}
        return Attempt(at, round((time.monotonic() - began) * 1000), sent, **found)

    @asynccontextmanager
    async def _asked(self, url: str, body: bytes, headers: Mapping[str, str]) -> AsyncIterator[httpcore.Response]:
        # Only the head of an answer is read, so its body may be as long as it likes.
        async with self._pool.stream(
            "POST",
            url,
            headers=[*headers.items(), ("content-length", str(len(body)))],
            content=body,
            extensions={
                "timeout": {
                    "connect": _CONNECT_SECONDS,
                    "read": _ANSWER_SECONDS,
                    "write": _ANSWER_SECONDS,
                    "pool": _ANSWER_SECONDS,
                }
            },
        ) as answer:
            yield answer


class _Judged(httpcore.AsyncNetworkBackend):
    """Connects to the address that was judged, never to a name; certificates are still checked against the name."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        for address in await self._addresses.resolve(host, port):
            try:
                return await self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError


def _heads(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The answer's head as it is kept: names in lower case, nothing of any length."""
    kept = list(headers)[:_MOST_HEADERS]
    return {
        name.decode("latin-1").lower()[:_LONGEST_HEADER]: value.decode("latin-1").replace("\x00", "")[:_LONGEST_HEADER]
        for name, value in kept
    }


def _retry_after(headers: Mapping[str, str]) -> int | None:
    value = headers.get("retry-after", "")
    return min(int(value), _LONGEST_WAIT_SECONDS) if value.isascii() and value.isdigit() else None


def _said(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return "the connection timed out"
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "the certificate is not valid for this host"
    return "the connection failed"
