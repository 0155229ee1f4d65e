"""Whether the model's service may be called at all: what one call learns, every other call of this worker honours (R82).

A 429 that names a delay holds all calls back for that long. After several failures in a row the circuit opens: no calls, until a pause is
over; then one call tries, and the others wait for what it finds. Whoever is held back gets a typed failure with the time that is left, so
that the document waits in the queue and not in a slot of the worker.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ingestio.errors import FailureCode, ModelError

# So many failures in a row are no accident.
FAILURES_TO_OPEN = 5
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 5.0, 60.0
# While one call tries, the others ask again after this.
_TRIAL_SECONDS = 2.0


class Circuit:
    """One service as one worker sees it. Used from one event loop."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, failures_to_open: int = FAILURES_TO_OPEN
    ) -> None:
        self._clock = clock
        self._failures_to_open = failures_to_open
        self.close()

    def close(self) -> None:
        """Believe that the service is well."""
        self._failures = 0
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._open_until = self._limited_until = 0.0
        self._trying = False

    @property
    def is_open(self) -> bool:
        return self._failures >= self._failures_to_open

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around one call. Raises ModelError(model_unavailable), retryable and with a delay, instead of letting it happen."""
        now = self._clock()
        if now < self._limited_until:
            raise _held_back("The model's service asked us to wait.", self._limited_until - now)
        if self.is_open:
            if now < self._open_until:
                raise _held_back(
                    "The model's service does not answer; it is not asked for a while.", self._open_until - now
                )
            if self._trying:
                raise _held_back("The model's service is being tried.", _TRIAL_SECONDS)
        trial, self._trying = self.is_open, self.is_open
        try:
            yield
        except ModelError as error:
            self._note(error, trial=trial)
            raise
        else:
            self._failures = 0
        finally:
            if trial:
                self._trying = False

    def _note(self, error: ModelError, *, trial: bool) -> None:
        if not error.can_retry:
            self._failures = 0  # it answered, if only to refuse
            return
        now = self._clock()
        if error.retry_after_seconds:
            # Busy is not broken: the delay is all there is to honour.
            self._limited_until = max(self._limited_until, now + error.retry_after_seconds)
            return
        self._failures += 1
        # Calls that were under way when it opened say nothing new; only a trial that failed makes the pause longer.
        if self._failures == self._failures_to_open:
            self._pause_seconds = _FIRST_PAUSE_SECONDS
            self._open_until = now + self._pause_seconds
        elif trial:
            self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)
            self._open_until = now + self._pause_seconds


def _held_back(detail: str, seconds: float) -> ModelError:
    return ModelError(FailureCode.MODEL_UNAVAILABLE, detail, retryable=True, retry_after_seconds=seconds)
