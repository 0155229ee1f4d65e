"""The life of one batch: keep a window of document workflows busy until no live job is left, then settle the batch.

The workflow decides nothing that Postgres knows better. It reads live jobs and the operator's wishes in pages, starts one child per job,
and ends when settling finds nothing open; a stray start therefore does no harm, and a retry only has to make new jobs and knock.
"""

import asyncio
from dataclasses import replace

from temporalio import workflow
from temporalio.common import Priority, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from ingestio.domain.messages import (
        BatchInput,
        BatchOutcome,
        BatchProgress,
        BatchRef,
        BatchSettled,
        DocumentInput,
        DocumentOutcome,
        JobEnding,
        JobRef,
        ManifestPage,
        ManifestRequest,
    )
    from ingestio.errors import FailureCode
    from workflows import names, options, ports
    from workflows.documents import DocumentWorkflow
    from workflows.steps import database_step


@workflow.defn
class BatchWorkflow:
    """Runs the live jobs of one batch. Signals steer it, the query `progress` says where it is."""

    @workflow.init
    def __init__(self, request: BatchInput) -> None:
        self._request = request
        self._batch = BatchRef(batch_id=request.batch_id, user_id=request.user_id)
        self._priority = Priority(fairness_key=request.user_id[:64], fairness_weight=request.weight)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._waiting = 0
        self._after_position = request.after_position
        self._started = 0
        self._paused = False
        self._cancelling = False
        self._woken = False
        self._steered = 0

    @workflow.run
    async def run(self, _request: BatchInput) -> BatchOutcome:
        while True:
            try:
                settled = await self._round()
            except (asyncio.CancelledError, ActivityError) as error:
                if not is_cancelled_exception(error):
                    raise
                # Somebody cancelled the run in the Temporal UI: the same wish as the signal, so it is committed like one.
                self._cancelling = True
                await database_step(ports.request_cancel, self._batch, "commit the cancel")
                continue
            if settled is not None:
                return self._finished(settled)

    async def _round(self) -> BatchSettled | None:
        """Run what is live and settle; None when jobs are open still, in other hands or new."""
        self._woken = False
        # The columns are the truth and a wish is committed before its signal, so each round reads them afresh.
        self._cancelling = False
        await self._start_documents()
        await self._drain()
        if self._cancelling:
            await self._stop_documents()
        settled = await database_step(ports.settle_batch, self._batch, "settle batch")
        if settled.open_jobs == 0 and not self._woken:
            return settled
        self._after_position = -1
        await workflow.sleep(options.SETTLE_INTERVAL)
        if workflow.info().is_continue_as_new_suggested():
            self._continue_as_new()
        return None

    @workflow.signal
    def cancel(self) -> None:
        """Stop at the next safe point. The wish is already committed; this is the nudge."""
        self._steered += 1
        self._cancelling = True

    @workflow.signal
    def pause(self) -> None:
        """Start no further document; running ones finish."""
        self._steered += 1
        self._paused = True

    @workflow.signal
    def resume(self) -> None:
        """Go on after a pause."""
        self._steered += 1
        self._paused = False

    @workflow.signal
    def wake(self) -> None:
        """There may be new jobs: look once more before ending."""
        self._woken = True

    @workflow.query
    def progress(self) -> BatchProgress:
        """What runs, what waits and for what."""
        return BatchProgress(
            running=len(self._running), waiting=self._waiting, paused=self._paused, waiting_for=self._waiting_for()
        )

    def _waiting_for(self) -> str | None:
        if self._cancelling:
            return "running documents to stop"
        if self._paused:
            return "resume"
        return "running documents" if len(self._running) >= options.WINDOW else None

    async def _start_documents(self) -> None:
        """Start a child for every live job, at most a window of them at a time, until the manifest is empty or somebody cancels."""
        while not self._cancelling:
            steered = self._steered
            page = await self._read_manifest(self._after_position)
            if steered == self._steered:
                # A signal that came while we read is newer than what we read.
                self._paused = page.paused
                self._cancelling = self._cancelling or page.cancel_requested
            if not page.jobs:
                return
            for index, job in enumerate(page.jobs):
                self._waiting = page.remaining + len(page.jobs) - index
                self._describe()
                await workflow.wait_condition(self._may_start)
                if self._cancelling:
                    return
                if job.job_id not in self._running:
                    self._running[job.job_id] = asyncio.create_task(self._run_document(job))
                    self._started += 1
                self._after_position = job.position
            self._waiting = page.remaining
            if page.remaining and (
                self._started >= options.DOCUMENTS_PER_RUN or workflow.info().is_continue_as_new_suggested()
            ):
                await self._drain()
                if not self._cancelling:
                    self._continue_as_new()

    def _may_start(self) -> bool:
        return self._cancelling or (not self._paused and len(self._running) < options.WINDOW)

    async def _drain(self) -> None:
        """Wait until no child runs, or somebody cancels."""
        self._describe()
        await workflow.wait_condition(lambda: self._cancelling or not self._running)

    async def _stop_documents(self) -> None:
        """Stop what runs, end what never started, and wait until every child has put its document to rest."""
        self._describe()
        for task in self._running.values():
            task.cancel()
        await database_step(ports.cancel_waiting_jobs, self._batch, "cancel what waits")
        await workflow.wait_condition(lambda: not self._running)
        self._waiting = 0
        # What is live now runs under another parent, one that was terminated before it could stop its children.
        for job in (await self._read_manifest(-1)).jobs:
            await self._cancel_elsewhere(job)

    async def _cancel_elsewhere(self, job: JobRef) -> None:
        try:
            await workflow.get_external_workflow_handle(
                names.document_workflow_id(job.document_id, job.attempt)
            ).cancel()
        except ApplicationError:
            # It is gone without having ended its job.
            await self._end_job(job, FailureCode.CANCELLED)

    async def _run_document(self, job: JobRef) -> None:
        """One child from start to end. Whatever becomes of it, its job does not stay open because of us."""
        try:
            try:
                await self._execute_child(job)
            except WorkflowAlreadyStartedError:
                # The child of an earlier, terminated run is still at it; settling waits for its end.
                workflow.logger.info("document runs under another parent", extra={"document_id": job.document_id})
            except (ChildWorkflowError, asyncio.CancelledError) as error:
                cancelled = self._cancelling or isinstance(error, asyncio.CancelledError)
                await self._end_job(job, FailureCode.CANCELLED if cancelled else FailureCode.INTERNAL)
        except ActivityError:
            # Not even ending the job worked; it stays live in Postgres, so settling finds it and tries again.
            workflow.logger.exception("a job could not be ended", extra={"job_id": job.job_id})
        finally:
            del self._running[job.job_id]

    async def _execute_child(self, job: JobRef) -> DocumentOutcome:
        request = self._request
        attributes = [
            SearchAttributePair(names.USER, request.user_id),
            SearchAttributePair(names.PLAN, request.plan),
            SearchAttributePair(names.BATCH, request.batch_id),
        ]
        return await workflow.execute_child_workflow(
            DocumentWorkflow.run,
            DocumentInput(
                job_id=job.job_id,
                document_id=job.document_id,
                user_id=request.user_id,
                attempt=job.attempt,
                batch_id=request.batch_id,
                plan=request.plan,
                tagged=request.tagged,
                weight=request.weight,
            ),
            id=names.document_workflow_id(job.document_id, job.attempt),
            task_timeout=options.WORKFLOW_TASK_TIMEOUT,
            # A terminated batch must not take its running documents along: each of them still knows how to end its job.
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            priority=self._priority,
            search_attributes=TypedSearchAttributes(attributes) if request.tagged else None,
        )

    async def _end_job(self, job: JobRef, code: FailureCode) -> None:
        ending = JobEnding(job_id=job.job_id, user_id=self._request.user_id, code=code)
        await database_step(ports.end_without_result, ending, f"end: {code}")

    async def _read_manifest(self, after_position: int) -> ManifestPage:
        request = ManifestRequest(
            batch_id=self._batch.batch_id,
            user_id=self._batch.user_id,
            after_position=after_position,
            limit=options.MANIFEST_PAGE,
        )
        return await database_step(ports.read_manifest, request, "read manifest")

    def _finished(self, settled: BatchSettled) -> BatchOutcome:
        workflow.set_current_details(f"Ended: {settled.status}")
        if self._request.tagged:
            workflow.upsert_search_attributes([names.STATUS.value_set(settled.status)])
        return BatchOutcome(
            status=settled.status, completed=settled.completed, failed=settled.failed, cancelled=settled.cancelled
        )

    def _describe(self) -> None:
        reason = self._waiting_for()
        details = f"{len(self._running)} running, {self._waiting} waiting"
        workflow.set_current_details(f"{details}; waits for {reason}" if reason else details)

    def _continue_as_new(self) -> None:
        workflow.continue_as_new(replace(self._request, after_position=self._after_position))
