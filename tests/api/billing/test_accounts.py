"""An account is what Stripe says, whatever of its events arrives, how often and when (R53, R54)."""

import asyncio
import json
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from temporalio.client import Client

from activities.accounts import AccountActivities
from activities.repairs.base import Ground
from activities.repairs.billing import billing_repairs
from activities.upkeep import make_round
from ingestio.billing.webhook import parse_event
from ingestio.db.invariants import violations
from ingestio.db.session import service_session
from ingestio.domain.plans import BUILT_IN_PLANS, Membership
from ingestio.errors import SubscriptionInactive, Unavailable
from ingestio.services import billing, controls
from ingestio.services.billing import UnknownPrice
from ingestio.services.erasures import close_account, erase_rest
from ingestio.services.usage import initialize_usage
from tests.api.billing.conftest import Customer, NewCustomer, moment
from tests.api.billing.stripe_stand_in import Json

PLAN_OF = {"price_plus": Membership.PLUS, "price_growth": Membership.GROWTH}
HOUR = 3600


@pytest.fixture
async def customer(new_customer: NewCustomer) -> Customer:
    made: Customer = await new_customer()
    return made


def live(customer: Customer) -> str | None:
    """Their subscription that has not ended."""
    found = [each for each in customer.stripe.subscriptions.values() if each["customer"] == customer.customer_id]
    return found[-1]["id"] if found and found[-1]["status"] != "canceled" else None


def happens(customer: Customer, what: str) -> list[Json]:
    """A step of the customer's, if it is possible now; the events of it."""
    stripe, subscription = customer.stripe, live(customer)
    stripe.now += HOUR
    if what.startswith("price_"):
        return (
            stripe.subscribe(customer.customer_id, what)
            if subscription is None
            else stripe.change_price(subscription, what)
        )
    if subscription is None:
        return stripe.subscribe(customer.customer_id, "price_plus", status="trialing", days=14) if what == "try" else []
    status = stripe.subscriptions[subscription]["status"]
    match what:
        case "renew":
            return stripe.renew(subscription)
        case "fail":
            return stripe.renew(subscription, pays=False)
        case "pay" if status in ("past_due", "unpaid"):
            return stripe.pay(subscription)
        case "give up" if status == "past_due":
            return stripe.change(subscription, status="unpaid")
        case "pause":
            return stripe.change(subscription, "customer.subscription.paused", status="paused")
        case "resume" if status == "paused":
            return stripe.change(subscription, "customer.subscription.resumed", status="active")
        case "will end":
            return stripe.change(subscription, cancel_at_period_end=True)
        case "end":
            return stripe.cancel(subscription)
        case _:
            return []


def assert_as_stripe_says(customer: Customer) -> None:
    """The account against the stand-in's own objects."""
    profile, periods = customer.profile(), customer.periods()
    subscription = customer.subscription()
    item = subscription["items"]["data"][0]
    ended = subscription["status"] == "canceled"
    membership = Membership.STARTER if ended else PLAN_OF[item["price"]["id"]]
    will_end = not ended and subscription["cancel_at_period_end"]
    assert profile["membership"] == membership
    assert profile["subscription_status"] == subscription["status"]
    assert profile["stripe_subscription_id"] == (None if ended else subscription["id"])
    assert profile["subscription_period_end"] == (None if ended else moment(item["current_period_end"]))
    assert profile["subscription_cancel_at"] == (moment(item["current_period_end"]) if will_end else None)
    current = periods[-1]
    pages = BUILT_IN_PLANS[membership].pages
    assert pages is not None
    assert current["pages_limit"] == max(pages, current["pages_processed"])
    paid = [each for each in paid_periods(customer) if each["of"] == subscription["id"]]
    if not ended and paid:
        start, end = paid[-1]["lines"]["data"][0]["period"].values()
        assert current["billing_period_start"] == moment(start)
        assert current["billing_period_end"] == moment(end)


