"""A model that is away delays a document, and fails it only after INGESTIO_MODEL_WAIT_SECONDS of failed calls."""

import asyncio
import time

import pytest

from ingestio.config import Settings
from ingestio.db.session import service_session
from ingestio.domain.fields import Extraction
from ingestio.errors import FailureCode, ModelError
from ingestio.extraction.base import ExtractRequest
from ingestio.services import controls
from tests.workflows.conftest import House
from workflows import client as workflows

WAIT_SECONDS = 2.0


async def away(_request: ExtractRequest, _call: int) -> Extraction:
    raise ModelError(FailureCode.MODEL_UNAVAILABLE, retryable=True, retry_after_seconds=0.4)


class TestAShortPatience:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings.load(INGESTIO_MODEL_WAIT_SECONDS=WAIT_SECONDS)

    async def test_an_outage_that_lasts_too_long_fails_the_document_and_charges_nothing(self, house: House) -> None:
        house.provider.plays["unlucky"] = away
        begun = time.monotonic()
        batch_id = await house.submit(["unlucky", "lucky"])

        batch = await house.finished(batch_id)

        assert time.monotonic() - begun >= WAIT_SECONDS
        assert (batch["status"], batch["failed_count"]) == ("partially_completed", 1)
        assert house.documents(batch_id)[0]["error_code"] == "model_unavailable"
        assert house.provider.calls["unlucky"] >= 3
        assert house.usage() == (1, 0)


async def test_cancel_reaches_a_document_that_waits_out_an_outage(house: House) -> None:
    async def away_for_long(_request: ExtractRequest, _call: int) -> Extraction:
        raise ModelError(FailureCode.MODEL_UNAVAILABLE, retryable=True, retry_after_seconds=600)

    house.provider.plays["unlucky"] = away_for_long
    batch_id = await house.submit(["unlucky"])
    async with asyncio.timeout(60):
        while not house.provider.calls["unlucky"]:
            await asyncio.sleep(0.05)

    async with service_session(house.deps.engine) as session:
        await controls.request_cancel(session, house.user_id, batch_id)
    await workflows.nudge_batch(house.client, str(batch_id))

    batch = await asyncio.wait_for(house.finished(batch_id), 60)
    assert batch["status"] == "cancelled"
    assert house.usage() == (0, 0)
