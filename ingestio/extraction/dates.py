"""Dates as documents write them, in seven languages and more, to ISO 8601.

A date such as 03/04/2026 has two readings. Which one holds is a property of the whole document (`DateOrder`), never of the date;
when the document does not say, both readings are kept and the first is marked ambiguous.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ingestio.extraction.tokens import fold


class DateOrder(StrEnum):
    """How a document writes numeric dates whose year comes last."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a text. `value` is ISO 8601; `readings` holds every possible one, `value` first."""

    start: int
    end: int
    value: str
    readings: tuple[str, ...]

    @property
    def ambiguous(self) -> bool:
        return len(self.readings) > 1


_MONTH_NAMES = """
january jan januar janvier janv enero ene gennaio gen januari janeiro stycznia leden ledna tammikuu sijecanj
february feb februar fevrier fevr fev febrero febbraio febr februari fevereiro lutego unor unora helmikuu
march mar marz mrz mars marzo maart mrt marco marca brezen brezna maaliskuu maerz mac maret
april apr avril avr abril abr aprile kwietnia duben dubna huhtikuu avri
may mai mayo mag maggio mei maio maj maja kveten kvetna toukokuu
june jun juni juin junio giugno giu junho czerwca cerven cervna kesakuu
july jul juli juillet juil julio luglio lug julho lipca cervenec cervence heinakuu julai
august aug aout aou agosto ago augustus augusti sierpnia srpen srpna elokuu ogos agustus agu
september sep sept septembre septiembre settembre set setembro wrzesnia zari syyskuu
october oct oktober okt octobre octubre ottobre ott outubro out pazdziernika rijen rijna lokakuu
november nov novembre noviembre novembro listopada listopad listopadu marraskuu
december dec dezember dez decembre diciembre dic dicembre dezembro grudnia prosinec prosince joulukuu desember des disember dis
"""
MONTHS = {name: number for number, line in enumerate(_MONTH_NAMES.strip().splitlines(), 1) for name in line.split()}
assert len(set(MONTHS.values())) == 12

