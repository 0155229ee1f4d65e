"""The life of one document: confirm quota and prompt -> extract and commit, or an end that says why.

The same workflow serves a document of a batch and a lone one. It always ends normally: a document that fails is an outcome, so that
one bad document can never fail a batch.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from ingestio.domain.batches import DocumentStatus
    from ingestio.domain.messages import (
        DocumentEnded,
        DocumentInput,
        DocumentOutcome,
        JobEnding,
        JobRequest,
        QuotaConfirmed,
    )
    from ingestio.domain.plans import fairness_weight
    from ingestio.errors import FailureCode
    from workflows import names, options, ports
    from workflows.bulk import Bulk
    from workflows.parts import Parts
    from workflows.steps import database_step, long_step

# Changes to runs under way: documents in parts, and the bulk lane.
IN_PARTS = "documents-in-parts"
IN_BULK = "documents-in-bulk"


@workflow.defn
class DocumentWorkflow:
    """Extracts one document, once, for one job."""

    @workflow.init
    def __init__(self, request: DocumentInput) -> None:
        self._request = request
        self._job = JobRequest(job_id=request.job_id, user_id=request.user_id)
        weight = fairness_weight(request.plan, request.position)
        self._priority = Priority(fairness_key=request.user_id[:64], fairness_weight=weight)
        self._is_to_report = False

    @workflow.run
    async def run(self, _request: DocumentInput) -> DocumentOutcome:
        try:
            outcome = await self._process()
        except (asyncio.CancelledError, ActivityError, ApplicationError) as error:
            outcome = await self._end(_reason(error))
        if self._request.tagged and outcome.code is not None:
            # Only those that operators look for: one that completed costs no event more.
            workflow.upsert_search_attributes([names.STATUS.value_set(outcome.status)])
        if self._is_to_report:
            await self._report()
        return outcome

    @workflow.signal
    def report_end(self) -> None:
        """The run that started this document is gone; its successor wants to hear of the end."""
        self._is_to_report = True

    async def _process(self) -> DocumentOutcome:
        workflow.set_current_details("Confirming the reserved pages")
        quota = await database_step(ports.confirm_quota, self._job, "confirm quota, resolve prompt")
        if quota.held:
            return DocumentOutcome(status=DocumentStatus.QUEUED_FOR_PROCESSING)
        if quota.finished is not None:
            return DocumentOutcome(status=quota.finished, code=quota.code)
        if not quota.may_run:
            return await self._end(quota.code or FailureCode.QUOTA_EXCEEDED)
        calls = timedelta(seconds=quota.model_timeout_seconds) * options.MODEL_CALLS_PER_STEP
        timeout = calls + options.EXTRACTION_OVERHEAD
        queue = names.reading_queue(quota.reader)
        if await self._needs_classification(quota):
            workflow.set_current_details("Finding out what kind of document this is")
            await long_step(
                ports.classify_document,
                self._job,
                queue=queue,
                timeout=timeout,
                priority=self._priority,
                summary=f"classify, {quota.pages} pages",
            )
        outcome = await self._read(quota, queue, timeout)
        if outcome is not None:
            return outcome
        return await database_step(ports.commit_result, self._job, "commit result and pages")

    async def _needs_classification(self, quota: QuotaConfirmed) -> bool:
        if quota.needs_classification is not None:
            return quota.needs_classification
        # Confirmed by a worker of an earlier version.
        return (await database_step(ports.resolve_prompt, self._job, "resolve prompt")).needs_classification

    async def _read(self, quota: QuotaConfirmed, queue: str, timeout: timedelta) -> DocumentOutcome | None:
        """The document at once, or later where that is wanted; in parts when it is long, or when the answer about all of it was cut off.

        None when the answer lies in storage and is still to be committed.
        """
        parts = Parts(self._job, queue=queue, timeout=timeout, priority=self._priority)
        is_long = quota.whole_pages is not None and quota.pages > quota.whole_pages
        if quota.bulk and not is_long and workflow.patched(IN_BULK):
            bulk = Bulk(self._job, queue=queue, timeout=timeout, priority=self._priority)
            if await bulk.read():
                return None
        if is_long and workflow.patched(IN_PARTS):
            await parts.read()
            return None
        workflow.set_current_details(f"Reading {quota.pages} pages")
        try:
            extracted = await long_step(
                ports.extract_document,
                self._job,
                queue=queue,
                timeout=timeout,
                priority=self._priority,
                summary=f"extract, {quota.pages} pages",
            )
        except ActivityError as error:
            cut_off = _reason(error) == FailureCode.MODEL_OUTPUT_TRUNCATED
            if not cut_off or quota.whole_pages is None or quota.pages == 1 or not workflow.patched(IN_PARTS):
                raise
            await parts.read(window_pages=(quota.pages + 1) // 2)
            return None
        return extracted.outcome

    async def _end(self, code: str) -> DocumentOutcome:
        """End the job without a result. A cancel that arrives now changes nothing: the job is ending anyway."""
        workflow.set_current_details(f"Ending: {code}")
        ending = JobEnding(job_id=self._job.job_id, user_id=self._job.user_id, code=code)
        while True:
            try:
                return await database_step(ports.end_without_result, ending, f"end: {code}")
            except (asyncio.CancelledError, ActivityError) as error:
                if not is_cancelled_exception(error):
                    raise

    async def _report(self) -> None:
        batch = workflow.get_external_workflow_handle(names.batch_workflow_id(str(self._request.batch_id)))
        try:
            await batch.signal("document_ended", DocumentEnded(self._job.job_id))
        except (ApplicationError, asyncio.CancelledError):
            # Nobody is there to hear it, or this run was cancelled after its end: the row says it all the same.
            workflow.logger.info("the end was not reported", extra={"job_id": self._job.job_id})


def _reason(error: BaseException) -> str:
    """The public code for why the work stopped; whatever we did not type ourselves is `internal`."""
    if is_cancelled_exception(error):
        return FailureCode.CANCELLED
    cause = error if isinstance(error, ApplicationError) else error.__cause__
    if isinstance(cause, ApplicationError) and cause.type in FailureCode._value2member_map_:
        return str(cause.type)
    return FailureCode.INTERNAL
