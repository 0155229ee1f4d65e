"""The life of one export: write the file, or an end that says why there is none."""

import asyncio

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from ingestio.domain.batches import ExtractionStatus
    from ingestio.domain.exports import ExportFailure
    from ingestio.domain.messages import ExportEnding, ExportInput, ExportOutcome, ExportRef
    from ingestio.domain.plans import fairness_weight
    from workflows import names, options, ports
    from workflows.steps import database_step, long_step


@workflow.defn
class ExportWorkflow:
    """Makes one export. How far it has come stands in its row."""

    @workflow.run
    async def run(self, request: ExportInput) -> ExportOutcome:
        try:
            outcome = await long_step(
                ports.write_export,
                ExportRef(request.export_id, request.user_id),
                queue=names.EXPORT_QUEUE,
                timeout=options.EXPORT_TIMEOUT,
                priority=Priority(fairness_key=request.user_id[:64], fairness_weight=fairness_weight(request.plan)),
                summary="gather and write",
            )
        except (asyncio.CancelledError, ActivityError) as error:
            outcome = await self._end(request, _reason(error))
        if request.tagged and outcome.status is not ExtractionStatus.COMPLETED:
            workflow.upsert_search_attributes([names.STATUS.value_set(outcome.status)])
        return outcome

    async def _end(self, request: ExportInput, code: str) -> ExportOutcome:
        """End it without a file. A cancel that arrives now changes nothing: it is ending anyway."""
        ending = ExportEnding(request.export_id, request.user_id, code)
        while True:
            try:
                return await database_step(ports.end_export, ending, f"end: {code}")
            except (asyncio.CancelledError, ActivityError) as error:
                if not is_cancelled_exception(error):
                    raise


def _reason(error: BaseException) -> str:
    """The public code for why there is no file; whatever we did not type ourselves is `internal`."""
    if is_cancelled_exception(error):
        return ExportFailure.CANCELLED
    cause = error.__cause__
    if isinstance(cause, ApplicationError) and cause.type in ExportFailure._value2member_map_:
        return str(cause.type)
    return ExportFailure.INTERNAL
