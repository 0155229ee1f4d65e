"""Names of downloads."""

import re
from urllib.parse import quote

_UNSAFE = re.compile(r"[^A-Za-z0-9._ -]")


def as_attachment(filename: str) -> str:
    """A Content-Disposition that saves under this name (RFC 6266): plain characters for old clients, UTF-8 for the others."""
    plain = _UNSAFE.sub("_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
