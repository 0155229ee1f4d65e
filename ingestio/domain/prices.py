"""What a model's tokens cost, as the operator wrote it down: no price is ours to know, so without one there is no cost.

Everything is an exact decimal, in whatever currency the operator means.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from types import MappingProxyType
from typing import Any

_PER = Decimal(1_000_000)
_MOST = 1_000_000
# With more, the product with a count of tokens would no longer fit the 28 digits that decimals are exact to.
_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens of one model cost. Thoughts are output. `cached_input`: what the service had kept from an earlier call;
    None: as much as any other input."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None

    def of(self, *, input_tokens: int, cached_tokens: int, output_tokens: int) -> Decimal:
        """What these cost; the cached ones are among the input."""
        cached = self.input if self.cached_input is None else self.cached_input
        dear = (input_tokens - cached_tokens) * self.input + cached_tokens * cached + output_tokens * self.output
        return dear / _PER


PriceList = Mapping[str, Prices]
"""By the model's name, as it is configured."""


def price_list(written: Mapping[str, Any]) -> PriceList:
    """From `{"a-model": {"input": 0.30, "output": 2.50, "cached_input": 0.03}}`, its numbers read as decimals or whole numbers.

    Raises ValueError that names the model and the key.
    """
    known = [item.name for item in fields(Prices)]
    result = {}
    for model, prices in written.items():
        if not isinstance(prices, Mapping):
            raise ValueError(f"{model}: must be an object of prices")
        for key, value in prices.items():
            if key not in known:
                raise ValueError(f"{model}.{key}: unknown price; prices are {', '.join(known)}")
            if not _is_price(value):
                raise ValueError(
                    f"{model}.{key}: must be a number from 0 to {_MOST:,} with at most {_DECIMALS} decimals"
                )
        for key in ("input", "output"):
            if key not in prices:
                raise ValueError(f"{model}.{key}: is missing")
        result[model] = Prices(**{key: Decimal(value) for key, value in prices.items()})
    return MappingProxyType(result)


def as_text(cost: Decimal) -> str:
    """A decimal string as results carry amounts, without an exponent and without zeros at the end."""
    return format(cost.normalize(), "f")


def _is_price(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= _MOST:
        return False
    exponent = Decimal(value).as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_DECIMALS
