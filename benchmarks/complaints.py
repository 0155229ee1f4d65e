"""Warnings and errors in the logs of the parts: a healthy run has none."""

import re
from collections import Counter
from pathlib import Path

_LEVEL = re.compile(r"""\blevel=(?:WARN|ERROR)|"level": ?"(?:warn|warning|error|critical)"|^\S+ +(?:WARN|ERROR) """)
_MESSAGE = re.compile(r"""(?:msg=|"event": ?)("(?:[^"\\]|\\.)*"|\S+)""")


def complaints(log: Path, *, offset: int = 0) -> Counter[str]:
    """How often each warning or error was written after `offset` bytes of a log; Temporal's, the worker's and the SDK core's lines."""
    with log.open(encoding="utf-8", errors="replace") as file:
        file.seek(offset)
        return Counter(_message(line) for line in file if _LEVEL.search(line))


def _message(line: str) -> str:
    found = _MESSAGE.search(line)
    return found[1].strip('"') if found else line.strip()
