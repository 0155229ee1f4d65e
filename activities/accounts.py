"""Accounts: ending what runs for a user, then erasing what is theirs (R86)."""

import asyncio
import time
from uuid import UUID

from temporalio import activity
from temporalio.client import Client

from activities.billing import BillingActivities
from activities.failures import database_step
from activities.heartbeats import heartbeating
from ingestio.bootstrap import WorkerDeps
from ingestio.db import accounts, endings, tombstones
from ingestio.db.session import service_session
from ingestio.domain.messages import AccountErased, BatchInput, UserRef, WorkEnded
from ingestio.errors import FailureCode
from ingestio.services import erasures, jobs
from workflows import client as workflows

# A cancel is followed within seconds (a running model call learns of it with its next heartbeat); a worker that is starting needs longer.
PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.5
# A nudge may be lost with the run it was for; a new run reads the wish, so repeating it is a precaution and need not be frequent.
_LOOKS_PER_NUDGE = 20


class AccountActivities:
    """Implements `ports.end_work_of_user` and `ports.erase_account`."""

    def __init__(self, deps: WorkerDeps, client: Client, *, tagged: bool) -> None:
        self._deps = deps
        self._client = client
        self._tagged = tagged

    @activity.defn
    @database_step
    async def end_work_of_user(self, request: UserRef) -> WorkEnded:
        async with heartbeating():
            return await self.end_all(request.user_id, PATIENCE_SECONDS)

    @activity.defn
    @database_step
    async def erase_account(self, request: UserRef) -> AccountErased:
        async with heartbeating():
            return AccountErased(await self.erase_all(request.user_id))

    async def erase_all(self, user_id: str) -> int:
        """Erase a closed account; answers how many objects went.

        What is paid for ends first, and the id is forgotten last, because all is found by it.
        """
        engine = self._deps.engine
        async with service_session(engine) as session:
            is_closed = await tombstones.is_being_erased(session, user_id)
        if is_closed:
            await BillingActivities(self._deps).cancel_all(user_id)
        left = True
        while left:
            async with service_session(engine) as session:
                left = await erasures.erase_some(session, user_id)
        async with service_session(engine) as session:
            may_erase = await erasures.erase_rest(session, user_id, self._deps.clock())
        if not may_erase:
            return 0
        objects = await self._deps.store.delete_prefix(user_id, user_id)
        async with service_session(engine) as session:
            await erasures.finish_erasure(session, user_id, self._deps.clock())
        return objects

    async def end_all(self, user_id: str, patience_seconds: float) -> WorkEnded:
        """Cancel all that runs for a user and wait for its end; what is submitted meanwhile is cancelled too.

        `still_open` in the answer is what had not ended after `patience_seconds`; ask again. Raises Unavailable.
        """
        deadline = time.monotonic() + patience_seconds
        batches: set[UUID] = set()
        documents: set[UUID] = set()
        looks = 0
        while True:
            running = await self._cancel_batches(user_id, nudge=looks % _LOOKS_PER_NUDGE == 0)
            ended, left = await self._end_lone(user_id)
            batches.update(running)
            documents.update(ended)
            still_open = len(running) + left
            if not still_open or time.monotonic() > deadline:
                return WorkEnded(len(batches), len(documents), still_open)
            await asyncio.sleep(_LOOK_SECONDS)
            looks += 1

    async def _cancel_batches(self, user_id: str, *, nudge: bool) -> list[UUID]:
        """Wish every running batch cancelled; answers which there are. Each needs an open run, to come to its end."""
        async with service_session(self._deps.engine) as session:
            running = await endings.wish_all_cancelled(session, user_id)
            profile = await accounts.read_profile(session, user_id)
        if nudge and profile is not None:
            for batch_id in running:
                request = BatchInput(str(batch_id), user_id, profile.membership.value, tagged=self._tagged)
                await workflows.ensure_batch(self._client, request)
                await workflows.nudge_batch(self._client, str(batch_id))
        return running

    async def _end_lone(self, user_id: str) -> tuple[list[UUID], int]:
        """End every lone job here and now, and tell its run to stop; answers their documents, and how many jobs of batches are live."""
        async with service_session(self._deps.engine) as session:
            live = await endings.live_jobs(session, user_id)
        lone = [(job_id, document_id, attempt) for job_id, document_id, attempt, batch_id in live if batch_id is None]
        for job_id, document_id, attempt in lone:
            async with service_session(self._deps.engine) as session:
                await jobs.end(session, user_id, job_id, FailureCode.CANCELLED)
            await workflows.cancel_document(self._client, str(document_id), attempt)
        return [document_id for _, document_id, _ in lone], len(live) - len(lone)
