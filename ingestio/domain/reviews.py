"""Reviews: what a person decided about a result, and the result as people corrected it (R85).

What the machine read is never changed. A correction is kept beside it, by path, and laid over it whenever the result is read, so both
values are there for as long as the result is.
"""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from enum import StrEnum
from itertools import pairwise
from typing import Any

Scalar = str | int | float | bool | None
FieldPath = tuple[str | int, ...]

_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(0|[1-9]\d{0,5})\]")


class ReviewDecision(StrEnum):
    """The verdict on a whole result; none yet is pending."""

    APPROVED = "approved"
    REJECTED = "rejected"


PENDING = "pending"


class ReviewState(StrEnum):
    """Documents as a reviewer looks for them. Needed: a person should look, and has not decided."""

    NEEDED = "needed"
    APPROVED = "approved"
    REJECTED = "rejected"


class RevisionKind(StrEnum):
    """What a revision records: a person's value, a person's verdict, or what another extraction changed."""

    CORRECTION = "correction"
    DECISION = "decision"
    KEPT = "kept"
    """Another extraction came, and the person's value stands: before is what the machine read this time."""
    EXTRACTION = "extraction"
    """Another extraction read another value than the one that stood before it."""


def parse_path(text: str) -> FieldPath:
    """`line_items[0].amount` -> ("line_items", 0, "amount"). Raises ValueError for what is no path."""
    path = tuple(match[1] if match[1] is not None else int(match[2]) for match in _STEP.finditer(text))
    if not path or not isinstance(path[0], str) or write_path(path) != text:
        raise ValueError("not a path such as line_items[0].amount")
    return path


def value_at(data: Any, path: FieldPath) -> Any:
    """What stands at a path; None where nothing does."""
    for step in path:
        if isinstance(step, int):
            data = data[step] if isinstance(data, list) and step < len(data) else None
        else:
            data = data.get(step) if isinstance(data, dict) else None
    return data


def is_reachable(data: Any, path: FieldPath) -> bool:
    """Whether a value can be put there: rows of a list are added at its end, one after the other."""
    rows = ((step, value_at(data, path[:length]) or ()) for length, step in enumerate(path))
    return all(isinstance(step, str) or step <= len(found) for step, found in rows)


def put(data: dict[str, Any], path: FieldPath, value: Scalar) -> None:
    """Set one value in place. Missing objects and rows are made; a new row has the columns of the first one."""
    holder: Any = data
    for step, following in pairwise(path):
        _make_room(holder, step)
        if not isinstance(holder[step], list if isinstance(following, int) else dict):
            holder[step] = _row_like(holder) if isinstance(following, str) else []
        holder = holder[step]
    _make_room(holder, path[-1])
    holder[path[-1]] = value


def _make_room(holder: Any, step: str | int) -> None:
    if isinstance(step, int):
        holder.extend([None] * (step + 1 - len(holder)))
    else:
        holder.setdefault(step)


def _row_like(holder: Any) -> dict[str, Any]:
    first = holder[0] if isinstance(holder, list) else None
    return dict.fromkeys(first) if isinstance(first, dict) else {}


def corrected_data(data: Mapping[str, Any], corrections: Mapping[str, Scalar]) -> dict[str, Any]:
    """A copy of what the machine read, with people's values in their places."""
    whole = deepcopy(dict(data))
    for path, value in _in_order(corrections):
        put(whole, path, value)
    return whole


def corrected_fields(fields: Sequence[Mapping[str, Any]], corrections: Mapping[str, Scalar]) -> list[dict[str, Any]]:
    """The fields with people's values, marked `reviewed`; state, confidence and evidence stay those of `machine_value`.

    A value that a person added where the machine had no field follows the fields of the same name.
    """
    found = [
        {**field, "value": corrections[field["path"]], "machine_value": field["value"], "reviewed": True}
        if field["path"] in corrections
        else dict(field)
        for field in fields
    ]
    known = {field["path"] for field in fields}
    added = [(path, value) for path, value in _in_order(corrections) if write_path(path) not in known]
    # `line_items`, absent until now, is no field of its own any more when it has rows.
    parents = {write_path(path[:length]) for path, _ in added for length in range(1, len(path))}
    found = [field for field in found if field["path"] not in parents]
    for path, value in added:
        item: dict[str, Any] = {
            "path": write_path(path),
            "value": value,
            "state": "not_found",
            "confidence": 0.0,
            "evidence": [],
        }
        places = [index for index, field in enumerate(found) if re.split(r"[.\[]", field["path"])[0] == path[0]]
        found.insert(places[-1] + 1 if places else len(found), item | {"machine_value": None, "reviewed": True})
    return found


def write_path(path: FieldPath) -> str:
    """("line_items", 0, "amount") -> `line_items[0].amount`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def followed(old: Mapping[str, Any], new: Mapping[str, Any], path: FieldPath) -> FieldPath | None:
    """Where a value of an earlier extraction belongs in a later one; None when its row is not there any more.

    A row that was read the same again is the same row wherever it stands now, and no other row's value is put into it. Rows that a
    person added stay behind those that were read.
    """
    name, index, *rest = (*path, None) if len(path) == 1 else path
    before, after = old.get(str(name)), new.get(str(name))
    if not isinstance(index, int) or not isinstance(before, list) or not isinstance(after, list):
        return path
    if index < len(before) and before[index] in after:
        same = after[index : index + 1] == [before[index]]
        return path if same else (name, after.index(before[index]), *rest)
    if index < len(after) and after[index] not in before:
        return path
    return (name, len(after) + index - len(before), *rest) if index >= len(before) else None


def _in_order(corrections: Mapping[str, Scalar]) -> list[tuple[FieldPath, Scalar]]:
    """Rows before the rows after them, whatever order they were written in."""
    parsed = [(parse_path(path), value) for path, value in corrections.items()]
    return sorted(parsed, key=lambda item: [(0, step) if isinstance(step, int) else (1, step) for step in item[0]])
