"""When a supervised child of ours counts as ready."""

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil

_TIMEOUT_SECONDS = 1.0
_EXPLAIN_SECONDS = 5.0  # longer than the front door waits for any of its parts


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


def own_http_ok(url: str) -> Callable[[int], bool]:
    """The same, and it is the child itself who listens there: a stranger who took the port first would answer as well."""
    answers, port = http_ok(url), urlsplit(url).port

    def ready(pid: int) -> bool:
        try:
            connections = psutil.Process(pid).net_connections("tcp")
        except psutil.Error:
            return False
        listens = any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)
        return listens and answers(pid)

    return ready


def said_parts(url: str) -> dict[str, str]:
    """The state of each part that a readiness problem at `url` (http only) lists; empty when nothing of the kind is said in time."""
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.hostname or "", target.port or 80, timeout=_EXPLAIN_SECONDS)
    try:
        connection.request("GET", target.path or "/")
        parts = json.loads(connection.getresponse().read())["parts"]
        return {str(name): str(state) for name, state in parts.items()}
    except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError, AttributeError):
        return {}
    finally:
        connection.close()


def file_says_pid(path: Path) -> Callable[[int], bool]:
    """Ready when the child has written its own process id into `path`; what an earlier child wrote does not count."""

    def ready(pid: int) -> bool:
        try:
            return path.read_text(encoding="ascii", errors="replace").strip() == str(pid)
        except OSError:
            return False

    return ready
