"""What a made-up paper says: who, what, when and how much, chosen by a seed."""

import tomllib
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from ingestio.extraction.checksums import tax_id_is_valid
from tests.data.trade import Company, Invoice, Item
from tests.data.writing import Writing, iban, money

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt")

_SIGNS = {"EUR": ("{} €", "€ {}", "EUR {}", "{} EUR"), "GBP": ("£{}", "GBP {}"), "USD": ("${}", "USD {}")}
_NUMBERS = {
    "en": (",", "."),
    "de": (".", ","),
    "fr": ("\u00a0", ","),
    "es": (".", ","),
    "it": (".", ","),
    "nl": (".", ","),
    "pt": (".", ","),
}
_DATES = {
    "en": ("{day:02}/{month:02}/{year}", "{day} {name} {year}", "{year}-{month:02}-{day:02}", "{day:02} {short} {year}"),
    "de": ("{day:02}.{month:02}.{year}", "{day}. {name} {year}"),
    "fr": ("{day:02}/{month:02}/{year}", "{day} {name} {year}"),
    "es": ("{day:02}/{month:02}/{year}", "{day} de {name} de {year}"),
    "it": ("{day:02}/{month:02}/{year}", "{day} {name} {year}"),
    "nl": ("{day:02}-{month:02}-{year}", "{day} {name} {year}"),
    "pt": ("{day:02}/{month:02}/{year}", "{day} de {name} de {year}"),
}  # fmt: skip
_TAX_IDS = {
    "GB": "GB{:09}",
    "DE": "DE{:09}",
    "FR": "FR42{:09}",
    "ES": "B{:08}",
    "IT": "IT{:011}",
    "NL": "NL{:09}B01",
    "PT": "5{:08}",
}
_ACCOUNTS = {
    "GB": "BARC{:014}",
    "DE": "{:018}",
    "FR": "{:023}",
    "ES": "{:020}",
    "IT": "X{:022}",
    "NL": "RABO{:010}",
    "PT": "{:021}",
}
_NUMBER_STYLES = (
    "{year}-{serial:04}",
    "{serial:06}",
    "RX{year}/{serial:05}",
    "{letter}-{serial:05}",
    "{year}{serial:05}",
    "{letter}{serial:04}/{short}",
)


@cache
def phrases() -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "phrases.toml").read_text("utf-8"))


@dataclass(slots=True)
class Voice:
    """A language as one paper speaks it: of several words for a thing it keeps to one."""

    language: str
    random: Random
    _chosen: dict[str, str] = field(default_factory=dict)

    def __call__(self, name: str) -> str:
        said = phrases()[self.language][name]
        if isinstance(said, str):
            return said
        return self._chosen.setdefault(name, self.random.choice(said))

    def all(self, name: str) -> list[str]:
        return list(phrases()[self.language][name])

    def sample(self, name: str, count: int) -> list[str]:
        return self.random.sample(self.all(name), count)


def writing(voice: Voice, currency: str) -> Writing:
    """How this paper writes amounts and dates."""
    group, decimal = _NUMBERS[voice.language]
    return Writing(
        voice.language,
        group,
        decimal,
        voice.random.choice(_SIGNS[currency]),
        voice.random.choice(_DATES[voice.language]),
    )


def companies(voice: Voice) -> tuple[Company, Company]:
    """Who sells, with all that a letterhead shows, and who buys."""
    random = voice.random
    name, street, town = voice.random.choice(voice.all("vendors")).split("|")
    country = voice.all("countries")[0]
    slug = "".join(char for char in name.lower() if char.isascii() and char.isalpha())[:12]
    vendor = Company(
        name,
        (street, town),
        tax_label=voice("tax_label"),
        tax_id=_tax_id(country, random),
        phone=f"+{random.randrange(31, 49)} {random.randrange(100, 999)} {random.randrange(100000, 999999)}",
        email=f"office@{slug}.example",
        web=f"www.{slug}.example",
        bank="Trinkaus & Meer" if country == "DE" else "Banco Azul" if country in ("ES", "PT") else "Harbour Bank",
        iban=iban(country, _ACCOUNTS[country].format(random.randrange(10**9, 10**10))),
    )
    buyer, *address = voice.random.choice(voice.all("customers")).split("|")
    return vendor, Company(buyer, tuple(address))


def _tax_id(country: str, random: Random) -> str:
    """A number with right check digits, as its country prints it."""
    prefix = "" if _TAX_IDS[country].startswith(country) else country
    while True:
        written = _TAX_IDS[country].format(random.randrange(10**7, 10**8))
        if tax_id_is_valid(prefix + written) is not False:
            return written


def day_in(random: Random, first: date = date(2023, 1, 9), days: int = 1300) -> date:
    return first + timedelta(random.randrange(days))


def serial(random: Random, day: date) -> str:
    return random.choice(_NUMBER_STYLES).format(
        year=day.year, short=day.year % 100, serial=random.randrange(11, 9999), letter=random.choice("ABFHKR")
    )


def lines(voice: Voice, count: int) -> tuple[Item, ...]:
    """What was sold: mostly at the ordinary rate."""
    random, rates = voice.random, voice.all("rates")
    return tuple(
        Item(
            random.choice(voice.all("products")),
            Decimal(random.choice((1, 1, 2, 3, 5, 12, 40))),
            money(Decimal(random.randrange(190, 95_000)) / 100),
            Decimal(rates[0] if random.random() < 0.8 else random.choice(rates)),
            code=f"{random.choice('KLMT')}{random.randrange(100, 999)}",
        )
        for _ in range(count)
    )


def invoice(voice: Voice, count: int, *, order: bool = False) -> Invoice:
    """A whole invoice of `count` lines; an order is written by the buyer, so that it is the buyer of whom all is known."""
    writer, addressee = companies(voice)
    vendor, customer = (addressee, writer) if order else (writer, addressee)
    random = voice.random
    currency = random.choice(voice.all("currencies"))
    issued = day_in(random)
    items = lines(voice, count)
    paid = (
        money(sum((item.amount for item in items), Decimal(0)) / 4)
        if random.random() < 0.2 and not order
        else Decimal(0)
    )
    return Invoice(
        number=serial(random, issued),
        issued=issued,
        due=issued + timedelta(random.choice((8, 14, 30, 45))),
        vendor=vendor,
        customer=customer,
        currency=currency,
        writing=writing(voice, currency),
        items=items,
        order_number=f"{random.randrange(4500, 99999)}" if random.random() < 0.5 else "",
        paid=paid,
    )
