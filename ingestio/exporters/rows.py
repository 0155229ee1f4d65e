"""What every format writes: one row for each file that was handed in, whatever became of it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One file. A refused one has no document and no pages; only a completed one has a `result`, in the contract's shape.

    Where machine and reviewed values are wanted, `result` has a `machine_data` beside `data`, and fields a `machine_value`.
    `file` is the name as its owner knows it, which may be a path below the folder that was handed in.
    """

    file: str
    status: str
    batch: str | None = None
    document_id: str | None = None
    document_type: str | None = None
    pages: int | None = None
    pages_charged: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    result: Mapping[str, Any] | None = None

    @classmethod
    def read(cls, line: str | bytes) -> Self:
        """A row as `line` wrote it."""
        return cls(**json.loads(line))

    def line(self) -> bytes:
        """The row on one line, for a file between the gathering and the writing of many."""
        return json.dumps({each.name: getattr(self, each.name) for each in fields(self)}).encode() + b"\n"


def repeatable(rows: Iterable[ExportRow]) -> Iterable[ExportRow]:
    """`rows`, which the tables read twice: once for their columns, once for their values. Raises TypeError for a one-way iterator."""
    if isinstance(rows, Iterator):
        raise TypeError("tables read their rows twice; hand in something that can be iterated again")
    return rows


def as_object(row: ExportRow) -> dict[str, Any]:
    """The row as JSON: its state, then everything that the result says; `data` is null and `fields` empty without one."""
    result = row.result or {}
    known: dict[str, Any] = {
        "file": row.file,
        "batch": row.batch,
        "document_id": row.document_id,
        "status": row.status,
        "error": None if row.error_code is None else {"code": row.error_code, "message": row.error_message},
        "document_type": row.document_type,
        "pages": row.pages,
        "pages_charged": row.pages_charged,
        "data": result.get("data"),
        "fields": result.get("fields", []),
    }
    return known | {name: value for name, value in result.items() if name not in known}
