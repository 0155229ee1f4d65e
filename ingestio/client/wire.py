"""What both kinds of client have in common at the wire: where to, as whom, with which limits of time."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, BinaryIO, TypeVar, cast

import httpx

from ingestio.client.plans import Call
from ingestio.errors import InvalidRequest

M = TypeVar("M", bound=Callable[..., Any])

CONNECT_SECONDS = 5.0
# After the last byte the service still counts pages: bounded to seconds a file, but a batch has many.
COUNTING_SECONDS = 900.0
UPLOAD_SECONDS = 60.0
_BYTES = "application/octet-stream"


def address(url: str) -> str:
    """The service's address without a slash at its end. Raises InvalidRequest for what is none."""
    if not url.startswith(("http://", "https://")):
        raise InvalidRequest(f"{url!r} is no address such as https://ingestio.example.org")
    return url.rstrip("/")


def headers(token: str) -> dict[str, str]:
    """What goes with every request. A token that was read from a file may have a line end."""
    return {"Authorization": f"Bearer {token.strip()}", "Accept": "application/json", "User-Agent": "ingestio-client/1"}


def build(http: httpx.Client | httpx.AsyncClient, call: Call) -> httpx.Request:
    """The request of a call. Files go out from their beginning, however often it is built."""
    if call.content is not None:
        call.content.seek(0)
    return http.build_request(
        call.method,
        f"/api/v1{call.path}",
        params=call.query,
        json=call.json,
        data=call.form,
        files=[(name, (file.filename, cast("BinaryIO", file), _BYTES)) for name, file in call.files] or None,
        content=call.content,
        headers=call.headers,
        timeout=_timeout(call, http.timeout),
    )


def _timeout(call: Call, usual: httpx.Timeout) -> httpx.Timeout:
    read, write = usual.read, usual.write
    if call.files or call.content is not None:
        read, write = COUNTING_SECONDS, UPLOAD_SECONDS
    if call.read_seconds is not None:
        read = call.read_seconds
    return httpx.Timeout(connect=CONNECT_SECONDS, read=read, write=write, pool=usual.pool)


def presented_as(plan: Callable[..., Any]) -> Callable[[M], M]:
    """Gives a method name, documentation and parameters of the function that makes its plan; what that returns is nobody's business."""

    def present(method: M) -> M:
        presented = wraps(plan)(method)
        signature = inspect.signature(plan).replace(return_annotation=inspect.Signature.empty)
        presented.__signature__ = signature  # type: ignore[attr-defined]
        return presented  # type: ignore[return-value]

    return present
