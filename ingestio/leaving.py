"""How a process that talked to Temporal ends."""

import atexit
import os
import sys
from collections.abc import Callable
from typing import NoReturn


def leaving_at_once(program: Callable[[], object]) -> NoReturn:
    """Run a program to its end and leave with its exit code, as the interpreter would, but without taking the interpreter apart.

    Threads of Temporal's core outlive its clients. One that comes back to Python while the interpreter is taken apart ends the process by
    a signal, and whoever waits for it takes an orderly end for a crash: of 150 bare workers that were stopped on two busy cores 8 ended
    so, of 150 beside them that left like this none. What was registered for the end of the process is run.
    """
    try:
        program()
        code = 0
    except SystemExit as end:
        code = _code(end)
    except BaseException:  # noqa: BLE001 - an edge: the trace is shown as for every program
        sys.excepthook(*sys.exc_info())
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 120  # as the interpreter says that nobody reads what was written
    os._exit(code)


def _code(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    sys.stderr.write(f"{end.code}\n")
    return 1
