"""Numbers and amounts as documents write them, to exact decimals.

`1.234` has two readings; which holds is a property of the document's decimal sign. Without one, both are kept.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ingestio.extraction.currencies import SIGN_PATTERN, codes_of

_SPACES = " \u00a0\u202f\u2009"
_NUMBER = re.compile(
    r"(?:(?<=Rs\.)|(?<=Rp\.)|(?<=RM\.)|(?<=Fr\.)|(?<=kr\.)|(?<=Bs\.)|(?<![\w.,'’]))"
    # `$1, 034.00`: some typesetters print a blank behind the comma of thousands.
    r"(?:(?<=[$€£¥])\d{1,3}(?:,[ \u2003]\d{3})+\.\d{2}|\d{1,3},[ \u2003]0\d{2}\.\d{2}|"
    rf"\d{{1,3}}(?:[.,'’{_SPACES}]\d{{3}})+(?!\d)(?:[.,]\d{{1,6}})?|\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?:\.\d+)?|\d+(?:[.,]\d+)?|[.,]\d{{2}})"
    r"(?!\d|[.,]\d)"
)
_GLUED = re.compile(r"(?<=[A-Za-z$€£¥₹])(\d[\d.,'’]*\d|\d)")
_CURRENCY = rf"(?:{SIGN_PATTERN}|[A-Z]{{3}}|[Ee]uros?)"
_BEFORE = re.compile(rf"(?<![^\W\d_])({_CURRENCY})\s?:?\s?([-−–]?)\s?$")
_AFTER = re.compile(rf"\s?[-−–]?\s?({_CURRENCY})(?![^\W\d_])")
# One letter is a sign before an amount with cents alone.
_RAND = re.compile(r"(?<![^\W_])R\s?$")
# Print that was recognised has lost blanks: `TOTAL9.00`. Behind an amount tills print what tax it bears: `42.40SR`, `1.97X`.
_GLUED_TO_WORD = re.compile(r"(?<=[^\W\d_]{3})\d{1,3}(?:[.,]?\d{3})*[.,]\d{2}(?![\w.,-])")
_TAX_MARK = re.compile(r"(?:[A-FNOPRSTXZ]|SR|ZR|ZS|ES|OS|TX|NT|DS)(?![\w.,])")
_MINUS_BEFORE = re.compile(r"(?:^|[^\w.)])[-−–]\s?$")
# `TOTAL TTC - EUR 234,56`: a dash between words and a currency's name parts them.
_DASH_BETWEEN = re.compile(r"[^\W\d_]\s[-−–]\s[A-Z]{3}(?![^\W\d_])")
_PERCENT = re.compile(r"\s?%|\s?(?:percent|prozent|pour ?cent)\b", re.IGNORECASE)
_CENT = Decimal("0.01")
_TWO_DECIMALS = re.compile(r"(?<![\d.,/-])\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})*([.,])\d{2}(?![\d.,/-]|\s?%)")
# `83,600`: thousands where no number has cents; a weight below one (`0,758`) has three decimals.
_THREE_DIGITS = re.compile(
    r"(?<![\d.,/-])[1-9]\d{0,2}([.,])\d{3}(?![\d.,/-]|\s?%|\s?(?:kg|g|l|lt|gal|km|m)\b)", re.IGNORECASE
)
_LEAST_GROUPED, _MORE_GROUPED = 3, 3
# Of these nobody prints thousandths: `Rp.9.850` beside `22.10` litres.
_WITHOUT_CENTS = frozenset({"IDR", "JPY", "KRW", "VND"})
# `5 million` is not five.
_SCALES = {
    Decimal(10**3): r"thousand|tsd|tausend|milliers?",
    Decimal(10**6): r"m(?:illi|ili|ilj)(?:on|oni|oen|ones|onen|ons|ón|oner|ão|ões)|mio|mln",
    Decimal(10**9): r"billions?|mrd|milliarden?|miljard|milliards?",
}
_SCALE = re.compile("|".join(rf"(\s?(?:{words})\b\.?)" for words in _SCALES.values()), re.IGNORECASE)
# Raised behind a number: its cents (`12⁹⁹`, `12,⁹⁹`), or the mark of a footnote.
_RAISED = re.compile(r"[.,]?([⁰¹²³⁴-⁹]+)")
_RAISED_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_FRACTION = re.compile(r"\s?[¼-¾⅐-⅞⁄]")
# A camera's point of an amount, `SGD42:30`: a time of day has no currency.
_POINT_MISREAD = re.compile(rf"(?<![^\W\d_])({SIGN_PATTERN}|[A-Z]{{3}})(\s?\d{{1,4}})[:;](?=\d{{2}}(?![\d:;.,]))")
# Other scripts' digits and marks as ours, each for one character.
_OURS = str.maketrans("０１２３４５６７８９，．￥＄٫٬٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "0123456789,.¥$.,01234567890123456789")


@dataclass(frozen=True, slots=True)
class FoundNumber:
    """A number in a text with what belongs to it. `start` and `end` take in sign and currency; `readings` as in dates.

    `currency` holds the ISO codes of the currency beside it; `decimals` the digits after the decimal sign as printed.
    """

    start: int
    end: int
    value: Decimal
    readings: tuple[Decimal, ...]
    currency: tuple[str, ...]
    percent: bool
    decimals: int
    digits: int

    @property
    def looks_like_money(self) -> bool:
        """Printed with cents or a currency: an amount even where nothing says so."""
        return not self.percent and (bool(self.currency) or self.decimals == 2)


def _read(text: str, decimal_sign: str | None) -> tuple[tuple[Decimal, ...], int]:
    """The readings of a run of digits and separators, and its decimals; no reading when the grouping makes no sense."""
    plain = re.sub(rf"[{_SPACES}\u2003'’]", "", text)
    marks = [char for char in plain if char in ".,"]
    kinds = set(marks)
    if not marks:
        return (Decimal(plain),), 0
    head, _, tail = plain.rpartition(marks[-1])
    if len(kinds) == 2:
        if marks.count(marks[-1]) > 1:
            return (), 0
        return (Decimal(f"{re.sub('[.,]', '', head)}.{tail}"),), len(tail)
    if len(marks) > 1:
        groups = re.split("[.,]", plain)
        if len(groups[-1]) != 3:
            return (), 0
        return (Decimal("".join(groups)),), 0
    as_decimal = Decimal(f"{head or '0'}.{tail}")
    if len(tail) != 3 or not 1 <= len(head) <= 3 or head.startswith("0"):
        return (as_decimal,), len(tail)
    as_group = Decimal(f"{head}{tail}")
    if plain != text:  # already grouped by spaces or apostrophes: the mark can only be the decimal sign
        return (as_decimal,), 3
    if decimal_sign is None:
        return (as_group, as_decimal), 0
    return ((as_decimal,), 3) if decimal_sign == marks[0] else ((as_group,), 0)


def _read_money(text: str, decimal_sign: str | None, codes: tuple[str, ...]) -> tuple[tuple[Decimal, ...], int]:
    """As `_read`, with what the currency beside the number says."""
    readings, decimals = _read(text, decimal_sign)
    if decimals == 3 and codes and _WITHOUT_CENTS.issuperset(codes):
        return (readings[0].scaleb(3),), 0
    return readings, decimals


def _negative(text: str, start: int, end: int) -> tuple[bool, int, int]:
    """Whether the number at `start:end` is negative, and the span with its sign."""
    before, after = text[:start], text[end:]
    minus = _MINUS_BEFORE.search(before[-4:])
    if minus and not _DASH_BETWEEN.search(before[-4:] + text[start : start + 5]):
        sign_at = max(before.rfind(sign) for sign in "-−–")
        return True, sign_at, end
    inside = text[start:end]
    in_brackets = before.rstrip().endswith("(") and after.lstrip().startswith(")")
    # `VAT 19 % (1,817.50)` says of what.
    if in_brackets and not inside.isdigit() and not before.rstrip()[:-1].rstrip().endswith("%"):
        return True, len(before.rstrip()) - 1, end + len(after) - len(after.lstrip()) + 1
    if re.match(r"\s?[-−–](?![\w(])", after) and not re.match(r"\s?[-−–]\s*\d", after):
        return True, start, end + re.match(r"\s?[-−–]", after).end()  # type: ignore[union-attr]
    return False, start, end


def _currency_beside(text: str, start: int, end: int) -> tuple[tuple[str, ...], int, int, bool]:
    reach = max(0, start - 12)
    before = _BEFORE.search(text[reach:start])
    if before:
        codes = codes_of(before[1])
        if codes and (
            len(before[1]) != 3 or not before[1].isalpha() or before[1].isupper() or before[1] in ("zł", "lei")
        ):
            return codes, reach + before.start(1), end, bool(before[2])
    rand = _RAND.search(text[reach:start])
    if rand and re.search(r"[.,]\d{2}$", text[start:end]):
        return ("ZAR",), reach + rand.start(), end, False
    after = _AFTER.match(text, end)
    if after:
        codes = codes_of(after[1])
        if codes:
            return codes, start, after.end(1), False
    return (), start, end, False


def _with_cents(readings: tuple[Decimal, ...], end: int, raised: re.Match[str]) -> tuple[tuple[Decimal, ...], int, int]:
    """Readings, decimals and end of a number with what is raised behind it: two digits are cents, one is a footnote's."""
    if len(raised[1]) < 2:
        return readings, 0, end
    return (readings[0] + Decimal(raised[1].translate(_RAISED_DIGITS)) / 100,), 2, raised.end()


