"""What a round costs: wall time, and the CPU of every process that works for it."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

SERVERS = ("temporal", "postgres")


@dataclass(slots=True)
class Cost:
    """One round of `documents`, filled in when its block ends. `cpu` in seconds by process: worker, temporal, postgres."""

    documents: int
    seconds: float = 0.0
    cpu: Counter[str] = field(default_factory=Counter)

    @property
    def documents_per_second(self) -> float:
        return self.documents / self.seconds

    @property
    def cpu_ms_per_document(self) -> float:
        return 1000 * self.cpu.total() / self.documents


@contextmanager
def measured(documents: int) -> Iterator[Cost]:
    """Measures its block: this process (the worker) and everything below it, where the embedded servers run."""
    cost = Cost(documents)
    cpu_before, begun = _cpu(), time.perf_counter()
    yield cost
    cost.seconds = time.perf_counter() - begun
    cost.cpu = _cpu() - cpu_before


def _cpu() -> Counter[str]:
    """CPU seconds so far of the living tree. What a dead child used has moved to its parent, so nothing is lost when a backend ends."""
    used: Counter[str] = Counter()
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        try:
            name, times = process.name(), process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        part = next((server for server in SERVERS if name.startswith(server)), "worker")
        used[part] += times.user + times.system + times.children_user + times.children_system
    return used
