"""A result's fields as a page sets them: single values in a list, rows of a list as a table, unless they are too long for one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from api.schemas.results import ResultField

_IN_LIST = re.compile(r"(?P<list>.+?)\[(?P<index>\d+)\](?:\.(?P<column>.+))?")
_MOST_COLUMNS = 6
_LONGEST_CELL = 60
_INITIALS = frozenset({"iban", "bic", "id", "vat", "url", "po", "sku"})


@dataclass(slots=True)
class Listed:
    """The rows of one list; each maps a column to its field."""

    name: str
    rows: dict[int, dict[str, ResultField]] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Every column that some row has, in the order of the first."""
        return list(dict.fromkeys(column for row in self.rows.values() for column in row))

    @property
    def fits_table(self) -> bool:
        cells = [item for row in self.rows.values() for item in row.values()]
        longest = max((len(str(item.value)) for item in cells if item.value is not None), default=0)
        return len(self.columns) <= _MOST_COLUMNS and longest <= _LONGEST_CELL


@dataclass(frozen=True, slots=True)
class FieldSet:
    """All fields of a result."""

    single: list[ResultField]
    lists: list[Listed]


def arranged(fields: Sequence[ResultField]) -> FieldSet:
    """Fields in the order of the result, lists gathered."""
    single: list[ResultField] = []
    lists: dict[str, Listed] = {}
    for item in fields:
        found = _IN_LIST.fullmatch(item.path)
        if found is None:
            single.append(item)
            continue
        rows = lists.setdefault(found["list"], Listed(found["list"])).rows
        rows.setdefault(int(found["index"]), {})[found["column"] or "value"] = item
    return FieldSet(single, list(lists.values()))


def field_label(path: str) -> str:
    """`vendor.tax_id` -> Vendor: tax ID."""
    words = path.replace("_", " ").replace(".", ": ").split()
    written = " ".join(word.upper() if word.strip(":").lower() in _INITIALS else word for word in words)
    return written[:1].upper() + written[1:]


def field_id(path: str) -> str:
    """An element's id for a field; paths hold characters that addresses dislike."""
    return "field-" + re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")
