"""A server that speaks Gemini's protocol on a local port, so that the whole way from our code to the wire is the real one.

Answers `generateContent` on Vertex AI's and on the API key's paths, and the file store of the latter. Each request is recorded. Without
a script it plays a good model: any schema gets a valid answer, filled from `values`, null elsewhere. A script (`gemini_replies`) makes
it misbehave, one reply per call. By hand, for load and chaos:

    python -m tests.extraction.gemini_stand_in --port 8100 --delay 2 --fail 0.1
    GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8100 GEMINI_API_KEY=any ingestio up
"""

import argparse
import asyncio
import base64
import contextlib
import itertools
import json
import random
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.extraction.gemini_replies import Reply, filled, generated, json_reply, problem, rate_limited, server_error

_MODEL = re.compile(
    r"/(?P<version>v1|v1beta|v1beta1)/(?:projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/)?"
    r"(?:publishers/google/)?models/(?P<model>[^/:]+):generateContent"
)
_FILE = re.compile(r"/v1beta/(?P<name>files/[a-z0-9]+)")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came in; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def json(self) -> dict[str, Any]:
        decoded = json.loads(self.body) if self.body else {}
        assert isinstance(decoded, dict)
        return decoded

    @property
    def is_generate(self) -> bool:
        return _MODEL.fullmatch(self.path) is not None

    @property
    def is_vertex(self) -> bool:
        return self.path.startswith("/v1beta1/")

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The parts of the user turn, in order."""
        return [part for content in self.json["contents"] for part in content["parts"]]

    @property
    def document(self) -> bytes:
        """The file that came along inline."""
        (file,) = (part["inlineData"] for part in self.parts if "inlineData" in part)
        return base64.urlsafe_b64decode(file["data"])

    @property
    def title(self) -> str:
        """The title in the PDF that came along."""
        found = re.search(rb"/Title \(([^)]*)\)", self.document)
        return found[1].decode() if found else ""

    @property
    def texts(self) -> list[str]:
        return [part["text"] for part in self.parts if "text" in part]

    @property
    def schema(self) -> dict[str, Any] | None:
        schema = self.json.get("generationConfig", {}).get("responseJsonSchema")
        assert schema is None or isinstance(schema, dict)
        return schema

    @property
    def is_classification(self) -> bool:
        return "certainty" in (self.schema or {}).get("properties", {})


@dataclass
class GeminiStandIn:
    """The server: `async with GeminiStandIn() as stand_in:` then `stand_in.url`.

    `reader` finds values in what it is sent; an answer longer than `longest_answer` characters is cut off there, as at the token limit.
    `values` are what the good model finds, by field name at any depth; `document_type` what it takes every document for. `failure_rate`
    of the calls without a script answer 429 or 500 instead.
    """

    host: str = "127.0.0.1"
    port: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    document_type: str = "invoice"
    delay_seconds: float = 0.0
    failure_rate: float = 0.0
    reader: Callable[[Request], Mapping[str, Any]] | None = None
    longest_answer: int | None = None
    requests: list[Request] = field(default_factory=list)
    record: bool = True
    script: deque[Reply] = field(default_factory=deque)
    scripts: dict[str, deque[Reply]] = field(default_factory=dict)
    """Scripts for single documents, by the title of the PDF."""
    file_states: deque[str] = field(default_factory=deque)
    """States that `files.get` reports before ACTIVE."""
    beside: Callable[[Request], Reply | None] | None = None
    """What else this server is: asked about every request that is none of the above."""
    disconnects: int = 0
    """Clients that went away while an answer was being held back."""

    def __post_init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.calls = 0
        self._numbers = itertools.count(1)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._random = random.Random(0)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, self.host, self.port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def generated(self) -> list[Request]:
        """The recorded generateContent calls."""
        return [request for request in self.requests if request.is_generate]

    def reset(self) -> None:
        """As new, on the same port."""
        self.requests.clear()
        self.script.clear()
        self.scripts.clear()
        self.file_states.clear()
        self.files.clear()
        self.values, self.document_type, self.delay_seconds, self.failure_rate = {}, "invoice", 0.0, 0.0
        self.reader = self.longest_answer = self.beside = None
        self.calls = self.disconnects = 0

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while (request := await _read_request(reader)) is not None:
                if self.record:
                    self.requests.append(request)
                if not await self._serve(self._reply(request), reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.disconnects += 1
        except asyncio.CancelledError:
            # The stand-in shuts down; ending quietly keeps asyncio from reporting the connection's task.
            pass
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Sends one reply; False when the connection is over."""
        if not await self._held_back(reply.delay_seconds, reader):
            return False
        if reply.drop:
            writer.transport.abort()
            return False
        head = f"HTTP/1.1 {reply.status} {reply.phrase}\r\ncontent-length: {len(reply.body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        writer.write(head.encode("latin-1") + b"\r\n")
        body = memoryview(reply.body)[: reply.send_bytes]
        for start in range(0, len(body), 1 << 20):
            writer.write(body[start : start + (1 << 20)])
            await writer.drain()
        if reply.send_bytes is not None:
            await self._held_back(reply.stall_seconds, reader)
            writer.transport.abort()
            return False
        await writer.drain()
        return True

    async def _held_back(self, seconds: float, reader: asyncio.StreamReader) -> bool:
        """Waits, but notices at once when the client goes away. False when it did."""
        if seconds <= 0:
            return True
        try:
            async with asyncio.timeout(seconds):
                # A client that waits for its answer sends nothing, so whatever comes is the end of the stream.
                gone = not await reader.read(1)
        except TimeoutError:
            return True
        except ConnectionError:
            gone = True
        self.disconnects += gone
        return not gone

    def _reply(self, request: Request) -> Reply:
        if request.is_generate:
            return self._generate(request)
        if request.path == "/upload/v1beta/files":
            return self._upload(request)
        if (found := _FILE.fullmatch(request.path)) and found["name"] in self.files:
            return self._file(request, found["name"])
        return (self.beside and self.beside(request)) or problem(404, "NOT_FOUND", "no such path")

    def _generate(self, request: Request) -> Reply:
        self.calls += 1
        if self.script:
            return self.script.popleft()
        if self.scripts and (script := self.scripts.get(request.title)):
            return script.popleft()
        if (refusal := _unauthenticated(request)) is not None:
            return refusal
        if self._random.random() < self.failure_rate:
            return rate_limited(1) if self._random.random() < 0.5 else server_error(500)
        found = _MODEL.fullmatch(request.path)
        assert found is not None
        text = json.dumps(self.good_answer(request))
        options: dict[str, Any] = {"model": found["model"], "delay_seconds": self.delay_seconds}
        if self.longest_answer is not None and len(text) > self.longest_answer:
            return generated(text[: self.longest_answer], finish="MAX_TOKENS", **options)
        return generated(text, **options)

    def good_answer(self, request: Request) -> Any:
        """A valid answer for the request's schema."""
        seen = {} if self.reader is None or request.is_classification else self.reader(request)
        values = {"document_type": self.document_type, "certainty": "high", **self.values, **seen}
        return filled(request.schema or {}, values)

    def _upload(self, request: Request) -> Reply:
        if "upload_id" not in request.query:
            if (refusal := _unauthenticated(request)) is not None:
                return refusal
            name = f"files/standin{next(self._numbers)}"
            self.files[name] = b""
            headers = {
                "x-goog-upload-url": f"{self.url}/upload/v1beta/files?upload_id={name}",
                "x-goog-upload-status": "active",
            }
            return Reply(headers=headers, body=b"{}")
        if self.script:
            return self.script.popleft()
        name = request.query["upload_id"]
        self.files[name] += request.body
        if "finalize" not in request.headers["x-goog-upload-command"]:
            return Reply(headers={"x-goog-upload-status": "active"})
        return json_reply({"file": self._described(name)}, {"x-goog-upload-status": "final"})

    def _file(self, request: Request, name: str) -> Reply:
        if (refusal := _unauthenticated(request)) is not None:
            return refusal
        if request.method == "DELETE":
            del self.files[name]
            return json_reply({})
        if self.file_states:
            self.file_states.popleft()
        return json_reply(self._described(name))

    def _described(self, name: str) -> dict[str, Any]:
        state = self.file_states[0] if self.file_states else "ACTIVE"
        return {"name": name, "uri": f"{self.url}/v1beta/{name}", "mimeType": "application/pdf", "state": state}


