"""The invariants, read from `invariants.sql` and asked of a database."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import text

from ingestio.db.session import ServiceSession

SHOWN = 20
"""Violations listed per invariant; the first few tell what is wrong."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One row that breaks one invariant: ids and counts only."""

    invariant: str
    subject: str
    stored: str
    expected: str


@cache
def queries() -> dict[str, str]:
    """The queries by name, in the file's order."""
    parts = (Path(__file__).parent / "invariants.sql").read_text(encoding="utf-8").split("-- name: ")[1:]
    return {name.strip(): body.strip().rstrip(";") for name, _, body in (part.partition("\n") for part in parts)}


async def violations(session: ServiceSession) -> list[Violation]:
    """Everything that is broken now, at most SHOWN rows per invariant.

    Each query is one snapshot, and every transaction keeps the invariants, so it may run beside live work.
    """
    found: list[Violation] = []
    for name, query in queries().items():
        rows = await session.execute(text(f"SELECT * FROM ({query}) AS broken LIMIT {SHOWN}"))  # noqa: S608 - our own file
        found.extend(Violation(name, str(row.subject), str(row.stored), str(row.expected)) for row in rows)
    return found
