"""Committed work without an open run, and runs that missed a nudge: Postgres says what should run, Temporal what does (R67).

Whoever terminates a run in the Temporal UI, whatever fails or times one out, it is found here: only an open run counts.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.repairs.base import Ground, Repair
from ingestio.db import tombstones, upkeep, webhooks
from ingestio.db.session import service_session
from ingestio.db.upkeep import LiveExport, LiveJob, RunningBatch
from ingestio.domain.findings import Finding, FindingKind, FoundPage
from ingestio.domain.messages import BatchInput, DeliveryRef, DocumentInput, ExportInput
from ingestio.services.findings import start
from workflows import client as workflows
from workflows import names

# Looked at every round: these rows are few and found by index, and somebody waits for each.
EVERY_ROUND = timedelta(0)
DELIVERIES_REST = timedelta(minutes=10)
PAGE = 250
PAGES = 8
_ASKED_AT_ONCE = 16
_RPC_TIMEOUT = timedelta(seconds=5)

_Answer = TypeVar("_Answer")
_Key = TypeVar("_Key", UUID, str)


def run_repairs(ground: Ground, client: Client) -> list[Repair]:
    """Batches first: a batch's run takes care of its documents."""
    runs = _Runs(ground, client)
    looks = (
        (FindingKind.BATCH_WITHOUT_RUN, "batch runs", runs.batches_without_run, runs.open_batch),
        (FindingKind.WISH_NOT_FOLLOWED, "wishes", runs.wishes_not_followed, runs.repeat_wish),
        (FindingKind.LONE_DOCUMENT_WITHOUT_RUN, "document runs", runs.lone_without_run, runs.open_document),
        (FindingKind.BATCH_DOCUMENT_WITHOUT_RUN, "batch document runs", runs.started_without_run, runs.open_document),
        (FindingKind.ERASURE_WITHOUT_RUN, "account erasures", runs.erasures_without_run, runs.open_erasure),
        (FindingKind.EXPORT_WITHOUT_RUN, "export runs", runs.exports_without_run, runs.open_export),
    )
    found = [Repair(kind, title, find, mend, rest=EVERY_ROUND, pages=PAGES) for kind, title, find, mend in looks]
    # Deliveries wait for days where a receiver is away, so there may be many, and nobody sits and waits for one.
    kind, title = FindingKind.DELIVERY_WITHOUT_RUN, "webhook runs"
    found.append(
        Repair(kind, title, runs.deliveries_without_run, runs.open_delivery, rest=DELIVERIES_REST, pages=PAGES)
    )
    return found


