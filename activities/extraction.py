"""Extraction: the provider reads the document, its answer goes into storage and is committed, the history gets counts."""

import dataclasses
import json
from pathlib import Path
from typing import Any
from uuid import UUID

from temporalio import activity

from activities.failures import long_step
from activities.files import stored_file
from activities.heartbeats import heartbeating
from activities.outages import Outage
from activities.reuse import reuse_key, taken_over
from activities.spending import keep_spent, spent_before
from activities.usage import commit
from activities.watching import asking
from ingestio.bootstrap import WorkerDeps
from ingestio.db import steps
from ingestio.db.session import service_connection
from ingestio.db.steps import Work
from ingestio.domain.fields import Extraction, ModelUsage
from ingestio.domain.messages import Extracted, JobRequest
from ingestio.errors import ObjectMissing
from ingestio.extraction.base import CutOff, ExtractRequest, Provider
from ingestio.extraction.schemas import DOCUMENT_TYPES
from ingestio.services import jobs
from ingestio.storage.keys import extraction_key

# Below, the runner-up is about as likely: what a model calls low certainty, and rules whose evidence is thin or divided.
_SURE_OF_TYPE = 0.6
LIVE, BULK = "live", "bulk"


class ExtractionActivities:
    """Implements `ports.extract_document`."""

    def __init__(self, deps: WorkerDeps) -> None:
        self._deps = deps

    @activity.defn
    @long_step
    async def extract_document(self, request: JobRequest) -> Extracted:
        outage = Outage(self._deps.settings.model_wait_seconds, self._deps.clock)
        async with heartbeating(*outage.details):
            async with service_connection(self._deps.engine) as connection:
                work = await steps.read(connection, request.user_id, UUID(request.job_id))
                if work is None:
                    # An earlier attempt committed and was killed before it could say so, or somebody ended the job meanwhile.
                    return Extracted("", 0, 0, await jobs.outcome_of(connection, request.user_id, UUID(request.job_id)))
            answer = (
                # An earlier attempt got this far and was killed: the model is not asked, nor paid, again.
                await self._stored(request)
                or await taken_over(self._deps, request, work)
                or await self._read(request, work, outage)
            )
            outcome = await commit(self._deps, request, answer)
        said = json.loads(answer)
        return Extracted(said["document_type"], said["input_tokens"], said["output_tokens"], outcome)

    async def _stored(self, request: JobRequest) -> bytes | None:
        try:
            return await self._deps.store.get_bytes(extraction_key(request.user_id, request.job_id), request.user_id)
        except ObjectMissing:
            return None

    async def _read(self, request: JobRequest, work: Work, outage: Outage) -> bytes:
        """Have the provider read the document, and put its answer into storage."""
        before = await spent_before(self._deps, request)
        try:
            async with stored_file(self._deps, work) as path:
                with outage.watched(), asking(self._deps.provider, "extract") as asked:
                    extraction = await self._deps.provider.extract(request_for(work, path))
                    asked.spent(extraction.usage)
        except CutOff as cut_off:
            await keep_spent(self._deps, request, before + cut_off.usage)
            raise
        extraction = dataclasses.replace(extraction, usage=before + extraction.usage)
        answer = serialise(extraction, work, self._deps.provider)
        key = extraction_key(request.user_id, request.job_id)
        await self._deps.store.put_bytes(key, request.user_id, answer)
        return answer


def request_for(work: Work, path: Path) -> ExtractRequest:
    """What a provider is asked about a job's document."""
    return ExtractRequest(
        path=path,
        mime_type=work.mime_type,
        page_count=work.page_count,
        document_type=work.document_type,
        prompt=_own_prompt(work),
        custom_instructions=work.options.get("custom_instructions"),
    )


def type_doubts(work: Work) -> list[dict[str, Any]]:
    """A flag where the classifier that chose the fields was not sure: another type's fields may have been meant (R76)."""
    found = work.options.get("classification")
    if not found or found["confidence"] >= _SURE_OF_TYPE:
        return []
    return [{"code": "type_uncertain", "document_type": work.document_type, "runner_up": found["runner_up"]}]


def spent_on(extraction: Extraction, work: Work) -> ModelUsage:
    """What the document's answer cost, the question of its type included."""
    classification = work.options.get("classification") or {}
    return ModelUsage(**classification.get("usage", {})) + extraction.usage


def unmet_wishes(work: Work, lane: str) -> list[dict[str, Any]]:
    """A flag where the cheaper bulk lane was asked for and the document was not read there: it is not set up, or did not do it in time."""
    wanted = work.options.get("lane")
    return [{"code": "lane_not_available", "lane": "bulk"}] if wanted == "bulk" != lane else []


def _own_prompt(work: Work) -> str | None:
    """The prompt as the user wrote it; None when it is only the default of the document's type, whose fields are known anyway."""
    kind = work.document_type
    if kind is not None and kind in DOCUMENT_TYPES and work.prompt == DOCUMENT_TYPES[kind].default_prompt:
        return None
    return work.prompt


def serialise(extraction: Extraction, work: Work, provider: Provider, lane: str = LIVE) -> bytes:
    """The stored form of an answer: what `services.jobs.commit` saves, as JSON, with the key of the question that it answers."""
    fields = [
        {
            "path": item.path,
            "value": item.value,
            "state": item.state.value,
            "confidence": round(item.confidence, 4),
            "evidence": [dataclasses.asdict(place) for place in item.evidence],
        }
        for item in extraction.fields
    ]
    answer = {
        "document_type": extraction.document_type,
        "provider": extraction.provider,
        "model": extraction.model,
        "schema_version": extraction.schema_version,
        "data": extraction.data,
        "fields": fields,
        "flags": [*extraction.flags, *type_doubts(work), *unmet_wishes(work, lane)],
        **dataclasses.asdict(spent_on(extraction, work)),
        "reuse_key": reuse_key(work, provider),
    }
    return json.dumps(answer, ensure_ascii=False).encode()
