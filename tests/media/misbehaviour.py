"""What a child can do wrong, as functions that the pool runs. Imported in children only."""

import ctypes
import os
import signal
import subprocess
import sys
import time

from ingestio.errors import FileRefused, RefusalCode


def echo(value: object) -> object:
    return value


def process_id() -> int:
    return os.getpid()


def spin() -> None:
    while True:
        pass


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def fault() -> None:
    ctypes.string_at(0)


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hoard(size_bytes: int) -> int:
    return len(bytearray(size_bytes))


def refuse() -> None:
    raise FileRefused(RefusalCode.ENCRYPTED, "It needs a password.")


def stumble() -> None:
    raise ValueError("account number 12345 of Mrs Miller")


def talk(text: str) -> None:
    """Says something in every way that a C library or Python can."""
    print(text)
    print(text, file=sys.stderr)
    os.write(1, text.encode())
    os.write(2, text.encode())


def environment() -> dict[str, str]:
    return dict(os.environ)


class _Reduces:
    """Pickles as a call of the parent's own doing: what a child that was taken over would send."""

    def __init__(self, *reduced: object) -> None:
        self._reduced = reduced

    def __reduce__(self) -> tuple[object, ...]:
        return self._reduced


def call_system(witness: str) -> object:
    return _Reduces(os.system, (f"touch '{witness}'",))


def name_a_class_of_the_library(witness: str) -> object:
    return _Reduces(subprocess.Popen, (["touch", witness],))
