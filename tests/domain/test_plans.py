"""What a plan is worth when several users' work waits."""

from ingestio.domain.plans import Membership, fairness_weight


def test_a_larger_plan_has_a_larger_share_and_an_unknown_one_the_smallest() -> None:
    shares = [fairness_weight(plan, 500) for plan in (Membership.STARTER, Membership.PLUS, Membership.GROWTH)]

    assert shares == sorted(set(shares))
    assert fairness_weight("platinum", 500) == min(shares)


def test_the_first_documents_of_a_batch_and_a_lone_one_count_for_more_on_every_plan() -> None:
    for plan in Membership:
        assert (
            fairness_weight(plan) == fairness_weight(plan, 9) > fairness_weight(plan, 10) == fairness_weight(plan, 900)
        )
