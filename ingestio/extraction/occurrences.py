"""Where a value stands in a document: the comparison of a normalised value with the words of the text, by kind.

`1234.56` is found as `1.234,56`, `2026-11-23` as `23. November 2026`, `EUR` as `€`, an address over its lines. What is compared is
always the document's own writing; nothing is found that is not printed.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property

from ingestio.domain.evidence import Evidence
from ingestio.domain.fields import FieldKind
from ingestio.domain.text import Box, Word, union
from ingestio.extraction.currencies import codes_of, find_currencies
from ingestio.extraction.dates import find_dates, find_days, find_months
from ingestio.extraction.layout import Cell, Layout
from ingestio.extraction.target import Target
from ingestio.extraction.tokens import fold, tokens

# Kinds whose digits may be grouped differently on paper: `DE 123 456 789` is DE123456789.
_REGROUPED = frozenset({FieldKind.IBAN, FieldKind.PHONE, FieldKind.TAX_ID, FieldKind.IDENTIFIER})
# Scripts without blanks between words: a value may begin and end inside a run of letters.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_DEBIT_WORDS = (
    "debit debits withdrawal withdrawals paidout moneyout payments soll belastung lastschrift lastschriften ausgang debet debito debitos "
    "cargo cargos adeudo debe dare addebiti addebito uscite af afschrijving dr out gastos"
)
_DEBIT = frozenset(_DEBIT_WORDS.split())
# Of words in a picture. Measured on faint, blurred, shadowed and small receipts: of figures that look less sure more than every second is
# misread, of others one in a hundred. Looks with other margins, widths and contrasts find few of them: they are misread alike.
_LEGIBLE, _LEGIBLE_SHORT, _SHORT = 0.9, 0.7, 2
# `A.$.`, `LTD. $TI`: a letter with a mark that was taken for a sign of money.
_SIGN_AMONG_LETTERS = re.compile(r"[$€£][^\W\d_]|[^\W\d_]\.?[$€£](?!\d)")
_HYPHENATED = re.compile(r"[^\W\d_][-\u2010\u00ad]")
_DASHES = "\\-\u2010\u2012\u2013\u2212"
_SIGNED = re.compile(rf"(?<=\s)[{_DASHES}](\d+)")
_SIGNED_OR_FIRST = re.compile(rf"(?:(?<=\s)|^)[{_DASHES}](\d+)")
_DEBIT_MARK = re.compile(r"^\s*(?:S|D|DR|Dr|Af|AF|Soll|Debit)\b\.?\s*$")
# How much of a text is looked up at once: enough to tell the rows of a table apart.
_BEGINNING = 24
_MAX_OCCURRENCES = 20_000
_LONGEST_DATE = 40
# A date that goes on in the next line has its month in words: a number at the end of a line is a number.
_DATE_BEGINS = re.compile(
    r"(?:\d(?:st|nd|rd|th|\.|er|º|ª)?[.,]?|[^\W\d_]{3,}\.?|,)\s*(?:day|of|de|del|di)?$", re.IGNORECASE
)
_LEAST_PROSE_WORDS = 5
_MAX_LINES = 400


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place: the pieces of cells that hold the value. `sure` is False when the writing has a second reading."""

    pieces: tuple[tuple[Cell, int, int], ...]
    sure: bool = True

    @property
    def cell(self) -> Cell:
        return self.pieces[0][0]

    @property
    def start(self) -> int:
        return self.pieces[0][1]

    @property
    def place(self) -> tuple[int, float]:
        """Page and height, for nearness."""
        return self.cell.page, self.cell.middle

    @property
    def box(self) -> Box:
        return self.cell.box_between(self.start, self.pieces[0][2])

    @property
    def is_legible(self) -> bool:
        """Whether each of its words was recognised surely enough for what it is."""
        words = (word for cell, start, end in self.pieces for word in cell.words_between(start, end))
        return all(map(_is_legible, words))

    @property
    def legibility(self) -> float:
        """How surely its least legible word was recognised; 1 for words that are text in the file."""
        return min(word.confidence for cell, start, end in self.pieces for word in cell.words_between(start, end))

    @property
    def quote(self) -> str:
        """The characters of all pieces, one behind the other."""
        return "".join(cell.text[start:end] for cell, start, end in self.pieces)

    def evidence(self) -> tuple[Evidence, ...]:
        """One evidence a page, its lines joined by blanks."""
        by_page: dict[int, list[Evidence]] = defaultdict(list)
        for cell, start, end in self.pieces:
            by_page[cell.page].append(cell.evidence(start, end))
        return tuple(
            Evidence(page, " ".join(each.quote for each in found), union(tuple(each.box for each in found if each.box)))
            for page, found in by_page.items()
        )


