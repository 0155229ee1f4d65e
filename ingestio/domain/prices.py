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
    None: as much as any other input. `bulk`: the prices of the bulk lane, None when nobody said."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    bulk: "Prices | None" = None

    def of(self, *, input_tokens: int, cached_tokens: int, output_tokens: int) -> Decimal:
        """What these cost; the cached ones are among the input."""
        cached = self.input if self.cached_input is None else self.cached_input
        dear = (input_tokens - cached_tokens) * self.input + cached_tokens * cached + output_tokens * self.output
        return dear / _PER


PriceList = Mapping[str, Prices]
"""By the model's name, as it is configured."""


def price_list(written: Mapping[str, Any]) -> PriceList:
    """From `{"a-model": {"input": 0.30, "output": 2.50, "cached_input": 0.03}}`, its numbers read as decimals or whole numbers; a model
    may have the same again under `bulk`. Raises ValueError that names the model and the key.
    """
    return MappingProxyType({model: _prices(model, prices) for model, prices in written.items()})


def as_text(cost: Decimal) -> str:
    """A decimal string as results carry amounts, without an exponent and without zeros at the end."""
    return format(cost.normalize(), "f")


def _prices(name: str, written: Any, *, in_bulk: bool = False) -> Prices:
    if not isinstance(written, Mapping):
        raise ValueError(f"{name}: must be an object of prices")
    known = [item.name for item in fields(Prices) if not (in_bulk and item.name == "bulk")]
    prices: dict[str, Any] = {}
    for key, value in written.items():
        if key not in known:
            raise ValueError(f"{name}.{key}: unknown price; prices are {', '.join(known)}")
        if key == "bulk":
            prices[key] = _prices(f"{name}.{key}", value, in_bulk=True)
        elif _is_price(value):
            prices[key] = Decimal(value)
        else:
            raise ValueError(f"{name}.{key}: must be a number from 0 to {_MOST:,} with at most {_DECIMALS} decimals")
    for key in ("input", "output"):
        if key not in prices:
            raise ValueError(f"{name}.{key}: is missing")
    return Prices(**prices)


def _is_price(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= _MOST:
        return False
    exponent = Decimal(value).as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_DECIMALS
