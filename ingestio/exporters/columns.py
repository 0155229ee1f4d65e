"""What tables write: the columns of a row's values, and one line for each row, or for each item of its lists."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ingestio.domain.exports import ExportLayout, ExportValues
from ingestio.exporters.rows import ExportRow

Scalar = str | int | float | bool | None
FieldPath = tuple[str, ...]
Values = dict[FieldPath, Scalar]

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

_REVIEW = ("review", "revision")
_ITEM = ("list", "item")


class Column(NamedTuple):
    """A place inside a result, without the number of a list's item; `part` is what about it, "" for the value itself."""

    path: FieldPath
    part: str = ""

    @property
    def name(self) -> str:
        plain = ".".join(self.path)
        return f"{plain} ({self.part})" if self.part else plain


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: the fixed columns by name, and the values by column."""

    fixed: Mapping[str, Scalar]
    cells: Mapping[Column, Scalar]


def fixed_columns(layout: ExportLayout, first: tuple[str, ...] = FIXED_COLUMNS) -> tuple[str, ...]:
    """`first`, then what the layout adds to every line."""
    review = _REVIEW if layout.values is not ExportValues.MACHINE else ()
    return (*first, *review, *(_ITEM if layout.explode else ()))


def headers(fixed: Iterable[str], columns: Iterable[Column]) -> list[str]:
    """A header for each column, all different: a field called as a fixed column is gets `data.` in front, a repeated name a number."""
    # A dictionary keeps the order and finds a name at once: a sheet may have sixteen thousand columns.
    taken = dict.fromkeys(fixed)
    fixed = frozenset(taken)
    for column in columns:
        plain = column.name
        if plain in fixed:
            plain = f"data.{plain}"
        name, number = plain, 1
        while name in taken:
            number += 1
            name = f"{plain} ({number})"
        taken[name] = None
    return list(taken)


def lines(row: ExportRow, layout: ExportLayout) -> Iterator[Line]:
    """The row as one line; exploded, one for each item of each of its lists of objects, with all other values on every one of them.

    Values come in the order of the result's fields. Parts of objects have columns of their own; a list that is not exploded is one
    JSON text.
    """
    result = row.result or {}
    fixed = {name: getattr(row, name) for name in FIXED_COLUMNS} | {name: result.get(name) for name in _REVIEW}
    found = _Found(result, layout)
    common, items = found.common(), False
    for path, index, cells in found.items():
        items = True
        yield Line(fixed | {"list": ".".join(path), "item": index + 1}, common | cells)
    if not items:
        yield Line(fixed | {"list": None, "item": None}, common)


@dataclass
class _Apart:
    """Data taken apart: single values by path, and the items of its lists of objects, each taken apart in turn."""

    single: Values = field(default_factory=dict)
    lists: dict[FieldPath, list[Values]] = field(default_factory=dict)

    def part(self, path: FieldPath, index: int) -> Values:
        items = self.lists.get(path, [])
        return items[index] if index < len(items) else {}


class _Found:
    """One result under one layout."""

    def __init__(self, result: Mapping[str, Any], layout: ExportLayout) -> None:
        self._layout = layout
        self._fields = {str(each["path"]): each for each in result.get("fields") or ()}
        self._own = _take_apart(result.get("data"), explode=layout.explode)
        self._machine = _take_apart(result.get("machine_data"), explode=layout.explode)
        self._places: dict[str, int] = {}
        for path in self._fields:
            # `line_items[0].amount` stands for the list it belongs to, and inside it for `line_items.amount`.
            for name in (re.split(r"\[\d", path, maxsplit=1)[0], re.sub(r"\[\d+\]", "", path)):
                self._places.setdefault(name, len(self._places))

    def common(self) -> dict[Column, Scalar]:
        """What stands once in the result."""
        return self._cells(self._own.single, self._machine.single)

    def items(self) -> Iterator[tuple[FieldPath, int, dict[Column, Scalar]]]:
        """Every item of every list: whose it is, which it is (from 0), and what it holds."""
        for path in sorted(self._own.lists | self._machine.lists, key=self._place):
            for index in range(max(len(apart.lists.get(path, ())) for apart in (self._own, self._machine))):
                yield (
                    path,
                    index,
                    self._cells(self._own.part(path, index), self._machine.part(path, index), path, index),
                )

    def _cells(self, own: Values, machine: Values, inside: FieldPath = (), index: int = 0) -> dict[Column, Scalar]:
        cells: dict[Column, Scalar] = {}
        both = self._layout.values is ExportValues.BOTH
        for path in sorted(own | machine if both else own, key=lambda path: self._place((*inside, *path))):
            column = (*inside, *path)
            cells[Column(column)] = own.get(path)
            if both:
                cells[Column(column, "machine")] = machine.get(path)
            if self._layout.provenance:
                name = ".".join(path)
                cells |= self._provenance(column, f"{'.'.join(inside)}[{index}].{name}" if inside else name)
        return cells

    def _provenance(self, column: FieldPath, path: str) -> dict[Column, Scalar]:
        known = self._fields.get(path)
        if known is None:
            return {}
        places: Sequence[Mapping[str, Any]] = known.get("evidence") or ()
        first = places[0] if places else {}
        # Always a list, so that readers need not ask; without a place the cell is empty.
        pages = json.dumps(list(dict.fromkeys(place.get("page") for place in places))) if places else None
        return {
            Column(column, "state"): known.get("state"),
            Column(column, "confidence"): known.get("confidence"),
            Column(column, "page"): first.get("page"),
            Column(column, "pages"): pages,
            Column(column, "quote"): first.get("quote"),
        }

    def _place(self, path: FieldPath) -> int:
        # Postgres hands JSON back with its keys by length; the fields keep the order that a reader expects.
        return self._places.get(".".join(path), len(self._places))


def _take_apart(data: Any, *, explode: bool) -> _Apart:
    apart = _Apart()
    for path, value in _leaves(data or {}, ()):
        if explode and isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
            apart.lists[path] = [_take_apart(each, explode=False).single for each in value]
        elif value is None or isinstance(value, str | int | float):
            apart.single[path] = value
        else:
            apart.single[path] = json.dumps(value, ensure_ascii=False)
    return apart


def _leaves(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, Any]]:
    if isinstance(value, Mapping) and (value or not path):
        for name, part in value.items():
            yield from _leaves(part, (*path, str(name)))
    else:
        yield path, value
