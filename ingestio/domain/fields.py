"""The fields of a result: what was asked for, what was found, and how sure we are.

Values are normalised on the way in (contract): amounts are decimal strings (`"1234.50"`), dates ISO 8601 (`"2026-11-23"`), currencies
ISO 4217; a path names a value inside `data` (`line_items[0].amount`). A requested value that is not in the document is null in
`data` and `not_found` in the fields.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ingestio.domain.evidence import Evidence, FieldState


class FieldKind(StrEnum):
    """What a value is, which decides how it is read, normalised and compared with the document."""

    TEXT = "text"
    DATE = "date"
    AMOUNT = "amount"
    NUMBER = "number"
    CURRENCY = "currency"
    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    TAX_ID = "tax_id"
    IDENTIFIER = "identifier"
    ADDRESS = "address"
    OBJECT = "object"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field that is wanted.

    `labels` are the words that stand beside it on paper; `children` the columns of a list or the parts of an object.
    """

    name: str
    kind: FieldKind
    description: str = ""
    labels: tuple[str, ...] = ()
    children: tuple["FieldSpec", ...] = ()


@dataclass(frozen=True, slots=True)
class ExtractedField:
    """One value with its evidence. `value` is normalised; `confidence` from 0 to 1, derived from the evidence."""

    path: str
    value: str | int | float | bool | None
    state: FieldState
    confidence: float
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What a provider spent; the offline engine spends no tokens."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Extraction:
    """A provider's finished, grounded answer for one document."""

    document_type: str
    provider: str
    model: str
    data: dict[str, Any]
    fields: tuple[ExtractedField, ...]
    flags: tuple[dict[str, Any], ...] = ()
    usage: ModelUsage = field(default_factory=ModelUsage)
    schema_version: str = "1"
