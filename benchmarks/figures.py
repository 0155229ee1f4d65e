"""One measured figure and what it is compared with."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `floor` in `unit`; the ratio is value / floor, whichever way is better is said by `better`."""

    HEADING: ClassVar[str] = f"{'what':58} {'ours':>10} {'floor':>10} {'unit':8} {'ratio':>6}  better"

    what: str
    value: float
    floor: float
    unit: str
    better: str

    def line(self) -> str:
        return f"{self.what:58} {self.value:10.2f} {self.floor:10.2f} {self.unit:8} {self.value / self.floor:6.2f}  {self.better}"
