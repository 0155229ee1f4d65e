"""What a result says of a type that nobody was sure of, and of a wish that was not met."""

from typing import Any

import pytest

from activities.extraction import BULK, LIVE, type_doubts, unmet_wishes
from ingestio.db.steps import Work


def work(options: dict[str, Any]) -> Work:
    return Work("user", None, options, "receipt", None, None, None, "key", "sha", "application/pdf", 1, None, None)


def test_a_type_that_the_classifier_doubted_is_a_flag() -> None:
    doubted = work({"classification": {"confidence": 0.4, "runner_up": "invoice"}})
    assert type_doubts(doubted) == [{"code": "type_uncertain", "document_type": "receipt", "runner_up": "invoice"}]


@pytest.mark.parametrize("options", [{}, {"classification": {"confidence": 0.95, "runner_up": "invoice"}}])
def test_a_type_that_was_sure_or_never_asked_for_is_none(options: dict[str, Any]) -> None:
    assert type_doubts(work(options)) == []


def test_a_wish_for_the_bulk_lane_that_the_live_one_answered_is_a_flag() -> None:
    assert unmet_wishes(work({"lane": "bulk"}), LIVE) == [{"code": "lane_not_available", "lane": "bulk"}]
    assert unmet_wishes(work({"lane": "bulk"}), BULK) == []
    assert unmet_wishes(work({"lane": "interactive"}), LIVE) == []