_NAME = r"[^\W\d_]{3,12}"
# A time of day that follows without a blank: the recognition of print loses them, `25/12/20188:13`, `12-01-1921:13`.
_TIME_FOLLOWS = r"(?=(?:[01]?\d|2[0-3])[:h][0-5]\d(?::[0-5]\d)?(?!:)|(?:1[0-2]|0?\d)\.[0-5]\d\s?[apAP]\.?[mM])"
_YEAR_ENDS = rf"(?:\d{{4}}|\d{{2}}){_TIME_FOLLOWS}|(?:\d{{4}}|\d{{2}}(?!:\d\d))(?!\d)"
_DAY_ENDS = rf"\d{{2}}{_TIME_FOLLOWS}|\d{{1,2}}(?!\d)"
_ISO = re.compile(rf"(?<![\d.,/-])(\d{{4}})\s?([-/.])\s?(\d{{1,2}})\s?\2\s?({_DAY_ENDS})(?![-/.]\d)")
# The look-behind and look-ahead keep parts of longer chains (1.2.3.4, 1-2-3-4) out, but let the two dates of 01.05.14-31.05.14 in.
_NUMERIC = re.compile(
    rf"(?<!\d)(?<!\d[.,/-])(\d{{1,2}})\s?([./-])\s?(\d{{1,2}})\s?\2\s?({_YEAR_ENDS})(?!\2\d)(?!\.\d|,\d(?!\d?:[0-5]\d))"
    r"|(?<=\d-)(?<![\d.,/])(\d{1,2})([./])(\d{1,2})\6(\d{4}|\d{2})(?!\d)(?![./,-]\d)"
)
_DAY_NAME_YEAR = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|ère|ste|de|º|ª|°)?[.,]?[\s/-]*(?:day\s+of\s|of\s|de\s|d['’]|den\s)?\s*({_NAME})\.?"
    rf"(?:\s*(?:of|de|del|di)\s|[\s,./'’-])*({_YEAR_ENDS})",
    re.IGNORECASE,
)
_NAME_DAY_YEAR = re.compile(
    rf"(?<![^\W_])({_NAME})\.?[\s/-]*(\d{{1,2}})(?:st|nd|rd|th)?(?:\s*,\s*|[\s/-]+|,?\s*['’])({_YEAR_ENDS})",
    re.IGNORECASE,
)
# The recognition of print loses blank and comma: `Oct 272018`, before the time of day or nothing.
_NAME_DAY_YEAR_GLUED = re.compile(
    rf"(?<![^\W_])({_NAME})\.?\s?(\d{{2}})(20\d{{2}}){_TIME_FOLLOWS}|(?<![^\W_])({_NAME})\.?\s(\d{{2}})(20\d{{2}})(?![\d.,])",
    re.IGNORECASE,
)
_YEAR_NAME_DAY = re.compile(
    rf"(?<!\d)(\d{{4}})[\s,/-]+({_NAME})\.?[\s/-]+(\d{{1,2}})(?:st|nd|rd|th)?(?!\d)", re.IGNORECASE
)
_IDEOGRAPHS = re.compile(r"(?<!\d)(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]")
_RUN = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)")
_DAY_MONTH = re.compile(r"(?<![\d.,/-])(\d{1,2})(?:(\.)(\d{1,2})\.|(/)(\d{2}))(?![\d/.-])")
_DAY_NAME = re.compile(rf"(?<![\d.,])(\d{{1,2}})(?:st|nd|rd|th|er|\.)?[\s-]*({_NAME})(?![^\W\d_])", re.IGNORECASE)
_NAME_DAY = re.compile(rf"(?<![^\W_])({_NAME})\.?[\s-]+(\d{{1,2}})(?:st|nd|rd|th)?(?![\d.,:])", re.IGNORECASE)
_MONTH_YEAR = re.compile(rf"(?<![^\W_])({_NAME})\.?[\s,/'’-]*(?:(?:of|de|del)\s+)?(\d{{4}})(?!\d)", re.IGNORECASE)
_NUMBER_YEAR = re.compile(r"(?<![\d./-])(\d{1,2})\s?[./-]\s?(\d{4})(?![\d./-])")
_YEAR_NUMBER = re.compile(r"(?<![\d./-])(\d{4})\s?[./-]\s?(\d{1,2})(?![\d./-])")
_YEAR = re.compile(r"(?<![\d./,-])((?:19|20)\d{2})(?![\d/,]|\.\d)")
_PRECISE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?\Z")
# Letters that are recognised where print has digits, and a digit where it has a letter: `O1/12/2O18`, `14 0CT 2018`.
_MISREAD = re.compile(
    r"(?<![^\W_])[\dOoIl]{1,2}([./-])[\dOoIl]{1,2}\1(?:[\dOoIl]{4}|\d{2})|(?<=\d)[\s./-]?(?:0CT|N0V)(?![^\W\d_])|(?<![^\W_])(?:0CT|N0V)(?=\.?\s?\d)",
    re.IGNORECASE,
)
# `28/2/3018`, `2819-02-28`: of a year's first two figures a camera took one for another. Where noughts are taken for eights, which of the
# last two were eights is not known.
_YEAR_MISREAD = re.compile(
    r"(?<=\d[./-])(?:28(?=[0-79]{2}(?!\d))|2[2-79](?=\d\d(?!\d))|[3-9]0(?=\d\d(?!\d)))|(?<!\d)(?:28(?=[0-79]{2}-\d\d-\d\d)|[3-9]0(?=\d\d-\d\d-\d\d))"
)
_AS_DIGITS = str.maketrans("OoIl", "0011")
_LEAST_DIGITS = 4
_LABEL_BEFORE_MONTH = re.compile(r"(?:date|dated|datum|data|fecha|tanggal|tarikh|tgl)(?=[^\W\d_]{3})", re.IGNORECASE)
_DATE_WORD = re.compile(
    r"(?:date|dated|dat|datum|data|fecha|dato|tanggal|tarikh|tgl|tar|dt|on|le|du|vom|den|am|del|time)\Z", re.IGNORECASE
)
_WEEKDAY_NAMES = """
mon monday montag lundi lunes lunedi maandag segunda senin isnin poniedzialek
tue tues tuesday dienstag mardi martes martedi dinsdag terca selasa wtorek
wed wednesday mittwoch mercredi miercoles mercoledi woensdag quarta rabu sroda
thu thur thurs thursday donnerstag jeudi jueves giovedi donderdag quinta kamis khamis czwartek
fri friday freitag vendredi viernes venerdi vrijdag sexta jumat jumaat piatek
sat saturday samstag sonnabend samedi sabado sabato zaterdag sabtu sobota
sun sunday sonntag dimanche domingo domenica zondag minggu ahad niedziela
"""
WEEKDAYS = {name: number for number, line in enumerate(_WEEKDAY_NAMES.strip().splitlines()) for name in line.split()}
# A weekday stands right before its date or right behind it.
_WEEKDAY_REACH = 14


def month_number(name: str) -> int | None:
    """1 to 12 for a month's name or abbreviation in any of the languages."""
    return MONTHS.get(fold(name).rstrip("."))


def _iso(year: int, month: int, day: int) -> str | None:
    if not 1900 <= year <= 2199:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _year(text: str) -> int:
    number = int(text)
    if len(text) > 2:
        return number
    return number + (2000 if number < 50 else 1900)


