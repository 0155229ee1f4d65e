"""Schedules: what the workflow server starts by the clock."""

from dataclasses import replace
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError

from workflows import names
from workflows.upkeep import UpkeepWorkflow

# While a round is open no other is started. One that can never end (terminated workers, code that no longer fits it) must not be the
# last one: the server closes it after this.
UPKEEP_RUN_TIMEOUT = timedelta(minutes=15)

_RPC_TIMEOUT = timedelta(seconds=5)


async def ensure_upkeep_schedule(client: Client, interval: timedelta) -> bool:
    """One schedule for the whole namespace, made or brought up to date; False where the server has or allows none.

    What an operator did to it, pausing above all, stays.
    """
    wanted = Schedule(
        action=ScheduleActionStartWorkflow(
            UpkeepWorkflow.run,
            id=names.UPKEEP_ID,
            task_queue=names.ORCHESTRATION_QUEUE,
            execution_timeout=UPKEEP_RUN_TIMEOUT,
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=interval)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    try:
        try:
            await client.create_schedule(names.UPKEEP_ID, wanted, rpc_timeout=_RPC_TIMEOUT)
        except ScheduleAlreadyRunningError:
            await _bring_up_to_date(client, wanted)
    except RPCError:
        return False
    return True


async def _bring_up_to_date(client: Client, wanted: Schedule) -> None:
    def change(found: ScheduleUpdateInput) -> ScheduleUpdate | None:
        present = found.description.schedule
        if _essence(present) == _essence(wanted):
            return None
        return ScheduleUpdate(replace(wanted, state=present.state))

    await client.get_schedule_handle(names.UPKEEP_ID).update(change, rpc_timeout=_RPC_TIMEOUT)


def _essence(schedule: Schedule) -> tuple[object, ...]:
    """What we decide of a schedule; the server fills in the rest."""
    action = schedule.action
    if not isinstance(action, ScheduleActionStartWorkflow):
        return ()
    intervals = tuple(each.every for each in schedule.spec.intervals)
    return (
        action.workflow, action.id, action.task_queue, action.execution_timeout, len(action.args), intervals, schedule.policy.overlap,
    )  # fmt: skip
