"""The ways to Stripe, from the front door (R54)."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
from temporalio.client import Client

from ingestio.domain.plans import Membership
from ingestio.embedded.temporal import TemporalServer
from ingestio.temporal import connect, ensure_search_attributes
from tests.api.billing.conftest import WEBHOOK_SECRET, Customer, NewCustomer
from tests.api.billing.stripe_stand_in import StripeStandIn, signed
from tests.api.conftest import NewUser, OpenDoor, User, assert_problem
from worker import build


@pytest_asyncio.fixture(loop_scope="session")
async def shop(open_door: OpenDoor, selling: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    """A front door by the real clock, with Temporal behind it."""
    async with open_door(INGESTIO_PUBLIC_URL="https://papers.example", **selling) as client:
        client.base_url = httpx.URL("https://papers.example")
        yield client


async def test_the_way_to_pay_for_a_plan(shop: httpx.AsyncClient, new_user: NewUser, stripe: StripeStandIn) -> None:
    user: User = await new_user(Membership.STARTER, shop)

    answers = [await user.post("/billing/checkout", json={"plan": "growth"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    session_id = answers[1].json()["url"].rpartition("/")[2]
    asked = stripe.sessions[session_id]["asked"]
    assert asked["line_items[0][price]"] == "price_growth"
    assert asked["client_reference_id"] == user.id
    assert asked["success_url"] == "https://papers.example/dashboard/usage?said=subscribed"
    customer_id = user.row("SELECT stripe_customer_id FROM profiles WHERE user_id = %s", user.id)
    assert asked["customer"] == customer_id
    assert stripe.customers[customer_id]["metadata"] == {"user_id": user.id}
    # An earlier page cannot be paid on any more: nobody subscribes twice by two tabs.
    assert stripe.sessions[answers[0].json()["url"].rpartition("/")[2]]["status"] == "expired"
    usage = await user.usage()
    assert usage["plan"] == "starter"


async def test_two_first_visits_at_once_make_one_customer(
    shop: httpx.AsyncClient, new_user: NewUser, stripe: StripeStandIn
) -> None:
    user: User = await new_user(Membership.STARTER, shop)

    answers = await asyncio.gather(*(user.post("/billing/portal") for _ in range(4)))

    assert {answer.json()["url"] for answer in answers} == {
        f"https://portal.example/{user.row('SELECT stripe_customer_id FROM profiles WHERE user_id = %s', user.id)}"
    }
    assert len([each for each in stripe.customers.values() if each["metadata"] == {"user_id": user.id}]) == 1


async def test_who_has_a_subscription_is_not_sold_a_second_one(
    shop: httpx.AsyncClient, new_user: NewUser, stripe: StripeStandIn
) -> None:
    user: User = await new_user(Membership.STARTER, shop)
    await user.post("/billing/portal")
    customer_id = user.row("SELECT stripe_customer_id FROM profiles WHERE user_id = %s", user.id)
    stripe.subscribe(customer_id, "price_plus", status="past_due")  # no webhook has told us yet

    answer = await user.post("/billing/checkout", json={"plan": "growth"})

    assert assert_problem(answer, 409, "invalid_transition")["current"] == "past_due"


async def test_only_plans_that_are_for_sale_are_sold(shop: httpx.AsyncClient, new_user: NewUser) -> None:
    user: User = await new_user(Membership.STARTER, shop)

    for asked in ({"plan": "starter"}, {"plan": "gold"}, {}, {"plan": "plus", "price": "price_of_mine"}):
        assert_problem(await user.post("/billing/checkout", json=asked), 422, "invalid_request")


async def test_without_a_key_nothing_is_sold(user: User) -> None:
    for answer in (await user.post("/billing/checkout", json={"plan": "plus"}), await user.post("/billing/portal")):
        assert "operator" in assert_problem(answer, 404, "not_found")["detail"]


async def test_stripe_being_away_is_said_with_when_to_come_back(
    shop: httpx.AsyncClient, new_user: NewUser, stripe: StripeStandIn
) -> None:
    user: User = await new_user(Membership.STARTER, shop)
    stripe.away = True
    try:
        answer = await user.post("/billing/checkout", json={"plan": "plus"})
    finally:
        stripe.away = False
    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    # Which plan somebody is on is known here.
    assert (await user.usage())["plan"] == "starter"


async def test_an_event_is_followed_as_soon_as_it_has_come(
    shop: httpx.AsyncClient, new_customer: NewCustomer, temporal_server: TemporalServer, stripe: StripeStandIn
) -> None:
    customer: Customer = await new_customer()
    client: Client = await connect(temporal_server.address, "default", lazy=False)
    tagged = await ensure_search_attributes(client)
    (*_, event) = stripe.subscribe(customer.customer_id, "price_growth")
    body = httpx.Request("POST", "http://any", json=event).content
    headers = {"Stripe-Signature": signed(body, WEBHOOK_SECRET, time.time())}
    async with build(client, customer.tenant.deps, tagged=tagged)[0]:
        assert (await shop.post("/webhooks/stripe", content=body, headers=headers)).status_code == 200
        async with asyncio.timeout(60):
            assert await client.get_workflow_handle(f"stripe/{event['id']}").result() is True

    assert customer.profile()["membership"] == "growth"
    assert customer.periods()[-1]["pages_limit"] == 5000
