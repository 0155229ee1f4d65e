"""Currencies as they are written: codes, signs and words, to ISO 4217. A sign such as `$` may stand for several."""

import re
from dataclasses import dataclass

_ISO_4217 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP
CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR
ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN
MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD
SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL
"""
CODES = frozenset(_ISO_4217.split())
"""ISO 4217 codes in use."""

DOLLARS = (
    "USD",
    "CAD",
    "AUD",
    "NZD",
    "SGD",
    "HKD",
    "MXN",
    "CLP",
    "COP",
    "ARS",
    "TWD",
    "JMD",
    "TTD",
    "BBD",
    "BSD",
    "BZD",
)
PESOS = ("MXN", "ARS", "COP", "CLP", "PHP", "UYU", "DOP")
KRONER = ("SEK", "NOK", "DKK", "ISK", "CZK")
RUPEES = ("INR", "PKR", "LKR", "NPR", "MUR")

_SIGNS: dict[str, tuple[str, ...]] = {
    "US$": ("USD",), "U$S": ("USD",), "C$": ("CAD",), "CA$": ("CAD",), "CAD$": ("CAD",), "A$": ("AUD",), "AU$": ("AUD",),
    "AUD$": ("AUD",), "NZ$": ("NZD",), "S$": ("SGD",), "SG$": ("SGD",), "HK$": ("HKD",), "NT$": ("TWD",), "MX$": ("MXN",),
    "R$": ("BRL",), "$": DOLLARS, "€": ("EUR",), "£": ("GBP", "EGP", "LBP", "GIP", "FKP", "SHP"), "¥": ("JPY", "CNY"),
    "￥": ("JPY", "CNY"), "円": ("JPY",), "元": ("CNY",), "₹": ("INR",), "₽": ("RUB",), "₩": ("KRW",), "₺": ("TRY",),
    "₪": ("ILS",), "₫": ("VND",), "฿": ("THB",), "₦": ("NGN",), "₴": ("UAH",), "₱": ("PHP",), "₡": ("CRC",), "₵": ("GHS",),
    "₸": ("KZT",), "₾": ("GEL",), "₼": ("AZN",), "₨": RUPEES, "zł": ("PLN",), "Kč": ("CZK",), "Ft": ("HUF",), "лв": ("BGN",),
    "руб": ("RUB",), "kr": KRONER, "Kr": KRONER, "kr.": KRONER, "Rs.": RUPEES, "Rs": RUPEES, "Rp": ("IDR",), "RM": ("MYR",),
    "Rp.": ("IDR",), "RM.": ("MYR",), "đ": ("VND",), "VNĐ": ("VND",), "vnđ": ("VND",),
    "RMB": ("CNY",), "SFr.": ("CHF",), "SFr": ("CHF",), "TL": ("TRY",), "Fr.": ("CHF",), "Dhs": ("AED", "MAD"), "lei": ("RON", "MDL"),
    "Lei": ("RON", "MDL"), "LEI": ("RON", "MDL"), "S/": ("PEN",), "S/.": ("PEN",), "KSh": ("KES",), "Ksh": ("KES",), "KShs": ("KES",),
    "Kshs": ("KES",), "Kshs.": ("KES",), "лв.": ("BGN",),
}  # fmt: skip

_WORDS: dict[str, tuple[str, ...]] = {
    "euro": ("EUR",), "euros": ("EUR",), "eur": ("EUR",), "dollar": DOLLARS, "dollars": DOLLARS, "us dollar": ("USD",),
    "us dollars": ("USD",), "pound sterling": ("GBP",), "pounds sterling": ("GBP",), "sterling": ("GBP",), "pounds": ("GBP",),
    "schweizer franken": ("CHF",), "swiss franc": ("CHF",), "swiss francs": ("CHF",), "francs suisses": ("CHF",),
    "franchi svizzeri": ("CHF",), "rupees": RUPEES, "indian rupees": ("INR",), "yen": ("JPY",), "canadian dollars": ("CAD",),
    "australian dollars": ("AUD",), "kronor": ("SEK",), "złotych": ("PLN",), "zlotych": ("PLN",), "złote": ("PLN",), "forint": ("HUF",),
    "korun": ("CZK",), "türk lirası": ("TRY",), "reais": ("BRL",), "rupiah": ("IDR",), "ringgit": ("MYR",), "pesos": PESOS,
    "soles": ("PEN",),
}  # fmt: skip

# Written before or after a number; a sign that is made of letters must not touch other letters.
SIGN_PATTERN = "|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True))
_CODE_PATTERN = r"[A-Z]{3}"
_ANY = re.compile(
    rf"(?<![^\W\d_])(?:({SIGN_PATTERN})(?![^\W\d_])|({_CODE_PATTERN})(?![^\W\d_]))|([€£¥￥₹₽₩₺₪₫฿₦₴₱₡₵₸₾₼$])"
)
_WORD = re.compile(rf"(?<![^\W_])({'|'.join(sorted(_WORDS, key=len, reverse=True))})(?![^\W_])", re.IGNORECASE)
# Letters that are also words or units; they count beside a number only.
_ONLY_BESIDE_NUMBERS = frozenset(
    {"kr", "Kr", "kr.", "Rs", "Rs.", "Rp", "Rp.", "RM", "RM.", "Ft", "Fr.", "lei", "Lei", "LEI", "TL", "元", "円"}
)
NOT_ALONE = frozenset({"ALL", "BHD", "TOP", "TRY", "MOP", "COP", "CUP", "GEL", "LAK", "MAD", "PEN", "SOS", "DOP"})
"""Codes that are words too, and count beside an amount only."""


@dataclass(frozen=True, slots=True)
class FoundCurrency:
    """A currency in a text; `codes` are the ISO 4217 codes that the writing may stand for, the likeliest first."""

    start: int
    end: int
    codes: tuple[str, ...]


def codes_of(writing: str) -> tuple[str, ...]:
    """What a sign, code or word may stand for; empty when it is no currency."""
    text = writing.strip()
    if text in _SIGNS:
        return _SIGNS[text]
    if text.upper() in CODES:
        return (text.upper(),)
    return _WORDS.get(text.casefold().strip("."), ())


def find_currencies(text: str) -> list[FoundCurrency]:
    """Every currency sign, code and word, left to right. Signs that are also ordinary words are left to `amounts`."""
    found: list[FoundCurrency] = []
    for match in _ANY.finditer(text):
        writing = match.group()
        # `(Lei)`, `Valoarea -Lei-`
        alone = text.strip(" -–") == writing or text[match.start() - 1 : match.end() + 1] in (
            f"({writing})",
            f"-{writing}-",
        )
        if writing in NOT_ALONE or (writing in _ONLY_BESIDE_NUMBERS and not alone):
            continue
        codes = codes_of(writing) if not match[2] or writing in CODES else ()
        if codes:
            found.append(FoundCurrency(match.start(), match.end(), codes))
    for match in _WORD.finditer(text):
        if all(match.end() <= each.start or match.start() >= each.end for each in found):
            found.append(FoundCurrency(match.start(), match.end(), codes_of(match.group())))
    return sorted(found, key=lambda each: each.start)
