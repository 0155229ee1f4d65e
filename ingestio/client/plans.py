"""What the client does, written once for both of its kinds.

A plan is a generator: it yields the steps that need the network or time, gets sent what came of each, and returns its result. It waits
for nothing itself, so `sync` and `aio` carry out the same plans, one by blocking and one by awaiting. httpx writes its own
authentication in this way.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from ingestio.client.uploads import OutgoingFile

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One request below /api/v1, described and not yet sent."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = None
    files: Sequence[tuple[str, OutgoingFile]] = ()
    """Parts of a multipart body: the field's name and the file."""
    content: OutgoingFile | None = None
    """The raw body."""
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    """Whether saying it twice does no harm when its answer was lost."""
    read_seconds: float | None = None
    """How long the service may say nothing; None: as long as the client says."""


@dataclass(frozen=True, slots=True)
class Open:
    """Send a call; comes to an `httpx.Response` whose body is still to be read. Whatever answer was open before is closed."""

    call: Call


@dataclass(frozen=True, slots=True)
class Load:
    """Read the whole body of the open answer into it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Comes to the next bytes of the open answer's body, None at its end."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Let some time pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """No work: one item of what is iterated."""

    item: T


Step: TypeAlias = Open | Load | Piece | Pause
Doing: TypeAlias = Generator[Step, Any, T]
"""A plan for one result."""
Finding: TypeAlias = Generator[Step | Found[T], Any, None]
"""A plan for any number of items."""


def one(plan: Doing[T]) -> Finding[T]:
    """A plan for one result as a plan for items: its only one."""
    yield Found((yield from plan))
