"""A stall is time in which a document waited, a slot was free and nothing started."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.stalls import Span, Stall, longest_stall


def test_a_gap_with_a_free_slot_is_a_stall() -> None:
    assert longest_stall([Span(0, 10), Span(1, 10), Span(4, 10)], window=3) == Stall(3, until=4)


def test_a_full_window_is_no_stall_until_a_slot_becomes_free() -> None:
    assert longest_stall([Span(0, 5), Span(0, 9), Span(6, 9)], window=2) == Stall(1, until=6)


def test_the_first_of_several_ends_in_a_gap_is_what_frees_the_slot() -> None:
    assert longest_stall([Span(0, 2), Span(0, 5), Span(7, 9)], window=2) == Stall(5, until=7)


def test_a_window_that_is_over_full_needs_more_than_one_end() -> None:
    assert longest_stall([Span(0, 1), Span(0, 4), Span(0, 9), Span(6, 9)], window=2) == Stall(2, until=6)


def test_nothing_waits_before_the_first_start_or_after_the_last() -> None:
    assert longest_stall([Span(100, 900)], window=2).seconds == 0
    assert longest_stall([], window=2).seconds == 0


@pytest.mark.parametrize("window", [1, 2, 50])
def test_a_batch_that_refills_each_slot_at_once_never_stalls(window: int) -> None:
    spans = [Span(number // window, number // window + 1) for number in range(4 * window)]

    assert longest_stall(spans, window).seconds == 0


whole = st.integers(min_value=0, max_value=60)


@given(
    spans=st.lists(st.builds(lambda start, length: Span(start, start + length), whole, whole), max_size=30),
    window=st.integers(min_value=1, max_value=6),
)
def test_it_agrees_with_looking_at_every_moment(spans: list[Span], window: int) -> None:
    """In whole seconds each second can be looked at: it is idle when nothing starts at its begin or within it, and a slot is free."""
    last = max((span.started for span in spans), default=0)
    first = min((span.started for span in spans), default=0)
    longest = idle = 0
    for second in range(int(first), int(last)):
        started = sum(span.started <= second for span in spans)
        # A document of no length has given its slot back by the end of its second, hence by the begin of this one.
        ended = sum(span.ended <= second for span in spans)
        starts_now = any(span.started == second for span in spans)
        idle = (0 if starts_now else idle) + 1 if started - ended < window else 0
        longest = max(longest, idle)

    assert longest_stall(spans, window).seconds == longest
