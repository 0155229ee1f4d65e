"""Deliveries as runs: an event arrives whatever breaks on the way, is repeated with growing pauses, and given up in the end."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from activities.dispatch import dispatch
from activities.repairs.base import Ground
from activities.repairs.runs import run_repairs
from activities.webhooks import WebhookActivities
from ingestio.config import Settings
from ingestio.db.session import service_session
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.findings import FindingKind
from ingestio.domain.webhooks import WebhookEvent
from ingestio.services import webhooks
from tests.webhooks.receiver import Receiver, receiving
from tests.workflows.conftest import House
from tests.workflows.recordings import replay_and_record
from workflows import names, options


@pytest.fixture
def settings() -> Settings:
    return Settings.load(INGESTIO_MODEL_WAIT_SECONDS=3600, INGESTIO_WEBHOOK_NETWORKS="127.0.0.0/8")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


class Clock:
    """Stands still unless moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


async def endpoint(house: House, url: str, *events: WebhookEvent) -> webhooks.Made:
    async with service_session(house.deps.engine) as session:
        return await webhooks.create_endpoint(session, house.user_id, url, events)


def deliveries(house: House) -> list[dict[str, Any]]:
    return house.all("SELECT * FROM webhook_deliveries ORDER BY created_at, id")


async def ended(house: House, delivery_id: UUID) -> dict[str, Any]:
    """Wait for the run's end and answer the delivery's row."""
    handle = house.client.get_workflow_handle(names.delivery_workflow_id(str(delivery_id)))
    await asyncio.wait_for(handle.result(), 60)
    return house.one("SELECT * FROM webhook_deliveries WHERE id = %s", delivery_id)


async def test_a_batch_that_ends_is_told_to_its_owner(house: House, receiver: Receiver) -> None:
    made = await endpoint(house, receiver.url, WebhookEvent.BATCH_COMPLETED)
    batch_id = await house.submit(["one"])
    await house.finished(batch_id)
    (waiting,) = deliveries(house)

    assert await dispatch(house.deps, house.client) == 1
    delivered = await ended(house, waiting["id"])

    (received,) = receiver.received
    told = Webhook(made.secret).verify(received.body, received.headers)
    assert (told["type"], told["data"]["batch_id"]) == ("batch.completed", str(batch_id))
    assert told == waiting["payload"]
    assert received.headers["webhook-id"] == f"msg_{waiting['id'].hex}"
    assert (delivered["status"], delivered["attempts"], delivered["response_status"]) == ("completed", 1, 200)
    assert delivered["log"][0]["request"]["webhook-signature"] == received.headers["webhook-signature"]
    assert await dispatch(house.deps, house.client) == 0
    await replay_and_record(house, "delivery", names.delivery_workflow_id(str(waiting["id"])))


async def test_what_was_delivered_is_sent_once_more_when_its_owner_asks(house: House, receiver: Receiver) -> None:
    made = await endpoint(house, receiver.url, WebhookEvent.BATCH_COMPLETED)
    await house.finished(await house.submit(["one"]))
    (waiting,) = deliveries(house)
    await dispatch(house.deps, house.client)
    await ended(house, waiting["id"])

    async with service_session(house.deps.engine) as session:
        await webhooks.replay_delivery(session, house.user_id, made.endpoint_id, waiting["id"])
    assert await dispatch(house.deps, house.client) == 1
    delivered = await ended(house, waiting["id"])

    first, again = receiver.received
    assert Webhook(made.secret).verify(again.body, again.headers) == waiting["payload"]
    assert (first.headers["webhook-id"], first.body) == (again.headers["webhook-id"], again.body)
    assert (delivered["status"], [each["status"] for each in delivered["log"]]) == ("completed", [200, 200])


async def test_after_a_failure_it_is_sent_again_under_the_same_id(house: House, receiver: Receiver) -> None:
    receiver.answers.append((302, {"Location": "http://127.0.0.1:1/"}))
    made = await endpoint(house, receiver.url, WebhookEvent.BATCH_COMPLETED)
    await house.finished(await house.submit(["one"]))
    (waiting,) = deliveries(house)

    await dispatch(house.deps, house.client)
    delivered = await ended(house, waiting["id"])

    assert [each["status"] for each in delivered["log"]] == [302, 200]
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
    assert len({each.body for each in receiver.received}) == 1
    assert (
        house.one("SELECT failing_since FROM webhook_endpoints WHERE id = %s", made.endpoint_id)["failing_since"]
        is None
    )
    await replay_and_record(house, "delivery-repeated", names.delivery_workflow_id(str(waiting["id"])))


