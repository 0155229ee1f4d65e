"""The front door as a process of its own, for what only a real server and a real socket show."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
import psutil

from ingestio.config import Settings

ROOT = Path(__file__).parents[2]
_SERVE = "from api.server import serve; from ingestio.config import Settings; serve(Settings.load())"


def environment(settings: Settings, port: int) -> dict[str, str]:
    """What `ingestio up` would give the process."""
    return {
        **os.environ,
        "INGESTIO_DATA_DIR": str(settings.data_dir),
        "INGESTIO_DATABASE_URL": settings.database_url or "",
        "INGESTIO_SECRET_KEY": settings.secret_key or "",
        "TEMPORAL_ADDRESS": settings.temporal_address or "",
        "INGESTIO_PORT": str(port),
        "INGESTIO_PLANS": settings.plans_json or "",
    }


def serve(settings: Settings, port: int, **changes: str) -> subprocess.Popen[bytes]:
    """Start the process; `changes` are laid over its environment."""
    variables = environment(settings, port) | changes
    return subprocess.Popen([sys.executable, "-c", _SERVE], env=variables, cwd=ROOT, stderr=subprocess.PIPE)


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port: int = chosen.getsockname()[1]
        return port


@dataclass
class Server:
    """A running front door."""

    process: subprocess.Popen[bytes]
    port: int
    settings: Settings

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def resident_bytes(self) -> int:
        resident: int = psutil.Process(self.process.pid).memory_info().rss
        return resident


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """A front door that answers; it is stopped at the end."""
    port = free_port()
    process = serve(settings, port)
    server = Server(process, port, settings)
    try:
        deadline = time.monotonic() + 60
        while not _answers(server.url):
            assert process.poll() is None, process.communicate()[1].decode()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


class Line:
    """One connection, byte by byte: a client that does what clients should not."""

    def __init__(self, server: Server, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        self._token = token

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> None:
        given = {"Host": "127.0.0.1", "Authorization": f"Bearer {self._token}"} | headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        self._socket.sendall(f"{method} /api/v1{path} HTTP/1.1\r\n{lines}\r\n".encode() + body)

    def more(self, body: bytes) -> None:
        self._socket.sendall(body)

    def answer(self) -> tuple[int, bytes]:
        """Status and everything that came, until the server closes or has sent what it announced."""
        received = b""
        while chunk := self._socket.recv(65536):
            received += chunk
            head, separator, body = received.partition(b"\r\n\r\n")
            length = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if separator and length and len(body) >= int(length[0]):
                break
        return int(received.split(b" ", 2)[1]), received

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
