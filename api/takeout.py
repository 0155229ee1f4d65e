"""The copy of everything that a user may take with them, written while it is read: any size in little memory (R86)."""

import json
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from api.deps import Caller
from ingestio.db import belongings
from ingestio.db.belongings import Row
from ingestio.domain.prices import as_text
from ingestio.errors import ObjectMissing
from ingestio.storage.keys import original_key

# A result of a long document is some megabytes, and a page is held in memory.
ROWS_AT_ONCE = 50


async def take_out(caller: Caller) -> AsyncIterator[bytes]:
    """All rows as one JSON document, in pieces. Each page is a transaction of its own: whoever reads slowly keeps none open."""
    yield f'{{"exported_at": {_json(caller.now())}'.encode()
    for section in belongings.SECTIONS:
        yield f',\n"{section}": ['.encode()
        first = True
        async for row in _rows(caller, section):
            yield (("\n" if first else ",\n") + _json(row)).encode()
            first = False
        yield b"]"
    yield b"}\n"


async def take_out_with_files(caller: Caller) -> AsyncIterator[bytes]:
    """A ZIP archive, in pieces: the same document, and every original under its document's id. One that is not there is left out."""
    written = _Written()
    with zipfile.ZipFile(written, "w") as archive:  # type: ignore[call-overload]  # it needs no more of a file than this
        with archive.open(_entry("account.json", zipfile.ZIP_DEFLATED, caller.now()), "w", force_zip64=True) as entry:
            async for piece in take_out(caller):
                entry.write(piece)
                yield written.take()
        async for row in _rows(caller, "documents"):
            key = original_key(caller.user_id, row["id"])
            try:
                await caller.store.size(key, caller.user_id)
            except ObjectMissing:
                continue
            # Documents are compressed by themselves; once more would only cost time.
            name = f"documents/{row['id']}/{_name(row['original_filename'])}"
            with archive.open(_entry(name, zipfile.ZIP_STORED, row["created_at"]), "w", force_zip64=True) as entry:
                async for piece in caller.store.stream(key, caller.user_id):
                    entry.write(piece)
                    yield written.take()
    yield written.take()


class _Written:
    """Where an archive is written to: what has come in and is not yet sent."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing waits here."""

    def take(self) -> bytes:
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole


def _entry(name: str, compression: int, moment: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
    entry.compress_type = compression
    return entry


def _name(filename: str) -> str:
    """A file's name as an archive may hold it: no way into another folder."""
    return filename.replace("/", "_").replace("\\", "_").lstrip(".") or "document"


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
    if isinstance(value, Decimal):
        return as_text(value)
    raise TypeError(f"no way to write {type(value).__name__}")