def paid_periods(customer: Customer) -> list[Json]:
    """Their paid invoices that begin a period, oldest first."""
    return [
        each
        for each in customer.stripe.invoices
        if each["customer"] == customer.customer_id
        and each["status"] == "paid"
        and each["billing_reason"] in ("subscription_create", "subscription_cycle")
    ]


STEPS = (
    "price_plus",
    "price_growth",
    "try",
    "renew",
    "renew",
    "fail",
    "pay",
    "give up",
    "pause",
    "resume",
    "will end",
    "end",
)
FAULTS: dict[str, dict[str, Any]] = {
    "forged": {"secret": "whsec_of_somebody"},
    "altered": {"altered": True},
    "stale": {"age": 400},
}
ACTION = st.one_of(
    st.tuples(st.just("happens"), st.sampled_from(STEPS)),
    st.tuples(st.just("deliver"), st.integers(0, 60)),
    st.tuples(st.just("deliver"), st.integers(0, 60)),
    st.tuples(st.sampled_from(tuple(FAULTS)), st.integers(0, 60)),
    st.tuples(st.just("use"), st.integers(1, 40)),
    st.tuples(st.just("work"), st.none()),
)


@given(st.lists(ACTION, max_size=24), st.permutations(range(12)), st.lists(st.integers(0, 5), min_size=12, max_size=12))
@example(
    [("happens", "price_plus"), ("use", 20), ("happens", "renew"), ("use", 5), ("happens", "price_growth")],
    list(reversed(range(12))),
    [0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5],
)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
async def test_whatever_arrives_in_whatever_order_the_account_ends_equal_to_stripes_object(
    new_customer: NewCustomer, actions: list[tuple[str, Any]], order: list[int], times: list[int]
) -> None:
    customer = await new_customer()
    events = happens(customer, "price_plus")
    used = 0
    for action, argument in actions:
        if action == "happens":
            events += happens(customer, argument)
        elif action == "use":
            used += argument if customer.uses(argument) else 0
        elif action == "work":
            await customer.work()
        elif action == "deliver":
            assert await customer.deliver(events[argument % len(events)]) == 200
        else:
            assert await customer.deliver(events[argument % len(events)], **FAULTS[action]) == 401
    # The last of it, each 0 to 5 times and in any order; what never comes is found by upkeep's own look.
    for index in order:
        for _ in range(times[index]):
            assert await customer.deliver(events[-1 - index % len(events)]) == 200
    tells_something = bool(set(customer.inbox) - customer.followed)
    await customer.work()
    if not tells_something:
        await customer.worker.follow(customer.tenant.user_id)

    assert_as_stripe_says(customer)
    periods = customer.periods()
    assert sum(period["pages_processed"] for period in periods) == used
    # Nothing but a paid period begins one.
    begun = {moment(each["lines"]["data"][0]["period"]["start"]) for each in paid_periods(customer)}
    assert {period["billing_period_start"] for period in periods[1:]} <= begun
    async with service_session(customer.tenant.deps.engine) as session:
        assert [each for each in await violations(session) if "user_usage" in str(each)] == []


async def test_an_event_that_is_an_hour_late_loses_and_doubles_nothing(customer: Customer) -> None:
    await customer.hears(customer.stripe.subscribe(customer.customer_id, "price_plus"))
    assert customer.uses(240)
    late = customer.stripe.renew(customer.subscription()["id"])
    customer.stripe.now += HOUR
    assert customer.uses(5)  # the old period is open until the payment is heard of
    assert not customer.uses(6)

    await customer.hears(late)
    await customer.hears(late[::-1])
    assert customer.uses(7)

    assert [row["pages_processed"] for row in customer.periods()] == [0, 245, 7]
    start, end = customer.periods()[-1]["billing_period_start"], customer.periods()[-1]["billing_period_end"]
    assert (start, end) == (moment(customer.stripe.now - HOUR), moment(customer.stripe.now - HOUR) + timedelta(days=30))