class Occurrences:
    """Finds values in one document. Everything that is looked up twice is indexed once."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def find(self, kind: FieldKind, value: str) -> list[Occurrence]:
        """Every place of `value`, in reading order; at most 20,000: as many as a list may have entries."""
        match kind:
            case FieldKind.AMOUNT:
                found = [place for place in self._numbers(value) if not _is_percentage(place)]
            case FieldKind.NUMBER:
                found = self._numbers(value)
            case FieldKind.EMAIL:
                found = [place for place in self._texts(value) if _same_address(place.quote, value)]
            case FieldKind.DATE:
                found = list(self._dates(value))
            case FieldKind.CURRENCY:
                found = list(self._currencies(value))
            case _:
                found = list(self._texts(value, kind))
                if "@" in value and not value.count(" "):
                    found = [place for place in found if _same_address(place.quote, value)]
        return found[:_MAX_OCCURRENCES]

    @cached_property
    def _by_number(self) -> dict[Decimal, list[Occurrence]]:
        index: dict[Decimal, list[Occurrence]] = defaultdict(list)
        for cell in self.layout.cells:
            for number in cell.numbers:
                for reading in number.readings:
                    sure = len(number.readings) == 1
                    index[reading].append(Occurrence(((cell, number.start, number.end),), sure))
        return index

    def _numbers(self, value: str) -> list[Occurrence]:
        try:
            number = Decimal(value)
        except InvalidOperation:
            return []
        found = self._by_number.get(number, [])
        if not found and number < 0:
            # In a debit column the minus is the column's, not the number's.
            found = [each for each in self._by_number.get(-number, []) if self._in_debit_column(each)]
        return found

    @cached_property
    def _debit_heads(self) -> dict[int, list[tuple[float, Box]]]:
        heads: dict[int, list[tuple[float, Box]]] = defaultdict(list)
        for cell in self.layout.cells:
            found = tokens(cell.text)
            for first, token in enumerate(found):
                following = found[first + 1].key if first + 1 < len(found) else ""
                if token.key in _DEBIT or token.key + following in _DEBIT:
                    heads[cell.page].append((cell.middle, cell.box_between(token.start, token.end)))
        return heads

    def _in_debit_column(self, occurrence: Occurrence) -> bool:
        box, (page, middle) = occurrence.box, occurrence.place
        cell, _, end = occurrence.pieces[0]
        if _DEBIT_MARK.match(cell.text[end:]):
            return True
        return any(
            above < middle and head[0] - 20 < box[2] and head[2] + 20 > box[0] and abs(head[2] - box[2]) < 60
            for above, head in self._debit_heads.get(page, ())
        )

    @cached_property
    def _by_date(self) -> dict[str, list[Occurrence]]:
        index: dict[str, list[Occurrence]] = defaultdict(list)
        order = self.layout.habits.date_order
        for cell in self.layout.cells:
            for date in find_dates(cell.text, order, runs=True):
                for reading in date.readings:
                    index[reading].append(Occurrence(((cell, date.start, date.end),), not date.ambiguous))
        return index

    @cached_property
    def _by_broken_date(self) -> dict[str, list[Occurrence]]:
        """Dates in prose that begin at the end of one line and end in the next: `this 1st day / of October 2014`."""
        index: dict[str, list[Occurrence]] = defaultdict(list)
        for cell in self.layout.cells:
            first = max(0, len(cell.text) - _LONGEST_DATE)
            below = next(self._continuations(cell), None)
            if below is None or not _DATE_BEGINS.search(cell.text, first) or not _is_prose(cell, below):
                continue
            joint = len(cell.text) - first
            for date in find_dates(f"{cell.text[first:]} {below.text[:_LONGEST_DATE]}", self.layout.habits.date_order):
                if date.start < joint < date.end:
                    pieces = ((cell, first + date.start, len(cell.text)), (below, 0, date.end - joint - 1))
                    for reading in date.readings:
                        index[reading].append(Occurrence(pieces, not date.ambiguous))
        return index

    @cached_property
    def _by_day(self) -> dict[str, list[Occurrence]]:
        """Days without a year; less sure, because the year is inferred."""
        index: dict[str, list[Occurrence]] = defaultdict(list)
        for cell in self.layout.cells:
            if any(char.isdigit() for char in cell.text):
                for day in find_days(cell.text, self.layout.habits.date_order):
                    index[day.value].append(Occurrence(((cell, day.start, day.end),), sure=False))
        return index

    @cached_property
    def _years(self) -> set[str]:
        return {value[:4] for value in self._by_date}

    @cached_property
    def _by_month(self) -> dict[str, list[Occurrence]]:
        index: dict[str, list[Occurrence]] = defaultdict(list)
        for cell in self.layout.cells:
            if any(char.isdigit() for char in cell.text):
                for date in find_months(cell.text):
                    index[date.value].append(Occurrence(((cell, date.start, date.end),)))
        return index

    def _dates(self, value: str) -> Iterator[Occurrence]:
        if len(value) == len("2026-11-23"):
            whole_dates = self._by_date.get(value, [])
            yield from whole_dates
            if not whole_dates:
                yield from self._by_broken_date.get(value, ())
            if not whole_dates and value[:4] in self._years:
                yield from self._by_day.get(f"-{value[4:]}", ())  # the year stands elsewhere, as on statements
            return
        yield from self._by_month.get(value, ())
        for whole, places in self._by_date.items():
            if whole.startswith(f"{value}-"):
                yield from places

    def _currencies(self, code: str) -> Iterator[Occurrence]:
        for cell in self.layout.cells:
            for found in find_currencies(cell.text):
                if code in found.codes:
                    yield Occurrence(((cell, found.start, found.end),), len(found.codes) == 1)
            for number in cell.numbers:
                if code in number.currency:
                    written = cell.text[number.start : number.end]
                    sign = re.sub(r"[\d.,'’\s()+−–-]+", " ", written).strip()
                    at = number.start + written.find(sign) if sign and codes_of(sign) else number.start
                    end = at + len(sign) if sign and codes_of(sign) else number.end
                    yield Occurrence(((cell, at, end),), len(number.currency) == 1)

    @cached_property
    def _by_beginning(self) -> dict[str, list[tuple[Cell, int]]]:
        """Every word's place by the letters and digits that follow from it in its cell, at most 24 of them."""
        index: dict[str, list[tuple[Cell, int]]] = defaultdict(list)
        for cell in self.layout.cells:
            rest = ""
            for position in range(len(cell.tokens) - 1, -1, -1):
                rest = (cell.tokens[position].key + rest)[:_BEGINNING]
                index[rest].append((cell, position))
        return index

    def _texts(self, value: str, kind: FieldKind = FieldKind.TEXT) -> Iterator[Occurrence]:
        target = Target(value, kind in _REGROUPED, kind is FieldKind.IDENTIFIER)
        if not target.key:
            yield from self._symbols(value)
            return
        if _UNSPACED.search(value):
            yield from self._unspaced(value)
            return
        places = list(self._by_beginning.get(target.key[:_BEGINNING], ()))
        for length in range(1, min(len(target.key), _BEGINNING)):  # cells that end before the value does
            places.extend(self._by_beginning.get(target.key[:length], ()))
        if len(target.key) < _BEGINNING:  # cells that go on after it
            places.extend(self._longer.get(target.key, ()))
        for cell, position in sorted(places, key=lambda each: (each[0].index, each[1])):
            pieces = self._walk(cell, position, target)
            if not pieces or _is_named_longer(pieces[-1], value):
                continue
            if kind in _REGROUPED or _has_the_same_signs(pieces, value):
                yield Occurrence(pieces)

    @cached_property
    def _longer(self) -> dict[str, list[tuple[Cell, int]]]:
        """Places by each whole run of words that begins there and is shorter than what follows."""
        index: dict[str, list[tuple[Cell, int]]] = defaultdict(list)
        for cell in self.layout.cells:
            count = len(cell.tokens)
            for position in range(count):
                run = ""
                for last in range(position, count):
                    run += cell.tokens[last].key
                    if len(run) >= _BEGINNING:
                        break
                    if last + 1 < count:
                        index[run].append((cell, position))
        return index

    def _walk(self, cell: Cell, position: int, target: "Target") -> tuple[tuple[Cell, int, int], ...] | None:
        """Follows the value word by word, from the end of a cell into the one below, beside or after it."""
        done = target.match(cell, position, 0)
        if done is None:
            return None
        length, last = done
        pieces = [(cell, cell.tokens[position].start, cell.tokens[last].end)]
        while length < len(target.key):
            if last + 1 < len(cell.tokens) or len(pieces) > _MAX_LINES:
                return None
            for following in self._continuations(cell):
                done = target.match(following, 0, length) if following.tokens else None
                if done is not None:
                    cell, (length, last) = following, done
                    pieces.append((cell, cell.tokens[0].start, cell.tokens[last].end))
                    break
            else:
                return None
        first, start, end = pieces[-1]
        if _HYPHENATED.fullmatch(first.text, end - 1):
            return None  # half of a word that goes on in the next line
        pieces[-1] = (first, start, _with_trailing_marks(first.text, end))
        return tuple(pieces)

    def _continuations(self, cell: Cell) -> Iterator[Cell]:
        """Where a text may go on after the end of `cell`, likeliest first."""
        seen: set[int] = set()

        def fresh(candidates: Iterator[Cell] | list[Cell], most: int) -> Iterator[Cell]:
            for candidate in candidates:
                if candidate.index not in seen:
                    seen.add(candidate.index)
                    yield candidate
                    most -= 1
                if not most:
                    return

        yield from fresh(self.layout.below(cell, reach=2.0), 2)
        yield from fresh(self.layout.right_of(cell), 1)
        rows = self.layout.sheet(cell).rows
        if cell.row + 1 < len(rows):
            if len(rows[cell.row]) == len(rows[cell.row + 1]) == 1:  # prose; in columns a text never changes the column
                yield from fresh(rows[cell.row + 1], 1)
        elif (following := self.layout.sheet_after(cell)) is not None:
            yield from fresh([each for row in following.rows[:4] for each in row], 8)

    def _unspaced(self, value: str) -> Iterator[Occurrence]:
        wanted = _without_blanks(value)
        for cell in self.layout.cells:
            squeezed, places = _squeezed(cell.text)
            at = squeezed.find(wanted)
            while at >= 0:
                if _is_whole(squeezed, at, at + len(wanted)):
                    yield Occurrence(((cell, places[at], places[at + len(wanted) - 1] + 1),))
                at = squeezed.find(wanted, at + 1)

    def _symbols(self, value: str) -> Iterator[Occurrence]:
        """Values without a letter or digit (`✓`, `-`): they must stand as a word of their own."""
        for cell in self.layout.cells:
            for match in re.finditer(rf"(?<!\S){re.escape(value.strip())}(?!\S)", cell.text):
                yield Occurrence(((cell, match.start(), match.end()),))


