"""The end of an account: what runs for it ends first, then everything goes (R86)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from ingestio.domain.messages import AccountErased, UserRef
    from workflows import options, ports


@workflow.defn
class AccountErasureWorkflow:
    """Erases one account that is closed. A run that is lost is opened again: the tombstone knows what is left to do."""

    @workflow.run
    async def run(self, request: UserRef) -> AccountErased:
        while (await self._end_work(request)) > 0:
            await workflow.sleep(options.END_WORK_PAUSE)
        return await workflow.execute_activity(
            ports.erase_account,
            request,
            start_to_close_timeout=options.ERASURE_TIMEOUT,
            heartbeat_timeout=options.ERASURE_HEARTBEAT,
            retry_policy=options.DATABASE_STEP_RETRY,
            summary="erase",
        )

    async def _end_work(self, request: UserRef) -> int:
        """Cancel what runs; answers how much is still on its way to its end."""
        ended = await workflow.execute_activity(
            ports.end_work_of_user,
            request,
            start_to_close_timeout=options.END_WORK_TIMEOUT,
            heartbeat_timeout=options.ERASURE_HEARTBEAT,
            retry_policy=options.DATABASE_STEP_RETRY,
            summary="end what runs",
        )
        return ended.still_open
