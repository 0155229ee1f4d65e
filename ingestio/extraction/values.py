"""Typed values: how each kind of field is recognised in text, normalised (contract) and told to be valid."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingestio.domain.fields import FieldKind
from ingestio.extraction.amounts import as_amount, as_number, parse_decimal
from ingestio.extraction.currencies import codes_of, find_currencies
from ingestio.extraction.dates import DateOrder, FoundDate, find_dates, parse_date

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+(?<![.-])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])([A-Z]{2}\s?\d{2}(?:\s?[A-Z0-9]{1,4}){2,8})(?![A-Za-z0-9])")
_PHONE = re.compile(
    r"(?<![\w.,/-])(?:\+|00|\()?\d[\d\s().\u2010\u2011–/-]{5,20}\d(?:\s?(?:ext|x|Ext|Durchwahl)\.?\s?\d{1,5})?(?![\w])"
)
_TAX_ID = re.compile(
    r"(?<![^\W_])((?:[A-Z]{2,3}[\s-]?)?[A-Z]?(?:[0-9][0-9\s./-]{5,20}[0-9])[\s-]?(?:MWST|TVA|IVA|[A-Z]{1,3}\d{0,3})?|[A-Z]{2}\s?[A-Z0-9]{2}\s?\d{3}\s?\d{3}\s?\d{3}"
    r"|\d{2}[A-Z]{5}\d{4}[A-Z][A-Z0-9]Z[A-Z0-9]|[A-Z][\s-]?\d{7}[A-Z0-9]|\d{8}[A-Z]|[A-Z]{2}[A-Z0-9]\d{7}[A-Z]{1,2})(?![^\W_])"
)
_IDENTIFIER = re.compile(r"[^\W_](?:[\w./\\#&+-]*[^\W_])?", re.UNICODE)
_TIME = re.compile(r"\d{1,2}:\d{2}")
_MAX_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Found:
    """A typed value in a text: where, and as what. `sure` is False for values with a second reading."""

    start: int
    end: int
    value: str
    sure: bool = True


class NotOfKind(ValueError):
    """A value that cannot be what its field says it is."""


def iban_is_valid(text: str) -> bool:
    """The mod-97 check of ISO 13616."""
    plain = re.sub(r"\s", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{8,30}", plain):
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def find_ibans(text: str) -> list[Found]:
    """Account numbers in IBAN form; `sure` when the check digits are right."""
    found: list[Found] = []
    for match in _IBAN.finditer(text):
        written = match[1]
        # The groups may run into the next word (BIC ...): give back groups until the check digits are right.
        groups = written.split()
        for count in range(len(groups), 0, -1):
            plain = "".join(groups[:count])
            if iban_is_valid(plain):
                end = match.start(1) + len(" ".join(groups[:count]))
                found.append(Found(match.start(1), end, plain))
                break
        else:
            plain = "".join(groups)
            if 15 <= len(plain) <= 34:
                found.append(Found(match.start(1), match.end(1), plain, sure=False))
    return found


def find_emails(text: str) -> list[Found]:
    """E-mail addresses as printed."""
    return [Found(match.start(), match.end(), match.group()) for match in _EMAIL.finditer(text)]


# `29/02/2828`: a date with a digit misread, of which no calendar knows.
_DATE_MISREAD = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}|\d{4}([./-])\d{1,2}\2\d{1,2}")


def find_phones(text: str) -> list[Found]:
    """Telephone numbers as printed: 7 to 15 digits, no date, no account number."""
    dates = find_dates(text)
    found: list[Found] = []
    for match in _PHONE.finditer(text):
        written = match.group().strip()
        digits = re.sub(r"\D", "", written)
        if not 7 <= len(digits) <= 15 or any(each.start < match.end() and each.end > match.start() for each in dates):
            continue
        if _DATE_MISREAD.fullmatch(written):
            continue
        if re.fullmatch(r"\d+[.,]\d{2}|\d{4}-\d{3}|\d{5}-\d{4}|(?:1[5-9]|20)\d\d\s?[-–/]\s?(?:1[5-9]|20)\d\d", written):
            # an amount, a postal code, two years
            continue
        found.append(Found(match.start(), match.start() + len(written), written))
    return found


def find_tax_ids(text: str) -> list[Found]:
    """Tax registration numbers as printed; meant for text behind a label, for alone they look like any number."""
    found: list[Found] = []
    for match in _TAX_ID.finditer(text):
        written = re.sub(r"[\s./-]+$", "", match[1])
        digits = sum(char.isdigit() for char in written)
        if 6 <= digits <= 15 and not find_dates(written):
            found.append(Found(match.start(1), match.start(1) + len(written), re.sub(r"\s+", " ", written)))
    return found


def find_identifiers(text: str) -> list[Found]:
    """Codes with at least one digit: `INV/2023/03/0008`, `RE-20140703/502`, `8F2C41D0-0007`. Dates, times and percentages are none."""
    dates = find_dates(text)
    found: list[Found] = []
    for match in _IDENTIFIER.finditer(text):
        written = match.group()
        if not any(char.isdigit() for char in written) or _TIME.match(text, match.start()):
            continue
        if re.search(r"\d:$", text[max(0, match.start() - 2) : match.start()]):
            continue
        if any(each.start <= match.start() < each.end and not _goes_on(text, match, each) for each in dates):
            continue
        if text[match.end() : match.end() + 1] == "%" or "@" in text[match.end() : match.end() + 1]:
            continue
        found.append(Found(match.start(), match.end(), written))
    return found


def _goes_on(text: str, code: re.Match[str], date: FoundDate) -> bool:
    """`2024-03-10t172205`, `11/05/2021/W`: a code that begins as a date does; a time of day behind it, `2024-03-10T17:22`, makes none."""
    return (
        date.start == code.start()
        and date.end < code.end()
        and re.match(r"[^\W\d_]\d{3,}|/[A-Z]{1,6}(?![^\W_])", text[date.end :]) is not None
    )


def find_currency_values(text: str) -> list[Found]:
    """Currencies as ISO codes; `sure` when the writing stands for one only."""
    return [Found(each.start, each.end, each.codes[0], len(each.codes) == 1) for each in find_currencies(text)]


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def normalise(
    kind: FieldKind, raw: Any, *, order: DateOrder | None = None, decimal_sign: str | None = None
) -> str | None:
    """One leaf value in the contract's form, or None for an absent one.

    Raises NotOfKind for what cannot be a value of `kind`. Text keeps its words; white space becomes single blanks.
    """
    if raw is None:
        return None
    if isinstance(raw, (dict, list, tuple)):
        raise NotOfKind(f"a single {kind.value} was expected")
    if isinstance(raw, bool):
        raw = "true" if raw else "false"
    text = _one_line(raw) if isinstance(raw, str) else str(raw)
    if not text:
        return None
    if len(text) > _MAX_TEXT:
        raise NotOfKind("the text is too long for one value")
    match kind:
        case FieldKind.DATE:
            value = parse_date(text, order)
        case FieldKind.AMOUNT | FieldKind.NUMBER:
            number = parse_decimal(raw if isinstance(raw, (int, float)) else text, decimal_sign)
            value = None if number is None else as_amount(number) if kind is FieldKind.AMOUNT else as_number(number)
        case FieldKind.CURRENCY:
            value = next(iter(codes_of(text)), None)
        case FieldKind.EMAIL:
            value = text if _EMAIL.fullmatch(text) else None
        case FieldKind.IBAN:
            plain = re.sub(r"[\s-]", "", text).upper()
            value = plain if re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{8,30}", plain) else None
        case _:
            value = text
    if value is None:
        raise NotOfKind(f"not a {kind.value}")
    return value


def leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every leaf of nested data with its path (`line_items[0].amount`); an absent list or object is one leaf of None."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(f"{path}.{name}" if path else name, part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from leaves(f"{path}[{index}]", part)
    else:
        yield path, value
