"""One measured figure and what it is compared with."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `floor` in `unit`; the ratio is value / floor, whichever way is better is said by `better`."""

    HEADING: ClassVar[str] = f"{'what':58} {'ours':>10} {'floor':>10} {'unit':8} {'ratio':>6}  better"

    what: str
    value: float
    floor: float
    unit: str
    better: str
    rounds: tuple[float, ...] = ()
    """The ratio of each round, where ours and the floor were measured in turns."""

    @classmethod
    def of_rounds(cls, what: str, values: Sequence[float], floors: Sequence[float], unit: str, better: str) -> Self:
        """Medians, and the ratio of each round: neighbours in time share the machine's mood, medians of a whole run do not."""
        ratios = tuple(value / floor for value, floor in zip(values, floors, strict=True))
        return cls(what, statistics.median(values), statistics.median(floors), unit, better, ratios)

    @property
    def ratio(self) -> float:
        """Against a floor of nothing: 0 when there is nothing, else infinite."""
        if not self.floor:
            return math.inf if self.value else 0.0
        return statistics.median(self.rounds) if self.rounds else self.value / self.floor

    def line(self) -> str:
        spread = f" ({min(self.rounds):.2f} to {max(self.rounds):.2f})" if self.rounds else ""
        return f"{self.what:58} {self.value:10.2f} {self.floor:10.2f} {self.unit:8} {self.ratio:6.2f}  {self.better}{spread}"
