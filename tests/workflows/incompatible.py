"""Workflows as a careless change would leave them: each does the right things, and not in the order of runs that are under way."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from ingestio.domain.messages import BatchInput, BatchOutcome, DocumentInput, DocumentOutcome
    from workflows.batches import BatchWorkflow
    from workflows.documents import DocumentWorkflow

PAUSE = timedelta(seconds=1)


@workflow.defn(name="DocumentWorkflow")
class DocumentThatWaitsFirst(DocumentWorkflow):
    """A step more at the beginning."""

    @workflow.init
    def __init__(self, request: DocumentInput) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, _request: DocumentInput) -> DocumentOutcome:
        await workflow.sleep(PAUSE)
        return await super().run(_request)


@workflow.defn(name="BatchWorkflow")
class BatchThatWaitsFirst(BatchWorkflow):
    """A step more at the beginning."""

    @workflow.init
    def __init__(self, request: BatchInput) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: BatchInput) -> BatchOutcome:
        await workflow.sleep(PAUSE)
        return await super().run(request)
