"""Waiting for the end of something that is asked for again and again."""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from ingestio.client.asking import jittered
from ingestio.client.errors import StillRunning
from ingestio.client.plans import Doing, Pause

FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.2, 2.0
_SHORTEST_SECONDS = 0.05


class Running(Protocol):
    """What ends at some time."""

    @property
    def has_ended(self) -> bool:
        """Whether it did."""


R = TypeVar("R", bound=Running)


class Deadline:
    """So many seconds from now; None: never."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._at = None if seconds is None else time.monotonic() + seconds

    @property
    def has_passed(self) -> bool:
        return self._at is not None and time.monotonic() >= self._at

    def at_most(self, seconds: float) -> float:
        """`seconds`, or what is left when that is less; never nothing."""
        return seconds if self._at is None else min(seconds, max(self._at - time.monotonic(), _SHORTEST_SECONDS))

    def check(self, what: str, last: Running) -> None:
        """Raises StillRunning with `last` when it has passed."""
        if self.has_passed:
            raise StillRunning(f"{what} has not ended within {self._seconds:g} s; it goes on", last)


def until_ended(what: str, look: Callable[[], Doing[R]], timeout: float | None) -> Doing[R]:
    """Look, at once and then less and less often, until it has ended; that is what is answered. Raises StillRunning."""
    deadline, pause = Deadline(timeout), FIRST_LOOK_SECONDS
    while True:
        seen = yield from look()
        if seen.has_ended:
            return seen
        deadline.check(what, seen)
        yield Pause(deadline.at_most(jittered(pause)))
        pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)
