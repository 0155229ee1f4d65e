"""Counting: what was true of one document, what was read, and how much of it is right, field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingestio.domain.evidence import FieldState
from ingestio.domain.fields import Extraction, FieldKind, FieldSpec
from ingestio.evaluation.comparison import paired, same
from ingestio.evaluation.datasets import Truth
from ingestio.extraction.base import OTHER
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.schemas import Wanted, child_concept, wanted_for


@dataclass(slots=True)
class Tally:
    """Values of one field. `known`: where the truth says something, if only that there is none; `exact`: where the answer is just that."""

    known: int = 0
    true: int = 0
    found: int = 0
    right: int = 0
    exact: int = 0

    def add(self, other: "Tally") -> None:
        for name in ("known", "true", "found", "right", "exact"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Score:
    """One document's tallies by field (`line_items[].amount`); `line_items[]` counts rows that are right in every known column.

    `misses`: paths that are wrong with (true, got); `unasked`: fields of the truth that the prompt did not ask for;
    `supported_but_wrong`: values that the document bears out and that are still another's.
    """

    fields: dict[str, Tally] = field(default_factory=dict)
    misses: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    unasked: set[str] = field(default_factory=set)
    supported_but_wrong: int = 0


def score(truth: Truth, extraction: Extraction | None, prompt: str | None) -> Score:
    """What `extraction` got right; None, where the document failed, gets nothing right."""
    counted = Score()
    document_type = truth.document_type or (extraction.document_type if extraction else OTHER)
    wanted = wanted_for(document_type, prompt)
    supported = {each.path for each in extraction.fields if each.state is FieldState.SUPPORTED} if extraction else set()
    counting = _Counting(counted, supported)
    for name, true in _nested(truth.values).items():
        known = _wanted(name, wanted, document_type)
        if known is None:
            counted.unasked.add(name)
            continue
        got = extraction.data.get(known.spec.name) if extraction else None
        counting.field(name, known, got, true)
    return counted


def kinds_of(document_type: str, prompt: str | None) -> dict[str, FieldKind]:
    """The kind of every field that was asked for, by its path without indexes."""
    return dict(_kinds(wanted.spec for wanted in wanted_for(document_type, prompt)))


def _kinds(specs: Any, prefix: str = "") -> Iterator[tuple[str, FieldKind]]:
    for spec in specs:
        yield prefix + spec.name, spec.kind
        yield from _kinds(
            spec.children, f"{prefix}{spec.name}[]." if spec.kind is FieldKind.LIST else f"{prefix}{spec.name}."
        )


class _Counting:
    def __init__(self, counted: Score, supported: set[str]) -> None:
        self._counted = counted
        self._supported = supported

    def field(self, name: str, known: Wanted, got: Any, true: Any) -> None:
        if known.spec.kind is FieldKind.LIST or isinstance(true, list):
            self._list(name, known, got if isinstance(got, list) else [], true or [])
        elif isinstance(true, dict):
            parts = got if isinstance(got, dict) else {}
            for part, value in true.items():
                spec = _column(part, known)
                own = spec.name if spec else part
                path = f"{known.spec.name}.{own}"
                self._value(f"{name}.{part}", path, spec.kind if spec else FieldKind.TEXT, parts.get(own), value)
        else:
            self._value(name, known.spec.name, known.spec.kind, got, true)

    def _value(self, name: str, path: str, kind: FieldKind, got: Any, true: Any, shown: str | None = None) -> bool:
        right = same(kind, got, true)
        tally = Tally(1, true is not None, got is not None, right and true is not None, right)
        self._counted.fields.setdefault(name, Tally()).add(tally)
        if not right:
            self._counted.misses[shown or name] = (true, got)
            self._counted.supported_but_wrong += path in self._supported
        return right

    def _list(self, name: str, known: Wanted, got: list[Any], true: list[Any]) -> None:
        """Rows are lined up first, so that one that was left out costs itself and not all below it."""
        own = known.spec.name
        columns = list(
            dict.fromkeys(column for row in true for column in (row if isinstance(row, dict) else {"": row}))
        )
        specs = {column: _column(column, known) for column in columns}
        kinds = {column: spec.kind if spec else FieldKind.TEXT for column, spec in specs.items()}
        keys = {column: spec.name if spec else column for column, spec in specs.items()}
        got_rows = [{column: _cell(row, keys[column]) for column in columns} for row in got]
        true_rows = [row if isinstance(row, dict) else {"": row} for row in true]
        partner = {other: one for one, other in paired(got_rows, true_rows, kinds)}
        right_rows = 0
        for index, row in enumerate(true_rows):
            at = partner.get(index)
            right = at is not None
            for column, value in row.items():
                cell = got_rows[at][column] if at is not None else None
                dotted = f".{column}" if column else ""
                path = f"{own}[{at}]" + (f".{keys[column]}" if column else "")
                right &= self._value(f"{name}[]{dotted}", path, kinds[column], cell, value, f"{name}[{index}]{dotted}")
            right_rows += right
        extra = sorted(set(range(len(got))) - set(partner.values()))
        for index in extra:
            for column in columns:
                if got_rows[index][column] is not None:
                    self._counted.fields.setdefault(f"{name}[]" + (f".{column}" if column else ""), Tally()).found += 1
            self._counted.misses[f"{name}+[{index}]"] = (None, got[index])
        if columns != [""]:
            rows = Tally(1, len(true), len(got), right_rows, not extra and right_rows == len(true))
            self._counted.fields.setdefault(f"{name}[]", Tally()).add(rows)


def _cell(row: Any, key: str) -> Any:
    if isinstance(row, dict):
        return row.get(key)
    return row if key == "" else None


def _wanted(name: str, wanted: tuple[Wanted, ...], document_type: str) -> Wanted | None:
    """The field that was asked for by this name, or by another name for the same thing."""
    by_name = next((each for each in wanted if each.spec.name == name), None)
    if by_name is not None:
        return by_name
    concept = DOCUMENT_TYPES[document_type].concept(name)
    return next((each for each in wanted if concept is not None and each.concept is concept), None)


def _column(name: str, known: Wanted) -> FieldSpec | None:
    by_name = next((each for each in known.spec.children if each.name == name), None)
    if by_name is not None or known.concept is None:
        return by_name
    concept = child_concept(name, known.concept)
    names = (concept.name, *concept.aliases) if concept else ()
    return next((each for each in known.spec.children if each.name in names), None)


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by path as they hang together: lists of rows, objects of parts."""
    root: dict[str, Any] = {}
    for path, value in values.items():
        name, bracket, rest = path.partition("[")
        if bracket:
            index, _, column = rest.partition("]")
            rows = root.setdefault(name, {})
            if not isinstance(rows, dict):
                continue
            row = rows.setdefault(int(index), {})
            row[column.lstrip(".")] = value
        elif "." in path:
            name, _, part = path.partition(".")
            root.setdefault(name, {})[part] = value
        else:
            root[name] = value
    return {
        name: [value[""] if list(value) == [""] else value for _, value in sorted(part.items())]
        if isinstance(part, dict) and part and all(isinstance(key, int) for key in part)
        else part
        for name, part in root.items()
    }
