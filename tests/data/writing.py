"""How amounts, quantities, dates and account numbers are written in a country."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
CENT = Decimal("0.01")


def money(value: Decimal | str | int) -> Decimal:
    """Rounded to cents, half up as on invoices."""
    return Decimal(value).quantize(CENT, ROUND_HALF_UP)


def plain(value: Decimal) -> str:
    """A quantity without idle zeros, as expectations hold it."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True)
class Writing:
    """One country's habits. `sign` is a pattern such as `{} €`; `dates` one of day, month, year and name, the month's."""

    language: str
    group: str
    decimal: str
    sign: str
    dates: str

    def number(self, value: Decimal) -> str:
        """An amount with two decimals, without its currency."""
        return self._swap(f"{value:,.2f}")

    def amount(self, value: Decimal) -> str:
        return ("-" if value < 0 else "") + self.sign.format(self.number(abs(value)))

    def quantity(self, value: Decimal) -> str:
        return self._swap(plain(value))

    def date(self, day: date, pattern: str | None = None) -> str:
        name = MONTHS[self.language].split()[day.month - 1]
        return (pattern or self.dates).format(day=day.day, month=day.month, year=day.year, name=name, short=name[:3])

    def _swap(self, text: str) -> str:
        return "".join({",": self.group, ".": self.decimal}.get(char, char) for char in text)


US = Writing("en", ",", ".", "${}", "{month:02}/{day:02}/{year}")
US_LONG = Writing("en", ",", ".", "${}", "{name} {day}, {year}")
GB = Writing("en", ",", ".", "£{}", "{day:02} {short} {year}")
GB_LONG = Writing("en", ",", ".", "£{}", "{day} {name} {year}")
ISO_USD = Writing("en", ",", ".", "${}", "{year}-{month:02}-{day:02}")
DE = Writing("de", ".", ",", "{} €", "{day:02}.{month:02}.{year}")
CH = Writing("de", "'", ".", "{}", "{day}. {name} {year}")
FR = Writing("fr", "\u00a0", ",", "{}\u00a0€", "{day} {name} {year}")
ES = Writing("es", ".", ",", "{} €", "{day:02}/{month:02}/{year}")
NL = Writing("nl", ".", ",", "€ {}", "{day:02}-{month:02}-{year}")


def iban(country: str, account: str) -> str:
    """The account with its country's check digits (ISO 13616), without spaces."""
    digits = "".join(str(int(char, 36)) for char in f"{account}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{account}"


def spaced(number: str) -> str:
    """An IBAN in groups of four, as it is printed."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