async def test_an_upgrade_lifts_the_limit_at_once_and_what_failed_for_quota_runs_by_one_retry(
    customer: Customer,
) -> None:
    tenant = customer.tenant
    await customer.hears(customer.stripe.subscribe(customer.customer_id, "price_plus"))
    assert customer.uses(248)
    batch_id = await tenant.accept(["a", "b"], pages=2)
    assert [row["error_code"] for row in tenant.documents(batch_id)] == [None, "quota_exceeded"]

    await customer.hears(customer.stripe.change_price(customer.subscription()["id"], "price_growth"))
    (_, current) = customer.periods()
    assert (current["pages_limit"], current["pages_processed"], current["pages_reserved"]) == (5000, 248, 2)
    tenant.superuser.execute("UPDATE extraction_batches SET status = 'partially_completed' WHERE id = %s", [batch_id])
    async with service_session(tenant.deps.engine) as session:
        await controls.retry_batch(session, tenant.user_id, batch_id, prompt=None)
    assert [row["status"] for row in tenant.documents(batch_id)] == ["queued_for_processing"] * 2


async def test_a_downgrade_never_lowers_the_limit_below_what_is_used_and_the_next_period_has_the_new_one(
    customer: Customer,
) -> None:
    await customer.hears(customer.stripe.subscribe(customer.customer_id, "price_growth"))
    assert customer.uses(600)
    await customer.hears(customer.stripe.change_price(customer.subscription()["id"], "price_plus"))
    assert customer.periods()[-1]["pages_limit"] == 600
    assert not customer.uses(1)

    await customer.hears(customer.stripe.renew(customer.subscription()["id"]))
    assert (customer.periods()[-1]["pages_limit"], customer.periods()[-1]["pages_processed"]) == (250, 0)


async def test_what_is_not_paid_is_refused_until_it_is_paid(customer: Customer) -> None:
    tenant = customer.tenant
    await customer.hears(customer.stripe.subscribe(customer.customer_id, "price_plus"))
    subscription = customer.subscription()["id"]
    await customer.hears(customer.stripe.renew(subscription, pays=False))

    assert (customer.profile()["membership"], customer.profile()["subscription_status"]) == ("plus", "past_due")
    with pytest.raises(SubscriptionInactive):
        await tenant.accept(["a"])
    assert len(customer.periods()) == 2

    await customer.hears(customer.stripe.pay(subscription))
    await tenant.accept(["a"])
    assert len(customer.periods()) == 3


async def test_what_has_ended_falls_back_to_starter_and_to_months_of_its_own(customer: Customer) -> None:
    tenant = customer.tenant
    await customer.hears(customer.stripe.subscribe(customer.customer_id, "price_plus"))
    assert customer.uses(30)
    await customer.hears(customer.stripe.cancel(customer.subscription()["id"]))

    assert (customer.profile()["membership"], customer.profile()["subscription_status"]) == ("starter", "canceled")
    assert customer.periods()[-1]["pages_limit"] == 30
    with pytest.raises(SubscriptionInactive):
        await tenant.accept(["a"])
    customer.stripe.now += 40 * 24 * HOUR
    async with service_session(tenant.deps.engine) as session:
        current = await initialize_usage(session, tenant.user_id, tenant.deps.book, tenant.deps.clock())
    assert (current.limit, current.processed) == (25, 0)
    assert current.period_start <= tenant.deps.clock() < current.period_end


async def test_a_first_payment_that_failed_buys_nothing_and_takes_nothing_away(customer: Customer) -> None:
    await customer.hears(customer.stripe.subscribe(customer.customer_id, "price_growth", status="incomplete"))

    assert customer.profile()["membership"] == "starter"
    assert customer.periods()[-1]["pages_limit"] == 25


