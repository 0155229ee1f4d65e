"""What tokens cost: exact, and unknown as soon as any price is."""

import json
from decimal import Decimal

import pytest

from ingestio.domain.fields import ModelUsage
from ingestio.domain.prices import Prices, price_list

PRICES = Prices(Decimal("0.30"), Decimal("2.50"), Decimal("0.03"))


@pytest.mark.parametrize(
    ("usage", "prices", "cost"),
    [
        (ModelUsage(258, 52), PRICES, "0.0002074"),
        (ModelUsage(258, 52, thinking_tokens=50), PRICES, "0.0002074"),
        (ModelUsage(1_000_000, 0, cached_tokens=400_000), PRICES, "0.192"),
        (ModelUsage(1_000_000, 0, cached_tokens=400_000), Prices(Decimal("0.30"), Decimal("2.50")), "0.3"),
        (ModelUsage(1, 1), Prices(Decimal("0.000000001"), Decimal(0)), "0.000000000000001"),
        (ModelUsage(2_000_000, 0), Prices(Decimal(5), Decimal(0)), "10"),
        (ModelUsage(0, 0), PRICES, "0"),
        (ModelUsage(258, 52), None, None),
    ],
)
def test_a_cost_is_exact(usage: ModelUsage, prices: Prices | None, cost: str | None) -> None:
    assert usage.priced(prices).estimated_cost == cost


def test_costs_add_up_without_an_error_of_rounding() -> None:
    tenth = ModelUsage(1, 0, estimated_cost="0.1")
    assert sum([tenth] * 3, ModelUsage()) == ModelUsage(3, 0, estimated_cost="0.3")


def test_with_one_unknown_price_the_whole_is_unknown() -> None:
    assert ModelUsage(10, 2, 4, 1, "0.5") + ModelUsage(1, 1, 1, 1) == ModelUsage(11, 3, 5, 2, None)


def test_what_spent_nothing_makes_nothing_unknown() -> None:
    spent = ModelUsage(10, 2, estimated_cost="0.5")
    assert ModelUsage() + spent == spent + ModelUsage() == spent


def test_numbers_are_taken_as_they_are_written() -> None:
    written = json.loads('{"m": {"input": 0.1, "output": 3, "cached_input": 0.025}}', parse_float=Decimal)
    assert price_list(written) == {"m": Prices(Decimal("0.1"), Decimal(3), Decimal("0.025"))}


def test_the_bulk_lane_has_prices_of_its_own() -> None:
    written = {"m": {"input": 2, "output": 4, "bulk": {"input": 1, "output": 2}}}
    assert price_list(written)["m"].bulk == Prices(Decimal(1), Decimal(2))


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ('{"m": 3}', "m: "),
        ('{"m": {"input": 1}}', "m.output: is missing"),
        ('{"m": {"input": 1, "output": 2, "thoughts": 3}}', "m.thoughts: unknown price"),
        ('{"m": {"input": -1, "output": 2}}', "m.input: "),
        ('{"m": {"input": "1", "output": 2}}', "m.input: "),
        ('{"m": {"input": true, "output": 2}}', "m.input: "),
        ('{"m": {"input": null, "output": 2}}', "m.input: "),
        ('{"m": {"input": NaN, "output": 2}}', "m.input: "),
        ('{"m": {"input": 1e9, "output": 2}}', "m.input: "),
        ('{"m": {"input": 1, "output": 2, "bulk": 0.5}}', "m.bulk: must be an object"),
        ('{"m": {"input": 1, "output": 2, "bulk": {"input": 1}}}', "m.bulk.output: is missing"),
        ('{"m": {"input": 1, "output": 2, "bulk": {"input": 1, "output": 1, "bulk": {}}}}', "m.bulk.bulk: unknown"),
        ('{"m": {"input": 0.0000000001, "output": 2}}', "m.input: "),
    ],
)
def test_what_is_no_price_is_named(written: str, named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}"):
        price_list(json.loads(written, parse_float=Decimal))
