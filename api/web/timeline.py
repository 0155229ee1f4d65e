"""How a batch gets on: its ended documents over time, in slices that are drawn to scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from api.web.batch_lines import BatchLine
from ingestio.db import jobs
from ingestio.db.jobs import EndedJobs
from ingestio.db.session import UserSession
from ingestio.domain.batches import ExtractionStatus

MOST_SLICES = 60
_A_PACE = 10  # of fewer documents no pace is known
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# Lengths that people count in.
_LENGTHS = (
    1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE,
    _HOUR, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 7 * _DAY, 30 * _DAY, 365 * _DAY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slice:
    """What ended in one stretch of time."""

    completed: int
    failed: int
    cancelled: int

    @property
    def ended(self) -> int:
        return self.completed + self.failed + self.cancelled


@dataclass(frozen=True, slots=True)
class Timeline:
    """From the first start to the last end, or to now while the batch runs."""

    begun_at: datetime
    until: datetime
    slice_seconds: int
    slices: Sequence[Slice]

    @property
    def most(self) -> int:
        """The tallest slice; 1 where none is, so that heights can be shares of it."""
        return max([1, *(item.ended for item in self.slices)])

    @property
    def ended(self) -> int:
        return sum(item.ended for item in self.slices)

    @property
    def seconds(self) -> float:
        return (self.until - self.begun_at).total_seconds()

    def seconds_to_go(self, left: int) -> float | None:
        """How long as many documents as are `left` take at the pace so far; None before there is a pace."""
        return None if self.ended < _A_PACE else self.seconds * left / self.ended


def slice_length(seconds: float) -> int:
    """The shortest length, in seconds, that divides so much time into MOST_SLICES at most."""
    return next((length for length in _LENGTHS if seconds < length * MOST_SLICES), _LENGTHS[-1])


def timeline(begun_at: datetime, until: datetime, ended: Sequence[EndedJobs], slice_seconds: int) -> Timeline:
    """Every slice of the time, empty ones too."""
    whole = {
        number: {item.status: item.jobs for item in items}
        for number, items in groupby(ended, key=lambda item: item.part)
    }
    last = max([int((until - begun_at) / timedelta(seconds=slice_seconds)), *whole])
    slices = [
        Slice(
            completed=found.get(ExtractionStatus.COMPLETED, 0),
            failed=found.get(ExtractionStatus.FAILED, 0),
            cancelled=found.get(ExtractionStatus.CANCELLED, 0),
        )
        for found in (whole.get(number, {}) for number in range(last + 1))
    ]
    return Timeline(begun_at, until, slice_seconds, slices)


async def timeline_of(session: UserSession, user_id: str, line: BatchLine, now: datetime) -> Timeline | None:
    """A batch's own; None before anything has begun."""
    span = await jobs.span_of_batch(session, user_id, line.row.id)
    if span is None:
        return None
    # The database's clock wrote both moments, and ours may be behind it.
    until = max(span.begun_at, span.last_at or span.begun_at, now if line.is_running else span.begun_at)
    length = slice_length((until - span.begun_at).total_seconds())
    ended = await jobs.ended_of_batch(session, user_id, line.row.id, span.begun_at, length)
    return timeline(span.begun_at, until, ended, length)