def _named(day: str, name: str, year: str) -> str | None:
    month = month_number(name) or month_number(_LABEL_BEFORE_MONTH.sub("", name, count=1))
    return _iso(_year(year), month, int(day)) if month else None


def _numeric_readings(first: str, second: str, year: str, separator: str, order: DateOrder | None) -> tuple[str, ...]:
    day_first = _iso(_year(year), int(second), int(first))
    month_first = _iso(_year(year), int(first), int(second))
    if separator == ".":  # nobody writes the month first with full stops
        return tuple(filter(None, (day_first,)))
    if order is DateOrder.DAY_FIRST:
        return tuple(filter(None, (day_first,))) or tuple(filter(None, (month_first,)))
    if order is DateOrder.MONTH_FIRST:
        return tuple(filter(None, (month_first,))) or tuple(filter(None, (day_first,)))
    return tuple(dict.fromkeys(filter(None, (day_first, month_first))))


def _is_in_code(text: str, match: re.Match[str]) -> bool:
    """`HC03-7-15`, `03-7 - 15`: codes and sizes, whose three numbers are no date. Words for one may touch it: `Date12/01/19`."""
    letters = re.search(r"[^\W\d_]*\Z", text[: match.start()])
    label = letters.group() if letters else ""
    uneven = len(set(re.findall(r"\s?[./-]\s?", match.group()))) > 1
    return uneven or (bool(label) and not _DATE_WORD.search(label))


def _candidates(text: str, order: DateOrder | None, *, runs: bool) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    for match in _ISO.finditer(text):
        yield match.start(), match.end(), tuple(filter(None, (_iso(_year(match[1]), int(match[3]), int(match[4])),)))
    for match in _NUMERIC.finditer(text):
        first, separator, second, year = filter(None, match.groups())
        if len(year) == 2 and _is_in_code(text, match):
            continue
        yield match.start(), match.end(), _numeric_readings(first, second, year, separator, order)
    for match in _IDEOGRAPHS.finditer(text):
        yield match.start(), match.end(), tuple(filter(None, (_iso(int(match[1]), int(match[2]), int(match[3])),)))
    yield from _with_names(_DAY_NAME_YEAR, text, (1, 2, 3))
    yield from _with_names(_NAME_DAY_YEAR, text, (2, 1, 3))
    yield from _with_names(_YEAR_NAME_DAY, text, (3, 2, 1))
    yield from _with_names(_NAME_DAY_YEAR_GLUED, text, (2, 1, 3))
    if runs:
        for match in _RUN.finditer(text):
            yield match.start(), match.end(), tuple(filter(None, (_iso(int(match[1]), int(match[2]), int(match[3])),)))


def _with_names(
    pattern: re.Pattern[str], text: str, groups: tuple[int, int, int]
) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Dates whose month is a word; `groups` are day, name and year. In `N. 56 del 30 novembre 2022` the first try is no month."""
    day, name, year = groups
    at = 0
    while match := pattern.search(text, at):
        parts = match.groups() if match[1] else match.groups()[3:]
        value = _named(parts[day - 1], parts[name - 1], parts[year - 1])
        at = match.end() if value else match.start() + 1
        if value:
            yield match.start(), match.end(), (value,)


def _legible(text: str) -> str:
    """The same text, as long as it was, with digits where a date has to have them."""

    def digits(match: re.Match[str]) -> str:
        written = match.group()
        if match[1] is None:
            return re.sub("0", "O", written)
        return written.translate(_AS_DIGITS) if sum(map(str.isdigit, written)) >= _LEAST_DIGITS else written

    return _MISREAD.sub(digits, text)


def _weekday_beside(text: str, start: int, end: int) -> int | None:
    """0 for Monday to 6 for Sunday, where the day's name stands beside a date."""
    for around in (text[max(0, start - _WEEKDAY_REACH) : start], text[end : end + _WEEKDAY_REACH]):
        for word in re.findall(r"[^\W\d_]{3,}", around):
            if (number := WEEKDAYS.get(fold(word))) is not None:
                return number
    return None


def find_dates(
    text: str, order: DateOrder | None = None, *, runs: bool = False, misread: bool = False
) -> list[FoundDate]:
    """Every whole date in `text`, left to right, none overlapping. `runs` also takes 20260314, which elsewhere is a number; `misread` also
    dates of centuries to come, for those that a camera may have meant: they do not stand there."""
    if not any(char.isdigit() for char in text):
        return []
    text = _legible(text)
    if misread:
        text = _YEAR_MISREAD.sub("20", text)
    found: list[FoundDate] = []
    for start, end, readings in sorted(_candidates(text, order, runs=runs), key=lambda each: (each[0], -each[1])):
        if readings and (not found or start >= found[-1].end):
            found.append(FoundDate(start, end, readings[0], readings))
    return found


