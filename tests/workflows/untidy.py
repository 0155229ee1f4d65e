"""A workflow as none may be: it asks the machine for the time. In a file of its own, because the sandbox imports it anew."""

import time

from temporalio import workflow


@workflow.defn
class UntidyWorkflow:
    """Would answer differently in every replay."""

    @workflow.run
    async def run(self) -> float:
        return time.time()
