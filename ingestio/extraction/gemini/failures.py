"""Turns whatever the vendor's library throws into one typed `ModelError` (R82).

| what happened | code | again? |
| --- | --- | --- |
| 408, 425, 429, 499, 5xx, also without a readable body | model_unavailable | yes, after the delay that the service asked for |
| no answer in time, refused or broken connection, an answer that is not Gemini's protocol | model_unavailable | yes |
| any other status (400, 401, 403, 404, 413, a redirect), a request that cannot be sent, missing credentials | model_rejected | no |

Vendor messages may quote the request, so none is passed on: only the status and the upper-case reasons that Google documents.
"""

import email.utils
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import google.auth.exceptions
import httpx
import pydantic
from google.genai import errors as genai_errors

from ingestio.errors import FailureCode, ModelError

# What generate_content, upload and google-auth were seen to raise. The plain types at the end come out of the library's own
# conversions when an answer has another shape than the protocol's.
VENDOR_ERRORS: Final = (
    genai_errors.APIError,
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    google.auth.exceptions.GoogleAuthError,
    TimeoutError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    RuntimeError,
)

_RETRYABLE_STATUS = frozenset({408, 425, 429, 499})
# A service that asks for more than this is asked again earlier; the caller's own waiting time ends it anyway.
_LONGEST_DELAY_SECONDS = 3600.0
_REASON = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")


def model_error(error: BaseException, now: datetime | None = None) -> ModelError:
    """The typed failure that `error` means. Raise it outside the except block, so that no vendor message hangs on as its context."""
    match error:
        case genai_errors.APIError():
            status = error.code if isinstance(error.code, int) else 0
            return from_status(status, error.details, getattr(error.response, "headers", None), now)
        case TimeoutError() | httpx.TimeoutException():
            return unavailable("The model's service did not answer in time.")
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | httpx.InvalidURL() | UnicodeEncodeError():
            return _rejected("The request could not be sent: check the base URL, the model's name and the key.")
        case httpx.HTTPError() | httpx.StreamError() | OSError():
            return unavailable("The model's service could not be reached, or broke the connection.")
        case google.auth.exceptions.TransportError():
            return unavailable("Google's sign-in service could not be reached.")
        case google.auth.exceptions.GoogleAuthError() if error.retryable:
            return unavailable("Google's sign-in service did not answer.")
        case google.auth.exceptions.GoogleAuthError():
            return _rejected("Google Cloud credentials are missing or were refused.")
        case RecursionError():
            return ModelError(FailureCode.MODEL_OUTPUT_INVALID, "The model's answer is nested too deeply.")
        case (
            genai_errors.UnknownApiResponseError()
            | json.JSONDecodeError()
            | pydantic.ValidationError()
            | UnicodeDecodeError()
        ):
            return unavailable("The model's service answered something that is not its protocol.")
        case ValueError():
            return _rejected("The model's library refused the request; the model or the mode does not support it.")
        case _:
            return unavailable("The model's service answered something that is not its protocol.")


def from_status(status: int, body: Any, headers: Mapping[str, str] | None, now: datetime | None = None) -> ModelError:
    """The typed failure that a refusal with this status means; `body` is its JSON in Google's form, or anything else."""
    inner = _error(body)
    reasons = [reason for reason in (inner.get("status"), *_reasons(inner)) if _is_reason(reason)]
    what = " ".join([str(status), *dict.fromkeys(map(str, reasons))])
    if status in _RETRYABLE_STATUS or status >= 500:
        return ModelError(
            FailureCode.MODEL_UNAVAILABLE,
            f"The model's service answered {what}.",
            retryable=True,
            retry_after_seconds=_delay(inner, headers, now or datetime.now(UTC)),
        )
    return _rejected(f"The model's service refused the request: {what}.")


def unavailable(detail: str) -> ModelError:
    """Worth another try."""
    return ModelError(FailureCode.MODEL_UNAVAILABLE, detail, retryable=True)


def _rejected(detail: str) -> ModelError:
    return ModelError(FailureCode.MODEL_REJECTED, detail)


def _is_reason(value: object) -> bool:
    return isinstance(value, str) and _REASON.fullmatch(value) is not None


def _error(body: Any) -> Mapping[str, Any]:
    """The inside of a Google error body, empty for a body of another shape."""
    inner = body.get("error") if isinstance(body, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _details(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Its typed details."""
    details = error.get("details")
    if isinstance(details, list):
        yield from (detail for detail in details if isinstance(detail, Mapping))


def _reasons(error: Mapping[str, Any]) -> list[object]:
    return [detail.get("reason") for detail in _details(error)]


def _delay(error: Mapping[str, Any], headers: Mapping[str, str] | None, now: datetime) -> float | None:
    """Seconds that the service asked to wait: the Retry-After header, else RetryInfo in the body; None when it named none."""
    asked = headers.get("retry-after") if headers is not None else None
    seconds = _header_seconds(asked, now) if isinstance(asked, str) else None
    if seconds is None:
        seconds = next(
            (float(found[1]) for detail in _details(error) if (found := _DURATION.fullmatch(_retry_delay(detail)))),
            None,
        )
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST_DELAY_SECONDS)


def _retry_delay(detail: Mapping[str, Any]) -> str:
    kind, delay = detail.get("@type"), detail.get("retryDelay")
    return delay if isinstance(kind, str) and kind.endswith(".RetryInfo") and isinstance(delay, str) else ""


def _header_seconds(asked: str, now: datetime) -> float | None:
    try:
        seconds = float(asked)
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(asked)
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    return seconds if math.isfinite(seconds) else None
