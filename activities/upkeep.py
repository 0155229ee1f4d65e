"""Upkeep: Postgres says what should run; this makes it so (R67)."""

import logging
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client

from activities.failures import database_step
from activities.heartbeats import heartbeating
from ingestio.bootstrap import WorkerDeps
from ingestio.db.session import service_session
from ingestio.domain.messages import BatchInput, DocumentInput
from ingestio.services import upkeep
from workflows import client as workflows

logger = logging.getLogger(__name__)

# A front door that has just committed is about to start the run itself; upkeep looks at what is older.
GRACE = timedelta(seconds=10)
ROUND_LIMIT = 500
STAGING_LEFTOVER_SECONDS = 24 * 3600.0


class UpkeepActivities:
    """Implements `ports.reconcile`."""

    def __init__(self, deps: WorkerDeps, client: Client, *, tagged: bool) -> None:
        self._deps = deps
        self._client = client
        self._tagged = tagged

    @activity.defn
    @database_step
    async def reconcile(self) -> int:
        async with heartbeating():
            return await self.start_what_waits(GRACE)

    async def start_what_waits(self, grace: timedelta) -> int:
        """Open a run for every committed batch and lone job that moved last before `grace`; an open run is left alone.

        Answers how many were looked at. The worker calls it once at its start, without grace.
        """
        before = self._deps.clock() - grace
        async with service_session(self._deps.engine) as session:
            batches = await upkeep.unfinished_batches(session, before, ROUND_LIMIT)
            lone = await upkeep.unfinished_documents(session, before, ROUND_LIMIT)
        for batch in batches:
            request = BatchInput(batch.batch_id, batch.user_id, batch.plan, tagged=self._tagged)
            await workflows.ensure_batch(self._client, request)
            # The nudges may have been lost; a run that knows already takes no harm.
            if batch.cancel_requested:
                await workflows.cancel_batch(self._client, batch.batch_id)
            else:
                await self._follow_pause(batch)
        for job in lone:
            await workflows.ensure_document(
                self._client,
                DocumentInput(
                    job.job_id, job.document_id, job.user_id, job.attempt, plan=job.plan, tagged=self._tagged
                ),
            )
        await self._deps.store.sweep_staging(STAGING_LEFTOVER_SECONDS)
        if batches or lone:
            logger.info("upkeep looked at %d batches and %d lone documents", len(batches), len(lone))
        return len(batches) + len(lone)

    async def _follow_pause(self, batch: upkeep.UnfinishedBatch) -> None:
        """A run that was told to pause waits for its resume and looks at no row meanwhile, so a lost signal would stop it for ever."""
        progress = await workflows.ask_progress(self._client, batch.batch_id)
        if progress is not None and progress.paused != batch.paused:
            nudge = workflows.pause_batch if batch.paused else workflows.resume_batch
            await nudge(self._client, batch.batch_id)
