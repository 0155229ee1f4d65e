"""What takes hours or days in a workflow, on a server that skips time: nothing is lost by waiting, and waiting costs no events."""

import sysconfig
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment

from ingestio.billing.gateway import StripeGateway
from ingestio.config import Settings
from ingestio.db import stripe_events
from ingestio.db.session import service_session
from ingestio.domain.billing import Event
from ingestio.domain.fields import Extraction
from ingestio.errors import FailureCode, ModelError
from ingestio.extraction.base import ExtractRequest
from ingestio.services import controls
from tests.api.billing.conftest import KEY, PRICES
from tests.api.billing.stripe_stand_in import StripeStandIn
from tests.workflows.conftest import House
from tests.workflows.recordings import replay_and_record
from tests.workflows.scripted import answer
from workflows import client as workflows
from workflows.names import stripe_event_workflow_id

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class SkippedTime:
    """The server's time as the activities' clock. It moves when a test passes time, and only then."""

    def __init__(self, server: WorkflowEnvironment) -> None:
        self._server = server
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    async def look(self) -> datetime:
        """Read the server's clock."""
        self.now = await self._server.get_current_time()
        return self.now

    async def passes(self, duration: timedelta) -> None:
        """Let timers and retries that fall due meanwhile happen."""
        await self._server.sleep(duration)
        await self.look()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    program = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(program)) as server:
        yield server


@pytest.fixture
def temporal(skipping_server: WorkflowEnvironment) -> Client:
    return skipping_server.client


@pytest_asyncio.fixture(loop_scope="session")
async def clock(skipping_server: WorkflowEnvironment) -> SkippedTime:
    time = SkippedTime(skipping_server)
    await time.look()
    return time


def pages(house: House) -> tuple[int, int]:
    """Pages (processed, reserved) over all periods: a month may end while a test waits."""
    row = house.one(
        "SELECT sum(pages_processed)::int AS processed, sum(pages_reserved)::int AS reserved FROM user_usage WHERE user_id = %s",
        house.user_id,
    )
    return row["processed"], row["reserved"]


async def events(house: House, workflow_id: str) -> int:
    described = await house.client.get_workflow_handle(workflow_id).describe()
    return described.history_length


class Outage:
    """A model that is away until a moment, and says when to ask again."""

    def __init__(self, time: SkippedTime, until: datetime, again: timedelta) -> None:
        self._time, self._until, self._again = time, until, again

    async def __call__(self, _request: ExtractRequest, _call: int) -> Extraction:
        if await self._time.look() < self._until:
            raise ModelError(
                FailureCode.MODEL_UNAVAILABLE, retryable=True, retry_after_seconds=self._again.total_seconds()
            )
        return answer()


class TestAModelThatIsAway:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings.load(INGESTIO_MODEL_WAIT_SECONDS=6 * 3600)

    async def test_an_outage_of_hours_delays_a_document_and_fails_none(self, house: House, clock: SkippedTime) -> None:
        house.provider.plays["unlucky"] = Outage(clock, clock() + 5 * HOUR, 20 * timedelta(minutes=1))
        batch_id = await house.submit(["unlucky", "lucky"], pages=3)
        document = f"document/{house.documents(batch_id)[0]['id']}/1"

        await clock.passes(4 * HOUR)
        assert house.batch(batch_id)["status"] == "processing"
        assert pages(house) == (3, 3)
        await clock.passes(2 * HOUR)
        batch = await house.finished(batch_id)

        assert (batch["status"], batch["completed_count"]) == ("completed", 2)
        assert pages(house) == (6, 0)
        assert house.provider.calls == {"unlucky": 16, "lucky": 1}
        assert await events(house, document) < 30

    async def test_a_longer_one_fails_it_uncharged_once_the_patience_is_over(
        self, house: House, clock: SkippedTime
    ) -> None:
        house.provider.plays["unlucky"] = Outage(clock, clock() + 30 * DAY, 20 * timedelta(minutes=1))
        batch_id = await house.submit(["unlucky"])

        await clock.passes(5 * HOUR)
        assert house.batch(batch_id)["status"] == "processing"
        await clock.passes(2 * HOUR)
        await house.finished(batch_id)

        assert [row["error_code"] for row in house.documents(batch_id)] == ["model_unavailable"]
        assert pages(house) == (0, 0)


async def test_a_batch_that_is_paused_for_a_month_burns_nothing_and_goes_on(house: House, clock: SkippedTime) -> None:
    batch_id = await house.accept(["one", "two", "three"], pages=2)
    await set_paused(house, batch_id, paused=True)
    await house.start(batch_id)
    await clock.passes(HOUR)
    before = await events(house, f"batch/{batch_id}")

    await clock.passes(30 * DAY)

    assert await events(house, f"batch/{batch_id}") == before
    assert not house.provider.calls
    await set_paused(house, batch_id, paused=False)
    await workflows.nudge_batch(house.client, str(batch_id))
    assert (await house.finished(batch_id))["status"] == "completed"
    assert pages(house) == (6, 0)


async def set_paused(house: House, batch_id: UUID, *, paused: bool) -> None:
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, batch_id, paused=paused)


class TestStripeThatIsAway:
    @pytest_asyncio.fixture(loop_scope="session")
    async def billing(self) -> AsyncIterator[StripeGateway]:
        with StripeStandIn(away=True) as stripe:
            gateway = StripeGateway(KEY, PRICES, api_base=stripe.url)
            yield gateway
            await gateway.close()

    async def test_an_event_is_left_to_upkeep_after_a_while(self, house: House, clock: SkippedTime) -> None:
        customer, event_id = f"cus_{house.user_id}", f"evt_{house.user_id}"
        house.superuser.execute(
            "UPDATE profiles SET stripe_customer_id = %s WHERE user_id = %s", [customer, house.user_id]
        )
        async with service_session(house.deps.engine) as session:
            await stripe_events.insert_once(session, Event(event_id, "invoice.paid", customer), clock())
        await workflows.start_stripe_event(house.client, event_id)

        run = house.client.get_workflow_handle(stripe_event_workflow_id(event_id))
        await clock.passes(timedelta(seconds=30))
        assert (await run.describe()).status is WorkflowExecutionStatus.RUNNING
        await clock.passes(timedelta(minutes=2))
        assert await run.result() is False

        kept = house.one("SELECT attempts, error, processed_at FROM stripe_events WHERE event_id = %s", event_id)
        assert (kept["attempts"], kept["processed_at"]) == (8, None)
        assert kept["error"].startswith("Unavailable: ")
        await replay_and_record(house, "stripe-event-left", stripe_event_workflow_id(event_id))
