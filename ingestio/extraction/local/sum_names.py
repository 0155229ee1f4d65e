"""Names of sums put together from words that each language has: `Rechnungssumme brutto`, `Prime TTC`, `Total paid incl. 20 % VAT`."""

from collections.abc import Sequence
from functools import lru_cache

from ingestio.extraction.local.vocabulary import words
from ingestio.extraction.tokens import Runs, Token, compact

WITH_TAX, WITHOUT_TAX = "total_amount", "subtotal"
_MOST_BETWEEN = 2


def sum_name(text: str, tokens: Sequence[Token]) -> tuple[int, str] | None:
    """How many of these words of `text`, from the first on, name a sum with or without its tax, and which: `total_amount` or `subtotal`."""
    for first, second in (
        ("nouns", "with_tax"),
        ("nouns", "without_tax"),
        ("with_tax", "nouns"),
        ("without_tax", "nouns"),
    ):
        count = _run(text, tokens, 0, first)
        if first == "nouns" and count:
            count = _past_what_may_stand_between(tokens, count)
        following = _run(text, tokens, count, second) if count else 0
        if following:
            return count + following, WITH_TAX if "with_tax" in (first, second) else WITHOUT_TAX
    return None


def _past_what_may_stand_between(tokens: Sequence[Token], count: int) -> int:
    for token in tokens[count : count + _MOST_BETWEEN]:
        if token.key not in _between():
            break
        count += 1
    return count


def _run(text: str, tokens: Sequence[Token], start: int, name: str) -> int:
    """The longest run of words from `start` on that is one of a list. The rate may stand in it: `inkl. 19 % MwSt.`."""
    runs = _runs(name)
    key, longest = "", 0
    for count, token in enumerate(tokens[start:], 1):
        if key and token.key.isdigit() and "%" in text[token.end : token.end + 5]:
            continue
        key += token.key
        if key not in runs.beginnings:
            break
        if key in runs.keys:
            longest = count
    return longest


@lru_cache(maxsize=8)
def _runs(name: str) -> Runs:
    return Runs(map(compact, words("sum", name)))


@lru_cache(maxsize=1)
def _between() -> frozenset[str]:
    return frozenset(map(compact, words("sum", "between")))
