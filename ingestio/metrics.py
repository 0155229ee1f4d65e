"""What happened, in numbers. Each process counts in memory and adds its counts to the database from time to time, where `GET /metrics`
finds the sums of all of them: whoever scrapes needs to know one address, and a restart begins nothing anew.

Labels have few values, all our own words: never an id, a name or a text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SUMS = {
    "ingestio_requests_total": "Requests to the front door, by route and status.",
    "ingestio_request_seconds_sum": "Time that requests took, streams and downloads included.",
    "ingestio_refusals_total": "What was refused, requests and files, by code.",
    "ingestio_documents_total": "Attempts at documents that ended, by status and, where they failed, code.",
    "ingestio_model_calls_total": "Calls to the provider, by what was asked and how it ended.",
    "ingestio_model_seconds_sum": "Time that calls to the provider took.",
    "ingestio_model_tokens_total": "Tokens that the provider counted, sent and received.",
    "ingestio_queue_seconds_sum": "Time that steps waited on a task queue before a worker took them.",
    "ingestio_queue_steps_total": "Steps that a worker took from a task queue.",
    "ingestio_repairs_total": "What upkeep found and mended, by kind.",
    "ingestio_events_total": "Events of the product, by name.",
}
GAUGES = {
    "ingestio_jobs": "Documents that are to be read, by status.",
    "ingestio_oldest_job_seconds": "How long nothing has happened to the job that rests longest, by status.",
    "ingestio_batches": "Batches that have not ended, by status; paused ones apart.",
    "ingestio_pages": "Pages of all periods of all accounts, as the ledger counts them.",
}

Series = tuple[str, str]
"""A metric and its labels, as they are written: `code="no_text",status="failed"`."""


@dataclass
class Counts:
    """What a process counted and has not handed over yet. One thread, the event loop's, writes it."""

    _sums: dict[Series, float] = field(default_factory=dict)

    def add(self, name: str, amount: float = 1, /, **labels: str) -> None:
        """Count something that SUMS names."""
        if name not in SUMS:
            raise ValueError(f"{name} is no metric")
        self._add((name, written(labels)), amount)

    def take(self) -> dict[Series, float]:
        """What was counted since the last time."""
        taken, self._sums = self._sums, {}
        return taken

    def give_back(self, taken: Mapping[Series, float]) -> None:
        """Keep what could not be handed over for the next time."""
        for series, amount in taken.items():
            self._add(series, amount)

    def _add(self, series: Series, amount: float) -> None:
        self._sums[series] = self._sums.get(series, 0) + amount


COUNTS = Counts()
"""This process's."""


def written(labels: Mapping[str, str]) -> str:
    """Labels as the text format writes them, in one order."""
    return ",".join(f'{name}="{_escaped(labels[name])}"' for name in sorted(labels))


def exposition(values: Iterable[tuple[Series, float]]) -> str:
    """Values in Prometheus' text format. What this version does not know (another one counted it) is left out."""
    by_name: dict[str, list[tuple[str, float]]] = {}
    for (name, labels), value in values:
        by_name.setdefault(name, []).append((labels, value))
    lines = []
    for known, kind in ((SUMS, "counter"), (GAUGES, "gauge")):
        for name, meaning in known.items():
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
            lines += [
                f"{name}{{{labels}}} {value:.15g}" if labels else f"{name} {value:.15g}"
                for labels, value in sorted(by_name.get(name, []))
            ]
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
