"""Where a batch stood still although it could have gone on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Span:
    """When one document started and ended, in seconds on one clock."""

    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class Stall:
    """For so many seconds before `until` a document waited and a slot was free, and nothing started."""

    seconds: float
    until: float


def longest_stall(spans: Sequence[Span], window: int) -> Stall:
    """The longest time in which fewer than `window` documents ran, one still waited, and none started.

    Counted from the first start: before it nothing could wait for a slot, after the last one nothing waits.
    """
    starts = sorted(span.started for span in spans)
    ends = sorted(span.ended for span in spans)
    longest = Stall(0.0, starts[0] if starts else 0.0)
    for index, (before, start) in enumerate(pairwise(starts)):
        # `index + 1` documents had started; the slot of the next one became free with the end that left `window - 1` of them.
        emptied = index + 1 - window
        free_from = max(before, ends[emptied]) if emptied >= 0 else before
        if start - free_from > longest.seconds:
            longest = Stall(start - free_from, start)
    return longest
