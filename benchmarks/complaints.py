"""Warnings and errors in the logs of the parts: a healthy run has none."""

import re
from collections import Counter
from pathlib import Path

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CORE = re.compile(r"^\S+ +(?:WARN|ERROR) (?P<what>.*)")
_FIELDS = re.compile(r" \w+=.*")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\S*")
_LEVEL = re.compile(r"""\blevel=(?:WARN|ERROR)|"level": ?"(?:warn|warning|error|critical)\"""")
_WHAT = re.compile(r"""(?:\bmsg=|\berror=|"event": ?)("(?:[^"\\]|\\.)*"|\S+)""")


def complaints(log: Path, *, offset: int = 0) -> Counter[str]:
    """How often each warning or error was written after `offset` bytes of a log; ids are left out, so that the same ones count together.

    Knows the lines of Temporal, of our own logs (JSON) and of the SDK's core.
    """
    with log.open(encoding="utf-8", errors="replace") as file:
        file.seek(offset)
        found = (_complaint(_COLOUR.sub("", line).strip()) for line in file)
        return Counter(message for message in found if message is not None)


def _complaint(line: str) -> str | None:
    if core := _CORE.match(line):
        return _ID.sub("<id>", _FIELDS.sub("", core["what"]))
    if _LEVEL.search(line):
        return ": ".join(what.strip('"') for what in _WHAT.findall(line)) or line
    return None
