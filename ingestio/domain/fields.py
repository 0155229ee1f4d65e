"""The fields of a result: what was asked for, what was found, and how sure we are.

Values are normalised on the way in (contract): amounts are decimal strings (`"1234.50"`), dates ISO 8601 (`"2026-11-23"`), currencies
ISO 4217; a path names a value inside `data` (`line_items[0].amount`). A requested value that is not in the document is null in
`data` and `not_found` in the fields.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ingestio.domain.evidence import Evidence, FieldState
from ingestio.domain.prices import Prices, as_text


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
    """What a provider spent; the offline engine spends no tokens.

    The `cached_tokens` are among the input, the `thinking_tokens` among the output. `estimated_cost` is a decimal string; None where
    somebody did not say what tokens cost.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    thinking_tokens: int = 0
    estimated_cost: str | None = None

    def __add__(self, other: "ModelUsage") -> "ModelUsage":
        """Both together; of an unknown and a known cost the sum is unknown, while what spent nothing changes nothing."""
        if self.is_nothing or other.is_nothing:
            return other if self.is_nothing else self
        costs = (self.estimated_cost, other.estimated_cost)
        known = [Decimal(cost) for cost in costs if cost is not None]
        return ModelUsage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.thinking_tokens + other.thinking_tokens,
            as_text(sum(known, Decimal())) if len(known) == len(costs) else None,
        )

    @property
    def is_nothing(self) -> bool:
        return not (self.input_tokens or self.output_tokens)

    def priced(self, prices: Prices | None) -> "ModelUsage":
        """The same at these prices."""
        if prices is None:
            return replace(self, estimated_cost=None)
        cost = prices.of(
            input_tokens=self.input_tokens, cached_tokens=self.cached_tokens, output_tokens=self.output_tokens
        )
        return replace(self, estimated_cost=as_text(cost))


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
