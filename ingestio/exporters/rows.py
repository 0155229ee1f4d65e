"""What every format writes: one row for each file that was handed in, whatever became of it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Scalar = str | int | float | bool | None
FieldPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One file. A refused one has no document and no pages; only a completed one has a `result`, in the contract's shape.

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


FIXED_COLUMNS = (
    "file",
    "batch",
    "document_id",
    "status",
    "document_type",
    "pages",
    "pages_charged",
    "error_code",
    "error_message",
)
"""The first columns of every table, in this order; each is an attribute of the row."""


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


def values(row: ExportRow) -> dict[FieldPath, Scalar]:
    """The result's values by path, in the order of its fields. Parts of objects have paths of their own, a list is one JSON text."""
    result = row.result or {}
    found = dict(_leaves(result.get("data") or {}, ()))
    places: dict[str, int] = {}
    for field in result.get("fields") or ():
        # `line_items[0].amount` stands for the list it belongs to.
        places.setdefault(re.split(r"\[\d", str(field["path"]), maxsplit=1)[0], len(places))
    return dict(sorted(found.items(), key=lambda item: places.get(".".join(item[0]), len(places))))


def headers(fixed: Iterable[str], paths: Iterable[FieldPath]) -> list[str]:
    """A header for each column, all different: a field called as a fixed column is gets `data.` in front, a repeated name a number."""
    fixed = tuple(fixed)
    taken = list(fixed)
    for path in paths:
        plain = ".".join(path)
        if plain in fixed:
            plain = f"data.{plain}"
        name, number = plain, 1
        while name in taken:
            number += 1
            name = f"{plain} ({number})"
        taken.append(name)
    return taken


def _leaves(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, Scalar]]:
    if isinstance(value, Mapping) and (value or not path):
        for name, part in value.items():
            yield from _leaves(part, (*path, str(name)))
    elif value is None or isinstance(value, str | int | float):
        yield path, value
    else:
        yield path, json.dumps(value, ensure_ascii=False)
