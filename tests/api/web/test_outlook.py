"""The word about a period's pages: from when on it is said, to whom, and with which way on."""

from datetime import UTC, datetime

import pytest
from fastapi import FastAPI

from api.web.outlook import shortage
from ingestio.domain.plans import BUILT_IN_PLANS
from ingestio.domain.usage import Usage
from tests.api.conftest import User
from tests.api.web.conftest import Browser
from tests.api.web.test_wizard import START, draft_of


def usage(limit: int | None, processed: int, reserved: int = 0) -> Usage:
    return Usage(
        "period", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), limit, processed, reserved
    )


@pytest.mark.parametrize("spent", [usage(None, 10**6), usage(250, 0), usage(250, 199), usage(250, 100, 99)])
def test_nothing_is_said_while_pages_abound_or_have_no_limit(spent: Usage) -> None:
    assert shortage(spent, BUILT_IN_PLANS, sells=True) is None


@pytest.mark.parametrize("spent", [usage(250, 200), usage(250, 150, 99)])
def test_pages_that_run_out_are_counted_with_what_is_reserved_and_until_when(spent: Usage) -> None:
    said = shortage(spent, BUILT_IN_PLANS, sells=True)

    assert said is not None
    assert said.tone == "warning"
    assert f"{spent.remaining} page" in said.text
    assert "1 Dec 2026" in said.text
    assert "A larger plan holds at once." in said.text


@pytest.mark.parametrize("spent", [usage(250, 250), usage(250, 240, 10), usage(250, 300), usage(0, 0)])
def test_pages_that_are_used_up_are_said_louder(spent: Usage) -> None:
    said = shortage(spent, BUILT_IN_PLANS, sells=False)

    assert said is not None
    assert said.tone == "bad"
    assert "The operator of this instance can give you a larger plan." in said.text
    assert ("come back" in said.text) is bool(spent.reserved)


def test_nobody_is_sent_after_a_larger_plan_where_there_is_none() -> None:
    most = max(plan.pages or 0 for plan in BUILT_IN_PLANS.values())
    said = shortage(usage(most, most), BUILT_IN_PLANS, sells=True)

    assert said is not None
    assert "larger plan" not in said.text


async def test_the_word_stands_where_pages_are_spent_and_goes_when_there_are_pages_again(
    user: User, app: FastAPI, stranger: Browser
) -> None:
    await stranger.sign_in_as(app, user.id)
    draft = f"{START}/{await draft_of(stranger, 1)}"
    steps = [f"{draft}?step={step}" for step in ("files", "prompts", "review")]
    places = ["/dashboard", START, *steps, "/dashboard/usage", "/dashboard/documents/new"]

    for used, said in ((0, None), (4000, "1,000 pages of 5,000 are left"), (5000, "No pages are left in this period")):
        user.has_used(used)
        for path in places:
            page = (await stranger.get(path)).text
            assert ("are left until" in page or "No pages are left in this period" in page) is (said is not None), path
            assert page.count(said or "running out") == bool(said), path
        assert "are left until" not in (await stranger.get("/dashboard/settings")).text
