"""How long a model has been away, remembered across the attempts of one activity.

The first failure's time travels in the heartbeat details, which the server hands to the next attempt. Only failed calls count: hours in a
queue, or with every server down over night, are no outage of the model.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from temporalio import activity

from ingestio.errors import FailureCode, ModelError


class Outage:
    """Gives up with `model_unavailable` once calls have failed for `wait_seconds`."""

    def __init__(self, wait_seconds: float, clock: Callable[[], datetime]) -> None:
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._since: str | None = next(iter(activity.info().heartbeat_details), None)

    @property
    def details(self) -> tuple[str, ...]:
        """What each heartbeat of this attempt must carry on."""
        return () if self._since is None else (self._since,)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch one call: a retryable failure starts or continues the outage, and ends the document when it has lasted too long."""
        try:
            yield
        except ModelError as error:
            if not error.can_retry:
                raise
            now = self._clock()
            self._since = self._since or now.isoformat()
            if (now - datetime.fromisoformat(self._since)).total_seconds() >= self._wait_seconds:
                raise ModelError(FailureCode.MODEL_UNAVAILABLE) from error
            activity.heartbeat(self._since)
            raise
