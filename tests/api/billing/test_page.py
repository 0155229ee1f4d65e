"""The page on which people see what they use and pay for (R54, R57, R94)."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ingestio.domain.plans import Membership
from tests.api.billing.stripe_stand_in import StripeStandIn
from tests.api.conftest import NewUser, User
from tests.api.web.conftest import Browser, NewApp, browser_of, new_app

__all__ = ["new_app"]

PATH = "/dashboard/usage"


@asynccontextmanager
async def signed_in(new_app: NewApp, user: User, **changes: Any) -> AsyncIterator[Browser]:
    app = new_app(**changes)
    async with app.router.lifespan_context(app), browser_of(app) as browser:
        await browser.sign_in_as(app, user.id)
        yield browser


async def test_without_a_payment_service_it_says_who_sets_plans(new_app: NewApp, new_user: NewUser) -> None:
    async with signed_in(new_app, await new_user(Membership.STARTER)) as browser:
        page = (await browser.get(PATH)).text
        answer = await browser.post(f"{PATH}/checkout", plan="plus")

    assert "Plans are set by the operator" in page
    assert "/checkout" not in page
    assert "/portal" not in page
    assert answer.status_code == 404
    assert "the operator of this service sets plans" in answer.text


async def test_choosing_a_plan_leads_to_where_it_is_paid(
    new_app: NewApp, new_user: NewUser, selling: dict[str, Any], stripe: StripeStandIn
) -> None:
    user: User = await new_user(Membership.STARTER)
    async with signed_in(new_app, user, **selling) as browser:
        page = (await browser.get(PATH)).text
        on = await browser.post(f"{PATH}/checkout", plan="growth")
        foreign = await browser.post(f"{PATH}/checkout", plan="growth", token=None)
        no_plan = await browser.post(f"{PATH}/checkout", plan="gold")

    assert "Choose Plus" in page
    assert "Choose Growth" in page
    session = list(stripe.sessions.values())[-1]
    assert f'content="0; url={session["url"]}"' in on.text
    assert f'href="{session["url"]}"' in on.text
    assert session["asked"]["success_url"] == f"http://localhost{PATH}?said=subscribed"
    assert (foreign.status_code, no_plan.status_code) == (403, 422)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"subscription_status": "active"}, "Plus renews on 5 Dec 2026"),
        ({"subscription_status": "active", "subscription_cancel_at": "2026-12-05"}, "Plus holds until 5 Dec 2026"),
        ({"subscription_status": "trialing"}, "The trial of Plus ends on 5 Dec 2026"),
        ({"subscription_status": "past_due"}, "The last payment failed"),
        ({"subscription_status": "unpaid"}, "The subscription is unpaid"),
        ({"subscription_status": "paused"}, "The subscription is paused"),
        ({"subscription_status": "incomplete"}, "The first payment did not succeed"),
        ({"subscription_status": "something_new"}, "The payment service says: something_new"),
        ({"subscription_status": "canceled", "stripe_subscription_id": None}, "Choose a plan to submit batches again"),
    ],
    ids=str,
)
async def test_it_says_what_happens_next(
    new_app: NewApp, new_user: NewUser, selling: dict[str, Any], values: dict[str, str | None], says: str
) -> None:
    user: User = await new_user(Membership.PLUS)
    row = {
        "stripe_customer_id": f"cus_{user.id}",
        "stripe_subscription_id": f"sub_{user.id}",
        "subscription_period_end": "2026-12-05",
    }
    for column, value in (row | values).items():
        user.superuser.execute(f"UPDATE profiles SET {column} = %s WHERE user_id = %s".encode(), [value, user.id])
    async with signed_in(new_app, user, **selling) as browser:
        page = (await browser.get(PATH)).text
        on = await browser.post(f"{PATH}/portal")

    assert says in page
    assert "Manage subscription" in page
    assert page.count('action="/dashboard/usage/portal"') == 1
    assert len(re.findall(r"<button[^>]*>(?:Manage|Invoices)", page)) == 1, "one way there, not two that look like two"
    assert ("Choose Growth" in page) == ("stripe_subscription_id" in values)
    assert f"https://portal.example/cus_{user.id}" in on.text
