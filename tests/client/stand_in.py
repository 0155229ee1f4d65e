"""A server that says what a test tells it to, over a real socket, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def parts(self) -> list[tuple[str, str | None, bytes]]:
        """Name, file name and content of each part of a multipart body, in order."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        found = []
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            found.append((str(name), part.get_filename(), content))
        return found


Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class StandIn:
    """Answers with `replies` in turn, the last one for ever."""

    replies: list[Reply]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def serving(self) -> Iterator[Self]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                stand_in.asked.append(Asked(self.command, self.path, headers, body))
                number = min(len(stand_in.asked), len(stand_in.replies))
                stand_in.replies[number - 1](self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the server's names

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def says(content: Any, status: int = 200, **headers: str) -> Reply:
    """An answer with a JSON body."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def problem(status: int, code: str, **extra: Any) -> Reply:
    """An answer as in RFC 9457."""
    headers = extra.pop("headers", {})
    content = {
        "type": "about:blank",
        "title": "t",
        "status": status,
        "detail": f"d {code}",
        "code": code,
        "trace_id": "abc",
    }
    return says(content | extra, status, **headers)


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    """The connection ends without an answer, after the request was read."""
    handler.close_connection = True


def batch(status: str = "queued", **changes: Any) -> dict[str, Any]:
    """A batch on the wire, with a field that this client does not know."""
    return {
        "id": "b1",
        "name": None,
        "status": status,
        "paused": False,
        "prompt_strategy": "auto",
        "extraction_prompt": None,
        "document_count": 2,
        "completed_count": 0,
        "failed_count": 0,
        "cancelled_count": 0,
        "total_pages": 2,
        "all_or_nothing": False,
        "refused_files": [],
        "created_at": "2026-11-23T10:00:00Z",
        "updated_at": "2026-11-23T10:00:00Z",
        "completed_at": None,
        "workflow_id": "batch/b1",
        "added_next_year": 1,
    } | changes


def document(number: int, **changes: Any) -> dict[str, Any]:
    """A document on the wire."""
    return {
        "id": f"d{number}",
        "batch_id": "b1",
        "client_id": str(number),
        "position": number,
        "filename": f"{number}.pdf",
        "mime_type": "application/pdf",
        "size_bytes": 10,
        "page_count": 1,
        "status": "completed",
        "document_type": "invoice",
        "prompt": None,
        "prompt_source": None,
        "error": None,
        "pages_charged": 1,
        "attempt": 1,
        "review": "pending",
        "concerns": [],
        "expires_at": None,
        "created_at": "2026-11-23T10:00:00Z",
        "updated_at": "2026-11-23T10:00:00Z",
    } | changes


def export(status: str = "completed", **changes: Any) -> dict[str, Any]:
    """An export on the wire."""
    return {
        "id": "e1",
        "batch_id": "b1",
        "status": status,
        "format": "csv",
        "values": "reviewed",
        "explode": False,
        "provenance": False,
        "bom": False,
        "document_count": 2,
        "documents_written": 2,
        "size_bytes": 10,
        "filename": "export.csv",
        "error": None,
        "url": None,
        "expires_at": None,
        "created_at": "2026-11-23T10:00:00Z",
        "updated_at": "2026-11-23T10:00:00Z",
        "completed_at": None,
        "workflow_id": "export/e1",
    } | changes


def events(*told: tuple[str, Any]) -> Reply:
    """A stream of (name, object), each with its number as its id, after which the connection ends."""
    text = "retry: 1\n\n: ping\n\n" + "".join(
        f"id: {number}\nevent: {name}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n"
        for number, (name, content) in enumerate(told, 1)
    )
    return says(text.encode())


def breaks_off(content: bytes, promised: int) -> Reply:
    """An answer that ends before it is whole."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(promised))
        handler.end_headers()
        handler.wfile.write(content)
        handler.close_connection = True

    return reply
