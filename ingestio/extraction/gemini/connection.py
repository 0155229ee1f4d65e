"""The one client of a process: google-genai over an HTTP client of our own, every vendor error translated.

Importing this module imports google-genai (about a second), so the provider does it in a thread on its first call.
"""

import asyncio
import io
import logging
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
from google import genai
from google.genai import types

from ingestio.errors import FailureCode, ModelError
from ingestio.extraction.gemini.calls import Calls, credentials_for
from ingestio.extraction.gemini.failures import VENDOR_ERRORS, model_error

_log = logging.getLogger(__name__)

MAX_ANSWER_BYTES: Final = 16_000_000
"""The longest answer of any model, 65,536 tokens of JSON, is under a megabyte; a broken gateway may send for ever."""

# The service refuses a shorter deadline in its X-Server-Timeout header; our own clock keeps the shorter time.
_SHORTEST_SERVER_DEADLINE_SECONDS = 10
_UPLOAD_POLL_SECONDS = 0.5
_DELETE_TIMEOUT_SECONDS = 10.0


class Connection:
    """Calls to Gemini with an API key, to Vertex AI (`project`), or to Vertex AI in express mode (`vertexai` with `api_key` only).

    `base_url` may point at any server of the same protocol.
    """

    def __init__(
        self,
        *,
        api_key: str | None,
        vertexai: bool,
        project: str | None,
        location: str | None,
        base_url: str | None,
        calls: Calls,
        media_resolution: str | None = None,
        thinking_budget: int | None = None,
    ) -> None:
        self._calls = calls
        self._reading = _reading_options(media_resolution, thinking_budget)
        by_project = vertexai and bool(project)
        deadline = max(calls.timeout_seconds, _SHORTEST_SERVER_DEADLINE_SECONDS)
        self._http = httpx.AsyncClient(
            # A redirect would carry the key to another host: httpx drops only the Authorization header.
            follow_redirects=False,
            # The worker bounds how many calls run; a queue here would count against the call's own time.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            event_hooks={"response": [_limit_size, _end_refused_upload]},
        )
        self._client = genai.Client(
            vertexai=vertexai,
            api_key=None if by_project else api_key,
            project=project if by_project else None,
            location=location if by_project else None,
            credentials=credentials_for(base_url) if by_project else None,
            http_options=types.HttpOptions(
                base_url=base_url,
                timeout=math.ceil(calls.timeout_seconds * 1000),
                headers={"X-Server-Timeout": str(math.ceil(deadline))},
                httpx_async_client=self._http,
            ),
        )

    async def generate(
        self,
        model: str,
        parts: Sequence[types.Part],
        *,
        system: str,
        schema: dict[str, Any],
        max_output_tokens: int,
    ) -> types.GenerateContentResponse:
        """One call, answered in JSON by `schema`. Raises ModelError, also when the time is over; cancelling closes the request at once."""
        config = types.GenerateContentConfig(
            system_instruction=system,
            # No tools, and no turns that we did not ask for.
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            automatic_continuation=False,
            **self._generation(schema, max_output_tokens),
        )
        contents = types.Content(role="user", parts=list(parts))
        return await self._calls.timed(
            lambda: self._client.aio.models.generate_content(model=model, contents=contents, config=config)
        )

    def batch_request(
        self, parts: Sequence[types.Part], *, system: str, schema: dict[str, Any], max_output_tokens: int
    ) -> dict[str, Any]:
        """The body of the same call, as a batch job takes it."""
        return {
            "contents": [_on_the_wire(types.Content(role="user", parts=list(parts)))],
            "systemInstruction": _on_the_wire(types.Content(role="user", parts=[self.text(system)])),
            "generationConfig": _on_the_wire(types.GenerationConfig(**self._generation(schema, max_output_tokens))),
        }

    @staticmethod
    def stored(url: str, mime_type: str) -> types.Part:
        """A file that lies in Cloud Storage."""
        return types.Part.from_uri(file_uri=url, mime_type=mime_type)

    @staticmethod
    def text(text: str) -> types.Part:
        """A part of text."""
        return types.Part.from_text(text=text)

    @staticmethod
    def inline(content: bytes, mime_type: str) -> types.Part:
        """A file that travels in the request itself."""
        return types.Part.from_bytes(data=content, mime_type=mime_type)

    @asynccontextmanager
    async def uploaded(self, source: io.IOBase, mime_type: str) -> AsyncIterator[types.Part]:
        """The file in the service's own store (API-key mode only): there while the context is open, deleted after it.

        Whatever a crash leaves there, the service deletes after 48 hours. Raises ModelError.
        """
        # An open file, not a path: given a path the library sends its name along.
        file = await self._calls.timed(
            lambda: self._client.aio.files.upload(file=source, config={"mime_type": mime_type})
        )
        name = file.name or ""
        try:
            yield await self._calls.timed(lambda: self._ready(file, mime_type))
        finally:
            await self._delete(name)

    async def close(self) -> None:
        """Closes every connection; the object is of no use afterwards."""
        await self._client.aio.aclose()
        self._client.close()
        await self._http.aclose()

    async def _ready(self, file: types.File, mime_type: str) -> types.Part:
        while file.state is types.FileState.PROCESSING:
            await asyncio.sleep(_UPLOAD_POLL_SECONDS)
            file = await self._client.aio.files.get(name=file.name or "")
        if file.state is types.FileState.FAILED or not file.uri:
            raise ModelError(FailureCode.MODEL_REJECTED, "The model's service could not take the uploaded file.")
        return types.Part.from_uri(file_uri=file.uri, mime_type=mime_type)

    async def _delete(self, name: str) -> None:
        try:
            async with asyncio.timeout(_DELETE_TIMEOUT_SECONDS):
                await self._client.aio.files.delete(name=name)
        except VENDOR_ERRORS as error:
            _log.warning(
                "An uploaded file was not deleted; the service will, within 48 hours. %s", model_error(error).detail
            )

    def _generation(self, schema: dict[str, Any], max_output_tokens: int) -> dict[str, Any]:
        return {
            "temperature": 0,
            "max_output_tokens": max_output_tokens,
            "response_mime_type": "application/json",
            "response_json_schema": schema,
            **self._reading,
        }


def _reading_options(media_resolution: str | None, thinking_budget: int | None) -> dict[str, Any]:
    """What the operator set; the model's own defaults for the rest."""
    options: dict[str, Any] = {}
    if media_resolution is not None:
        options["media_resolution"] = types.MediaResolution(f"MEDIA_RESOLUTION_{media_resolution.upper()}")
    if thinking_budget is not None:
        options["thinking_config"] = types.ThinkingConfig(thinking_budget=thinking_budget)
    return options


def _on_the_wire(message: types.Content | types.GenerationConfig) -> dict[str, Any]:
    return message.model_dump(mode="json", by_alias=True, exclude_none=True)


async def _limit_size(response: httpx.Response) -> None:
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _Limited(response.stream)


class _Limited(httpx.AsyncByteStream):
    """A body that ends with a typed error instead of filling the memory."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise ModelError(
                    FailureCode.MODEL_OUTPUT_INVALID,
                    f"The model's answer is larger than {MAX_ANSWER_BYTES // 1_000_000} MB.",
                )
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _end_refused_upload(response: httpx.Response) -> None:
    """Without this header the library takes a refused chunk for a lost one and blocks the whole event loop in `time.sleep`, 7 s."""
    if response.status_code != httpx.codes.OK and "x-goog-upload-command" in response.request.headers:
        response.headers["x-goog-upload-status"] = "refused"
