"""Billing: what follows a webhook of Stripe's."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from ingestio.domain.messages import StripeEventRef
    from workflows import ports

# Two reads at Stripe of at most eight seconds each with one repeat, and a few short transactions.
APPLY_TIMEOUT = timedelta(seconds=60)
# A few minutes of trying. The inbox keeps what failed, and upkeep goes on with longer pauses for as long as it takes.
APPLY_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=8,
)


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
                start_to_close_timeout=APPLY_TIMEOUT,
                retry_policy=APPLY_RETRY,
                summary="read from Stripe, take over",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return False
        return True
