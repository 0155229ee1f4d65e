"""JSON objects in which each name stands once."""

from collections.abc import Sequence
from typing import Any


class NamedTwice(ValueError):
    """A name stands twice in one object; JSON leaves open which of the two counts."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: given more than once")
        self.name = name


def each_name_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """As `object_pairs_hook` of `json.loads`, which by itself keeps the last. Raises NamedTwice."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise NamedTwice(name)
        found[name] = value
    return found
