"""A worker or a front door that can die at any boundary, and is back at once.

    python -m tests.chaos.mortal worker|api NAME SOCKET

Everything is imported once; each life is a fork of that, so that a death costs a tenth of a second and not two of processor time. A life
asks the referee behind SOCKET at every boundary whether to go on: see `referee.py`.
"""

import os
import signal
import socket
import sys
import threading
import time
from ctypes import CDLL
from datetime import timedelta
from types import ModuleType
from typing import Any, NoReturn

import worker
from activities import heartbeats
from api.server import serve
from ingestio.config import Settings
from ingestio.extraction.gemini import GeminiProvider
from ingestio.observability import configure_logging
from tests.chaos import boundaries
from tests.chaos.referee import GO, PATIENCE_VARIABLE
from workflows import options

PR_SET_PDEATHSIG = 1
PAUSE_SECONDS = 0.2
PRELOADED = (GeminiProvider,)


# Most of a round would be waiting for the silence of the dead to be noticed; a shorter patience shows more deaths an hour. The order stays:
# a beat is shorter than the patience with its absence, which is longer than a busy machine takes for a task. Small windows and pages make
# a batch of ten documents go through what a thousand do. `ingestio up` under chaos keeps the real values.
_PATIENCE = timedelta(seconds=float(os.environ.get(PATIENCE_VARIABLE, "8")))
_IN_SMALL: dict[ModuleType, dict[str, Any]] = {
    options: {
        "WORKFLOW_TASK_TIMEOUT": _PATIENCE,
        "HEARTBEAT_TIMEOUT": _PATIENCE,
        "WINDOW": 4,
        "MANIFEST_PAGE": 5,
        "DOCUMENTS_PER_RUN": 6,
    },
    heartbeats: {"INTERVAL_SECONDS": 1.0},
    worker: {"HEARTBEAT_THROTTLE": timedelta(seconds=1), "UPKEEP_INTERVAL": timedelta(seconds=10)},
}


def make_small() -> None:
    for module, values in _IN_SMALL.items():
        for name, value in values.items():
            assert hasattr(module, name), f"{module.__name__}.{name} is gone: change _IN_SMALL"
            setattr(module, name, value)


class Line:
    """The line to the referee. Asking blocks the whole process: nothing happens between a boundary and the answer."""

    def __init__(self, path: str, name: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._socket.sendall(f"{name} {os.getpid()}\n".encode())
        self._lock = threading.Lock()

    def cross(self, boundary: str) -> None:
        with self._lock:
            self._socket.sendall(f"{boundary}\n".encode())
            answer = self._socket.recv(1)
        if answer != GO:
            os.kill(os.getpid(), signal.SIGKILL)


def live(part: str, name: str, path: str) -> NoReturn:
    """One life, in the forked process."""
    CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    boundaries.install(Line(path, name).cross)
    settings = Settings.load()
    configure_logging(settings.log_level)
    if part == "worker":
        worker.main(settings)
    else:
        serve(settings)
    sys.exit(0)


def main() -> None:
    """One life after the other until SIGTERM."""
    part, name, path = sys.argv[1:]
    make_small()
    stopping = False
    child = 0

    def stop(number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True
        if child:
            os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while not stopping:
        child = os.fork()
        if not child:
            live(part, name, path)
        _, status = os.waitpid(child, 0)
        child = 0
        if not os.WIFSIGNALED(status):
            time.sleep(PAUSE_SECONDS)  # it gave up by itself, for want of a server


if __name__ == "__main__":
    main()