def _is_half_of_more(text: str, start: int, end: int, has_currency: bool) -> bool:
    """The tail or head of a code such as INV-12 or 2014/502, or half of a time, or of an amount whose point was misread."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if not has_currency and (re.search(r"\w[-/]$", before) or re.match(r"[-/]\w", after)):
        return True
    return bool(re.search(r"\d[:;]$", before) or re.match(r"[:;]\d", after))


def _spans(text: str) -> list[tuple[int, int]]:
    """Where digits may be a number: standing alone, or glued to a word or a currency."""
    spans = [(match.start(), match.end()) for match in _NUMBER.finditer(text)]
    spans += [(match.start(), match.end()) for match in _GLUED_TO_WORD.finditer(text)]
    for match in _GLUED.finditer(text):
        word = re.search(r"[^\W\d_]+$|[$€£¥₹]$", text[: match.start()])
        # One letter before cents: the rand's sign, or a dollar's as cameras see it, `S24.50`.
        rand = word and word.group() in ("R", "S") and re.search(r"[.,]\d{2}$", match.group())
        if word and (codes_of(word.group()) or rand) and not re.search(r"[\w]$", text[: word.start()]):
            spans.append((match.start(), match.end()))
    return sorted(set(spans), key=lambda span: (span[0], -span[1]))


def find_numbers(text: str, decimal_sign: str | None = None) -> list[FoundNumber]:
    """Every number that stands for itself, left to right: digits inside words and codes (`A4`, `INV-12`) are not numbers."""
    text = text if text.isascii() else text.translate(_OURS)
    text = _POINT_MISREAD.sub(lambda match: f"{match[1]}{match[2]}{'.' if codes_of(match[1]) else ':'}", text)
    found: list[FoundNumber] = []
    for start, end in _spans(text):
        if found and start < found[-1].end:
            continue
        after = text[end : end + 1]
        codes, first, last, inner_minus = _currency_beside(text, start, end)
        marked = re.search(r"[.,]\d{2}$", text[start:end]) and _TAX_MARK.match(text, end)
        if (after.isalpha() or after == "_") and not (codes and last > end) and not marked:
            continue
        if _is_half_of_more(text, start, end, bool(codes)):
            continue
        readings, decimals = _read_money(text[start:end], decimal_sign, codes)
        if not readings or _FRACTION.match(text, end):
            continue
        if scale := _SCALE.match(text, end):
            by = list(_SCALES)[(scale.lastindex or 1) - 1]
            readings, decimals, end = tuple(each * by for each in readings), 0, scale.end()
            codes, first, last, inner_minus = _currency_beside(text, start, end)
        if decimals == 0 and (raised := _RAISED.match(text, end)):
            if len(raised[1]) > 2:
                continue
            readings, decimals, end = _with_cents(readings, end, raised)
            codes, first, last, inner_minus = _currency_beside(text, start, end)
        negative, first_signed, last_signed = _negative(text, min(first, start), max(last, end))
        if not negative and first < start:
            negative = inner_minus
        if not negative and last > end:
            negative, _, _ = _negative(text[: max(last, end)], start, end)
        if negative:
            readings = tuple(-reading for reading in readings)
        percent = bool(_PERCENT.match(text, end))
        digits = sum(char.isdigit() for char in text[start:end])
        found.append(
            FoundNumber(
                min(first, first_signed),
                max(last, last_signed),
                readings[0],
                readings,
                codes,
                percent,
                decimals,
                digits,
            )
        )
    return found


def infer_decimal_sign(texts: list[str]) -> str | None:
    """The decimal sign that a document's own numbers prove by majority; None when they do not.

    Where nearly all numbers have three digits behind the same mark, it parts thousands, and the other mark would be the sign: tills of
    countries without cents print `83,600`, and a time of day as `19.22`.
    """
    votes, grouped = {".": 0, ",": 0}, {".": 0, ",": 0}
    for text in (each if each.isascii() else each.translate(_OURS) for each in texts):
        for match in _TWO_DECIMALS.finditer(text):
            votes[match[1]] += 1
        for match in _THREE_DIGITS.finditer(text):
            grouped[match[1]] += 1
    for sign, other in (".", ","), (",", "."):
        if grouped[sign] >= max(_LEAST_GROUPED, _MORE_GROUPED * max(votes[sign], grouped[other])):
            return other
    if votes["."] == votes[","]:
        return None
    sign = max(votes, key=votes.__getitem__)
    return sign if votes[sign] >= 2 * min(votes.values()) else None


def as_amount(value: Decimal) -> str:
    """The contract's decimal string: at least two decimals, more where the document has more."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent > -2:
        value = value.quantize(_CENT)
    elif isinstance(exponent, int) and exponent < -2:
        while exponent < -2 and value == value.quantize(Decimal(1).scaleb(exponent + 1)):
            exponent += 1
            value = value.quantize(Decimal(1).scaleb(exponent))
    return f"{value:f}" if value else "0.00"


def as_number(value: Decimal) -> str:
    """A quantity or rate: a decimal string without idle zeros."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text


def parse_decimal(raw: str | float | Decimal, decimal_sign: str | None = None) -> Decimal | None:
    """The number that a text is, with or without currency; None when it is not one number, or ambiguous prose.

    Plain notation (`1234.5`, `-3`) is taken literally, whatever the document's sign: that is how programs write.
    """
    if isinstance(raw, bool):
        return None
    if isinstance(raw, (int, Decimal)):
        return Decimal(raw)
    if isinstance(raw, float):
        return Decimal(repr(raw)) if raw == raw and abs(raw) != float("inf") else None
    text = raw.strip()
    if re.fullmatch(r"[-+]?\d+(?:\.\d+)?", text):
        try:
            return Decimal(text)
        except InvalidOperation:
            return None
    found = find_numbers(text, decimal_sign)
    if len(found) != 1:
        return None
    rest = (text[: found[0].start] + text[found[0].end :]).strip(" :%+()").strip()
    return None if rest and not codes_of(rest) else found[0].value
