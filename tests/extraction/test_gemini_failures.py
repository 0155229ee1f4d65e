"""Every vendor error becomes one typed failure, and takes none of its words along."""

import json
from datetime import UTC, datetime
from typing import Any

import google.auth.exceptions
import httpx
import pytest
from google.genai import errors

from ingestio.errors import FailureCode
from ingestio.extraction.gemini.failures import VENDOR_ERRORS, model_error

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def api_error(status: int, body: Any, headers: dict[str, str] | None = None) -> errors.APIError:
    return errors.APIError(status, body, httpx.Response(status, headers=headers))


def retry_info(delay: Any) -> dict[str, Any]:
    return {
        "error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{"@type": RETRY_INFO, "retryDelay": delay}]}
    }


@pytest.mark.parametrize("status", [408, 425, 429, 499, 500, 502, 503, 504, 529])
def test_a_status_that_may_pass_is_worth_another_try(status: int) -> None:
    failure = model_error(api_error(status, {}))
    assert (failure.reason, failure.can_retry) == (FailureCode.MODEL_UNAVAILABLE, True)


@pytest.mark.parametrize("status", [204, 302, 400, 401, 403, 404, 405, 413, 415, 422])
def test_a_status_that_stays_is_not_tried_again(status: int) -> None:
    failure = model_error(api_error(status, {}))
    assert (failure.reason, failure.can_retry) == (FailureCode.MODEL_REJECTED, False)
    assert str(status) in failure.detail


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, {}, 7.0),
        ({"retry-after": "0.5"}, {}, 0.5),
        ({"retry-after": "Mon, 23 Nov 2026 10:00:30 GMT"}, {}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT"}, {}, 0.0),
        ({"retry-after": "-3"}, {}, 0.0),
        ({"retry-after": "999999999"}, {}, 3600.0),
        ({"retry-after": "nan"}, {}, None),
        ({"retry-after": "inf"}, {}, None),
        ({"retry-after": "soon"}, {}, None),
        ({"retry-after": "soon"}, retry_info("2s"), 2.0),
        ({"retry-after": "7"}, retry_info("2s"), 7.0),
        ({}, retry_info("34.074824224s"), 34.074824224),
        ({}, [retry_info("2s")], 2.0),
        ({}, retry_info("2m"), None),
        ({}, retry_info(2), None),
        ({}, retry_info(None), None),
        ({}, {"error": {"details": "none"}}, None),
        ({}, {"error": "none"}, None),
        ({}, "none", None),
        ({}, None, None),
    ],
)
def test_the_delay_is_what_the_service_asked_for(headers: dict[str, str], body: Any, seconds: float | None) -> None:
    assert model_error(api_error(429, body, headers), NOW).retry_after_seconds == seconds


def test_the_detail_names_the_reasons_that_google_documents_and_nothing_else() -> None:
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "metadata": {"key": "s3cret"},
        },
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "because of s3cret"},
    ]
    body = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "key s3cret is wrong", "details": details}}
    failure = model_error(api_error(400, body))
    assert failure.detail == "The model's service refused the request: 400 INVALID_ARGUMENT API_KEY_INVALID."


REQUEST = httpx.Request("POST", "https://model.example/")


@pytest.mark.parametrize(
    ("error", "reason", "can_retry"),
    [
        (TimeoutError("s3cret"), FailureCode.MODEL_UNAVAILABLE, True),
        (httpx.ReadTimeout("s3cret", request=REQUEST), FailureCode.MODEL_UNAVAILABLE, True),
        (httpx.ConnectTimeout("s3cret", request=REQUEST), FailureCode.MODEL_UNAVAILABLE, True),
        (httpx.ConnectError("s3cret", request=REQUEST), FailureCode.MODEL_UNAVAILABLE, True),
        (httpx.ReadError("s3cret", request=REQUEST), FailureCode.MODEL_UNAVAILABLE, True),
        (httpx.RemoteProtocolError("s3cret", request=REQUEST), FailureCode.MODEL_UNAVAILABLE, True),
        (httpx.ProxyError("s3cret", request=REQUEST), FailureCode.MODEL_UNAVAILABLE, True),
        (httpx.DecodingError("s3cret", request=REQUEST), FailureCode.MODEL_UNAVAILABLE, True),
        (httpx.LocalProtocolError("s3cret", request=REQUEST), FailureCode.MODEL_REJECTED, False),
        (httpx.UnsupportedProtocol("s3cret", request=REQUEST), FailureCode.MODEL_REJECTED, False),
        (httpx.InvalidURL("s3cret"), FailureCode.MODEL_REJECTED, False),
        (UnicodeEncodeError("ascii", "s3cret", 0, 1, "s3cret"), FailureCode.MODEL_REJECTED, False),
        (UnicodeDecodeError("utf-8", b"s3cret", 0, 1, "s3cret"), FailureCode.MODEL_UNAVAILABLE, True),
        (json.JSONDecodeError("s3cret", "s3cret", 0), FailureCode.MODEL_UNAVAILABLE, True),
        (errors.UnknownApiResponseError("s3cret"), FailureCode.MODEL_UNAVAILABLE, True),
        (ValueError("s3cret"), FailureCode.MODEL_REJECTED, False),
        (KeyError("s3cret"), FailureCode.MODEL_UNAVAILABLE, True),
        (AttributeError("s3cret"), FailureCode.MODEL_UNAVAILABLE, True),
        (ConnectionResetError("s3cret"), FailureCode.MODEL_UNAVAILABLE, True),
        (RecursionError("s3cret"), FailureCode.MODEL_OUTPUT_INVALID, False),
        (google.auth.exceptions.DefaultCredentialsError("s3cret"), FailureCode.MODEL_REJECTED, False),  # type: ignore[no-untyped-call]
        (google.auth.exceptions.RefreshError("s3cret"), FailureCode.MODEL_REJECTED, False),  # type: ignore[no-untyped-call]
        (google.auth.exceptions.RefreshError("s3cret", retryable=True), FailureCode.MODEL_UNAVAILABLE, True),  # type: ignore[no-untyped-call]
        (google.auth.exceptions.TransportError("s3cret"), FailureCode.MODEL_UNAVAILABLE, True),  # type: ignore[no-untyped-call]
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_everything_else_that_a_call_can_raise_is_typed_too(
    error: Exception, reason: FailureCode, can_retry: bool
) -> None:
    assert isinstance(error, VENDOR_ERRORS)
    failure = model_error(error)
    assert (failure.reason, failure.can_retry) == (reason, can_retry)
    assert "s3cret" not in failure.detail
