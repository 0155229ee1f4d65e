"""Resident memory of processes while something happens."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Self

import psutil

INTERVAL_SECONDS = 0.1

Family = Callable[[], Iterable[psutil.Process]]
"""Which processes a line is about, asked anew for each sample, because children come and go."""


class MemoryWatch:
    """Samples while its block runs. One name, one sum over its processes; megabytes are 10**6 bytes."""

    def __init__(self, families: Mapping[str, Family], *, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._families = families
        self._interval = interval_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.samples_mb: dict[str, list[float]] = {name: [] for name in families}

    def __enter__(self) -> Self:
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def peak_mb(self, name: str) -> float:
        """The highest sample."""
        return max(self.samples_mb[name])

    def growth_mb(self, name: str) -> float:
        """The highest sample above the first."""
        return self.peak_mb(name) - self.samples_mb[name][0]

    def first_half_peak_mb(self, name: str) -> float:
        """The highest sample of the first half: what stays bounded does not exceed it much later."""
        samples = self.samples_mb[name]
        return max(samples[: (len(samples) + 1) // 2])

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self._sample()

    def _sample(self) -> None:
        for name, family in self._families.items():
            total = 0
            for process in family():
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += process.memory_info().rss
            self.samples_mb[name].append(total / 1e6)


def lone(process: psutil.Process) -> Family:
    """One process without its children."""
    return lambda: [process]


def children(process: psutil.Process) -> Family:
    """Everything below a process."""

    def found() -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            below: list[psutil.Process] = process.children(recursive=True)
            return below
        return []

    return found
