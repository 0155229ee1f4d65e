"""Limits of plans, and what a caller is told of one that stood in the way (R40, R41)."""

import pytest

from ingestio.domain.plans import BUILT_IN_PLANS, Membership, Rate, explained, overridden, without_rates


@pytest.mark.parametrize(
    ("name", "plan", "needed", "value", "lifted_by"),
    [
        ("pages", Membership.STARTER, None, 25, "plus"),
        ("pages", Membership.STARTER, 300, 25, "growth"),
        ("pages", Membership.PLUS, 5001, 250, None),
        ("batch_documents", Membership.STARTER, None, 0, "plus"),
        ("batch_documents", Membership.PLUS, 26, 25, "growth"),
        ("file_mb", Membership.GROWTH, None, 500, None),
    ],
)
def test_a_limit_is_named_with_its_value_and_the_smallest_plan_that_lifts_it(
    name: str, plan: Membership, needed: int | None, value: int, lifted_by: str | None
) -> None:
    limit = explained(BUILT_IN_PLANS, plan, name, needed)

    assert (limit.name, limit.value, limit.plan, limit.lifted_by) == (name, value, plan, lifted_by)


def test_a_plan_without_a_limit_lifts_every_other_and_is_lifted_by_none() -> None:
    table = overridden(BUILT_IN_PLANS, {"growth": {"pages": None}})

    assert explained(table, Membership.PLUS, "pages", 10**9).lifted_by == "growth"
    assert explained(table, Membership.GROWTH, "pages").lifted_by is None


def test_turning_rates_off_leaves_every_other_limit() -> None:
    table = without_rates(BUILT_IN_PLANS)

    assert all(plan.rate(rate) is None for plan in table.values() for rate in Rate)
    assert [plan.pages for plan in table.values()] == [plan.pages for plan in BUILT_IN_PLANS.values()]
