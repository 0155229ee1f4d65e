"""A step that runs again after its effect, and steps of an earlier version beside this one's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from temporalio import activity
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.extraction import ExtractionActivities
from activities.prompts import PromptActivities
from activities.quota import QuotaActivities
from activities.usage import UsageActivities
from ingestio.bootstrap import WorkerDeps
from ingestio.db.session import service_session
from ingestio.domain.batches import DocumentStatus, PromptStrategy
from ingestio.domain.messages import DocumentOutcome, Extracted, JobRequest, QuotaConfirmed
from ingestio.errors import FailureCode
from ingestio.services import jobs
from tests.workflows.conftest import House
from tests.workflows.lone import in_order
from workflows import names
from workflows.documents import DocumentWorkflow
from workflows.sandbox import sandbox


async def job_of(house: House, **options: Any) -> JobRequest:
    batch_id = await house.accept(["one"], pages=3, **options)
    [row] = house.all("SELECT id FROM extraction_jobs WHERE batch_id = %s", batch_id)
    return JobRequest(str(row["id"]), house.user_id)


async def extract(house: House, job: JobRequest) -> Extracted:
    answer: Extracted = await ActivityEnvironment().run(ExtractionActivities(house.deps).extract_document, job)
    return answer


async def test_an_extraction_that_runs_again_after_its_commit_asks_and_charges_nobody_twice(unmanned: House) -> None:
    job = await job_of(unmanned)
    await ActivityEnvironment().run(QuotaActivities(unmanned.deps).confirm_quota, job)

    first, second = await extract(unmanned, job), await extract(unmanned, job)

    assert first.outcome == second.outcome == DocumentOutcome(DocumentStatus.COMPLETED)
    assert unmanned.provider.calls.total() == 1
    assert unmanned.usage() == (3, 0)
    await in_order(unmanned)


async def test_an_extraction_of_a_job_that_was_cancelled_says_so_and_asks_nobody(unmanned: House) -> None:
    job = await job_of(unmanned)
    await ActivityEnvironment().run(QuotaActivities(unmanned.deps).confirm_quota, job)
    [row] = unmanned.all("SELECT id FROM extraction_jobs")
    async with service_session(unmanned.deps.engine) as session:
        await jobs.end(session, unmanned.user_id, row["id"], FailureCode.CANCELLED)

    extracted = await extract(unmanned, job)

    assert extracted.outcome == DocumentOutcome(DocumentStatus.CANCELLED, FailureCode.CANCELLED)
    assert not unmanned.provider.requests
    assert unmanned.usage() == (0, 0)


class EarlierSteps:
    """The steps as the version before answered: the prompt and the commit were steps of their own."""

    def __init__(self, deps: WorkerDeps) -> None:
        self._quota, self._extraction = QuotaActivities(deps), ExtractionActivities(deps)

    @activity.defn
    async def confirm_quota(self, request: JobRequest) -> QuotaConfirmed:
        return replace(await self._quota.confirm_quota(request), needs_classification=None)

    @activity.defn
    async def extract_document(self, request: JobRequest) -> Extracted:
        return replace(await self._extraction.extract_document(request), outcome=None)


@asynccontextmanager
async def earlier_worker(house: House, queue: str) -> AsyncIterator[None]:
    steps = EarlierSteps(house.deps)
    prompts = PromptActivities(house.deps)
    short = [steps.confirm_quota, prompts.resolve_prompt, UsageActivities(house.deps).commit_result]
    runner = sandbox(house.client.data_converter)
    async with (
        Worker(house.client, task_queue=queue, workflows=[DocumentWorkflow], activities=short, workflow_runner=runner),
        Worker(
            house.client,
            task_queue=names.reading_queue(house.deps.reader),
            activities=[steps.extract_document, prompts.classify_document],
        ),
    ):
        yield


async def test_steps_of_an_earlier_version_lead_to_the_same_end(unmanned: House) -> None:
    job = await job_of(unmanned, strategy=PromptStrategy.AUTO, prompt=None)
    [row] = unmanned.all("SELECT document_id, batch_id FROM extraction_jobs")
    request = unmanned.document_input(job.job_id, str(row["document_id"]), row["batch_id"])
    queue = f"earlier-{job.job_id}"

    async with earlier_worker(unmanned, queue):
        handle = await unmanned.client.start_workflow(DocumentWorkflow.run, request, id=queue, task_queue=queue)
        outcome = await handle.result()

    assert outcome == DocumentOutcome(DocumentStatus.COMPLETED)
    history = await handle.fetch_history()
    steps = [
        bytes(mark.marker_recorded_event_attributes.details["data"].payloads[0].data)
        for mark in history.events
        if mark.HasField("marker_recorded_event_attributes")
    ]
    told = b" ".join(steps).decode()
    assert [name for name in ("confirm_quota", "resolve_prompt", "commit_result") if name in told] == [
        "confirm_quota",
        "resolve_prompt",
        "commit_result",
    ]
    assert unmanned.usage() == (3, 0)
    await in_order(unmanned)