async def test_who_only_looked_at_the_checkout_keeps_the_plan_that_the_operator_gave(new_customer: NewCustomer) -> None:
    customer = await new_customer(Membership.GROWTH)

    assert not await customer.worker.follow(customer.tenant.user_id)

    assert (customer.profile()["membership"], customer.periods()[-1]["pages_limit"]) == ("growth", 5000)


async def test_state_that_was_outrun_while_it_was_read_is_read_again(customer: Customer) -> None:
    stripe = customer.stripe
    first = stripe.subscribe(customer.customer_id, "price_plus")
    loop = asyncio.get_running_loop()
    assert await customer.deliver(first[1]) == 200

    async def growth_is_bought_and_followed() -> None:
        (event, _) = stripe.change_price(customer.subscription()["id"], "price_growth")
        assert await customer.deliver(event) == 200
        await customer.worker.apply(event["id"])

    def meanwhile() -> None:
        """The answer that says plus is made and not sent yet."""
        asyncio.run_coroutine_threadsafe(growth_is_bought_and_followed(), loop).result(60)

    stripe.on_read = meanwhile
    await customer.worker.apply(first[1]["id"])

    assert stripe.on_read is None
    assert_as_stripe_says(customer)
    assert customer.profile()["membership"] == "growth"


async def test_an_event_that_fails_stays_and_upkeep_tries_it_again_when_its_time_has_come(customer: Customer) -> None:
    stripe, deps = customer.stripe, customer.tenant.deps
    (event, *_) = stripe.subscribe(customer.customer_id, "price_plus")
    assert await customer.deliver(event) == 200
    ground = Ground(deps.engine, deps.clock, billing=customer.worker)
    waiting = billing_repairs(ground, customer.worker)[:1]
    stripe.away = True
    try:
        with pytest.raises(Unavailable):
            await customer.work()
    finally:
        stripe.away = False
    (row,) = customer.tenant.all("SELECT * FROM stripe_events WHERE event_id = %s", event["id"])
    assert (row["attempts"], row["processed_at"]) == (1, None)
    await make_round(deps.engine, deps.clock, waiting)
    assert customer.profile()["membership"] == "starter"  # its time has not come

    stripe.now += 60
    await make_round(deps.engine, deps.clock, waiting)
    assert customer.profile()["membership"] == "plus"


async def test_a_price_that_is_no_plan_changes_nothing_and_is_said(customer: Customer) -> None:
    events = customer.stripe.subscribe(customer.customer_id, "price_of_a_mug")
    assert await customer.deliver(events[1]) == 200
    with pytest.raises(UnknownPrice):
        await customer.work()

    assert customer.profile()["membership"] == "starter"
    (row,) = customer.tenant.all("SELECT * FROM stripe_events WHERE event_id = %s", events[1]["id"])
    assert "price_of_a_mug" in row["error"]
    customer.inbox.clear()


async def test_events_of_strangers_and_of_the_gone_bring_nobody_back(customer: Customer) -> None:
    events = customer.stripe.subscribe(customer.customer_id, "price_plus")
    assert await customer.deliver(events[0]) == 200
    customer.tenant.superuser.execute("DELETE FROM users WHERE user_id = %s", [customer.tenant.user_id])

    await customer.hears(events)

    assert_nobodys(customer, events)


def unknown(customer: Customer, number: int) -> Json:
    """An event of a kind that we do not act on."""
    about = {"object": {"customer": customer.customer_id}}
    return {"id": f"evt_{customer.tenant.user_id}_{number}", "type": "customer.tax_id.created", "data": about}


