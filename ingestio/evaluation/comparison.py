"""When a value that was read is the true one, and which row of a list is which."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from ingestio.domain.fields import FieldKind
from ingestio.extraction.tokens import compact
from ingestio.extraction.values import NotOfKind, normalise

Row = Mapping[str, Any]

_BY_WORDS = frozenset({FieldKind.TEXT, FieldKind.ADDRESS, FieldKind.PHONE})
# Beyond this many comparisons rows are paired by position: a statement of thousands of lines must not take minutes.
_MOST_PAIRS = 250_000


def same(kind: FieldKind, got: Any, true: Any) -> bool:
    """Whether `got` is the true value: numbers by their worth, names and addresses by their letters and digits, the rest to the letter."""
    if got is None or true is None:
        return got is None and true is None
    if isinstance(true, (int, float)) and not isinstance(true, bool):
        try:
            return Decimal(str(got)) == Decimal(str(true))
        except InvalidOperation:
            return False
    if kind in _BY_WORDS:
        return compact(str(got)) == compact(str(true))
    return bool(_plain(kind, got) == _plain(kind, true))


def _plain(kind: FieldKind, value: Any) -> Any:
    try:
        written = normalise(kind, value) or ""
    except NotOfKind:
        written = str(value)
    if kind in (FieldKind.AMOUNT, FieldKind.NUMBER):
        try:
            return Decimal(written)
        except InvalidOperation:
            return written
    return "".join(written.split()).casefold()


def paired(got: Sequence[Row], true: Sequence[Row], kinds: Mapping[str, FieldKind]) -> list[tuple[int, int]]:
    """Indexes of rows that belong together, in order: of all ways to line the lists up, one with the most cells right."""
    start = 0
    while start < min(len(got), len(true)) and _alike(got[start], true[start], kinds) == len(kinds):
        start += 1
    head = [(index, index) for index in range(start)]
    left, right = got[start:], true[start:]
    if len(left) * len(right) > _MOST_PAIRS:
        rest = [(index, index) for index in range(min(len(left), len(right)))]
    else:
        rest = _aligned(left, right, kinds)
    return head + [(start + one, start + other) for one, other in rest]


def _alike(got: Row, true: Row, kinds: Mapping[str, FieldKind]) -> int:
    return sum(same(kind, got.get(name), true.get(name)) for name, kind in kinds.items())


def _aligned(got: Sequence[Row], true: Sequence[Row], kinds: Mapping[str, FieldKind]) -> list[tuple[int, int]]:
    """Needleman and Wunsch, with nothing won or lost by leaving a row alone."""
    worth = [[_alike(one, other, kinds) for other in true] for one in got]
    best = [[0] * (len(true) + 1) for _ in range(len(got) + 1)]
    for one in range(len(got) - 1, -1, -1):
        for other in range(len(true) - 1, -1, -1):
            best[one][other] = max(
                worth[one][other] + best[one + 1][other + 1], best[one + 1][other], best[one][other + 1]
            )
    pairs, one, other = [], 0, 0
    while one < len(got) and other < len(true):
        if worth[one][other] and best[one][other] == worth[one][other] + best[one + 1][other + 1]:
            pairs.append((one, other))
            one, other = one + 1, other + 1
        elif best[one][other] == best[one + 1][other]:
            one += 1
        else:
            other += 1
    return pairs
