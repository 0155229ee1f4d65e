"""The child side of the bounded pool: `python -m ingestio.media.child`, one task at a time over a socket on standard input.

A task arrives as a pickle of `Task` (the parent is trusted). The child imports the function, caps its own address space and CPU time,
says `started`, runs it and answers with a pickle that the parent reads with a strict list of classes (the child, having read hostile
bytes, is not trusted). End of input ends the child; so does the death of the parent. Imports stay few: a child must start fast.
"""

import contextlib
import ctypes
import importlib
import math
import os
import pickle
import resource
import signal
import socket
import struct
import sys
import traceback
from dataclasses import dataclass
from typing import Any

from ingestio.errors import IngestioError
from ingestio.media.answers import write_answer

HEADER = struct.Struct("!Q")
_PAGE_BYTES = resource.getpagesize()
_MIB = 1 << 20
# Room that even a full child gets, so that a small task does not fail for what earlier ones left behind.
_LEAST_GROWTH_BYTES = 64 * _MIB
_FILE_WRITE_LIMIT_BYTES = 16 * _MIB
# Reading documents takes all the cores it gets; what starts and commits them, and the front door, must not stand in line behind it.
_NICENESS = 5
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


@dataclass(frozen=True, slots=True)
class Task:
    """What the parent asks for. `memory_bytes`: resident size that the child may reach; `cpu_seconds`: after that the kernel ends it."""

    function: str
    args: tuple[Any, ...]
    cpu_seconds: float
    memory_bytes: int


def main() -> None:
    """Serves tasks until the parent closes the socket. Arguments: the parent's process id, then modules to import ahead of need."""
    connection = socket.socket(fileno=os.dup(0))
    _die_with(int(sys.argv[1]))
    os.nice(_NICENESS)
    _give_up_what_parsing_does_not_need()
    with contextlib.suppress(ImportError):
        for module in sys.argv[2:]:
            importlib.import_module(module)
    # From here on a parser's own output, which may quote a document, goes nowhere.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    while (frame := receive(connection)) is not None:
        _serve(connection, pickle.loads(frame))  # noqa: S301 the parent wrote it


def receive(connection: socket.socket) -> bytes | None:
    """One frame, or None at the end of the stream."""
    header = _exactly(connection, HEADER.size)
    return None if header is None else _exactly(connection, HEADER.unpack(header)[0])


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(min(size - len(data), _MIB))
        if not part:
            return None
        data += part
    return bytes(data)


def _send(connection: socket.socket, message: tuple[Any, ...]) -> None:
    _send_body(connection, write_answer(message))


def _send_body(connection: socket.socket, body: bytes) -> None:
    connection.sendall(HEADER.pack(len(body)))
    connection.sendall(body)


def _serve(connection: socket.socket, task: Task) -> None:
    try:
        module, _, name = task.function.partition(":")
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        _send(connection, ("failed", type(error).__name__, f"{task.function} cannot be imported", 0))
        return
    _send(connection, ("started",))
    _cap(task)
    try:
        body = write_answer(("value", function(*task.args), resident_bytes()))
    except MemoryError:
        _uncap()
        _send(connection, ("memory", resident_bytes()))
        return
    except IngestioError as error:
        _uncap()
        kind = type(error)
        _send(
            connection,
            ("raised", kind.__module__, kind.__qualname__, error.detail, dict(vars(error)), resident_bytes()),
        )
        return
    except Exception as error:  # noqa: BLE001 the edge of this process: everything becomes an answer
        _uncap()
        _send(connection, ("failed", type(error).__name__, _where(error), resident_bytes()))
        return
    _uncap()
    _send_body(connection, body)


def _where(error: BaseException) -> str:
    """Files, lines and functions only: an exception's message may quote the document."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return " > ".join(f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)  # noqa: PTH119


def resident_bytes() -> int:
    """This process's resident size, 0 where the system does not tell."""
    return _memory()[1]


def _memory() -> tuple[int, int]:
    """Virtual and resident size in bytes."""
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 without importing more
            virtual, resident, *_ = statm.read().split()
    except OSError:
        return 0, 0
    return int(virtual) * _PAGE_BYTES, int(resident) * _PAGE_BYTES


def _cap(task: Task) -> None:
    """Address space may grow by what is missing to `memory_bytes` of resident memory, so the resident size stays below it."""
    virtual, resident = _memory()
    if virtual:
        growth = max(task.memory_bytes - resident, _LEAST_GROWTH_BYTES)
        _set_soft(resource.RLIMIT_AS, virtual + growth)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _set_soft(resource.RLIMIT_CPU, math.ceil(usage.ru_utime + usage.ru_stime + task.cpu_seconds) + 1)


def _uncap() -> None:
    for limit in (resource.RLIMIT_AS, resource.RLIMIT_CPU):
        _set_soft(limit, resource.getrlimit(limit)[1])


def _set_soft(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    if hard != resource.RLIM_INFINITY:
        value = hard if value == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, hard))


def _die_with(parent: int) -> None:
    """The kernel ends this process with its parent; elsewhere than Linux the closed socket does it, once the present task ends."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)


def _give_up_what_parsing_does_not_need() -> None:
    """No core dumps of documents, no large files, few descriptors; Ctrl-C in the terminal is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _set_hard(resource.RLIMIT_CORE, 0)
    _set_hard(resource.RLIMIT_FSIZE, _FILE_WRITE_LIMIT_BYTES)
    _set_hard(resource.RLIMIT_NOFILE, 128)


def _set_hard(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main()
