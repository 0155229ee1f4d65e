"""Asking until there is an answer: what is repeated, for how long, and what an answer is read as."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from ingestio.client.errors import ApiError
from ingestio.client.models import Answer
from ingestio.client.plans import Call, Doing, Finding, Found, Load, Open, Pause
from ingestio.errors import Unavailable

T = TypeVar("T")
A = TypeVar("A", bound=Answer)

PAGE = 200
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
_JITTER = 0.25
_NOT_FOUND, _TOO_MANY = 404, 429
# 429 is said before anything is done; 502 and 504 come from a proxy that does not know what happened.
_PERHAPS_LATER = frozenset({502, 503, 504})
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Core:
    """What plans need to know of their client: where the service is, and for how long in all a call may be repeated."""

    url: str
    patience_seconds: float

    def ask(self, call: Call, read: Callable[[httpx.Response], Doing[T]]) -> Doing[T]:
        """Send a call and have its answer read, both again while that may help. Raises ApiError, Unavailable.

        A call whose answer was lost is repeated only if that does no harm. One that never left, or was turned away by 429 before
        anything was done, always is.
        """
        deadline, pause, may_be_done = time.monotonic() + self.patience_seconds, FIRST_PAUSE_SECONDS, False
        while True:
            try:
                answer: httpx.Response = yield Open(call)
                if answer.is_success or (may_be_done and call.method == "DELETE" and answer.status_code == _NOT_FOUND):
                    return (yield from read(answer))
                yield Load()
            except httpx.RequestError as error:
                trouble = _no_answer(self.url, error)
            else:
                trouble = _refusal(answer)
            may_be_done = may_be_done or trouble.may_be_done
            wait = jittered(pause if trouble.retry_after is None else trouble.retry_after)
            may_repeat = trouble.may_pass and (call.repeatable or not trouble.may_be_done)
            if not may_repeat or time.monotonic() + wait > deadline:
                raise trouble.failure
            yield Pause(wait)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def read(self, kind: type[A], call: Call) -> Doing[A]:
        """A call's answer as `kind`."""
        answer = yield from self.ask(call, whole)
        return self.parsed(kind, answer.content)

    def done(self, call: Call) -> Doing[None]:
        """A call whose answer says no more than that."""
        yield from self.ask(call, nothing)

    def pages(self, kind: type[A], path: str, query: Mapping[str, str | None]) -> Finding[A]:
        """Every item of a list, fetched page by page as they are asked for."""
        cursor: str | None = None
        while True:
            asked = given({**query, "limit": str(PAGE), "cursor": cursor})
            page = yield from self.read(_Page[kind], Call("GET", path, asked))  # type: ignore[valid-type]
            yield from map(Found, page.items)
            cursor = page.next_cursor
            if not cursor:
                return

    def parsed(self, kind: type[A], content: bytes | str) -> A:
        """JSON as `kind`. Raises ApiError for what this service would not say."""
        try:
            return kind.model_validate_json(content)
        except ValidationError as error:
            strange = f"{self.url} answered something that is not of this service."
            raise ApiError(502, "unexpected_answer", strange) from error


class _Page(Answer, Generic[A]):
    """One page of a list."""

    items: tuple[A, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why a call came to nothing this time."""

    failure: ApiError | Unavailable
    may_pass: bool
    """Whether it may go better later."""
    may_be_done: bool
    """Whether the service may have done what it was asked for, and only the answer was lost."""
    retry_after: float | None = None


def _no_answer(url: str, error: httpx.RequestError) -> _Trouble:
    failure = Unavailable(f"{url} does not answer ({type(error).__name__}).")
    failure.__cause__ = error
    return _Trouble(failure, may_pass=True, may_be_done=not isinstance(error, _NEVER_SENT))


def _refusal(answer: httpx.Response) -> _Trouble:
    status, problem = answer.status_code, problem_of(answer)
    perhaps_later = status in _PERHAPS_LATER
    return _Trouble(problem, perhaps_later or status == _TOO_MANY, perhaps_later, problem.retry_after)


def whole(answer: httpx.Response) -> Doing[httpx.Response]:
    """The answer with all of its body."""
    yield Load()
    return answer


def nothing(_answer: httpx.Response) -> Doing[None]:
    """Nothing of it matters; read all the same, so that the connection can be used again."""
    yield Load()


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without those that were left out, which the service then takes by default."""
    return {name: value for name, value in values.items() if value is not None}


def part(text: str) -> str:
    """A text as one part of a path, so that an id leads nowhere else. Raises ApiError for one that names nothing."""
    if text in {"", ".", ".."}:
        raise ApiError(404, "not_found", f"{text!r} is no id.")
    return quote(text, safe="")


def jittered(seconds: float) -> float:
    """A little more, each time otherwise, so that those who were turned away together do not come back together."""
    return seconds * (1 + random.uniform(0, _JITTER))  # noqa: S311 - spreads a crowd, guards nothing


def problem_of(answer: httpx.Response) -> ApiError:
    """The refusal in an answer whose body was read; a proxy's error page has a status and nothing to say."""
    content = _json(answer)
    if not isinstance(content, dict) or "code" not in content:
        detail = f"HTTP {answer.status_code} without an explanation"
        return ApiError(answer.status_code, "unexpected_answer", detail, retry_after=_retry_after(answer))
    return ApiError.of(answer.status_code, content, _retry_after(answer))


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds from now; proxies may give a date."""
    said = answer.headers.get("Retry-After", "")
    try:
        seconds = float(said) if said.replace(".", "", 1).isdigit() else _seconds_until(said)
    except ValueError:
        return None
    return max(seconds, 0.0)


def _seconds_until(date: str) -> float:
    moment = parsedate_to_datetime(date)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