def _is_legible(word: Word) -> bool:
    """Whether a word of a picture can be believed; short ones without a figure (`RM`, `&`) are seldom misread."""
    short = not any(map(str.isdigit, word.text)) and sum(map(str.isalpha, word.text)) <= _SHORT
    least = _LEGIBLE_SHORT if short else _LEGIBLE
    return word.confidence >= least and (word.confidence == 1.0 or not _SIGN_AMONG_LETTERS.search(word.text))


def _is_prose(cell: Cell, below: Cell) -> bool:
    """Whether a line goes on in another: full lines of words, or a date's rest alone at the end of a paragraph."""
    return len(cell.words) >= _LEAST_PROSE_WORDS and abs(cell.box[0] - below.box[0]) < 4 * cell.height


def _same_address(quote: str, value: str) -> bool:
    """Whether a quote is an e-mail address to the letter: with a point or a hyphen less it is somebody else's."""
    written = re.sub(r"\s+", "", quote).casefold()
    return "@" in written and written.rstrip(".)") == value.strip().casefold().rstrip(".)")


def _is_named_longer(piece: tuple[Cell, int, int], value: str) -> bool:
    """`C++` and `C#` are not C."""
    cell, _, end = piece
    return cell.text[end : end + 1] in ("+", "#") and cell.text[end - 1].isalpha() and value[-1:].isalpha()