def find_days(text: str, order: DateOrder | None = None) -> list[FoundDate]:
    """Days without a year, as `--MM-DD` (ISO 8601): `01.10.`, `1 Oct`, `Oct 1`. Whole dates are not among them."""
    whole = find_dates(text, order)
    found: list[FoundDate] = []

    def add(start: int, end: int, month: int | None, day: int) -> None:
        free = all(end <= each.start or start >= each.end for each in (*whole, *found))
        if month and free and _iso(2000, month, day):
            value = f"--{month:02}-{day:02}"
            found.append(FoundDate(start, end, value, (value,)))

    for match in _DAY_MONTH.finditer(text):
        first, second = int(match[1]), int(match[3] or match[5])
        month_first = order is DateOrder.MONTH_FIRST and not match[2]
        add(match.start(), match.end(), *((first, second) if month_first else (second, first)))
    for match in _DAY_NAME.finditer(text):
        add(match.start(), match.end(), month_number(match[2]), int(match[1]))
    for match in _NAME_DAY.finditer(text):
        add(match.start(), match.end(), month_number(match[1]), int(match[2]))
    return sorted(found, key=lambda each: each.start)


def find_months(text: str) -> list[FoundDate]:
    """Dates of any precision, down to a lone year: `2019-05-01`, `2019-05`, `2019`. For résumés and periods."""
    found = find_dates(text)

    def add(start: int, end: int, value: str | None) -> None:
        if value and all(end <= each.start or start >= each.end for each in found):
            found.append(FoundDate(start, end, value, (value,)))

    for match in _MONTH_YEAR.finditer(text):
        month = month_number(match[1])
        add(match.start(), match.end(), f"{match[2]}-{month:02}" if month and 1900 <= int(match[2]) <= 2199 else None)
    for pattern, year, month_group in ((_NUMBER_YEAR, 2, 1), (_YEAR_NUMBER, 1, 2)):
        for match in pattern.finditer(text):
            if 1 <= int(match[month_group]) <= 12 and 1900 <= int(match[year]) <= 2199:
                add(match.start(), match.end(), f"{match[year]}-{int(match[month_group]):02}")
    for match in _YEAR.finditer(text):
        add(match.start(), match.end(), match[1])
    return sorted(found, key=lambda each: each.start)


def parse_date(text: str, order: DateOrder | None = None) -> str | None:
    """ISO 8601 for a text that is one date and nothing else, as precise as it is; None when it is not a date."""
    stripped = text.strip()
    if _PRECISE.match(stripped):
        year, month, day = (*(int(part) for part in stripped.split("-")), 1, 1)[:3]
        return stripped if _iso(year, month, day) else None
    stamped = re.fullmatch(r"(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}\S*", stripped)
    if stamped:
        return parse_date(stamped[1])
    for found in (*find_dates(stripped, order, runs=True), *find_months(stripped)):
        if not stripped[: found.start].strip(" ,.") and not stripped[found.end :].strip(" ,."):
            return found.value
    return None


def order_from_dates(texts: list[str]) -> DateOrder | None:
    """What the numeric dates themselves prove: 23/11 can only be day first, and only one of two readings is a Friday. None when they
    prove nothing or contradict."""
    day_first = month_first = 0
    for text in map(_legible, texts):
        for match in _NUMERIC.finditer(text):
            first, separator, second, year = filter(None, match.groups())
            readings = _numeric_readings(first, second, year, separator, None)
            if separator == "." or not readings:
                continue
            if int(first) > 12 or int(second) > 12:
                day_first += int(first) > 12
                month_first += int(second) > 12
            elif len(readings) == 2 and (weekday := _weekday_beside(text, *match.span())) is not None:
                on_that_day = [date.fromisoformat(each).weekday() == weekday for each in readings]
                if on_that_day[0] != on_that_day[1]:
                    day_first += on_that_day[0]
                    month_first += on_that_day[1]
    if not day_first and not month_first:
        day_first, month_first = _printed_once_more(texts)
    if bool(day_first) == bool(month_first):
        return None
    return DateOrder.DAY_FIRST if day_first else DateOrder.MONTH_FIRST


def _printed_once_more(texts: list[str]) -> tuple[int, int]:
    """How many dates with two readings are printed elsewhere in a way that has one, as the day first and as the month first: tills
    print the moment of a purchase twice."""
    found = [each for text in texts for each in find_dates(text)]
    certain = {each.value for each in found if not each.ambiguous}
    votes = [0, 0]
    for each in found:
        if each.ambiguous and len(meant := certain.intersection(each.readings)) == 1:
            votes[each.readings.index(meant.pop())] += 1
    return votes[0], votes[1]
