"""What a person may put into a result: a value in the contract's form, where the schema has a place for it (R85)."""

import re
from collections.abc import Sequence
from datetime import date

from ingestio.domain.fields import FieldKind, FieldSpec
from ingestio.domain.reviews import FieldPath
from ingestio.extraction.currencies import CODES
from ingestio.extraction.values import NotOfKind, normalise

LONGEST_VALUE = 20_000
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,9})?", re.ASCII)
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

FORMS = {
    FieldKind.AMOUNT: "a decimal with a point and no thousands separators, such as 1234.50",
    FieldKind.NUMBER: "a decimal with a point, such as 12 or 1.5",
    FieldKind.DATE: "an ISO 8601 date: YYYY-MM-DD, or YYYY-MM or YYYY where the document says no more",
    FieldKind.CURRENCY: "an ISO 4217 code, such as EUR",
    FieldKind.EMAIL: "an e-mail address",
    FieldKind.IBAN: "an IBAN without blanks",
}
"""How a value of each kind is written; kinds that are missing here are any text."""


def kind_at(fields: Sequence[FieldSpec], path: FieldPath) -> FieldKind | None:
    """What a value at this path has to be; None where the schema has no place for one."""
    name, *rest = path
    spec = next((field for field in fields if field.name == name), None)
    if spec is None:
        return None
    if spec.kind is FieldKind.LIST:
        if not rest or not isinstance(rest[0], int):
            return None
        rest = rest[1:]
        if not spec.children:
            return None if rest else FieldKind.TEXT
    elif spec.kind is not FieldKind.OBJECT:
        return None if rest else spec.kind
    return kind_at(spec.children, tuple(rest)) if rest else None


def checked_value(kind: FieldKind, value: str | None) -> str | None:
    """The value as it is stored; None, and an empty text, say that the document has none.

    Strict, where reading a document is lenient: `1.234` has two readings, and a person can be asked. Raises NotOfKind.
    """
    text = (value or "").strip()
    if not text:
        return None
    if len(text) > LONGEST_VALUE:
        raise NotOfKind(f"at most {LONGEST_VALUE:,} characters")
    if _UNSTORABLE.search(text):
        raise NotOfKind("without control characters")
    if not _fits(kind, text):
        raise NotOfKind(FORMS[kind])
    return text


def _fits(kind: FieldKind, text: str) -> bool:
    match kind:
        case FieldKind.AMOUNT | FieldKind.NUMBER:
            return _DECIMAL.fullmatch(text) is not None
        case FieldKind.DATE:
            return _is_date(text)
        case FieldKind.CURRENCY:
            return text in CODES
        case FieldKind.EMAIL | FieldKind.IBAN:
            try:
                return normalise(kind, text) == text
            except NotOfKind:
                return False
        case _:
            return True


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day = match.groups()
    try:
        date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return False
    return True
