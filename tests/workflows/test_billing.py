"""An event of Stripe's has its run, which outlives a Stripe that is away (R54)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from ingestio.billing.gateway import StripeGateway
from ingestio.db import stripe_events
from ingestio.db.session import service_session
from ingestio.domain.billing import Event
from ingestio.domain.plans import Membership
from tests.api.billing.conftest import KEY, PRICES, moment
from tests.api.billing.stripe_stand_in import StripeStandIn
from tests.workflows.conftest import House
from tests.workflows.recordings import replay_and_record
from workflows import client as workflows
from workflows.names import stripe_event_workflow_id


@pytest.fixture
def stripe() -> Iterator[StripeStandIn]:
    with StripeStandIn() as stand_in:
        yield stand_in


@pytest_asyncio.fixture(loop_scope="session")
async def billing(stripe: StripeStandIn) -> AsyncIterator[StripeGateway]:
    gateway = StripeGateway(KEY, PRICES, api_base=stripe.url)
    yield gateway
    await gateway.close()


@pytest.fixture
def clock(stripe: StripeStandIn) -> Callable[[], datetime]:
    return lambda: moment(stripe.now)


async def subscribed(house: House, stripe: StripeStandIn) -> str:
    """The user pays for the smallest plan, and the event that says so is in the inbox; answers its id."""
    customer = f"cus_{house.user_id}"
    house.superuser.execute("UPDATE profiles SET stripe_customer_id = %s WHERE user_id = %s", [customer, house.user_id])
    event = next(
        each for each in stripe.subscribe(customer, PRICES[Membership.PLUS]) if each["type"].startswith("customer.")
    )
    async with service_session(house.deps.engine) as session:
        await stripe_events.insert_once(session, Event(event["id"], event["type"], customer), house.deps.clock())
    return str(event["id"])


def of_the_event(house: House, event_id: str) -> dict[str, Any]:
    return house.one("SELECT attempts, error, processed_at FROM stripe_events WHERE event_id = %s", event_id)


async def test_an_event_is_followed_although_stripe_is_away_at_first(house: House, stripe: StripeStandIn) -> None:
    event_id = await subscribed(house, stripe)
    stripe.away = True
    await workflows.start_stripe_event(house.client, event_id)
    async with asyncio.timeout(60):
        while of_the_event(house, event_id)["attempts"] == 0:
            await asyncio.sleep(0.05)
    stripe.away = False

    run = house.client.get_workflow_handle(stripe_event_workflow_id(event_id))
    assert await run.result() is True

    assert of_the_event(house, event_id)["processed_at"] == moment(stripe.now)
    assert house.one("SELECT membership FROM profiles WHERE user_id = %s", house.user_id) == {"membership": "plus"}
    await replay_and_record(house, "stripe-event", stripe_event_workflow_id(event_id))