class _Runs:
    """Looks through rows and asks Temporal about each, a few at a time."""

    def __init__(self, ground: Ground, client: Client) -> None:
        self._ground = ground
        self._client = client

    async def batches_without_run(self, after: str | None) -> FoundPage:
        """Queued or processing batches whose run is closed or was never opened."""
        page = await self._batches(after)
        closed = await self._closed({each.id: names.batch_workflow_id(str(each.id)) for each in page})
        if closed:
            # A run that ended well meanwhile ended its batch first.
            async with service_session(self._ground.engine) as session:
                closed = await upkeep.still_running(session, list(closed))
        found = [
            Finding(FindingKind.BATCH_WITHOUT_RUN, str(each.id), each.user_id, "is under way and has no open run")
            for each in page
            if each.id in closed
        ]
        return FoundPage(found, _next(page))

    async def wishes_not_followed(self, after: str | None) -> FoundPage:
        """Batches whose run does not do what the columns ask: the wish is committed first, and its signal can be lost.

        Asking costs the worker a query, so only those are asked of which a lost nudge could be true: a batch that is to pause, and
        one that does not move.
        """
        page = await self._batches(after)
        asked = [each for each in page if each.idle or each.paused]
        wishes = await _some_at_once(self._unfollowed(each) for each in asked)
        found = [
            Finding(FindingKind.WISH_NOT_FOLLOWED, str(each.id), each.user_id, f"its run does not follow: {wish}")
            for each, wish in zip(asked, wishes, strict=True)
            if wish is not None
        ]
        return FoundPage(found, _next(page))

    async def lone_without_run(self, after: str | None) -> FoundPage:
        """Lone documents that are queued or processing and whose attempt's run is closed or was never opened."""
        async with service_session(self._ground.engine) as session:
            page = await upkeep.live_lone_jobs(session, start(after), PAGE, self._before())
        return await self._without_run(FindingKind.LONE_DOCUMENT_WITHOUT_RUN, page)

    async def started_without_run(self, after: str | None) -> FoundPage:
        """Documents of batches that were started, or left behind by a batch that ended, and whose run is closed.

        The batch's own run notices a child that it waits for; this finds the child that nobody waits for any more.
        """
        async with service_session(self._ground.engine) as session:
            page = await upkeep.live_batch_jobs(session, start(after), PAGE, self._before())
        return await self._without_run(FindingKind.BATCH_DOCUMENT_WITHOUT_RUN, page)

    async def erasures_without_run(self, after: str | None) -> FoundPage:
        """Accounts that are closed, not erased, and whose run is closed or was never opened."""
        async with service_session(self._ground.engine) as session:
            page = await tombstones.under_way(session, after or "", PAGE, self._before())
        closed = await self._closed({user_id: names.erasure_workflow_id(user_id) for user_id in page})
        if closed:
            # A run that ended well meanwhile forgot the id first.
            async with service_session(self._ground.engine) as session:
                closed &= set(await tombstones.under_way(session, after or "", PAGE, self._before()))
        found = [
            Finding(FindingKind.ERASURE_WITHOUT_RUN, user_id, user_id, "was deleted and nothing erases what is left")
            for user_id in page
            if user_id in closed
        ]
        return FoundPage(found, page[-1] if len(page) == PAGE else None)

    async def open_erasure(self, finding: Finding) -> bool:
        """Open a run that goes on erasing."""
        async with service_session(self._ground.engine) as session:
            if not await tombstones.is_being_erased(session, finding.user_id):
                return False
        await workflows.ensure_erasure(self._client, finding.user_id)
        return True

    async def exports_without_run(self, after: str | None) -> FoundPage:
        """Exports that have not ended and whose run is closed or was never opened."""
        async with service_session(self._ground.engine) as session:
            page = await upkeep.live_exports(session, start(after), PAGE, self._before())
        closed = await self._closed({each.id: names.export_workflow_id(str(each.id)) for each in page})
        async with service_session(self._ground.engine) as session:
            # A run that ended well meanwhile ended its export first.
            found = [
                each for each in page if each.id in closed and await upkeep.live_export(session, each.user_id, each.id)
            ]
        detail = "is to be made and has no open run"
        return FoundPage(
            [Finding(FindingKind.EXPORT_WITHOUT_RUN, str(each.id), each.user_id, detail) for each in found], _next(page)
        )

    async def deliveries_without_run(self, after: str | None) -> FoundPage:
        """Deliveries of webhooks that are under way and whose run is closed or was never opened."""
        async with service_session(self._ground.engine) as session:
            page = await webhooks.started(session, start(after), PAGE, self._before())
        closed = await self._closed({each: names.delivery_workflow_id(str(each)) for each, _ in page})
        async with service_session(self._ground.engine) as session:
            found = [each for each in page if each[0] in closed and await webhooks.is_live(session, each[1], each[0])]
        kind, detail = FindingKind.DELIVERY_WITHOUT_RUN, "is on its way and has no open run"
        return FoundPage(
            [Finding(kind, str(delivery_id), user_id, detail) for delivery_id, user_id in found],
            str(page[-1][0]) if len(page) == PAGE else None,
        )

    async def open_delivery(self, finding: Finding) -> bool:
        """Open a run of the delivery; it goes on after the last attempt on record."""
        async with service_session(self._ground.engine) as session:
            if not await webhooks.is_live(session, finding.user_id, UUID(finding.subject)):
                return False
        await workflows.ensure_delivery(self._client, DeliveryRef(finding.subject, finding.user_id))
        return True

    async def open_batch(self, finding: Finding) -> bool:
        """Open a run of the batch; it reads from the rows where to go on."""
        batch = await self._batch(finding)
        if batch is None:
            return False
        await workflows.ensure_batch(self._client, self._input(batch))
        return True

    async def repeat_wish(self, finding: Finding) -> bool:
        """Send the nudge once more; a run that knows already takes no harm."""
        if await self._batch(finding) is None:
            return False
        await workflows.nudge_batch(self._client, finding.subject)
        return True

    async def open_document(self, finding: Finding) -> bool:
        """Open a run of the document's live attempt; it goes on where the last one stopped, and nothing is charged twice.

        The batch's run is woken after that: it may wait for the word of a run that is gone, and asks the new one for it then.
        """
        async with service_session(self._ground.engine) as session:
            job = await upkeep.live_job_of(session, finding.user_id, UUID(finding.subject))
            batch = (
                None
                if job is None or job.batch_id is None
                else await upkeep.running_batch(session, finding.user_id, job.batch_id)
            )
        if job is None:
            return False
        await workflows.ensure_document(
            self._client,
            DocumentInput(
                str(job.id),
                str(job.document_id),
                job.user_id,
                job.attempt,
                batch_id=None if job.batch_id is None else str(job.batch_id),
                plan=job.plan,
                tagged=self._ground.tagged,
            ),
        )
        if batch is not None:
            await workflows.start_batch(self._client, self._input(batch))
        return True

    async def open_export(self, finding: Finding) -> bool:
        """Open a run of the export; it begins anew."""
        async with service_session(self._ground.engine) as session:
            export = await upkeep.live_export(session, finding.user_id, UUID(finding.subject))
        if export is None:
            return False
        await workflows.ensure_export(
            self._client, ExportInput(str(export.id), export.user_id, export.plan, tagged=self._ground.tagged)
        )
        return True

    def _input(self, batch: RunningBatch) -> BatchInput:
        return BatchInput(str(batch.id), batch.user_id, batch.plan, tagged=self._ground.tagged)

    async def _batches(self, after: str | None) -> list[RunningBatch]:
        async with service_session(self._ground.engine) as session:
            return await upkeep.running_batches(session, start(after), PAGE, self._before())

    async def _batch(self, finding: Finding) -> RunningBatch | None:
        async with service_session(self._ground.engine) as session:
            return await upkeep.running_batch(session, finding.user_id, UUID(finding.subject))

    async def _without_run(self, kind: FindingKind, page: list[LiveJob]) -> FoundPage:
        closed = await self._closed(
            {each.id: names.document_workflow_id(str(each.document_id), each.attempt) for each in page}
        )
        if closed:
            # A run that ended well meanwhile ended its job first.
            async with service_session(self._ground.engine) as session:
                closed = await upkeep.still_live(session, list(closed))
        found = [
            Finding(kind, str(each.document_id), each.user_id, "is under way and its attempt has no open run")
            for each in page
            if each.id in closed
        ]
        return FoundPage(found, _next(page))

    async def _closed(self, runs: dict[_Key, str]) -> set[_Key]:
        """Which of these have no open run, by the ids of their workflows."""
        is_open = await _some_at_once(self._is_open(workflow_id) for workflow_id in runs.values())
        return {key for key, found in zip(runs, is_open, strict=True) if not found}

    async def _is_open(self, workflow_id: str) -> bool:
        try:
            described = await self._client.get_workflow_handle(workflow_id).describe(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return described.status is WorkflowExecutionStatus.RUNNING

    async def _unfollowed(self, batch: RunningBatch) -> str | None:
        """The wish that an open run does not follow, None when it does or when there is none to ask."""
        if batch.cancel_requested:
            return "cancel" if batch.idle and await self._is_open(names.batch_workflow_id(str(batch.id))) else None
        progress = await workflows.ask_progress(self._client, str(batch.id))
        if progress is None or progress.paused == batch.paused:
            return None
        return "pause" if batch.paused else "resume"

    def _before(self) -> datetime:
        return self._ground.clock() - self._ground.grace


def _next(page: list[RunningBatch] | list[LiveJob] | list[LiveExport]) -> str | None:
    return str(page[-1].id) if len(page) == PAGE else None


async def _some_at_once(questions: Iterable[Awaitable[_Answer]]) -> list[_Answer]:
    turns = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def in_turn(question: Awaitable[_Answer]) -> _Answer:
        async with turns:
            return await question

    return await asyncio.gather(*map(in_turn, questions))
