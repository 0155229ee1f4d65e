"""The life of one batch: keep a window of document workflows busy until no live job is left, then settle the batch.

The workflow decides nothing that Postgres knows better. It reads live jobs and the operator's wishes in pages, starts one child per job,
and ends when settling finds nothing open; a stray start therefore does no harm, and a retry only has to make new jobs and knock.

A long batch is a chain of runs. A run that has grown continues as new at once and hands the documents that still run over by id: they
are abandoned children, the next run asks each of them to report its end, and meanwhile goes on filling the window. So neither the size
of a batch nor one document that waits out an outage ever stalls the others.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from temporalio import workflow
from temporalio.common import Priority, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)
from temporalio.workflow import ChildWorkflowHandle

with workflow.unsafe.imports_passed_through():
    from ingestio.domain.batches import DocumentStatus
    from ingestio.domain.messages import (
        BatchInput,
        BatchOutcome,
        BatchProgress,
        BatchRef,
        BatchSettled,
        DocumentEnded,
        DocumentInput,
        DocumentOutcome,
        JobEnding,
        JobRef,
        ManifestPage,
        ManifestRequest,
        PauseWish,
        Reader,
    )
    from ingestio.domain.plans import fairness_weight
    from ingestio.errors import FailureCode
    from workflows import names, options, ports
    from workflows.documents import DocumentWorkflow
    from workflows.steps import database_step

# A change to runs under way: they kept as many starts before the server as the window holds, ran on for a thousand documents, and continued
# as new while others ended.
SHORT_RUNS = "short-runs"
_DOCUMENTS_OF_A_LONG_RUN = 1000


@workflow.defn
class BatchWorkflow:
    """Runs the live jobs of one batch. Signals steer it, the query `progress` says where it is."""

    @workflow.init
    def __init__(self, request: BatchInput) -> None:
        self._request = request
        self._batch = BatchRef(batch_id=request.batch_id, user_id=request.user_id)
        self._documents_per_run = request.documents_per_run or options.DOCUMENTS_PER_RUN
        self._running: dict[str, JobRef] = {job.job_id: job for job in request.stragglers}
        self._children: dict[str, asyncio.Task[None]] = {}
        self._being_started = 0
        self._confirmed = 0
        self._comes_to_rest = False
        self._ended_elsewhere: set[str] = set()
        self._ahead = 0
        self._stepped_back = 0
        self._after_position = request.after_position
        self._started = 0
        self._upcoming = request.upcoming
        self._strategy: str | None = None
        self._reader: Reader | None = None
        self._paused = False
        self._cancelling = False
        self._wakes = 0
        self._nudges = 0
        self._followed = 0
        self._looks = 0
        self._latest_look = 0

    @workflow.run
    async def run(self, request: BatchInput) -> BatchOutcome:
        self._comes_to_rest = workflow.patched(SHORT_RUNS)
        if not self._comes_to_rest:
            self._documents_per_run = request.documents_per_run or _DOCUMENTS_OF_A_LONG_RUN
        for job in request.stragglers:
            self._adopt(job)
        following = asyncio.create_task(self._follow())
        while True:
            try:
                settled = await self._round()
            except (asyncio.CancelledError, ActivityError) as error:
                if not is_cancelled_exception(error):
                    raise
                # Somebody cancelled the run in the Temporal UI: the same wish as the signal.
                await self.cancel()
                self._cancelling = True
                continue
            if settled is not None:
                await workflow.wait_condition(workflow.all_handlers_finished)
                following.cancel()
                return self._finished(settled)

    async def _round(self) -> BatchSettled | None:
        """Run what is live and settle; None when jobs are open still, in other hands or new."""
        wakes = self._wakes
        await self._start_documents()
        await self._drain()
        if self._cancelling:
            await self._stop_documents()
        settled = await database_step(ports.settle_batch, self._batch, "settle batch")
        if settled.open_jobs == 0 and wakes == self._wakes:
            return settled
        self._after_position = -1
        if wakes == self._wakes:
            await workflow.sleep(options.SETTLE_INTERVAL)
        return None

    @workflow.signal
    def follow(self) -> None:
        """Somebody committed a wish (cancel, pause, resume): look at the columns. Late, lost or doubled, it changes nothing else."""
        self._nudges += 1

    @workflow.signal
    async def cancel(self) -> None:
        """An operator's wish, from the Temporal UI: commit it, then follow it. Running documents stop at their next safe point."""
        await database_step(ports.request_cancel, self._batch, "commit the cancel")
        self._nudges += 1

    @workflow.signal
    async def pause(self) -> None:
        """An operator's wish, from the Temporal UI: start no further document; running ones finish."""
        await self._commit_paused(paused=True)

    @workflow.signal
    async def resume(self) -> None:
        """An operator's wish, from the Temporal UI: go on after a pause."""
        await self._commit_paused(paused=False)

    async def _commit_paused(self, *, paused: bool) -> None:
        wish = PauseWish(self._batch.batch_id, self._batch.user_id, paused)
        await database_step(ports.request_paused, wish, "commit the pause" if paused else "commit the resume")
        self._nudges += 1

    async def _follow(self) -> None:
        """Look at the columns whenever somebody nudges."""
        while True:
            await workflow.wait_condition(lambda: self._nudges > self._followed)
            self._followed = self._nudges
            await self._read_manifest(self._after_position, limit=1)

    @workflow.signal
    def wake(self) -> None:
        """Look again: there may be new jobs, or a document that another run started may have gone without a word."""
        self._wakes += 1

    @workflow.signal
    def document_ended(self, ended: DocumentEnded) -> None:
        """A document that an earlier run started has put itself to rest."""
        if ended.job_id in self._running:
            self._ended_elsewhere.add(ended.job_id)

    @workflow.query
    def progress(self) -> BatchProgress:
        """What runs, what waits and for what."""
        return BatchProgress(
            running=len(self._running), waiting=self._waiting(), paused=self._paused, waiting_for=self._waiting_for()
        )

    def _waiting(self) -> int:
        return self._ahead + self._stepped_back

    def _waiting_for(self) -> str | None:
        if self._cancelling:
            return "running documents to stop"
        if self._paused:
            return "resume"
        return "running documents" if len(self._running) >= options.WINDOW else None

    async def _start_documents(self) -> None:
        """Take up every live job, at most a window of them at a time, until the manifest is empty or somebody cancels."""
        while page := await self._next_jobs():
            for index, job in enumerate(page.jobs):
                self._ahead = page.remaining + len(page.jobs) - index
                self._describe()
                await workflow.wait_condition(self._may_start)
                if self._cancelling:
                    return
                if self._has_grown():
                    await self._continue_as_new(replace(page, jobs=page.jobs[index:]))
                if job.job_id not in self._running:
                    self._start(job)
                self._after_position = job.position
            self._ahead = page.remaining

    async def _next_jobs(self) -> ManifestPage | None:
        """The next page of live jobs; None when there are no more, or somebody cancels."""
        if self._cancelling:
            return None
        if self._upcoming is not None:
            page, self._upcoming = self._upcoming, None
            self._introduce(page)
            return page
        page = await self._read_manifest(self._after_position)
        if self._after_position < 0:
            # A look from the start counts those that stepped back among the ones ahead.
            self._stepped_back = 0
        return page if page.jobs and not self._cancelling else None

    def _may_start(self) -> bool:
        return self._cancelling or (
            not self._paused and len(self._running) < options.WINDOW and self._being_started < self._starts_allowed()
        )

    def _starts_allowed(self) -> int:
        """A run ends and the next begins gently: the last document ends the sooner, and the next begins the sooner, the fewer compete."""
        if not self._comes_to_rest:
            return options.WINDOW
        ending = max(self._documents_per_run - self._started, options.GENTLE_STARTS)
        beginning = options.GENTLE_STARTS + self._confirmed if self._request.after_position >= 0 else ending
        return min(options.STARTS_AT_ONCE, beginning, ending)

    def _has_grown(self) -> bool:
        return self._started >= self._documents_per_run or workflow.info().is_continue_as_new_suggested()

    async def _drain(self) -> None:
        """Wait until no document runs, or somebody cancels."""
        self._describe()
        suggested = workflow.info().is_continue_as_new_suggested
        await workflow.wait_condition(lambda: self._cancelling or not self._running or suggested())
        if self._running and not self._cancelling:
            await self._continue_as_new()

    async def _stop_documents(self) -> None:
        """End every job here and now, so that the batch is at rest within a moment, and then wait until every document has noticed."""
        self._describe()
        for child in self._children.values():
            child.cancel()
        cancelled = await database_step(ports.cancel_jobs, self._batch, "cancel what is live")
        # Once settled it may be retried, so this must be on record before: repeated after a crash, it would stop the new attempt.
        await workflow.sleep(options.RECORDED)
        await database_step(ports.settle_batch, self._batch, "settle batch")
        for job in cancelled.running:
            if job.job_id not in self._running:
                # It runs under another parent, one that was terminated before it could stop its children.
                self._adopt(job)
        await workflow.wait_condition(lambda: not self._running)
        self._cancelling = False
        self._ahead = self._stepped_back = 0

    def _start(self, job: JobRef) -> None:
        """Fill one place of the window with a new document."""
        self._started += 1
        self._running[job.job_id] = job
        child = self._children[job.job_id] = asyncio.create_task(self._see_through(job, self._run_child(job)))
        child.add_done_callback(lambda _: self._children.pop(job.job_id))

    def _adopt(self, job: JobRef) -> asyncio.Task[None]:
        """Fill one place of the window with a document that another run started."""
        self._running[job.job_id] = job
        return asyncio.create_task(self._see_through(job, self._await_elsewhere(job)))

    async def _see_through(self, job: JobRef, course: Coroutine[Any, Any, None]) -> None:
        """One job to its end. Whatever becomes of its document, it does not stay open because of us."""
        try:
            await course
        except ActivityError:
            # Not even ending the job worked; it stays live in Postgres, so settling finds it and tries again.
            workflow.logger.exception("a job could not be ended", extra={"job_id": job.job_id})
        finally:
            del self._running[job.job_id]
            self._ended_elsewhere.discard(job.job_id)

    async def _run_child(self, job: JobRef) -> None:
        try:
            outcome = await (await self._start_child(job))
            if outcome.status is DocumentStatus.QUEUED_FOR_PROCESSING:
                # A pause came before it had begun, so it waits for the next round. The nudge may be on its way or lost: ask the column.
                self._stepped_back += 1
                await self._read_manifest(job.position - 1, limit=1)
        except WorkflowAlreadyStartedError:
            # The child of an earlier, terminated run is still at it.
            await self._await_elsewhere(job)
        except (ChildWorkflowError, asyncio.CancelledError) as error:
            cancelled = self._cancelling or isinstance(error, asyncio.CancelledError)
            await self._end_job(job, FailureCode.CANCELLED if cancelled else FailureCode.INTERNAL)

    async def _await_elsewhere(self, job: JobRef) -> None:
        """Ask a document that another run started to report its end; pass a cancel on; ask again when woken.

        Nothing is polled, so a document may wait out an outage of days at no cost. One that is gone without a report left its job live:
        settling finds that, and the next round starts it anew.
        """
        handle = workflow.get_external_workflow_handle(names.document_workflow_id(job.document_id, job.attempt))
        try:
            while job.job_id not in self._ended_elsewhere:
                stopping, wakes = self._cancelling, self._wakes
                if stopping:
                    await handle.cancel()
                await handle.signal(DocumentWorkflow.report_end)
                await workflow.wait_condition(
                    lambda seen=(stopping, wakes): (  # type: ignore[misc]
                        job.job_id in self._ended_elsewhere or seen != (self._cancelling, self._wakes)
                    )
                )
        except ApplicationError:
            # No such run is open. Had it ended its job, ending it once more changes nothing.
            if self._cancelling:
                await self._end_job(job, FailureCode.CANCELLED)

    async def _start_child(self, job: JobRef) -> ChildWorkflowHandle[DocumentWorkflow, DocumentOutcome]:
        request = self._request
        attributes = [
            SearchAttributePair(names.USER, request.user_id),
            SearchAttributePair(names.PLAN, request.plan),
            SearchAttributePair(names.BATCH, request.batch_id),
        ]
        if self._strategy is not None:
            attributes.append(SearchAttributePair(names.STRATEGY, self._strategy))
        self._being_started += 1
        try:
            started = await workflow.start_child_workflow(
                DocumentWorkflow.run,
                DocumentInput(
                    job_id=job.job_id,
                    document_id=job.document_id,
                    user_id=request.user_id,
                    attempt=job.attempt,
                    batch_id=request.batch_id,
                    plan=request.plan,
                    tagged=request.tagged,
                    position=job.position,
                ),
                id=names.document_workflow_id(job.document_id, job.attempt),
                # Where its reading waits too: the server may then hand a worker the reading together with what it asked for it.
                task_queue=None if self._reader is None else names.reading_queue(self._reader),
                task_timeout=options.WORKFLOW_TASK_TIMEOUT,
                # A batch's run that continues as new, or is terminated, must not take its documents along.
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                priority=Priority(
                    fairness_key=request.user_id[:64], fairness_weight=fairness_weight(request.plan, job.position)
                ),
                search_attributes=TypedSearchAttributes(attributes) if request.tagged else None,
                static_summary=f"Document {job.position + 1} of its batch, {request.plan} plan",
            )
            self._confirmed += 1
            return started
        finally:
            self._being_started -= 1

    async def _end_job(self, job: JobRef, code: FailureCode) -> None:
        ending = JobEnding(job_id=job.job_id, user_id=self._request.user_id, code=code)
        await database_step(ports.end_without_result, ending, f"end: {code}")

    async def _read_manifest(self, after_position: int, limit: int = options.MANIFEST_PAGE) -> ManifestPage:
        """Live jobs after a position; takes over what the columns say that the operator wants."""
        request = ManifestRequest(
            batch_id=self._batch.batch_id, user_id=self._batch.user_id, after_position=after_position, limit=limit
        )
        self._looks += 1
        look = self._looks
        page = await database_step(ports.read_manifest, request, "read manifest")
        if look > self._latest_look:
            # Of two looks at the same time the later one is right, whichever answer comes first.
            self._latest_look = look
            self._paused = page.paused
            self._cancelling = self._cancelling or page.cancel_requested
            self._introduce(page)
            self._describe()
        return page

    def _finished(self, settled: BatchSettled) -> BatchOutcome:
        workflow.set_current_details(f"Ended: {settled.status}")
        self._tag(settled.status)
        return BatchOutcome(
            status=settled.status, completed=settled.completed, failed=settled.failed, cancelled=settled.cancelled
        )

    def _describe(self) -> None:
        reason = self._waiting_for()
        details = f"{len(self._running)} running, {self._waiting()} waiting"
        workflow.set_current_details(f"{details}; waits for {reason}" if reason else details)
        self._tag("paused" if self._paused else "processing")

    def _introduce(self, page: ManifestPage) -> None:
        """Leave on each run of the chain how much there is, for who looks while no worker answers."""
        self._strategy = page.strategy
        self._reader = page.reader
        about = {"documents": page.documents, "pages": page.pages}
        if page.strategy is not None and workflow.memo() != about:
            workflow.upsert_memo(about)

    def _tag(self, status: str) -> None:
        """Keep the search attributes true: an event when one changes, never one per document."""
        if not self._request.tagged:
            return
        wanted = [names.STATUS.value_set(status)]
        if self._strategy is not None:
            wanted.append(names.STRATEGY.value_set(self._strategy))
        known = workflow.info().typed_search_attributes
        if changes := [update for update in wanted if known.get(update.key) != update.value]:
            workflow.upsert_search_attributes(changes)

    async def _continue_as_new(self, unstarted: ManifestPage | None = None) -> None:
        """Hand over to the next run: where the manifest goes on, what of it is read already, and which documents still run.

        The server refuses when it has news that this run has not heard, such as the end of a document. Then the worker has to go
        through the whole history again to try once more, while nothing starts: so runs are short, and where documents are, which end
        often, a run waits for them. With long ones, which fill the window and rarely end just then, that would cost more than it saves.
        """
        if self._comes_to_rest and len(self._running) < options.WINDOW // 2:
            with suppress(TimeoutError):
                await workflow.wait_condition(lambda: not self._running, timeout=options.REST)
        # A child whose start the server has not confirmed yet could get lost between two runs, and so could a wish.
        await workflow.wait_condition(lambda: not self._being_started and workflow.all_handlers_finished())
        if unstarted is not None:
            # No more than the window may start before the next look; and after a wish of the operator's, nothing before one.
            jobs = unstarted.jobs[: options.WINDOW]
            remaining = unstarted.remaining + len(unstarted.jobs) - len(jobs)
            unstarted = None if self._paused or self._cancelling else replace(unstarted, jobs=jobs, remaining=remaining)
        workflow.continue_as_new(
            replace(
                self._request,
                after_position=self._after_position,
                stragglers=list(self._running.values()),
                upcoming=unstarted,
            )
        )
