"""Reading a value of a kind out of a stretch of a cell: what stands behind a label, beside it or below it."""

import re
from collections.abc import Iterator

from ingestio.domain.fields import FieldKind
from ingestio.extraction.amounts import FoundNumber, as_amount, as_number
from ingestio.extraction.layout import Cell
from ingestio.extraction.local.reading import Reading, of_span
from ingestio.extraction.local.vocabulary import words
from ingestio.extraction.tokens import tokens
from ingestio.extraction.values import (
    Found,
    find_currency_values,
    find_emails,
    find_ibans,
    find_identifiers,
    find_phones,
    find_tax_ids,
)

_LEAD = " \t\u2003:：.-–—=#*|>•_…°/"
# Small words between a label and its number.
_SKIPPED = frozenset(words("value", "before_number"))
_PREFIX = re.compile(r"[A-Z]{1,5}\.?\Z|[A-Z][a-z]{1,3}\Z")
_NOT_PREFIX = frozenset(words("value", "not_before_code"))
# A series whose numbers count within a month: `FV 12/01/2025`.
_SERIES = frozenset(words("value", "series"))
_LIKE_A_DATE = re.compile(r"\d{1,4}/\d{1,2}/\d{2,4}")
_DIGITS = re.compile(r"\d{1,6}\Z")
_BIC = re.compile(r"(?<![A-Z0-9])[A-Z]{4}\s?[A-Z]{2}\s?[A-Z0-9]{2}\s?(?:[A-Z0-9]{3})?(?![A-Za-z0-9])")
_CARD_WITHOUT_END = re.compile(r"(?:\d{4}-){2,3}\d{1,3}")
_MAX_TEXT = 200


def read(kind: FieldKind, cell: Cell, start: int = 0, end: int | None = None) -> Iterator[Reading]:
    """The values of `kind` in the characters `start:end` of a cell, left to right. Text gives at most one."""
    stop = len(cell.text) if end is None else end
    match kind:
        case FieldKind.DATE:
            yield from _dates(cell, start, stop)
        case FieldKind.AMOUNT | FieldKind.NUMBER:
            yield from _numbers(kind, cell, start, stop)
        case FieldKind.IDENTIFIER:
            yield from _identifier(cell, start, stop)
        case FieldKind.TEXT | FieldKind.ADDRESS:
            yield from _text(cell, start, stop)
        case _:
            for found in _others(kind, cell.text[start:stop]):
                if kind is FieldKind.TAX_ID and _is_money(cell, start + found.start):
                    continue
                score = 1.0 if found.sure else 0.7
                yield of_span(cell, start + found.start, start + found.end, found.value, score)


def _is_money(cell: Cell, at: int) -> bool:
    return any(number.looks_like_money and number.start <= at < number.end for number in cell.numbers)


def _dates(cell: Cell, start: int, stop: int) -> Iterator[Reading]:
    for date in cell.dates:
        if start <= date.start and date.end <= stop:
            yield of_span(cell, date.start, date.end, date.value, 0.8 if date.ambiguous else 1.0)


def _numbers(kind: FieldKind, cell: Cell, start: int, stop: int) -> Iterator[Reading]:
    amount = kind is FieldKind.AMOUNT
    for number in cell.amounts if amount else cell.numbers:
        if starts_behind(cell, number, start) and number.end <= stop:
            value = as_amount(number.value) if amount else as_number(number.value)
            yield of_span(cell, number.start, number.end, value, 0.8 if amount and not number.looks_like_money else 1.0)


def starts_behind(cell: Cell, number: FoundNumber, start: int) -> bool:
    """Whether a number begins at `start` or later; its currency may belong to the label (`Total RM`) and stand before it."""
    return start <= number.start or (
        number.start < start < number.end and not re.search(r"\d", cell.text[number.start : start])
    )


def read_bic(cell: Cell, start: int, end: int) -> Iterator[Reading]:
    """A bank's BIC: eight or eleven characters in capitals."""
    for match in _BIC.finditer(cell.text, start, end):
        yield of_span(cell, match.start(), match.end(), re.sub(r"\s", "", match.group()))


def _others(kind: FieldKind, text: str) -> list[Found]:
    match kind:
        case FieldKind.EMAIL:
            return find_emails(text)
        case FieldKind.PHONE:
            return find_phones(text)
        case FieldKind.IBAN:
            return find_ibans(text)
        case FieldKind.TAX_ID:
            return find_tax_ids(text)
        case FieldKind.CURRENCY:
            return find_currency_values(text)
        case _:
            return []


def _identifier(cell: Cell, start: int, stop: int) -> Iterator[Reading]:
    """The code with which the stretch begins. Letters before it (`INV 104`) and groups of digits (`12 345`) belong to it."""
    text = cell.text[start:stop]
    offset = len(text) - len(text.lstrip(_LEAD))
    parts = [(match.start() + offset, match.group()) for match in re.finditer(r"\S+", text[offset:])]
    index = 0
    while index < len(parts) - 1 and _is_skipped(parts[index][1]):
        index += 1
    parts = parts[index : index + 6]
    if not parts:
        return
    first_at = parts[0][0]
    prefixed = len(parts) > 1 and bool(_PREFIX.match(parts[0][1])) and parts[0][1].strip(".").upper() not in _NOT_PREFIX
    behind = _end_of_code(text, parts[0][1], parts[1]) if prefixed else None
    if behind is not None:
        yield of_span(cell, start + first_at, start + behind)
        return
    codes = [found for found in find_identifiers(text[first_at:]) if found.start <= 1]
    if not codes:
        return
    end = first_at + codes[0].end
    if _DIGITS.match(parts[0][1]):
        following = 1
        while following < len(parts) and _DIGITS.match(parts[following][1]):
            following += 1
        if following == len(parts) and following > 1 and "\u2003" not in text[first_at:]:
            end = parts[following - 1][0] + len(parts[following - 1][1])
    if text[end:].strip() == "-":
        return  # `INV-20261014-` goes on in the next line
    if _CARD_WITHOUT_END.fullmatch(text[first_at:end]) and text[end:].strip()[:1].isdigit():
        return  # `4417-1234-5678-91 13`: a card's number with a gap in it
    if any(
        number.start == start + first_at and number.end >= start + end and number.looks_like_money
        for number in cell.numbers
    ):
        return  # an amount is no number of a document
    yield of_span(cell, start + first_at + codes[0].start, start + end)


def _end_of_code(text: str, prefix: str, part: tuple[int, str]) -> int | None:
    """Where the code ends that begins with `part` behind its prefix; None where none does."""
    at, written = part
    if prefix in _SERIES and _LIKE_A_DATE.fullmatch(written):
        return at + len(written)
    codes = [found for found in find_identifiers(text[at:]) if found.start == 0]
    return at + codes[0].end if codes else None


def _is_skipped(word: str) -> bool:
    keys = [token.key for token in tokens(word)]
    return not keys or (len(keys) == 1 and keys[0] in _SKIPPED)


def _text(cell: Cell, start: int, stop: int) -> Iterator[Reading]:
    text = cell.text[start:stop]
    first = len(text) - len(text.lstrip(_LEAD))
    last = len(text.rstrip(" \u2003,;:|-–_…"))
    value = text[first:last]
    if value and len(value) <= _MAX_TEXT and any(char.isalnum() for char in value):
        yield of_span(cell, start + first, start + last)
