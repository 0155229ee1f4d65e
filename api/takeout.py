"""The copy of everything that a user may take with them, written as it is read: one JSON document of any size in little memory (R86)."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from api.deps import Caller
from ingestio.db import belongings
from ingestio.db.belongings import Row

# A result of a long document is some megabytes, and a page is held in memory.
ROWS_AT_ONCE = 50


async def take_out(caller: Caller) -> AsyncIterator[bytes]:
    """The document in pieces. Each page is a transaction of its own: whoever reads slowly keeps none open."""
    yield f'{{"exported_at": {_json(caller.now())}'.encode()
    for section in belongings.SECTIONS:
        yield f',\n"{section}": ['.encode()
        first = True
        async for row in _rows(caller, section):
            yield (("\n" if first else ",\n") + _json(row)).encode()
            first = False
        yield b"]"
    yield b"}\n"


async def _rows(caller: Caller, section: str) -> AsyncIterator[Row]:
    after: UUID | str | None = None
    while True:
        async with caller.reading() as session:
            rows = await belongings.page(session, caller.user_id, section, after, ROWS_AT_ONCE)
        for row in rows:
            if section == "documents":
                row = row | {"file": f"/api/v1/documents/{row['id']}/file"}
            yield row
        if len(rows) < ROWS_AT_ONCE:
            return
        after = belongings.key_of(section, rows[-1])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"no way to write {type(value).__name__}")
