"""The Gemini provider: one call to classify, one to extract, one more to repair (R65, R75, R77, R80 to R82)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ingestio.domain.fields import Extraction, ModelUsage
from ingestio.domain.prices import PriceList, Prices
from ingestio.domain.prompts import validate_prompt
from ingestio.domain.windows import PageWindow, windows_over
from ingestio.errors import ConfigurationError, DocumentFailed, FailureCode, ModelError, PromptInvalid
from ingestio.extraction import merging
from ingestio.extraction.base import (
    OTHER,
    BulkLane,
    Classification,
    ClassifyRequest,
    CutOff,
    ExtractRequest,
    Merged,
    Part,
    PartsPlan,
)
from ingestio.extraction.gemini import documents, wording
from ingestio.extraction.gemini.answers import Answer, read_answer
from ingestio.extraction.gemini.bulk import GeminiBulk
from ingestio.extraction.gemini.circuit import Circuit
from ingestio.extraction.gemini.questions import Found, Question, Unfit
from ingestio.extraction.prompts import requested_fields
from ingestio.extraction.schemas import DOCUMENT_TYPES, fields_for

if TYPE_CHECKING:
    from google.genai import types

    from ingestio.extraction.gemini.batch_jobs import BatchJobs
    from ingestio.extraction.gemini.connection import Connection

_log = logging.getLogger(__name__)

# What every current model allows; lists over many pages need it.
MAX_OUTPUT_TOKENS = 65_535
# A dense page is some 50 rows, a row some 60 tokens: this stays below three quarters of the limit.
_WHOLE_PAGES = 15
_WINDOW_PAGES = 8
# The answer takes 30; a thinking model spends some of them before it.
_CLASSIFICATION_TOKENS = 4_096
# A call holds its document four times over (bytes, base64, JSON, socket buffer), so only so many large ones go at once: half a gigabyte.
_LARGE_BYTES = 2_000_000
_LARGE_AT_ONCE = 8
_TURNS = 2
_NOT_VERIFIABLE = {
    "code": "not_verifiable",
    "message": "The document has no text of its own, so its values could not be held against it. Compare them with the page.",
}


class GeminiProvider:
    """Reads documents with Gemini. The vendor's library is imported, and the connection made, on the first call.

    With `vertexai` the calls go to Vertex AI: by `project` and `location` under application default credentials or, without a project,
    by `api_key` in express mode. Otherwise `api_key` speaks to the Gemini API. `timeout_seconds` bounds each call. `classifier_model` names
    documents' types where a smaller one than `model` will do; `media_resolution` is low, medium or high; `prices` by model. Close it at the
    end.
    """

    def __init__(
        self,
        *,
        model: str,
        api_key: str | None = None,
        vertexai: bool = False,
        project: str | None = None,
        location: str | None = None,
        base_url: str | None = None,
        timeout_seconds: float = 120.0,
        max_output_tokens: int = MAX_OUTPUT_TOKENS,
        classifier_model: str | None = None,
        media_resolution: str | None = None,
        thinking_budget: int | None = None,
        prices: PriceList | None = None,
        circuit: Circuit | None = None,
    ) -> None:
        """Raises ConfigurationError when the values cannot work together."""
        if vertexai and not (project or api_key):
            raise ConfigurationError("GOOGLE_CLOUD_PROJECT: needed with GOOGLE_GENAI_USE_VERTEXAI")
        if not vertexai and not api_key:
            raise ConfigurationError("GEMINI_API_KEY: needed unless GOOGLE_GENAI_USE_VERTEXAI is set")
        if base_url is not None and not _is_web_address(base_url):
            raise ConfigurationError("GOOGLE_GEMINI_BASE_URL: must be http://host or https://host")
        self._model = model
        self._classifier_model = classifier_model or model
        self._prices = prices or {}
        self.circuit = circuit or Circuit()
        self._vertexai = vertexai
        self._max_output_tokens = max_output_tokens
        self._options: dict[str, Any] = {
            "api_key": api_key,
            "vertexai": vertexai,
            "project": project,
            "location": location or "global",
            "base_url": base_url,
            "media_resolution": media_resolution,
            "thinking_budget": thinking_budget,
        }
        self._timeout_seconds = timeout_seconds
        self._connection: Connection | None = None
        self._batch_jobs: BatchJobs | None = None
        self._connecting, self._opening = asyncio.Lock(), asyncio.Lock()
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    @property
    def name(self) -> str:
        return "gemini"

    @property
    def model(self) -> str:
        """The configured model; a result names the version that really answered."""
        return self._model

    async def classify(self, request: ClassifyRequest) -> Classification:
        """The document's type, from its first two pages. An unusable answer, or a failure that repeating does not change, is `other`
        with confidence 0 (R65). Raises ModelError when it is worth another try."""
        return await self._classified(request)

    @property
    def whole_pages(self) -> int:
        """Longer documents may have more rows than one answer can hold."""
        return _WHOLE_PAGES

    async def extract(self, request: ExtractRequest) -> Extraction:
        """The document's values, validated and held against its text. Without a document type the answer says what it saw.

        Raises ModelError (unavailable, blocked, rejected, truncated also when rows on paper are missing, invalid after one repair turn)
        and DocumentFailed.
        """
        document_type, usage = await self.type_for(request)
        request = replace(request, document_type=document_type)
        question = self.question(request)
        async with self._sendable(await documents.whole(request.path, request.mime_type)) as part:
            try:
                found, spent, model = await self._answered(question, part)
            except CutOff as cut_off:
                raise CutOff(usage + cut_off.usage) from None
        window = PageWindow(1, max(1, request.page_count))
        answer = Part(window, found.data, found.document_type, model or self._model, usage + spent)
        merged = await self.merge(request, [answer])
        if merged.incomplete_pages:
            raise CutOff(answer.usage, "Rows of a list are missing in the model's answer.")
        return merged.extraction

    async def plan(self, request: ExtractRequest, window_pages: int | None = None) -> PartsPlan:
        """Windows of eight pages, or of `window_pages`. Asks the model only where the document's type has to say which fields are meant."""
        document_type, usage = await self.type_for(request)
        # The text layer alone: what is a picture is not worth recognising twice, and its parts need not share a page.
        text = await documents.text_layer_of(request.path, request.mime_type)
        starts = await documents.section_starts(request.path, request.mime_type, text)
        windows = windows_over(request.page_count, window_pages or _WINDOW_PAGES, starts, overlap=text.has_text)
        return PartsPlan(windows, text.has_text, document_type, usage)

    async def read_part(self, request: ExtractRequest, window: PageWindow) -> Part:
        """One call, or two with the repair turn, about the window's pages, which are all that is sent."""
        question = self.question(request, window)
        try:
            async with self._sendable(await documents.pages(request.path, request.mime_type, window)) as part:
                found, usage, model = await self._answered(question, part)
        except CutOff as cut_off:
            return Part(window, None, None, self._model, cut_off.usage)
        return Part(window, found.data, found.document_type, model or self._model, usage)

    async def merge(self, request: ExtractRequest, parts: Sequence[Part]) -> Merged:
        """Needs no model: the parts' values are held against the document's text, the text against the lists, and both against the
        electronic invoice that the file may carry."""
        text = await documents.text_of(request.path, request.mime_type)
        attached = await documents.attached_to(request.path, request.mime_type)
        merged = await asyncio.to_thread(merging.merged, request, parts, text, self.name, attached)
        if text.has_text:
            return merged
        flags = (*merged.extraction.flags, _NOT_VERIFIABLE)
        return replace(merged, extraction=replace(merged.extraction, flags=flags))

    @property
    def bulk(self) -> BulkLane | None:
        """Batch jobs: Vertex AI has them, for a project."""
        return GeminiBulk(self) if self._vertexai and self._options["project"] else None

    @property
    def max_output_tokens(self) -> int:
        return self._max_output_tokens

    def prices(self, model: str | None = None) -> Prices | None:
        """What is known of a model's prices; None: those of the model that reads."""
        return self._prices.get(model or self._model)

    async def type_for(self, request: ExtractRequest) -> tuple[str | None, ModelUsage]:
        """The document's type where it is known or needed; None when the answer itself may say what it saw."""
        if request.document_type is not None or requested_fields(_checked(request.prompt) or ""):
            return request.document_type, ModelUsage()
        # Nothing says which fields are meant, so the type has to.
        seen = await self._classified(ClassifyRequest(request.path, request.mime_type, request.page_count))
        return seen.document_type, seen.usage

    def question(self, request: ExtractRequest, window: PageWindow | None = None) -> Question:
        """What is asked about the document, or about some of its pages. Raises DocumentFailed for a prompt that may not be sent."""
        prompt, instructions = _checked(request.prompt), _checked(request.custom_instructions)
        return Question(
            fields_for(request.document_type, prompt),
            wording.user_data(prompt, instructions),
            asks_type=request.document_type is None,
            window=window,
            page_count=request.page_count,
        )

    async def close(self) -> None:
        """Closes the connections that there are."""
        async with self._connecting:
            connection, self._connection = self._connection, None
        async with self._opening:
            batch_jobs, self._batch_jobs = self._batch_jobs, None
        if connection is not None:
            await connection.close()
        if batch_jobs is not None:
            await batch_jobs.close()

    async def _classified(self, request: ClassifyRequest) -> Classification:
        names = list(DOCUMENT_TYPES)
        try:
            document = await documents.first_pages(request.path, request.mime_type, request.page_count)
            async with self._sendable(document) as part:
                schema = wording.classification_schema(names)
                limit = min(_CLASSIFICATION_TOKENS, self._max_output_tokens)
                parts: list[types.Part | str] = [part, wording.CLASSIFICATION_RULES]
                answer = await self._ask(parts, schema, limit, model=self._classifier_model)
        except DocumentFailed as failure:
            if isinstance(failure, ModelError) and failure.can_retry:
                raise
            _log.warning("A document could not be classified and counts as `other`: %s", failure.reason)
            return Classification(OTHER, 0.0, usage=failure.usage if isinstance(failure, CutOff) else ModelUsage())
        return replace(wording.classification(answer.value, names), usage=answer.usage)

    async def _answered(self, question: Question, part: "types.Part") -> tuple[Found, ModelUsage, str | None]:
        """A valid answer, after one repair turn at most: a fresh request, so that each holds the document once."""
        usage, problem = ModelUsage(), None
        for _ in range(_TURNS):
            try:
                parts: list[types.Part | str] = [*question.before, part, *question.after(problem)]
                answer = await self._ask(parts, question.schema, self._max_output_tokens)
            except CutOff as cut_off:
                raise CutOff(usage + cut_off.usage) from None
            usage, problem = usage + answer.usage, answer.problem
            if problem is None:
                try:
                    # Thousands of rows take a while to check; other documents' heartbeats must not wait for that.
                    return await asyncio.to_thread(question.read, answer.value), usage, answer.model
                except Unfit as unfit:
                    problem = str(unfit)
        raise ModelError(FailureCode.MODEL_OUTPUT_INVALID)

    async def _ask(
        self,
        parts: "Sequence[types.Part | str]",
        schema: dict[str, Any],
        max_output_tokens: int,
        *,
        model: str | None = None,
    ) -> Answer:
        connection, asked = await self.connected(), model or self._model
        response = await connection.generate(
            asked,
            [connection.text(part) if isinstance(part, str) else part for part in parts],
            system=wording.SYSTEM,
            schema=schema,
            max_output_tokens=max_output_tokens,
        )
        return read_answer(response, self.prices(asked))

    @asynccontextmanager
    async def _sendable(self, document: documents.Document) -> AsyncIterator["types.Part"]:
        """The document as a part of a request: inline, or from the service's file store when it is too large for that."""
        connection = await self.connected()
        if document.fits_inline:
            async with self._large if document.size_bytes > _LARGE_BYTES else nullcontext():
                yield connection.inline(await document.read(), document.mime_type)
        elif self._vertexai:
            raise ModelError(
                FailureCode.MODEL_REJECTED,
                f"The document has {document.size_bytes / 1e6:.1f} MB; Vertex AI takes at most "
                f"{documents.MAX_INLINE_BYTES / 1e6:.1f} MB with a request. Split it, or use the Gemini API with a key.",
            )
        else:
            with document.open() as source:
                async with connection.uploaded(source, document.mime_type) as part:
                    yield part

    async def connected(self) -> "Connection":
        """The connection, made when it is first needed."""
        async with self._connecting:
            if self._connection is None:
                # In a thread: the import takes about a second, in which heartbeats must go on.
                self._connection = await asyncio.to_thread(self._connect)
            return self._connection

    async def batch_jobs(self) -> "BatchJobs":
        """The batch jobs, the same way; their library takes several seconds to load."""
        async with self._opening:
            if self._batch_jobs is None:
                self._batch_jobs = await asyncio.to_thread(self._open_batch_jobs)
            return self._batch_jobs

    def _connect(self) -> "Connection":
        from ingestio.extraction.gemini.calls import Calls
        from ingestio.extraction.gemini.connection import Connection

        return Connection(calls=Calls(self.circuit, self._timeout_seconds), **self._options)

    def _open_batch_jobs(self) -> "BatchJobs":
        from ingestio.extraction.gemini.batch_jobs import BatchJobs
        from ingestio.extraction.gemini.calls import Calls

        options = {name: self._options[name] for name in ("project", "location", "base_url")}
        return BatchJobs(calls=Calls(self.circuit, self._timeout_seconds), **options)


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _checked(text: str | None) -> str | None:
    """The user's text if it may be sent, None when there is none. The front door has checked it; the model's door checks again (R81)."""
    if text is None or not text.strip():
        return None
    try:
        return validate_prompt(text)
    except PromptInvalid as error:
        raise DocumentFailed(FailureCode.MODEL_REJECTED, error.detail) from None
