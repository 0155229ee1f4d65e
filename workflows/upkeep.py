"""Upkeep: the reconciler, run by a schedule and once when a worker starts."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from workflows import ports

# One round is bounded; a round that fails is not insisted on, because the next one begins within the minute.
ROUND_TIMEOUT = timedelta(minutes=5)
ROUND_HEARTBEAT = timedelta(seconds=30)
ROUND_RETRY = RetryPolicy(maximum_attempts=2)


@workflow.defn
class UpkeepWorkflow:
    """One round of repairs."""

    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity(
            ports.reconcile,
            start_to_close_timeout=ROUND_TIMEOUT,
            heartbeat_timeout=ROUND_HEARTBEAT,
            retry_policy=ROUND_RETRY,
            summary="reconcile",
        )