def _unauthenticated(request: Request) -> Reply | None:
    found = _MODEL.fullmatch(request.path)
    if found and found["project"]:
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return problem(401, "UNAUTHENTICATED", "no bearer token")
    elif not request.headers.get("x-goog-api-key"):
        return problem(403, "PERMISSION_DENIED", "no API key")
    return None


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection, None when the client closed it in good order."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b"".join([chunk async for chunk in _chunks(reader)])
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


async def _chunks(reader: asyncio.StreamReader) -> Any:
    while size := int((await reader.readline()).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readline()
    await reader.readline()


async def _serve_by_hand(arguments: argparse.Namespace) -> None:
    stand_in = GeminiStandIn(
        port=arguments.port,
        values=json.loads(arguments.values),
        document_type=arguments.document_type,
        delay_seconds=arguments.delay,
        failure_rate=arguments.fail,
        record=False,
    )
    async with stand_in:
        print(f"ready {stand_in.url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serves until interrupted; prints `ready <url>` when it listens. Keeps no request, so it can run for days."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.extraction.gemini_stand_in", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="how long a model call takes")
    parser.add_argument(
        "--fail", type=float, default=0.0, metavar="PART", help="part of the calls that answer 429 or 500, 0 to 1"
    )
    parser.add_argument("--document-type", default="invoice", help="what every document is")
    parser.add_argument("--values", default="{}", metavar="JSON", help="values by field name; everything else is null")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve_by_hand(parser.parse_args()))


if __name__ == "__main__":
    main()
