"""The rules of the review queue."""

import math
from typing import Any

import pytest

from ingestio.domain.concerns import ReviewRules, concerns_of, overridden


def field(path: str, state: str = "supported", confidence: float = 0.98, **more: object) -> dict[str, Any]:
    return {"path": path, "state": state, "confidence": confidence} | more


@pytest.mark.parametrize(
    ("fields", "asked_for", "concerns"),
    [
        ([field("total_amount")], False, []),
        ([field("total_amount", "not_found")], False, ["missing_value"]),
        ([field("bic", "not_found")], False, []),
        ([field("bic", "not_found")], True, ["missing_value"]),
        ([field("line_items[0].tax_rate", "not_found")], True, []),
        ([field("bic", "unsupported", 0.2)], False, ["unsupported_value"]),
        ([field("bic", "unsupported", 0.2, reviewed=True)], False, []),
        ([field("bic", confidence=0.49), field("iban", confidence=0.4)], False, ["low_confidence"]),
    ],
)
def test_a_field_is_a_concern_by_its_state(fields: list[dict[str, Any]], asked_for: bool, concerns: list[str]) -> None:
    assert concerns_of("invoice", fields, [], ReviewRules(), asked_for=asked_for) == concerns


def test_a_flag_is_a_concern_under_its_own_code_unless_the_rules_leave_it_out() -> None:
    flags = [{"code": "hidden_text"}, {"code": "sums_differ"}, {"code": "hidden_text"}, {}]

    assert concerns_of("other", [], flags, ReviewRules(), asked_for=False) == ["hidden_text", "sums_differ"]
    rules = overridden(ReviewRules(), {"ignored_flags": ["hidden_text"]})
    assert concerns_of("other", [], flags, rules, asked_for=False) == ["sums_differ"]


def test_rules_are_overridden_by_name() -> None:
    rules = overridden(ReviewRules(), {"confidence_below": 0.99, "missing": False})

    assert concerns_of("invoice", [field("total_amount", "not_found")], [], rules, asked_for=True) == []
    assert concerns_of("invoice", [field("bic")], [], rules, asked_for=True) == ["low_confidence"]


@pytest.mark.parametrize(
    "changes",
    [
        {"missing": 1}, {"confidence_below": True}, {"x": 1}, {"ignored_flags": "a"},
        {"confidence_below": 70}, {"confidence_below": -0.1}, {"confidence_below": math.nan},
    ],
)  # fmt: skip
def test_a_wrong_rule_is_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        overridden(ReviewRules(), changes)
