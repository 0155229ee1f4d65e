"""Starting and steering runs after the rows are committed: Temporal being away delays work, it fails no request (R67)."""

import asyncio
import logging
from datetime import timedelta
from uuid import UUID

from temporalio.client import Client

from ingestio.domain.messages import BatchInput, BatchProgress, DocumentInput, ExportInput
from ingestio.errors import Unavailable
from ingestio.temporal import ensure_search_attributes
from workflows import client as workflows

logger = logging.getLogger("ingestio.api")

_LOOK_UP_SECONDS = 2.0


class Runs:
    """The runs of batches, lone documents and exports, reached through one client that may not be connected yet."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tagged = False

    async def start_batch(self, user_id: str, batch_id: UUID, plan: str) -> None:
        """Open the batch's run, or have the open one look for new jobs. If that fails, the reconciler does it."""
        try:
            request = BatchInput(str(batch_id), user_id, plan, tagged=await self._server_knows_tags())
            await workflows.start_batch(self._client, request)
        except Unavailable as error:
            logger.warning("a batch starts later: %s", error.detail, extra={"batch_id": str(batch_id)})

    async def start_document(self, user_id: str, document_id: UUID, job_id: UUID, attempt: int, plan: str) -> None:
        """Open the run of a lone document's attempt. If that fails, the reconciler does it."""
        try:
            tagged = await self._server_knows_tags()
            await workflows.ensure_document(
                self._client,
                DocumentInput(str(job_id), str(document_id), user_id, attempt, plan=plan, tagged=tagged),
            )
        except Unavailable as error:
            logger.warning("a document starts later: %s", error.detail, extra={"document_id": str(document_id)})

    async def start_export(self, user_id: str, export_id: UUID, plan: str) -> None:
        """Open the run of an export. If that fails, the reconciler does it."""
        try:
            tagged = await self._server_knows_tags()
            await workflows.ensure_export(self._client, ExportInput(str(export_id), user_id, plan, tagged=tagged))
        except Unavailable as error:
            logger.warning("an export starts later: %s", error.detail, extra={"export_id": str(export_id)})

    async def nudge_batch(self, batch_id: UUID) -> None:
        """A wish (cancel, pause, resume) is a column now: let the run look. If that fails, the reconciler does it."""
        try:
            await workflows.nudge_batch(self._client, str(batch_id))
        except Unavailable as error:
            logger.warning("a wish is followed later: %s", error.detail, extra={"batch_id": str(batch_id)})

    async def cancel_document(self, document_id: UUID, attempt: int) -> None:
        """Nudge: the job has ended already, so a run that goes on finds nothing to do."""
        try:
            await workflows.cancel_document(self._client, str(document_id), attempt)
        except Unavailable as error:
            logger.warning("a run stops later: %s", error.detail, extra={"document_id": str(document_id)})

    async def erase_account(self, user_id: str) -> None:
        """Open the run that erases a closed account. If that fails, the reconciler does it."""
        try:
            await workflows.ensure_erasure(self._client, user_id)
        except Unavailable as error:
            logger.warning("an account is erased later: %s", error.detail)

    async def cancel_export(self, export_id: UUID) -> None:
        """Nudge: the export has ended already, or is gone, so a run that goes on finds nothing to do."""
        try:
            await workflows.cancel_export(self._client, str(export_id))
        except Unavailable as error:
            logger.warning("a run stops later: %s", error.detail, extra={"export_id": str(export_id)})

    async def follow_stripe(self, event_id: str) -> None:
        """Have an event followed that is in the inbox. If that fails, upkeep does it."""
        try:
            await workflows.start_stripe_event(self._client, event_id)
        except Unavailable as error:
            logger.warning("an event is followed later: %s", error.detail, extra={"event_id": event_id})

    async def progress(self, batch_id: UUID) -> BatchProgress | None:
        """What the open run says of itself within a second, None when it does not."""
        return await workflows.ask_progress(self._client, str(batch_id))

    async def check(self, timeout: timedelta) -> None:
        """Raises an error of whatever kind unless the server answers in time."""
        async with asyncio.timeout(timeout.total_seconds()):
            if not await self._client.service_client.check_health(timeout=timeout):
                raise Unavailable("The workflow server does not serve.")

    async def _server_knows_tags(self) -> bool:
        """Whether runs may carry search attributes; asked until the answer is yes, because the server may have been away.

        Raises Unavailable when it does not answer: whoever waits for our own answer need not wait for a second question to fail.
        """
        if not self._tagged:
            try:
                async with asyncio.timeout(_LOOK_UP_SECONDS):
                    self._tagged = await ensure_search_attributes(self._client)
            except TimeoutError as error:
                raise Unavailable("The workflow server did not answer.") from error
        return self._tagged