def _has_the_same_signs(pieces: tuple[tuple[Cell, int, int], ...], value: str) -> bool:
    """`-5 C` is not 5 C. A dash between numbers may stand closer or wider; one that begins a line is the mark of a list."""
    printed = " ".join(cell.text[max(0, start - 2) : end] for cell, start, end in pieces)
    signed = (match[1] for cell, start, end in pieces for match in _SIGNED.finditer(cell.text, max(0, start - 1), end))
    asked = (match[1] for match in _SIGNED_OR_FIRST.finditer(value.strip()))
    return all(_stands_behind_a_dash(each, value) for each in signed) and all(
        _stands_behind_a_dash(each, printed) for each in asked
    )


def _stands_behind_a_dash(digits: str, text: str) -> bool:
    return bool(re.search(rf"[{_DASHES}]\s*{digits}(?!\d)", text))


def _is_percentage(place: Occurrence) -> bool:
    cell, start, _ = place.pieces[0]
    return any(number.percent for number in cell.numbers if number.start == start)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether no number is cut at either end: `3号` does not stand in `13号`."""
    cut_before = start > 0 and text[start - 1].isdigit() and text[start].isdigit()
    cut_after = end < len(text) and text[end].isdigit() and text[end - 1].isdigit()
    return not (cut_before or cut_after)


def _with_trailing_marks(text: str, end: int) -> int:
    """The end of a quote with the full stop or bracket that belongs to the last word (`Ltd.`, `(UK)`)."""
    return end + 1 if text[end : end + 1] in (".", ")") and not text[end + 1 : end + 2].strip() else end


def _without_blanks(text: str) -> str:
    return re.sub(r"\s+", "", fold(unicodedata.normalize("NFKC", text)))


def _squeezed(text: str) -> tuple[str, list[int]]:
    """The text without blanks, folded, and for each of its characters where it came from."""
    chars: list[str] = []
    places: list[int] = []
    for index, char in enumerate(text):
        if not char.isspace():
            plain = fold(unicodedata.normalize("NFKC", char))
            chars.extend(plain)
            places.extend([index] * len(plain))
    return "".join(chars), places