def assert_nobodys(customer: Customer, events: list[Json]) -> None:
    """Each of these lies in the inbox once, is done with, and the customer is named nowhere."""
    rows = customer.tenant.all("SELECT * FROM stripe_events WHERE event_id = ANY(%s)", [each["id"] for each in events])
    assert len(rows) == len(events)
    assert all(row["processed_at"] is not None and row["try_after"] is None for row in rows)
    assert (
        customer.tenant.all("SELECT 1 FROM stripe_events e WHERE strpos(e::text, %s) > 0", customer.customer_id) == []
    )
    assert customer.tenant.all("SELECT 1 FROM profiles WHERE user_id = %s", customer.tenant.user_id) == []


async def close(customer: Customer) -> None:
    async with service_session(customer.tenant.deps.engine) as session:
        await close_account(session, customer.tenant.user_id, customer.tenant.deps.clock())


async def test_no_event_names_an_erased_customer_neither_what_waited_nor_what_comes_late(customer: Customer) -> None:
    first, failed, *late = customer.stripe.subscribe(customer.customer_id, "price_plus")
    parked, late_and_unknown = unknown(customer, 1), unknown(customer, 2)
    await customer.hears([first, parked])
    assert await customer.deliver(failed) == 200
    customer.stripe.away = True
    try:
        with pytest.raises(Unavailable):
            await customer.work()
    finally:
        customer.stripe.away = False
    await close(customer)
    await AccountActivities(customer.tenant.deps, cast("Client", None), tagged=False).erase_all(customer.tenant.user_id)

    assert_nobodys(customer, [first, failed, parked])
    customer.inbox.clear()
    await customer.hears([*late, late_and_unknown, first, failed, parked])
    assert_nobodys(customer, [first, failed, parked, *late, late_and_unknown])


async def test_an_event_that_comes_while_its_account_is_erased_is_forgotten_with_it(customer: Customer) -> None:
    deps, user_id, parked = customer.tenant.deps, customer.tenant.user_id, unknown(customer, 1)
    await close(customer)

    async def erase() -> None:
        async with service_session(deps.engine) as session:
            assert await erase_rest(session, user_id, deps.clock())

    async with service_session(deps.engine) as session:
        assert not await billing.receive(session, parse_event(json.dumps(parked).encode()), deps.clock())
        erasing = asyncio.create_task(erase())
        async with asyncio.timeout(60):
            while not customer.tenant.all("SELECT 1 FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.02)
    await erasing

    assert_nobodys(customer, [parked])


async def test_an_account_that_is_erased_pays_for_nothing_any_more(customer: Customer) -> None:
    customer.stripe.subscribe(customer.customer_id, "price_plus")
    customer.stripe.subscribe(customer.customer_id, "price_growth")
    deps, user_id = customer.tenant.deps, customer.tenant.user_id
    erasing = AccountActivities(deps, cast("Client", None), tagged=False)

    await erasing.erase_all(user_id)
    assert live(customer) is not None  # it is not closed
    await close(customer)
    customer.stripe.away = True
    try:
        with pytest.raises(Unavailable):
            await erasing.erase_all(user_id)
    finally:
        customer.stripe.away = False
    await erasing.erase_all(user_id)
    await erasing.erase_all(user_id)

    theirs = [each for each in customer.stripe.subscriptions.values() if each["customer"] == customer.customer_id]
    assert [each["status"] for each in theirs] == ["canceled", "canceled"]
    assert customer.tenant.all("SELECT 1 FROM profiles WHERE user_id = %s", user_id) == []


async def test_what_was_reserved_before_a_renewal_is_charged_to_the_period_of_its_reservation(
    customer: Customer,
) -> None:
    """R51."""
    tenant = customer.tenant
    await customer.hears(customer.stripe.subscribe(customer.customer_id, "price_plus"))
    batch_id = await tenant.accept(["a"], pages=9)
    await customer.hears(customer.stripe.renew(customer.subscription()["id"]))
    assert [row["pages_reserved"] for row in customer.periods()] == [0, 9, 0]

    await tenant.complete(batch_id)

    assert [(row["pages_processed"], row["pages_reserved"]) for row in customer.periods()] == [(0, 0), (9, 0), (0, 0)]
