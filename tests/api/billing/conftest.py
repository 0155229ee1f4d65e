"""A front door and a worker that sell plans, a stand-in of Stripe behind them, and customers."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.billing import BillingActivities
from api.app import create_app
from ingestio.billing.gateway import StripeGateway
from ingestio.bootstrap import WorkerDeps
from ingestio.config import Settings
from ingestio.domain.plans import Membership
from ingestio.services.accounts import PlanBook
from ingestio.storage.objects import open_store
from tests.api.billing.stripe_stand_in import Json, StripeStandIn, signed
from tests.api.conftest import NOBODY_LISTENS, running
from tests.tenant import Tenant
from tests.workflows.scripted import ScriptedProvider

WEBHOOK_SECRET = "whsec_of_the_tests"
KEY = "sk_test_0"
PRICES = {Membership.PLUS: "price_plus", Membership.GROWTH: "price_growth"}


@pytest.fixture(scope="session")
def stripe() -> Iterator[StripeStandIn]:
    """One server for all tests; customers keep them apart. Its clock goes on from test to test and is everybody's."""
    with StripeStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def selling(stripe: StripeStandIn) -> dict[str, Any]:
    """The environment of a service that sells plans."""
    return {
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_PRICE_PLUS": PRICES[Membership.PLUS],
        "STRIPE_PRICE_GROWTH": PRICES[Membership.GROWTH],
        "STRIPE_API_BASE": stripe.url,
    }


@dataclass
class Customer:
    """Somebody who has been to the checkout, with the line between Stripe and us in hand."""

    tenant: Tenant
    stripe: StripeStandIn
    front: httpx.AsyncClient
    worker: BillingActivities
    customer_id: str
    inbox: list[str] = field(default_factory=list)
    """Events that were accepted and that the worker has not been told of since."""
    followed: set[str] = field(default_factory=set)

    async def deliver(self, event: Json, *, secret: str = WEBHOOK_SECRET, age: int = 0, altered: bool = False) -> int:
        """Post an event as Stripe does; the status of the answer."""
        body = json.dumps(event).encode()
        header = signed(body, secret, self.stripe.now - age)
        if altered:
            body = body.replace(b'"event"', b'"evenu"')
        answer = await self.front.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": header})
        if answer.status_code == 200 and event["id"] not in self.inbox:
            self.inbox.append(event["id"])
        return answer.status_code

    async def work(self) -> None:
        """What the worker does, for every event that has come."""
        while self.inbox:
            event_id = self.inbox.pop(0)
            await self.worker.apply(event_id)
            self.followed.add(event_id)

    async def hears(self, events: list[Json]) -> None:
        """Each event arrives and is followed."""
        for event in events:
            assert await self.deliver(event) == 200
        await self.work()

    def subscription(self) -> Json:
        """Their newest subscription at Stripe."""
        return [each for each in self.stripe.subscriptions.values() if each["customer"] == self.customer_id][-1]

    def profile(self) -> dict[str, Any]:
        return self.tenant.one("SELECT * FROM profiles WHERE user_id = %s", self.tenant.user_id)

    def periods(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return self.tenant.all(
            "SELECT * FROM user_usage WHERE user_id = %s ORDER BY billing_period_start", self.tenant.user_id
        )

    def uses(self, pages: int) -> bool:
        """Charge so many pages to the current period; False when they do not fit."""
        found = self.tenant.all(
            "UPDATE user_usage SET pages_processed = pages_processed + %s WHERE id = (SELECT id FROM user_usage WHERE user_id = %s "
            "AND billing_period_start <= %s ORDER BY billing_period_start DESC LIMIT 1) "
            "AND (pages_limit = -1 OR pages_processed + pages_reserved + %s <= pages_limit) RETURNING id",
            pages, self.tenant.user_id, moment(self.stripe.now), pages,
        )  # fmt: skip
        for row in found:
            self.tenant.superuser.execute(
                "INSERT INTO page_ledger (user_id, job_id, document_id, usage_id, pages, state) "
                "VALUES (%s, gen_random_uuid(), gen_random_uuid(), %s, %s, 'committed')",
                [self.tenant.user_id, row["id"], pages],
            )
        return bool(found)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def till(
    make_settings: Callable[..., Settings], selling: dict[str, Any], stripe: StripeStandIn
) -> AsyncIterator[httpx.AsyncClient]:
    """A front door on the stand-in's clock. Temporal is away: the tests say when the worker works."""
    settings = make_settings(TEMPORAL_ADDRESS=NOBODY_LISTENS, **selling)
    async with running(create_app(settings, lambda: moment(stripe.now))) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gateway(stripe: StripeStandIn) -> AsyncIterator[StripeGateway]:
    opened = StripeGateway(KEY, PRICES, api_base=stripe.url)
    yield opened
    await opened.close()


NewCustomer = Callable[..., Any]


@pytest.fixture(scope="session")
def new_customer(
    engine: AsyncEngine,
    superuser: psycopg.Connection[Any],
    stripe: StripeStandIn,
    till: httpx.AsyncClient,
    gateway: StripeGateway,
    tmp_path_factory: pytest.TempPathFactory,
) -> NewCustomer:
    """Makes a user on a plan who is known at Stripe and has subscribed to nothing."""
    folder = tmp_path_factory.mktemp("billing")
    settings = Settings()
    deps = WorkerDeps(
        settings=settings,
        engine=engine,
        store=open_store((folder / "storage").as_uri(), scratch=Path(folder / "scratch")),
        book=PlanBook(settings.plans, local=False),
        clock=lambda: moment(stripe.now),
        provider=ScriptedProvider(),
        billing=gateway,
    )

    async def make(membership: Membership = Membership.STARTER) -> Customer:
        tenant = Tenant(deps, superuser, f"payer-{uuid4().hex[:8]}")
        await tenant.open(membership)
        customer_id = f"cus_{tenant.user_id}"
        superuser.execute(
            "UPDATE profiles SET stripe_customer_id = %s WHERE user_id = %s", [customer_id, tenant.user_id]
        )
        stripe.now += 60
        return Customer(tenant, stripe, till, BillingActivities(deps), customer_id)

    return make
