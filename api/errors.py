"""Every error as a problem detail (RFC 9457) with a stable code and a trace id; internals go to the log and nowhere else (R90)."""

import json
import logging
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from api.schemas.problems import MEDIA_TYPE
from ingestio.errors import (
    DocumentFailed,
    FieldError,
    FileRefused,
    IngestioError,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    QuotaExceeded,
    RateLimited,
    RevisionConflict,
    Unauthenticated,
    Unavailable,
)
from ingestio.metrics import COUNTS
from ingestio.observability import Event, tell

logger = logging.getLogger("ingestio.api")

_INTERNAL = "Something went wrong on our side. Quote the trace id when you report it."
# What has a status and no error class of ours, because the framework or the server says it.
STATUS_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "request_too_large",
    415: "unsupported_type",
}
_LONGEST_MESSAGE = 300
_MOST_ERRORS = 100


class ProblemResponse(JSONResponse):
    """A problem detail as a response."""

    media_type = MEDIA_TYPE

    def render(self, content: object) -> bytes:
        # A field's name may be whatever the client sent, even half of a surrogate pair.
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    trace_id: str,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> ProblemResponse:
    """The response for one problem; `members` are extensions such as `current`."""
    COUNTS.add("ingestio_refusals_total", code=code)
    body: dict[str, object] = {
        "type": f"urn:ingestio:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "trace_id": trace_id,
    }
    if errors is not None:
        body["errors"] = [{"field": item.field, "message": item.message} for item in errors]
    return ProblemResponse(body | members, status_code=status, headers=dict(headers or {}))


def problem_of(error: IngestioError, trace_id: str) -> ProblemResponse:
    """One of our own errors as a response; those without a public status are internal ones."""
    status, code, title, detail = error.status, error.code, error.title, error.detail
    errors: Sequence[FieldError] | None = None
    headers: dict[str, str] = {}
    members: dict[str, object] = {}
    match error:
        case FileRefused():
            status, code = error.public_status, error.reason.value
            errors = [FieldError("file", detail)] if status == HTTPStatus.UNPROCESSABLE_ENTITY else None
        case InvalidRequest():
            errors = error.errors
        case InvalidTransition() | RevisionConflict():
            members["current"] = error.current
        case QuotaExceeded():
            tell(Event.QUOTA_EXCEEDED, batch_id=error.batch_id)
            members |= {} if error.batch_id is None else {"batch_id": error.batch_id}
        case RateLimited() | Unavailable():
            headers["Retry-After"] = str(error.retry_after_seconds)
        case Unauthenticated():
            headers["WWW-Authenticate"] = "Bearer"
        case DocumentFailed():
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        case _:
            pass
    if error.limit is not None:
        members["limit"] = asdict(error.limit)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, Unavailable):
        log_unexpected(error)
        return internal_problem(trace_id)
    if isinstance(error, Unavailable):
        logger.warning("unavailable: %s", error.detail, extra={"cause": describe(error.__cause__)})
    return problem(status, code, title, detail, trace_id=trace_id, errors=errors, headers=headers, **members)


def internal_problem(trace_id: str) -> ProblemResponse:
    """The answer to everything that nobody foresaw."""
    return problem(500, "internal", "Internal error", _INTERNAL, trace_id=trace_id)


def log_unexpected(error: BaseException) -> None:
    """Where it happened and what kind it was. Messages of foreign errors may quote a document, a prompt or a row, so they stay out."""
    frames = traceback.extract_tb(error.__traceback__)
    # Our own lines say where; of a library's thirty only the last one does.
    ours = [frame for frame in frames[:-1] if "site-packages" not in frame.filename]
    stack = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in [*ours, *frames[-1:]]]
    logger.error("unexpected error: %s", describe(error), extra={"stack": stack})


def describe(error: BaseException | None) -> str:
    """The chain of an error's kinds, with as much of each message as can be known to be harmless."""
    parts: list[str] = []
    while error is not None and len(parts) < 5:
        parts.append(_kind(error))
        error = error.__cause__ or error.__context__
    return " <- ".join(parts)


def _kind(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, IngestioError):
        return f"{name}: {error.detail}"
    if isinstance(error, DBAPIError) and (diagnosis := getattr(error.orig, "diag", None)) is not None:
        # Not the detail, which quotes the row.
        return f"{name}: {diagnosis.sqlstate} {diagnosis.message_primary} {diagnosis.constraint_name or ''}".rstrip()
    if isinstance(error, OSError) and error.strerror:
        return f"{name}: {error.strerror}"
    return name


def trace_id_of(request: Request) -> str:
    """The id that the outermost middleware gave this request."""
    trace_id: str = request.state.trace_id
    return trace_id


def install(app: FastAPI) -> None:
    """Answer with problem details whatever goes wrong in a route or before one is found."""
    app.add_exception_handler(IngestioError, _answer_ours)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)


async def _answer_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, IngestioError)
    return problem_of(error, trace_id_of(request))


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(item["loc"][:1] == ("path",) for item in found):
        # An id that cannot be one names nothing.
        return problem_of(NotFound("There is nothing at this address."), trace_id_of(request))
    return problem_of(invalid_request(found), trace_id_of(request))


def invalid_request(found: Iterable[Mapping[str, Any]]) -> InvalidRequest:
    """pydantic's findings as our error: where and what, never the value that was sent."""
    errors = [FieldError(_field(item["loc"]), _words(item["msg"])) for item in found][:_MOST_ERRORS]
    return InvalidRequest("The request is not valid; `errors` says where.", errors)


def _words(message: object) -> str:
    # What our own checks say comes with the name of an exception before it.
    return str(message).removeprefix("Value error, ")[:_LONGEST_MESSAGE]


def _field(location: Sequence[int | str]) -> str:
    if location[:1] in (("body",), ("query",), ("header",), ("cookie",)):
        location = location[1:]
    if len(location) == 1 and isinstance(location[0], int):
        # Where broken JSON breaks; bodies are objects, so it is nobody's field.
        return "body"
    return ".".join(str(part) for part in location)[:_LONGEST_MESSAGE] or "body"


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status == HTTPStatus.BAD_REQUEST:
        # The framework's word for a body that is not even text.
        wrong = InvalidRequest("The body could not be read.", [FieldError("body", "send valid UTF-8 JSON")])
        return problem_of(wrong, trace_id_of(request))
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
    phrase = HTTPStatus(status).phrase
    detail = error.detail if error.detail and error.detail != phrase else _detail(status, request)
    code = STATUS_CODES.get(status, "invalid_request" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal")
    return problem(status, code, phrase, detail, trace_id=trace_id_of(request), headers=headers)


def _methods(request: Request) -> list[str]:
    """Every method that the address takes. The framework would name those of one route, and several share an address."""
    routes = request.app.router.routes
    taken = [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return [*taken, "HEAD"] if "GET" in taken else taken  # as `requests.HeadAnswers` does


def _detail(status: int, request: Request) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return "There is nothing at this address."
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"This address does not take {request.method}."
    return HTTPStatus(status).phrase
