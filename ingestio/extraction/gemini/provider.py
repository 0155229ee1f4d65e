"""The Gemini provider: one call to classify, one to extract, one more to repair (R65, R75, R77, R80 to R82)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ingestio.domain.fields import Extraction, ModelUsage
from ingestio.domain.prompts import validate_prompt
from ingestio.errors import ConfigurationError, DocumentFailed, FailureCode, ModelError, PromptInvalid
from ingestio.extraction.base import OTHER, Classification, ClassifyRequest, ExtractRequest
from ingestio.extraction.gemini import documents, wording
from ingestio.extraction.gemini.answers import Answer, read_answer
from ingestio.extraction.gemini.circuit import Circuit
from ingestio.extraction.gemini.questions import Found, Question, Unfit
from ingestio.extraction.grounding import ground
from ingestio.extraction.prompts import requested_fields
from ingestio.extraction.schemas import DOCUMENT_TYPES, fields_for
from ingestio.extraction.text_flags import text_flags

if TYPE_CHECKING:
    from google.genai import types

    from ingestio.extraction.gemini.connection import Connection

_log = logging.getLogger(__name__)

# What every current model allows; lists over many pages need it.
MAX_OUTPUT_TOKENS = 65_535
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
    documents' types where a smaller one than `model` will do; `media_resolution` is low, medium or high. Close it at the end.
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
        self.circuit = circuit or Circuit()
        self._vertexai = vertexai
        self._max_output_tokens = max_output_tokens
        self._options: dict[str, Any] = {
            "api_key": api_key,
            "vertexai": vertexai,
            "project": project,
            "location": location or "global",
            "base_url": base_url,
            "timeout_seconds": timeout_seconds,
            "circuit": self.circuit,
            "media_resolution": media_resolution,
            "thinking_budget": thinking_budget,
        }
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
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
        classification, _ = await self._classified(request)
        return classification

    async def extract(self, request: ExtractRequest) -> Extraction:
        """The document's values, validated and held against its text. Without a document type the answer says what it saw.

        Raises ModelError (unavailable, blocked, rejected, truncated, invalid after one repair turn) and DocumentFailed.
        """
        prompt, instructions = _checked(request.prompt), _checked(request.custom_instructions)
        document_type, usage = request.document_type, ModelUsage()
        if document_type is None and not requested_fields(prompt or ""):
            # Nothing says which fields are meant, so the type has to.
            seen, usage = await self._classified(ClassifyRequest(request.path, request.mime_type, request.page_count))
            document_type = seen.document_type
        fields = fields_for(document_type, prompt)
        question = Question(fields, wording.user_data(prompt, instructions), asks_type=document_type is None)
        async with self._sendable(await documents.whole(request.path, request.mime_type)) as part:
            found, spent, model = await self._answered(question, part)
        document_type = document_type or found.document_type
        text = await documents.text_of(request.path, request.mime_type)
        return Extraction(
            document_type=document_type,
            provider=self.name,
            model=model or self._model,
            data=found.data,
            fields=await asyncio.to_thread(ground, found.data, fields, text),
            flags=tuple(text_flags(text)) if text.has_text else (_NOT_VERIFIABLE,),
            usage=_sum(usage, spent),
            schema_version=DOCUMENT_TYPES.get(document_type, DOCUMENT_TYPES[OTHER]).schema_version,
        )

    async def close(self) -> None:
        """Closes the connection, if there is one."""
        async with self._connecting:
            connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _classified(self, request: ClassifyRequest) -> tuple[Classification, ModelUsage]:
        names = list(DOCUMENT_TYPES)
        try:
            document = await documents.first_pages(request.path, request.mime_type, request.page_count)
            async with self._sendable(document) as part:
                schema, texts = wording.classification_schema(names), [wording.CLASSIFICATION_RULES]
                limit = min(_CLASSIFICATION_TOKENS, self._max_output_tokens)
                answer = await self._ask(part, texts, schema, limit, model=self._classifier_model)
        except DocumentFailed as failure:
            if isinstance(failure, ModelError) and failure.can_retry:
                raise
            _log.warning("A document could not be classified and counts as `other`: %s", failure.reason)
            return Classification(OTHER, 0.0), ModelUsage()
        return wording.classification(answer.value, names), answer.usage

    async def _answered(self, question: Question, part: "types.Part") -> tuple[Found, ModelUsage, str | None]:
        """A valid answer, after one repair turn at most: a fresh request, so that each holds the document once."""
        usage, problem = ModelUsage(), None
        for _ in range(_TURNS):
            answer = await self._ask(part, question.texts(problem), question.schema, self._max_output_tokens)
            usage, problem = _sum(usage, answer.usage), answer.problem
            if problem is None:
                try:
                    # Thousands of rows take a while to check; other documents' heartbeats must not wait for that.
                    return await asyncio.to_thread(question.read, answer.value), usage, answer.model
                except Unfit as unfit:
                    problem = str(unfit)
        raise ModelError(FailureCode.MODEL_OUTPUT_INVALID)

    async def _ask(
        self,
        part: "types.Part",
        texts: list[str],
        schema: dict[str, Any],
        max_output_tokens: int,
        *,
        model: str | None = None,
    ) -> Answer:
        connection = await self._connected()
        response = await connection.generate(
            model or self._model,
            [part, *map(connection.text, texts)],
            system=wording.SYSTEM,
            schema=schema,
            max_output_tokens=max_output_tokens,
        )
        return read_answer(response)

    @asynccontextmanager
    async def _sendable(self, document: documents.Document) -> AsyncIterator["types.Part"]:
        """The document as a part of a request: inline, or from the service's file store when it is too large for that."""
        connection = await self._connected()
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

    async def _connected(self) -> "Connection":
        async with self._connecting:
            if self._connection is None:
                # In a thread: the import takes about a second, in which heartbeats must go on.
                self._connection = await asyncio.to_thread(_connect, self._options)
            return self._connection


def _connect(options: dict[str, Any]) -> "Connection":
    from ingestio.extraction.gemini.connection import Connection

    return Connection(**options)


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


def _sum(first: ModelUsage, second: ModelUsage) -> ModelUsage:
    return ModelUsage(first.input_tokens + second.input_tokens, first.output_tokens + second.output_tokens)
