"""Webhooks: one attempt at one delivery, written down with what came back."""

import random
from datetime import timedelta
from functools import cached_property
from uuid import UUID

from temporalio import activity

from activities.failures import database_step, long_step
from ingestio.bootstrap import WorkerDeps
from ingestio.db import webhooks as rows
from ingestio.db.session import service_session
from ingestio.domain.batches import ExtractionStatus
from ingestio.domain.messages import DeliveryEnding, DeliveryOutcome, DeliveryRef
from ingestio.domain.webhooks import Attempt
from ingestio.services import webhooks
from ingestio.webhooks.addresses import Addresses
from ingestio.webhooks.sending import Sender
from workflows import options


class WebhookActivities:
    """Implements `ports.deliver_webhook` and `ports.end_delivery`."""

    def __init__(self, deps: WorkerDeps) -> None:
        self._deps = deps

    @cached_property
    def _sender(self) -> Sender:
        return Sender(Addresses(self._deps.settings.webhook_networks))

    @activity.defn
    @long_step
    async def deliver_webhook(self, request: DeliveryRef) -> DeliveryOutcome:
        return await self.deliver(request.user_id, UUID(request.delivery_id))

    async def deliver(self, user_id: str, delivery_id: UUID) -> DeliveryOutcome:
        """The same outside an activity. Receivers may get an event twice when we die in between, under one id."""
        now = self._deps.clock()
        async with service_session(self._deps.engine) as session:
            due = await rows.due(session, user_id, delivery_id, now)
            if due is not None and due.is_disabled:
                await rows.end(session, user_id, delivery_id, ExtractionStatus.CANCELLED)
        if due is None or due.is_disabled:
            return DeliveryOutcome(ExtractionStatus.CANCELLED)
        if due.next_attempt_at is not None and due.next_attempt_at > now:
            # This step is repeated, or the run that waited was replaced by another: the attempt is on record, its pause is not over.
            return _waiting(due.attempts, due.next_attempt_at - now)
        body, headers = webhooks.message_of(due, now)
        attempt = await self._sender.post(due.url, body, headers)
        pause = None if attempt.succeeded else _pause(due.attempts, attempt)
        async with service_session(self._deps.engine) as session:
            status = await webhooks.conclude(session, user_id, due, attempt, self._deps.clock(), pause)
        if status is ExtractionStatus.PROCESSING and pause is not None:
            return _waiting(due.attempts + 1, pause)
        return DeliveryOutcome(status, due.attempts + 1)

    @activity.defn
    @database_step
    async def end_delivery(self, request: DeliveryEnding) -> DeliveryOutcome:
        async with service_session(self._deps.engine) as session:
            await rows.end(session, request.user_id, UUID(request.delivery_id), request.status)
        return DeliveryOutcome(request.status)


def _waiting(attempts: int, pause: timedelta) -> DeliveryOutcome:
    return DeliveryOutcome(ExtractionStatus.PROCESSING, attempts, pause.total_seconds())


def _pause(failed_before: int, attempt: Attempt) -> timedelta | None:
    """How long to wait after one more failure; None when there have been enough. Stretched by up to a tenth, so that a receiver that
    comes back is not met by everything at once; and never shorter than it asks for."""
    if failed_before >= len(options.WEBHOOK_PAUSES):
        return None
    pause = options.WEBHOOK_PAUSES[failed_before] * (1 + random.random() / 10)  # noqa: S311 - spreads load, hides nothing
    return max(pause, timedelta(seconds=attempt.retry_after_seconds or 0))
