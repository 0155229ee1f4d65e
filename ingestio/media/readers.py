"""What a PDF reader says about a file; shared by the process that decides and the child that asks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Opened:
    """A reader's answer. `claimed`: what one says that trusts the file's own counts; `existing`: the pages reached, at most limit + 1."""

    claimed: int
    existing: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The reader does not open the file, or its tree is broken."""

    encrypted: bool = False
