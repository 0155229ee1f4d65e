"""One field that a prompt names."""

import re
from dataclasses import dataclass

from ingestio.domain.fields import FieldKind

_MAX_NAME = 64


@dataclass(frozen=True, slots=True)
class RequestedField:
    """`name` is the key it gets in the data; `label` the user's words; `kind` only where the prompt says it; columns in `children`."""

    name: str
    label: str
    kind: FieldKind | None = None
    description: str = ""
    children: tuple["RequestedField", ...] = ()


def snake_case(text: str) -> str:
    """The user's words as a key: `Invoice No.` is `invoice_no`, `Kunden-Nr` is `kunden_nr`. Empty when nothing is left."""
    spaced = re.sub(
        r"(?<=[a-z0-9])(?=[A-Z])",
        " ",
        text.replace("#", " number ").replace("&", " and ").replace("'s", "").replace("’s", ""),
    )
    return "_".join(re.findall(r"[^\W_]+", spaced.lower()))[:_MAX_NAME].strip("_")


def key_of(text: str) -> str:
    """A key from JSON: kept as the user wrote it where it can be one, else in snake case."""
    return text if re.fullmatch(r"[^\W\d]\w*", text) and len(text) <= _MAX_NAME else snake_case(text)
