"""When a supervised child of ours counts as ready."""

import http.client
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 1.0


def http_ok(url: str) -> Callable[[int], bool]:
    """Ready when `url` (http only) answers 200 within a second."""
    target = urlsplit(url)
    if target.scheme != "http" or target.hostname is None:
        raise ValueError(f"not a plain http address: {url}")

    def ready(_pid: int) -> bool:
        connection = http.client.HTTPConnection(target.hostname or "", target.port or 80, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", target.path or "/")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ready


def file_says_pid(path: Path) -> Callable[[int], bool]:
    """Ready when the child has written its own process id into `path`; what an earlier child wrote does not count."""

    def ready(pid: int) -> bool:
        try:
            return path.read_text(encoding="ascii", errors="replace").strip() == str(pid)
        except OSError:
            return False

    return ready
