"""Who waits where: model calls and parsing have a queue each, and the server holds model calls to a rate."""

import time

import pytest

from ingestio.config import Settings
from tests.workflows.conftest import House
from workflows import names


async def test_documents_of_a_models_service_live_and_wait_in_its_queue(house: House) -> None:
    """The same queue for both: only then may the server hand over the reading with its answer to what asked for it."""
    batch_id = await house.submit(["one"])
    await house.finished(batch_id)
    document_id = house.documents(batch_id)[0]["id"]

    history = await house.client.get_workflow_handle(f"document/{document_id}/1").fetch_history()

    queues = [
        event.activity_task_scheduled_event_attributes.task_queue.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert queues == [names.MODEL_QUEUE]
    assert history.events[0].workflow_execution_started_event_attributes.task_queue.name == names.MODEL_QUEUE


class TestARate:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings.load(INGESTIO_MODEL_CALLS_PER_SECOND="4")

    async def test_model_calls_keep_to_the_rate(self, house: House) -> None:
        begun = time.monotonic()

        batch_id = await house.submit([f"document {index}" for index in range(16)])
        batch = await house.finished(batch_id)

        assert batch["completed_count"] == 16
        # A second's worth may go at once; the other twelve take three seconds at four a second.
        assert time.monotonic() - begun > 2
