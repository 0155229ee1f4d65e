"""The life of one delivery: try, wait longer each time, and give up after days."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from ingestio.domain.batches import ExtractionStatus
    from ingestio.domain.messages import DeliveryEnding, DeliveryOutcome, DeliveryRef
    from workflows import names, options, ports
    from workflows.steps import database_step


@workflow.defn
class DeliveryWorkflow:
    """Brings one event to one endpoint. Its row says when the next attempt is."""

    @workflow.run
    async def run(self, request: DeliveryRef) -> DeliveryOutcome:
        try:
            while True:
                outcome = await workflow.execute_activity(
                    ports.deliver_webhook,
                    request,
                    task_queue=names.WEBHOOK_QUEUE,
                    start_to_close_timeout=options.WEBHOOK_ATTEMPT_TIMEOUT,
                    retry_policy=options.EXTRACTION_RETRY,
                    priority=Priority(fairness_key=request.user_id[:64]),
                    summary="send",
                )
                if outcome.pause_seconds is None:
                    return outcome
                workflow.set_current_details(f"Waits {outcome.pause_seconds:.0f} s for attempt {outcome.attempts + 1}")
                await workflow.sleep(timedelta(seconds=outcome.pause_seconds))
        except (asyncio.CancelledError, ActivityError) as error:
            cancelled = is_cancelled_exception(error)
            return await self._end(request, ExtractionStatus.CANCELLED if cancelled else ExtractionStatus.FAILED)

    async def _end(self, request: DeliveryRef, status: ExtractionStatus) -> DeliveryOutcome:
        """End it undelivered. A cancel that arrives now changes nothing: it is ending anyway."""
        ending = DeliveryEnding(request.delivery_id, request.user_id, status)
        while True:
            try:
                return await database_step(ports.end_delivery, ending, f"end: {status}")
            except (asyncio.CancelledError, ActivityError) as error:
                if not is_cancelled_exception(error):
                    raise
