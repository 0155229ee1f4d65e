"""Batch jobs at the wire: where they go, what every refusal means, and that a service that is silent is not waited for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ingestio.domain.messages import BulkState
from ingestio.errors import FailureCode, ModelError
from ingestio.extraction.gemini.batch_jobs import BatchJobs
from ingestio.extraction.gemini.calls import Calls
from ingestio.extraction.gemini.circuit import Circuit
from tests.extraction import gemini_replies as replies
from tests.extraction.gemini_replies import Reply
from tests.extraction.gemini_stand_in import GeminiStandIn, Request
from tests.extraction.vertex_batches import VertexBatches

RETRY_INFO = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]
UNAVAILABLE, REJECTED = FailureCode.MODEL_UNAVAILABLE, FailureCode.MODEL_REJECTED


def jobs_at(base_url: str | None, location: str = "europe-west4", timeout_seconds: float = 20) -> BatchJobs:
    calls = Calls(Circuit(), timeout_seconds)
    return BatchJobs(project="a-project", location=location, base_url=base_url, calls=calls)


@pytest_asyncio.fixture(loop_scope="session")
async def jobs(gemini: GeminiStandIn) -> AsyncIterator[BatchJobs]:
    jobs = jobs_at(gemini.url)
    yield jobs
    await jobs.close()


async def test_a_job_is_sent_found_by_its_name_and_cancelled(jobs: BatchJobs, gemini: GeminiStandIn) -> None:
    gemini.beside = batches = VertexBatches(gemini)
    batches.states.extend(["JOB_STATE_RUNNING"] * 9)
    assert (await jobs.exists("ours"), await jobs.state("ours")) == (False, BulkState.ENDED)
    await jobs.cancel("ours")

    await jobs.send("ours", "gemini-2.5-flash", "gs://a-bucket/request.jsonl", "gs://a-bucket/answer")

    (sent,) = batches.jobs
    assert sent == {
        "name": "projects/a-project/locations/europe-west4/batchPredictionJobs/1",
        "state": "JOB_STATE_PENDING",
        "displayName": "ours",
        "model": "publishers/google/models/gemini-2.5-flash",
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://a-bucket/request.jsonl"]}},
        "outputConfig": {
            "predictionsFormat": "jsonl",
            "gcsDestination": {"outputUriPrefix": "gs://a-bucket/answer"},
        },
    }
    assert (await jobs.exists("ours"), await jobs.exists("another's")) == (True, False)
    assert await jobs.state("ours") is BulkState.WAITING
    await jobs.cancel("ours")
    assert sent["state"] == "JOB_STATE_CANCELLED"
    assert await jobs.state("ours") is BulkState.ENDED


@pytest.mark.parametrize(
    ("reply", "reason", "retry_after_seconds"),
    [
        (replies.problem(429, "RESOURCE_EXHAUSTED", details=RETRY_INFO), UNAVAILABLE, 7.0),
        (replies.problem(429, "RESOURCE_EXHAUSTED", headers={"Retry-After": "3"}), UNAVAILABLE, 3.0),
        (replies.problem(500, "INTERNAL"), UNAVAILABLE, None),
        (Reply(502, b"<html>Bad gateway</html>", {"content-type": "text/html"}), UNAVAILABLE, None),
        (Reply(drop=True), UNAVAILABLE, None),
        (replies.problem(400, "FAILED_PRECONDITION", "the secret prompt"), REJECTED, None),
        (replies.problem(403, "PERMISSION_DENIED", "the secret prompt"), REJECTED, None),
        (replies.problem(404, "NOT_FOUND"), REJECTED, None),
    ],
    ids=["429 in the body", "429 in a header", "500", "502 of a gateway", "cut", "400", "403", "404"],
)
async def test_each_refusal_is_typed_and_takes_no_words_along(
    jobs: BatchJobs, gemini: GeminiStandIn, reply: Reply, reason: FailureCode, retry_after_seconds: float | None
) -> None:
    seen: list[Request] = []

    def refuse(request: Request) -> Reply:
        # A call that an earlier test gave up may arrive only now.
        if "refused" in f"{request.query}{request.body!r}":
            seen.append(request)
        return reply

    gemini.beside = refuse
    for call in (jobs.send("refused", "m", "gs://a/b", "gs://a/c"), jobs.state("refused"), jobs.cancel("refused")):
        jobs._calls._circuit.close()
        with pytest.raises(ModelError) as caught:
            await call
        found = caught.value
        assert (found.reason, found.can_retry, found.retry_after_seconds) == (
            reason,
            reason is UNAVAILABLE,
            retry_after_seconds,
        )
        assert "secret" not in f"{found.detail}{found.__cause__}{found.__context__}"
    # The workflow repeats; the library does not, nor does anything below it.
    assert len(seen) == 3


async def test_a_service_that_is_silent_is_not_waited_for(gemini: GeminiStandIn) -> None:
    gemini.beside = lambda _request: Reply(delay_seconds=replies.FOREVER)
    jobs = jobs_at(gemini.url, timeout_seconds=0.5)
    with pytest.raises(ModelError) as caught:
        await jobs.state("ours")
    assert (caught.value.reason, caught.value.can_retry) == (UNAVAILABLE, True)
    await jobs.close()


async def test_an_answer_of_another_shape_is_no_state(jobs: BatchJobs, gemini: GeminiStandIn) -> None:
    gemini.beside = lambda _request: replies.json_reply({"batchPredictionJobs": "of another kind"})
    with pytest.raises(ModelError) as caught:
        await jobs.state("ours")
    assert caught.value.can_retry
    gemini.beside = lambda _request: Reply(200, b"<html>Sign in</html>", {"content-type": "text/html"})
    with pytest.raises(ModelError) as caught:
        await jobs.state("ours")
    assert caught.value.can_retry


@pytest.mark.parametrize(
    ("location", "base_url", "address"),
    [
        ("europe-west4", None, "https://europe-west4-aiplatform.googleapis.com"),
        ("global", None, "https://aiplatform.googleapis.com"),
        ("eu", None, "https://aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "https://gateway.example/vertex/", "https://gateway.example/vertex"),
    ],
)
def test_the_address_follows_the_location_as_the_live_calls_do(
    location: str, base_url: str | None, address: str
) -> None:
    assert jobs_at(base_url, location)._address == address


async def test_missing_credentials_are_rejected_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/credentials.json")
    with pytest.raises(ModelError, match="Google Cloud credentials") as caught:
        await jobs_at("https://127.0.0.1:9").state("ours")
    assert (caught.value.reason, caught.value.can_retry) == (REJECTED, False)


async def test_the_live_lane_asks_the_address_that_the_location_says(make_provider: Any) -> None:
    """The two libraries agree where a project's location is."""
    for location in ("europe-west4", "global", "eu"):
        provider = make_provider("vertex", base_url=None, location=location)
        connection = await provider.connected()
        live = connection._client._api_client._http_options.base_url
        assert jobs_at(None, location)._address == live.rstrip("/")


async def test_calls_that_hang_hold_back_nothing_else_of_the_process(gemini: GeminiStandIn) -> None:
    """Storage and much else waits for the event loop's own threads, of which there are few."""
    gemini.beside = lambda _request: replies.hang()
    jobs = jobs_at(gemini.url, timeout_seconds=5)
    calls = [asyncio.create_task(jobs.state(f"job {number}")) for number in range(40)]
    while len(gemini.requests) < 2:
        await asyncio.sleep(0.05)

    assert await asyncio.to_thread(lambda: "done") == "done"

    assert not any(call.done() for call in calls)
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(end) for end in ended} == {ModelError}
    await jobs.close()
