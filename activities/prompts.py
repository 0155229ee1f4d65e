"""Prompts: which one a document gets, and the classification that `auto` needs first."""

import dataclasses
from uuid import UUID

from temporalio import activity

from activities.failures import database_step, long_step
from activities.files import stored_file
from activities.heartbeats import heartbeating
from activities.outages import Outage
from activities.watching import asking
from ingestio.bootstrap import WorkerDeps
from ingestio.db.session import service_connection
from ingestio.domain.messages import Classified, JobRequest, PromptResolved
from ingestio.extraction.base import OTHER, ClassifyRequest
from ingestio.extraction.schemas import DOCUMENT_TYPES
from ingestio.services import jobs


class PromptActivities:
    """Implements `ports.resolve_prompt` and `ports.classify_document`."""

    def __init__(self, deps: WorkerDeps) -> None:
        self._deps = deps

    @activity.defn
    @database_step
    async def resolve_prompt(self, request: JobRequest) -> PromptResolved:
        async with service_connection(self._deps.engine) as connection:
            needed = await jobs.resolve_prompt(connection, request.user_id, UUID(request.job_id))
        return PromptResolved(needs_classification=needed)

    @activity.defn
    @long_step
    async def classify_document(self, request: JobRequest) -> Classified:
        user_id, job_id = request.user_id, UUID(request.job_id)
        outage = Outage(self._deps.settings.model_wait_seconds, self._deps.clock)
        async with heartbeating(*outage.details):
            async with service_connection(self._deps.engine) as connection:
                work = await jobs.load(connection, user_id, job_id)
            found, classification = OTHER, None
            if not work.options.get("skip_classification"):
                async with stored_file(self._deps, work) as path:
                    with outage.watched(), asking(self._deps.provider, "classify") as asked:
                        answer = await self._deps.provider.classify(
                            ClassifyRequest(path, work.mime_type, work.page_count)
                        )
                        asked.spent(answer.usage)
                found = answer.document_type if answer.document_type in DOCUMENT_TYPES else OTHER
                classification = {
                    "confidence": answer.confidence,
                    "runner_up": answer.runner_up,
                    "usage": dataclasses.asdict(answer.usage),
                }
            async with service_connection(self._deps.engine) as connection:
                await jobs.save_classification(
                    connection,
                    user_id,
                    job_id,
                    found,
                    DOCUMENT_TYPES[found].default_prompt,
                    classification,
                )
        return Classified(document_type=found)
