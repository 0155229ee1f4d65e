"""Billing: what follows a webhook of Stripe's."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from ingestio.domain.messages import StripeEventRef
    from workflows import options, ports


@workflow.defn
class StripeEventWorkflow:
    """One event, as soon as it has come. The event itself is in the inbox: a run that is lost loses nothing."""

    @workflow.run
    async def run(self, request: StripeEventRef) -> bool:
        """True when the event had its effect, False when it is left to upkeep."""
        try:
            await workflow.execute_activity(
                ports.apply_stripe_event,
                request,
                start_to_close_timeout=options.STRIPE_EVENT_TIMEOUT,
                retry_policy=options.STRIPE_EVENT_RETRY,
                summary="read from Stripe, take over",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return False
        return True
