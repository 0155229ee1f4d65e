"""The words of seven languages by which the rules know things: data, in `words.toml`. Entries are pieces of regular expressions."""

import tomllib
from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=1)
def _all() -> dict[str, dict[str, list[str]]]:
    text = (resources.files("ingestio.extraction.local") / "words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def words(section: str, name: str) -> tuple[str, ...]:
    """One list, in its order."""
    return tuple(_all()[section][name])


def any_of(section: str, name: str) -> str:
    """One list as a group of alternatives for a regular expression."""
    return f"(?:{'|'.join(words(section, name))})"
