"""Stripe's webhook lets in what Stripe signed, keeps it once, and nothing else (R54)."""

import json
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingestio.billing import webhook
from ingestio.errors import InvalidRequest, Unauthenticated
from tests.api.billing.conftest import WEBHOOK_SECRET, Customer, NewCustomer
from tests.api.billing.stripe_stand_in import signed
from tests.api.conftest import OpenDoor, assert_problem

NOW = 1_790_000_000


@pytest.fixture
async def customer(new_customer: NewCustomer) -> Customer:
    made: Customer = await new_customer()
    return made


@pytest.mark.parametrize(
    "fault", [{"secret": "whsec_of_somebody"}, {"altered": True}, {"age": 301}, {"age": -301}], ids=str
)
async def test_what_stripe_did_not_sign_now_is_not_let_in(customer: Customer, fault: dict[str, object]) -> None:
    (event, *_) = customer.stripe.subscribe(customer.customer_id, "price_growth")

    assert await customer.deliver(event, **fault) == 401  # type: ignore[arg-type]

    assert customer.tenant.all("SELECT 1 FROM stripe_events WHERE event_id = %s", event["id"]) == []
    assert await customer.deliver(event, age=299) == 200


async def test_a_body_that_is_signed_and_no_event_is_refused(customer: Customer) -> None:
    for body in (b"[]", b"{}", b"\xff", b'{"id": 1, "type": "invoice.paid", "data": {"object": {}}}'):
        header = signed(body, WEBHOOK_SECRET, customer.stripe.now)
        answer = await customer.front.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": header})
        assert_problem(answer, 422, "invalid_request")


async def test_without_a_signature_there_is_no_way_in(till: httpx.AsyncClient) -> None:
    assert_problem(await till.post("/webhooks/stripe", content=b"{}"), 401, "unauthenticated")


async def test_an_event_is_kept_once_however_often_it_comes(customer: Customer) -> None:
    (event, *_) = customer.stripe.subscribe(customer.customer_id, "price_plus")
    for _ in range(5):
        assert await customer.deliver(event) == 200
    await customer.work()

    rows = customer.tenant.all("SELECT * FROM stripe_events WHERE event_id = %s", event["id"])
    assert [(row["customer_id"], row["processed_at"] is not None) for row in rows] == [(customer.customer_id, True)]
    assert customer.profile()["billing_version"] == 1


async def test_an_event_of_a_kind_that_we_do_not_act_on_is_parked(customer: Customer) -> None:
    event = {"id": f"evt_{customer.tenant.user_id}", "object": "event", "type": "customer.tax_id.created"}
    await customer.hears([event | {"data": {"object": {"customer": customer.customer_id}}}])

    (row,) = customer.tenant.all("SELECT * FROM stripe_events WHERE event_id = %s", event["id"])
    assert (row["processed_at"], row["attempts"]) == (None, 0)
    assert customer.profile()["billing_version"] == 0


async def test_without_a_secret_there_is_no_webhook(open_door: OpenDoor) -> None:
    async with open_door() as client:
        assert_problem(await client.post("/webhooks/stripe", content=b"{}"), 404, "not_found")


def ours(payload: bytes, header: str) -> bool:
    try:
        webhook.verify(payload, header, WEBHOOK_SECRET, datetime.fromtimestamp(NOW, UTC))
    except Unauthenticated:
        return False
    return True


def the_librarys(payload: bytes, header: str) -> bool:
    from stripe import SignatureVerificationError, WebhookSignature

    try:
        # Without a tolerance, which the library measures by its own clock.
        WebhookSignature.verify_header(payload, header, WEBHOOK_SECRET)
    except (
        SignatureVerificationError,
        TypeError,
    ):  # it compares text, and refuses what is not ASCII by falling over it
        return False
    return True


@given(st.text(max_size=40), st.integers(0, 10**6), st.sampled_from("0123456789abcdef,=tv1 é"), st.booleans())
@example(
    text="", place=len("t=1790000000,v1=,v1") + 64, letter=",", doubled=True
)  # a second signature without its sign of equality
def test_the_verdict_on_a_signature_is_the_librarys(text: str, place: int, letter: str, doubled: bool) -> None:
    payload = text.encode(errors="replace")
    header = signed(payload, WEBHOOK_SECRET, NOW)
    if doubled:
        header += ",v1=0000,v0=1"
    at = place % len(header)
    for sent in (header, header[:at] + letter + header[at + 1 :], header[:at] + header[at + 1 :]):
        # A time that was altered is another signed text, so nothing that the library refuses is ever accepted here.
        assert ours(payload, sent) <= the_librarys(payload, sent), sent
    assert ours(payload, header)


NAMES = st.sampled_from(("id", "type", "data", "object", "customer"))
LEAVES = st.none() | st.integers() | st.text(max_size=5)


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)))
def test_no_json_whatever_breaks_the_reading_of_an_event(body: object) -> None:
    try:
        event = webhook.parse_event(json.dumps(body).encode())
    except InvalidRequest:
        return
    assert event.id
    assert event.type