class TestWithAClock:
    """Days pass here without waiting for them: the steps are called as the run would call them."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    async def _waiting(self, house: House) -> UUID:
        await house.finished(await house.submit(["one"]))
        found: UUID = deliveries(house)[0]["id"]
        return found

    async def test_pauses_grow_over_three_days_and_then_the_endpoint_is_disabled(
        self, house: House, receiver: Receiver, clock: Clock
    ) -> None:
        made = await endpoint(house, receiver.url, WebhookEvent.BATCH_COMPLETED)
        other = await endpoint(house, receiver.url, WebhookEvent.ENDPOINT_DISABLED)
        delivery_id = await self._waiting(house)
        steps, begun, pauses = WebhookActivities(house.deps), clock.now, []
        receiver.answers.extend([(503, {})] * 20)

        while (outcome := await steps.deliver(house.user_id, delivery_id)).pause_seconds is not None:
            pauses.append(outcome.pause_seconds)
            clock.now += timedelta(seconds=outcome.pause_seconds)

        assert outcome.status is ExtractionStatus.FAILED
        assert len(receiver.received) == len(options.WEBHOOK_PAUSES) + 1
        assert pauses == sorted(pauses)
        assert timedelta(days=3) < clock.now - begun < timedelta(days=4)
        disabled = house.one("SELECT * FROM webhook_endpoints WHERE id = %s", made.endpoint_id)
        assert disabled["disabled_reason"] == "failing"
        notice = [each for each in deliveries(house) if each["endpoint_id"] == other.endpoint_id]
        assert [each["payload"]["data"] for each in notice] == [
            {"endpoint_id": str(made.endpoint_id), "reason": "failing"}
        ]
        await self._waiting(house)
        assert len(deliveries(house)) == 2, "nothing more is told to it"

    async def test_a_receiver_that_asks_for_time_gets_it(self, house: House, receiver: Receiver) -> None:
        await endpoint(house, receiver.url, WebhookEvent.BATCH_COMPLETED)
        delivery_id = await self._waiting(house)
        receiver.answers.append((429, {"Retry-After": "4000"}))

        outcome = await WebhookActivities(house.deps).deliver(house.user_id, delivery_id)

        assert outcome.pause_seconds is not None
        assert outcome.pause_seconds >= 4000

    async def test_a_step_that_is_repeated_after_it_was_recorded_sends_nothing(
        self, house: House, receiver: Receiver, clock: Clock
    ) -> None:
        await endpoint(house, receiver.url, WebhookEvent.BATCH_COMPLETED)
        delivery_id = await self._waiting(house)
        receiver.answers.append((500, {}))
        steps = WebhookActivities(house.deps)
        first = await steps.deliver(house.user_id, delivery_id)
        assert first.pause_seconds is not None
        clock.now += timedelta(seconds=first.pause_seconds / 4)

        again = await steps.deliver(house.user_id, delivery_id)

        assert again.pause_seconds == pytest.approx(first.pause_seconds * 3 / 4, abs=0.1)
        assert len(receiver.received) == 1

    async def test_gone_is_gone(self, house: House, receiver: Receiver) -> None:
        made = await endpoint(house, receiver.url, WebhookEvent.BATCH_COMPLETED)
        delivery_id = await self._waiting(house)
        receiver.answers.append((410, {}))

        outcome = await WebhookActivities(house.deps).deliver(house.user_id, delivery_id)

        assert outcome.status is ExtractionStatus.FAILED
        assert house.one("SELECT * FROM webhook_endpoints WHERE id = %s", made.endpoint_id)["disabled_reason"] == "gone"

    async def test_after_a_rotation_both_secrets_sign_for_a_day(
        self, house: House, receiver: Receiver, clock: Clock
    ) -> None:
        old = await endpoint(house, receiver.url, WebhookEvent.BATCH_COMPLETED)
        delivery_id = await self._waiting(house)
        async with service_session(house.deps.engine) as session:
            new = await webhooks.rotate_secret(session, house.user_id, old.endpoint_id, clock.now)
        steps = WebhookActivities(house.deps)
        await steps.deliver(house.user_id, delivery_id)
        async with service_session(house.deps.engine) as session:
            await webhooks.replay_delivery(session, house.user_id, old.endpoint_id, delivery_id)
        clock.now += webhooks.SECRET_OVERLAP
        await steps.deliver(house.user_id, delivery_id)

        within, after = (each.headers["webhook-signature"].split() for each in receiver.received)
        assert (len(within), len(after)) == (2, 1)
        for secret in (old.secret, new.secret):
            Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
        row = house.one("SELECT log, status FROM webhook_deliveries WHERE id = %s", delivery_id)
        assert (row["status"], len(row["log"])) == ("completed", 2), "the log of a replayed delivery goes on"


async def test_a_delivery_whose_run_was_lost_is_taken_up_again(house: House, receiver: Receiver) -> None:
    await endpoint(house, receiver.url, WebhookEvent.BATCH_COMPLETED)
    await house.finished(await house.submit(["one"]))
    (waiting,) = deliveries(house)
    # A worker took it and died before it could start its run.
    house.superuser.execute("UPDATE webhook_deliveries SET status = 'processing'")
    ground = Ground(house.deps.engine, house.deps.clock, house.deps.store, house.client, True, timedelta(0))
    (repair,) = [each for each in run_repairs(ground, house.client) if each.kind is FindingKind.DELIVERY_WITHOUT_RUN]
    (finding,) = (await repair.find(None)).findings
    assert finding.subject == str(waiting["id"])

    assert await repair.mend(finding)

    assert (await ended(house, waiting["id"]))["status"] == "completed"
    assert (await repair.find(None)).findings == []


async def test_a_run_that_is_cancelled_by_hand_ends_its_delivery(house: House, receiver: Receiver) -> None:
    receiver.answers.append((500, {}))
    await endpoint(house, receiver.url, WebhookEvent.BATCH_COMPLETED)
    await house.finished(await house.submit(["one"]))
    (waiting,) = deliveries(house)
    await dispatch(house.deps, house.client)
    async with asyncio.timeout(30):
        while not house.one("SELECT next_attempt_at FROM webhook_deliveries")["next_attempt_at"]:
            await asyncio.sleep(0.05)

    await house.client.get_workflow_handle(names.delivery_workflow_id(str(waiting["id"]))).cancel()

    assert (await ended(house, waiting["id"]))["status"] == "cancelled"
    await replay_and_record(house, "delivery-cancelled", names.delivery_workflow_id(str(waiting["id"])))
