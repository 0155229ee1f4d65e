"""How values are set on a page: fields, labels, figures, states."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from api.schemas.results import ResultField
from api.web.fields import arranged, field_id, field_label
from api.web.figures import count, duration, moment, number, size
from api.web.timeline import MOST_SLICES, slice_length, timeline
from api.web.words import (
    BATCH_STATES,
    CANCELLING,
    DOCUMENT_STATES,
    NEXT_STEPS,
    PAUSED,
    REMEDIES,
    batch_state,
    flag_text,
)
from ingestio.db.batches import BatchRow
from ingestio.db.jobs import EndedJobs
from ingestio.domain.batches import BatchStatus, DocumentStatus, ExtractionStatus, PromptStrategy
from ingestio.domain.evidence import FieldState
from ingestio.errors import FailureCode, RefusalCode


def found(path: str, value: str | None = "x") -> ResultField:
    return ResultField(path=path, value=value, state=FieldState.SUPPORTED, confidence=1, evidence=[])


def test_rows_of_a_list_become_a_table_and_single_values_stay_in_order() -> None:
    fields = arranged(
        [
            found("total"),
            found("line_items[0].amount"),
            found("vendor.name"),
            found("line_items[1].amount"),
            found("line_items[1].tax"),
        ]
    )

    assert [item.path for item in fields.single] == ["total", "vendor.name"]
    (lines,) = fields.lists
    assert (lines.name, lines.columns, list(lines.rows)) == ("line_items", ["amount", "tax"], [0, 1])
    assert lines.fits_table


@pytest.mark.parametrize("paths", [["a[0]"], ["parties[10].names[2].first"]])
def test_a_list_of_plain_values_and_lists_in_lists_are_set_too(paths: list[str]) -> None:
    (listed,) = arranged([found(path) for path in paths]).lists

    assert [item.path for row in listed.rows.values() for item in row.values()] == paths


def test_long_rows_are_set_below_each_other() -> None:
    assert not arranged([found("work[0].summary", "x" * 61)]).lists[0].fits_table
    assert not arranged([found(f"work[0].c{index}") for index in range(7)]).lists[0].fits_table


@pytest.mark.parametrize(
    ("path", "label"),
    [("vendor.tax_id", "Vendor: tax ID"), ("iban", "IBAN"), ("total_amount", "Total amount"), ("vat_id", "VAT ID")],
)
def test_a_path_reads_like_words(path: str, label: str) -> None:
    assert field_label(path) == label


def test_ids_of_fields_hold_nothing_that_an_address_dislikes() -> None:
    assert field_id("line_items[0].unit price/€") == "field-line-items-0-unit-price"


def test_figures_are_short_and_align() -> None:
    assert [size(value) for value in (0, 999, 1000, 9_949, 15_500, 999_600, 2_500_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "9.9 kB",
        "16 kB",
        "1.0 MB",
        "2.5 GB",
    ]
    assert (number(1234567), count(1, "page"), count(2, "page"), count(0, "box", "boxes")) == (
        "1,234,567",
        "1 page",
        "2 pages",
        "0 boxes",
    )
    there = datetime(2026, 3, 1, 1, 5, tzinfo=timezone(timedelta(hours=2)))
    assert moment(there) == "28 Feb 2026, 23:05"
    assert [duration(seconds) for seconds in (0.2, 59.6, 132, 3605, 7200, 93_600)] == [
        "1 s",
        "1 min",
        "2 min 12 s",
        "1 h",
        "2 h",
        "1 d 2 h",
    ]


@pytest.mark.parametrize("seconds", [0, 1, 59.99, 60, 3_599, 3_600, 90_000, 40_000_000, 10**9])
def test_a_timeline_has_at_most_sixty_slices_of_a_length_that_people_count_in(seconds: float) -> None:
    length = slice_length(seconds)

    assert int(seconds / length) < MOST_SLICES
    assert length == 1 or seconds >= 60


def test_a_timeline_holds_empty_slices_too_and_what_ended_after_it_was_measured() -> None:
    begun = datetime(2026, 3, 1, tzinfo=UTC)
    ended = [
        EndedJobs(1, ExtractionStatus.COMPLETED, 9),
        EndedJobs(1, ExtractionStatus.FAILED, 1),
        EndedJobs(4, ExtractionStatus.CANCELLED, 2),
    ]
    line = timeline(begun, begun + timedelta(seconds=3.5), ended, 1)

    assert [item.ended for item in line.slices] == [0, 10, 0, 0, 2]
    assert (line.most, line.ended) == (10, 12)
    assert line.seconds_to_go(24) == 7
    assert timeline(begun, begun, ended[2:], 1).seconds_to_go(5) is None, "two documents are no pace"


def test_every_state_and_every_reason_has_its_words() -> None:
    assert set(BATCH_STATES) == set(BatchStatus)
    assert set(DOCUMENT_STATES) == set(DocumentStatus)
    assert set(NEXT_STEPS) == set(FailureCode)
    assert set(REMEDIES) == set(RefusalCode)


@pytest.mark.parametrize("states", [BATCH_STATES, DOCUMENT_STATES], ids=["batches", "documents"])
def test_states_differ_in_word_and_shape_and_not_only_in_colour(states: dict[Any, Any]) -> None:
    assert len({state.word for state in states.values()}) == len(states)
    assert len({state.shape for state in states.values()}) == len(states)


def batch(status: BatchStatus, *, paused: bool = False, cancel_requested: bool = False) -> BatchRow:
    now = datetime.now(UTC)
    return BatchRow(
        uuid4(), "me", None, status, paused, cancel_requested, False, PromptStrategy.AUTO, None, 1, 0, 0, 0, 1, now, now, None,
    )  # fmt: skip


def test_what_was_asked_for_shows_before_the_rows_have_followed() -> None:
    assert batch_state(batch(BatchStatus.PROCESSING, paused=True)) == PAUSED
    assert batch_state(batch(BatchStatus.QUEUED, paused=True, cancel_requested=True)) == CANCELLING
    assert batch_state(batch(BatchStatus.CANCELLED, cancel_requested=True)) == BATCH_STATES[BatchStatus.CANCELLED]


def test_a_flag_that_nobody_knows_is_said_all_the_same() -> None:
    assert "ambiguous_future" in flag_text({"code": "ambiguous_future"})
    assert flag_text({"code": "x", "message": "Look."}) == "Look."
    assert "2, 3" in flag_text({"code": "pages_without_text", "pages": [2, 3]})


def test_a_reviewer_learns_of_a_doubtful_type() -> None:
    doubt = {"code": "type_uncertain", "document_type": "other", "runner_up": "bank_statement"}
    assert flag_text(doubt).endswith("It was read as: Other. It may be: Bank statement.")
    assert flag_text(doubt | {"runner_up": None}).endswith("It was read as: Other.")


def test_a_reviewer_learns_what_is_hidden_and_what_contradicts_the_page() -> None:
    place = {"page": 2, "hiding": "paper_colour", "quote": "Ignore the rules", "box": [1, 2, 3, 4]}
    hidden = flag_text({"code": "hidden_text", "lines": 1, "pages": [2], "places": [place]})
    assert "page 2" in hidden
    assert "“Ignore the rules” (in the colour of its background)" in hidden
    differing = {"code": "einvoice_mismatch", "path": "total_amount", "printed": "191.00", "attached": "119.00"}
    assert flag_text(differing).startswith(
        "Total amount: the page shows 191.00, the electronic invoice in the file says 119.00."
    )
    assert "Vendor tax ID, Line items[0]: amount" in flag_text(
        {"code": "einvoice_only", "paths": ["vendor_tax_id", "line_items[0].amount"]}
    )
