"""One call to the model's service: within its time, if the circuit lets it happen, every vendor error translated."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

from google.oauth2.credentials import Credentials

from ingestio.extraction.gemini.circuit import Circuit
from ingestio.extraction.gemini.failures import VENDOR_ERRORS, model_error

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Calls:
    """What all calls of a provider have in common."""

    def __init__(self, circuit: Circuit, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        self._circuit = circuit

    async def timed(self, call: Callable[[], Awaitable[T]]) -> T:
        """The answer of one call. Raises ModelError."""
        with self._circuit.call():
            try:
                async with asyncio.timeout(self.timeout_seconds):
                    return await call()
            except VENDOR_ERRORS as error:
                failure = model_error(error)
            _log.warning("A call to the model failed. %s", failure.detail)
            raise failure


def credentials_for(base_url: str | None) -> Credentials | None:
    """What a project's calls carry; None: the application default credentials.

    A bearer token never travels in clear text: to a plain-http base URL, which can only be a stand-in or a gateway nearby, a placeholder
    is sent and no credentials are looked for.
    """
    if base_url is None or urlsplit(base_url).scheme != "http":
        return None
    return Credentials(token="none-over-plain-http")  # type: ignore[no-untyped-call]  # noqa: S106
