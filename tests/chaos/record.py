"""The record of runs that stays in the repository: a table of runs with their seeds, and sums over all of them.

The tables are the data: adding a run reads them, adds its row and writes the file anew.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.rounds import Round

HEAD = """# What the chaos suite has seen

`make chaos ROUNDS=1000 SEED=n` injects crashes (SIGKILL) into worker, API, Temporal and PostgreSQL at the boundaries of operations, where
the operation happened and its caller never heard, and at random moments; lines between the parts are slowed, reset, cut and black-holed;
users cancel, pause, resume and retry meanwhile. After every round each batch has to have ended as it should, every query of
`ingestio/db/invariants.sql` has to be empty, usage has to be the pages of completed documents, nothing may stay reserved, no run may stay
open, and the store has to hold exactly the originals and answers of the rows. A violation is a round in which any of that was not so.

`python -m tests.chaos --help` says more; `--only-round SEED` plays one round again. This file is written by `--record docs/chaos.md`.
"""
RUNS = "## Runs"
COLUMNS = (
    "date",
    "commit",
    "seed",
    "rounds",
    "batches",
    "documents",
    "crashes",
    "line faults",
    "rounds with a violation",
)
TABLES = {"victims": "## Crashes by who died", "boundaries": "## Crashes by boundary", "faults": "## Faults of lines"}


@dataclass
class Run:
    """One run of the suite."""

    seed: int
    date: str
    commit: str
    rounds: int = 0
    batches: int = 0
    documents: int = 0
    violations: int = 0
    orphans: int = 0
    victims: Counter[str] = field(default_factory=Counter)
    boundaries: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def crashes(self) -> int:
        return self.victims.total()

    def add(self, done: Round) -> None:
        self.rounds += 1
        self.batches += done.batches
        self.documents += done.documents
        self.violations += bool(done.problems)
        self.orphans += done.orphans
        self.victims += done.victims
        self.boundaries += done.boundaries
        self.faults += done.faults

    @property
    def row(self) -> list[str]:
        numbers = (
            self.seed, self.rounds, self.batches, self.documents, self.crashes, self.faults.total(), self.violations,
        )  # fmt: skip
        return [self.date, self.commit, *map(str, numbers)]


def add_to(path: Path, run: Run) -> None:
    """Add a run to the record at `path`; makes the file when there is none."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    runs = [*_table(text, RUNS), run.row]
    sums = {name: Counter({row[0]: int(row[1]) for row in _table(text, title)}) for name, title in TABLES.items()}
    for name, counts in sums.items():
        counts.update(getattr(run, name))
    totals = [str(sum(int(row[column]) for row in runs)) for column in range(3, len(COLUMNS))]
    parts = [HEAD, RUNS, "", *_lines(COLUMNS, [*runs, ["**sum**", "", "", *totals]]), ""]
    for name, title in TABLES.items():
        rows = [[key, str(count)] for key, count in sorted(sums[name].items(), key=lambda item: (-item[1], item[0]))]
        parts += [title, "", *_lines(("what", "count"), rows), ""]
    path.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


def _lines(head: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (list(head), ["---"] * len(head), *rows)]


def _table(text: str, title: str) -> list[list[str]]:
    """The rows of the table below a title, without head and sum."""
    _, found, below = text.partition(f"{title}\n")
    if not found:
        return []
    lines = [line for line in below.partition("\n## ")[0].splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return [row for row in rows if row[0] != "**sum**"]
