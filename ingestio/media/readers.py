"""What a reader says about a file; shared by the process that decides and the child that asks."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Opened:
    """A reader's answer. `claimed`: what one says that trusts the file's own counts; `existing`: the pages reached, at most limit + 1.

    `shapes`: of those pages (`domain.shapes`), where the reader is the one that draws them. Readers that see other shapes do not disagree.
    """

    claimed: int
    existing: int
    shapes: tuple[float, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """The reader does not open the file, or its tree is broken."""

    encrypted: bool = False
