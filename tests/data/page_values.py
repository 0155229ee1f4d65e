"""Whether a normalised value stands on a page: a second opinion that shares nothing with the code that drew it."""

import re
import unicodedata
from functools import lru_cache

MONTHS = (
    ("january", "januar", "janvier", "enero", "januari"),
    ("february", "februar", "février", "febrero", "februari"),
    ("march", "märz", "mars", "marzo", "maart"),
    ("april", "april", "avril", "abril", "april"),
    ("may", "mai", "mai", "mayo", "mei"),
    ("june", "juni", "juin", "junio", "juni"),
    ("july", "juli", "juillet", "julio", "juli"),
    ("august", "august", "août", "agosto", "augustus"),
    ("september", "september", "septembre", "septiembre", "september"),
    ("october", "oktober", "octobre", "octubre", "oktober"),
    ("november", "november", "novembre", "noviembre", "november"),
    ("december", "dezember", "décembre", "diciembre", "december"),
)
SIGNS = {"USD": ("$", "usd"), "GBP": ("£", "gbp"), "EUR": ("€", "eur"), "CHF": ("chf",)}


@lru_cache(maxsize=64)
def flat(text: str) -> str:
    """One line in small letters with single spaces."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip().casefold()


def amounts(value: str) -> list[str]:
    """The ways to write an amount; the sign may be shown by a column instead."""
    whole, _, cents = value.lstrip("-").partition(".")
    grouped = f"{int(whole):,}"
    return [
        grouped.replace(",", group) + point + cents
        for group, point in ((",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ","))
    ]


def dates(value: str) -> list[str]:
    """The ways to write a date, or a month, or a year."""
    parts = [int(part) for part in value.split("-")]
    year = parts[0]
    if len(parts) == 1:
        return [str(year)]
    month = parts[1]
    names = {name for full in MONTHS[month - 1] for name in (full, full[:3])}
    if len(parts) == 2:
        return [f"{name} {year}" for name in names]
    day = parts[2]
    ways = [f"{year}-{month:02}-{day:02}"]
    ways += [f"{day:02}{mark}{month:02}{mark}{year}" for mark in "./-"]
    ways.append(f"{month:02}/{day:02}/{year}")
    for name in names:
        ways += [f"{day} {name} {year}", f"{day:02} {name} {year}", f"{day}. {name} {year}", f"{name} {day}, {year}"]
    return ways


def stands_on(text: str, path: str, value: str) -> bool:
    """Whether `value` of the field at `path` can be read in `text`, in any of the usual ways to write it."""
    page, name = flat(text), re.split(r"[.\[]", path)[-1] if "." in path else path
    if name == "iban":
        return value.casefold() in page.replace(" ", "")
    if name == "currency":
        return any(sign in page for sign in SIGNS[value])
    if re.fullmatch(r"\d{4}(-\d\d){0,2}", value) and ("date" in name or name.startswith("period") or name == "date"):
        ways = dates(value)
    elif re.fullmatch(r"-?\d+\.\d\d", value):
        ways = amounts(value)
    elif name == "quantity":
        ways = [value, value.replace(".", ",")]
    else:
        ways = [flat(value)]
    return any(re.search(rf"(?<![\w.,]){re.escape(way)}(?!\w)", page) for way in ways)
