"""Check digits of tax registration numbers, by country: a wrong one was misread, mistyped or never was one.

Only countries whose rule is public and without exceptions in use; of any other number nothing is said. The rules are those of the European
Commission's VIES and of the national registers.
"""

import re
from collections.abc import Callable

_SPANISH_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_SPANISH_CONTROL = "JABCDEFGHI"


def tax_id_is_valid(written: str) -> bool | None:
    """Whether the check digits of a number with its country's letters are right; None when no rule is known for it."""
    plain = re.sub(r"[\s./-]", "", written).upper()
    country, number = plain[:2], plain[2:]
    form, check = _RULES.get(country, (None, None))
    if form is None or check is None or not re.fullmatch(form, number):
        return None
    return check(number)


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _austrian(number: str) -> bool:
    digits = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(number[1:8])]
    total = sum(value - 9 if value > 9 else value for value in digits)
    return (96 - total) % 10 == int(number[8])


def _belgian(number: str) -> bool:
    return 97 - int(number[:8]) % 97 == int(number[8:])


def _german(number: str) -> bool:
    """ISO 7064, MOD 11,10."""
    product = 10
    for digit in number[:8]:
        total = (int(digit) + product) % 10 or 10
        product = 2 * total % 11
    return (11 - product) % 10 == int(number[8])


def _french(number: str) -> bool:
    return int(number[:2]) == (12 + 3 * (int(number[2:]) % 97)) % 97


def _british(number: str) -> bool:
    total = _weighted(number[:7], (8, 7, 6, 5, 4, 3, 2)) + int(number[7:9])
    return total % 97 == 0 or (total + 55) % 97 == 0


def _italian(number: str) -> bool:
    return _luhn(number)


def _dutch(number: str) -> bool:
    """The older rule of eleven, or since 2020 the rule of 97 over the letters too."""
    if _weighted(number[:8], (9, 8, 7, 6, 5, 4, 3, 2)) % 11 == int(number[8]):
        return True
    return int("".join(str(int(char, 36)) for char in f"NL{number}")) % 97 == 1


def _spanish(number: str) -> bool:
    if number[-1].isalpha() and number[0] in "0123456789XYZ":
        digits = number[:-1].translate(str.maketrans("XYZ", "012"))
        return _SPANISH_LETTERS[int(digits) % 23] == number[-1]
    odd = sum(sum(divmod(2 * int(digit), 10)) for digit in number[1:8:2])
    control = (10 - (odd + sum(int(digit) for digit in number[2:8:2])) % 10) % 10
    return number[-1] in (str(control), _SPANISH_CONTROL[control])


def _portuguese(number: str) -> bool:
    rest = 11 - _weighted(number[:8], (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest > 9 else rest) == int(number[8])


def _polish(number: str) -> bool:
    return _weighted(number[:9], (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(number[9])


_RULES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "AT": (r"U\d{8}", _austrian),
    "BE": (r"[01]\d{9}", _belgian),
    "DE": (r"[1-9]\d{8}", _german),
    "ES": (r"[A-Z0-9]\d{7}[A-Z0-9]", _spanish),
    "FR": (r"\d{11}", _french),
    "GB": (r"\d{9}(?:\d{3})?", _british),
    "IT": (r"\d{11}", _italian),
    "NL": (r"\d{9}B\d{2}", _dutch),
    "PL": (r"\d{10}", _polish),
    "PT": (r"\d{9}", _portuguese),
}
