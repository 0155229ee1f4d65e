"""Walks a page tree that may lie, loop or branch without end; knows no reader.

Two numbers come out. `existing`: the leaves that are there. `claimed`: what a reader says that trusts a plausible `/Count` at the first
node that has one, as pdfium does (`CountPages` in its cpdf_document.cpp); it serves to tell a lying count, on which all readers agree,
from a file in which two readers see different trees.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from ingestio.media.readers import Opened, Refused

# Of inner nodes; a sound tree of 5,000 pages has far fewer. Beyond it the answer would depend on how fast the machine is.
MOST_NODES = 20_000
_PLAUSIBLE = range(1, 0xFFFFF)


@dataclass(frozen=True, slots=True)
class Node:
    """One dictionary of the tree. `kids` None: a leaf, which is a page. `identity`: equal for the same object, None for one in place."""

    identity: Hashable | None
    claim: int | None
    kids: Sequence[Any] | None


PAGE = Node(None, None, None)
Look = Callable[[Any], Node | None]


class BrokenTree(Exception):
    """A node that appears twice, kids that are no array, or more nodes than any sound tree has."""


def measure(root: Any, look: Look, limit: int) -> Opened | Refused:
    """Both numbers of the tree below `root`, `existing` at most limit + 1. `look` gives what an item is, None for no dictionary."""
    try:
        return Opened(_leaves(root, look, limit, trusting=True), _leaves(root, look, limit, trusting=False))
    except BrokenTree:
        return Refused()


def _leaves(root: Any, look: Look, limit: int, *, trusting: bool) -> int:
    pages = 0
    seen: set[Hashable] = set()
    pending = [root]
    while pending and pages <= limit:
        node = look(pending.pop())
        if node is None:
            continue
        if node.kids is None:
            pages += 1
            continue
        if trusting and node.claim in _PLAUSIBLE:
            pages += node.claim or 0
            continue
        if node.identity in seen or len(seen) > MOST_NODES:
            raise BrokenTree
        if node.identity is not None:
            seen.add(node.identity)
        # In order, for a limit that is reached in between; more kids than that cannot matter.
        pending.extend(node.kids[index] for index in reversed(range(min(len(node.kids), limit + 1))))
    return pages
