"""What a child can do wrong, as functions that the pool runs. Imported in children only."""

import ctypes
import os
import sys
import time
from collections.abc import Callable

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


def hoard(size_bytes: int) -> int:
    return len(bytearray(size_bytes))


def refuse() -> None:
    raise FileRefused(RefusalCode.ENCRYPTED, "It needs a password.")


def stumble() -> None:
    raise ValueError("account number 12345 of Mrs Miller")
