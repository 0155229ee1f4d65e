"""What can go wrong for a caller. Everything that the client raises on purpose is an IngestioError.

IngestioError
|- ApiError            the service refused: its problem document (RFC 9457)
|- Unavailable         no answer, although what may be repeated was repeated
|- StillRunning        what was waited for has not ended in time
|- InvalidRequest      a file that cannot be sent, said before or while it is sent
`- InvalidSignature    a webhook that this service did not send, or not now
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ingestio.errors import FieldError, IngestioError

_STANDARD = frozenset({"type", "title", "status", "detail", "code", "trace_id", "errors"})
_MOST_SAID = 3


class ApiError(IngestioError):
    """The service's own refusal. Programs decide by `code`, people read `detail`, operators look for `trace_id`.

    `errors` lists the wrong inputs of a 422, `retry_after` is in seconds where the service said when to come back, and `members` holds
    what a problem has beyond that, such as `current` or `limit`. As text it is the detail with the first wrong inputs.
    """

    title = "The service refused the request"

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        title: str = title,
        errors: Sequence[FieldError] = (),
        trace_id: str | None = None,
        retry_after: float | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        # Our other errors fix these for the class; here the service says them.
        self.status = status  # type: ignore[misc]
        self.code = code  # type: ignore[misc]
        self.title = title  # type: ignore[misc]
        self.errors = tuple(errors)
        self.trace_id = trace_id
        self.retry_after = retry_after
        self.members = dict(members or {})
        # Shown below the text in a traceback, where there is nobody to ask for the attributes.
        self.add_note(f"HTTP {status} {code}" + ("" if trace_id is None else f", trace id {trace_id}"))

    def __str__(self) -> str:
        said = [f"{each.field}: {each.message}." for each in self.errors if each.message not in self.detail]
        more = ["..."] if len(said) > _MOST_SAID else []
        return " ".join([self.detail, *said[:_MOST_SAID], *more])

    @classmethod
    def of(cls, status: int, content: Mapping[str, Any], retry_after: float | None) -> "ApiError":
        """A problem document as it came, of which only `code` has to be there."""
        found = content.get("errors")
        errors = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
        trace_id = content.get("trace_id")
        return cls(
            status,
            str(content["code"]),
            str(content.get("detail") or content.get("title") or content["code"]),
            title=str(content.get("title") or cls.title),
            errors=[FieldError(str(each.get("field")), str(each.get("message"))) for each in errors],
            trace_id=None if trace_id is None else str(trace_id),
            retry_after=retry_after,
            members={name: value for name, value in content.items() if name not in _STANDARD},
        )


class StillRunning(IngestioError, TimeoutError):
    """What was waited for goes on; `last` is the batch, document or export as it was last seen."""

    code = "still_running"
    title = "Not finished in time"

    def __init__(self, detail: str, last: Any) -> None:
        super().__init__(detail)
        self.last = last


class InvalidSignature(IngestioError):
    """Not signed with this endpoint's secret, or more than five minutes ago. Answer it with 400 and look at nothing in it."""

    code = "invalid_signature"
    title = "The webhook's signature does not verify"
