"""The bulk lane: a batch job of Vertex AI for a document. Cheaper than a call, and answered within hours.

A job's name is ours, so whoever was killed between sending it and writing that down finds it by that name, and does not pay twice.
"""

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ingestio.domain.fields import Extraction, ModelUsage
from ingestio.domain.messages import BulkState
from ingestio.domain.windows import PageWindow
from ingestio.errors import FailureCode, ModelError
from ingestio.extraction.base import BulkRequest, CutOff, ExtractRequest, Part
from ingestio.extraction.gemini import documents, wording
from ingestio.extraction.gemini.answers import read_answer
from ingestio.extraction.gemini.questions import Unfit

if TYPE_CHECKING:
    from google.genai import types

    from ingestio.extraction.gemini.provider import GeminiProvider

MAX_DOCUMENT_BYTES: Final = 50_000_000
"""The service reads no larger file from Cloud Storage."""


class GeminiBulk:
    """The provider's bulk lane. Asks what the live lane asks; only the file is told by its address."""

    def __init__(self, provider: "GeminiProvider") -> None:
        self._provider = provider

    async def prepare(self, request: ExtractRequest, document_url: str) -> BulkRequest:
        """Raises ModelError(model_rejected) also for a document that is too large for the lane."""
        document = await documents.whole(request.path, request.mime_type)
        if document.size_bytes > MAX_DOCUMENT_BYTES:
            raise ModelError(FailureCode.MODEL_REJECTED, "The document is too large for the bulk lane.")
        document_type, usage = await self._provider.type_for(request)
        question = self._provider.question(replace(request, document_type=document_type))
        connection = await self._provider.connected()
        file = connection.stored(document_url, document.mime_type)
        body = connection.batch_request(
            [*map(connection.text, question.before), file, *map(connection.text, question.after())],
            system=wording.SYSTEM,
            schema=question.schema,
            max_output_tokens=self._provider.max_output_tokens,
        )
        line = json.dumps({"request": body}, ensure_ascii=False)
        return BulkRequest(await document.read(), f"{line}\n".encode(), document_type, usage)

    async def send(self, name: str, source_url: str, target_url: str) -> None:
        """Whoever sends the same at the same time may both find nothing yet; steps of one job come one after the other."""
        jobs = await self._provider.batch_jobs()
        if not await jobs.exists(name):
            await jobs.send(name, self._provider.model, source_url, target_url)

    async def state(self, name: str) -> BulkState:
        """A job that nobody knows any more has ended."""
        return await (await self._provider.batch_jobs()).state(name)

    async def cancel(self, name: str) -> None:
        """Raises ModelError when the service does not answer."""
        await (await self._provider.batch_jobs()).cancel(name)

    async def read(self, request: ExtractRequest, line: bytes) -> Extraction | ModelUsage:
        """Raises ModelError for an answer that was blocked, and where the service wrote an error instead of one."""
        prices = self._provider.prices()
        try:
            answer = read_answer(_response(line), prices and prices.bulk)
            if answer.problem is not None:
                return answer.usage
            found = await asyncio.to_thread(self._provider.question(request).read, answer.value)
        except CutOff as cut_off:
            return cut_off.usage
        except Unfit:
            return answer.usage
        window = PageWindow(1, max(1, request.page_count))
        model = answer.model or self._provider.model
        part = Part(window, found.data, found.document_type, model, answer.usage)
        merged = await self._provider.merge(request, [part])
        return answer.usage if merged.incomplete_pages else merged.extraction


def _response(line: bytes) -> "types.GenerateContentResponse":
    # Like the connection, only once something is to be read.
    from google.genai import types

    try:
        response = json.loads(line)["response"] or None
        return types.GenerateContentResponse.model_validate(response)
    except (ValueError, KeyError, TypeError):
        failure = ModelError(FailureCode.MODEL_REJECTED, "The batch job has no answer about the document.")
    raise failure
