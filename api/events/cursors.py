"""Event ids: how far a client has come, so that it resumes where it was, at whichever process."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from ingestio.db.batches import BatchRow
from ingestio.db.changes import EVERYTHING

_FORM = re.compile(r"([0-9]{1,19})(?:-([0-9]{1,19}))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since` is the horizon below which the client has seen every change; `end` names the terminal event it has seen, if it has."""

    since: int
    end: int | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """An event id; one that was never ours resumes from the beginning, which repeats much and loses nothing."""
        found = _FORM.fullmatch(text)
        if found is None:
            return cls(EVERYTHING)
        return cls(int(found[1]), None if found[2] is None else int(found[2]))

    def __str__(self) -> str:
        return str(self.since) if self.end is None else f"{self.since}-{self.end}"


def end_of(batch: BatchRow) -> int | None:
    """What names the terminal event of a batch, None while there is none; another one after a retry."""
    if not batch.status.is_terminal:
        return None
    return (batch.updated_at - _EPOCH) // timedelta(microseconds=1)
