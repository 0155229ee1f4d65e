"""The currency of a document: beside its sums, as a labelled code, or the only one that is printed."""

import re
from collections import Counter

from ingestio.domain.fields import FieldKind
from ingestio.extraction.currencies import DOLLARS, KRONER, NOT_ALONE, RUPEES, codes_of, find_currencies
from ingestio.extraction.habits import US_STATES
from ingestio.extraction.layout import Cell, Layout
from ingestio.extraction.local.labels import Labels
from ingestio.extraction.local.reading import Found, Reading, of_span
from ingestio.extraction.local.scalars import best

_BESIDE_SUM, _BESIDE_AMOUNT, _ALONE = 6, 2, 1
# What a document says about its country, where a sign stands for several currencies.
_SOUTH_AFRICAN = re.compile(
    r"\(?\bPty\)? Ltd\b|\bCC\b|\bSouth Africa\b|\bRSA\b|\bZAR\b|\b(?:Johannesburg|Cape Town|Pretoria|Durban|Randburg|Sandton)\b"
    r"|\bVAT\b\D{0,12}4\d{9}\b|\+27\s?(?:\(0\)\s?)?[1-8]\d(?!\d)",
    re.IGNORECASE,
)
# A country names the currency at the end of an address, not in `Air Canada` or `delivery to Canada`.
_IN_ADDRESS = r"(?:(?m:^)|[,\d–-]\s*)"
_COUNTRY_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("USD", re.compile(rf"\b(?:{US_STATES}),? \d{{5}}(?:-\d{{4}})?\b|\bUnited States\b|\bU\.?S\.?A\b")),
    ("AUD", re.compile(rf"\bABN\b|{_IN_ADDRESS}Australia\b|\bPty\b|\b(?:NSW|VIC|QLD) \d{4}\b")),
    ("CAD", re.compile(rf"{_IN_ADDRESS}Canada\b|\b(?:HST|PST|QST)\b|\b[A-Z]\d[A-Z] \d[A-Z]\d\b")),
    ("NZD", re.compile(rf"{_IN_ADDRESS}New Zealand\b|\bAotearoa\b")),
    ("SGD", re.compile(r"\bSingapore \d{6}\b|\bSingapore\b")),
    ("HKD", re.compile(rf"{_IN_ADDRESS}Hong Kong\b")),
    ("MXN", re.compile(r"\bRFC\b|\bM[ée]xico\b")),
    (
        "SEK",
        re.compile(r"\b(?:Stockholm|Göteborg|Malmö|Uppsala)\b|\bSverige\b|\bSweden\b|\bMoms\b.*\bSE\d|\bBankgiro\b"),
    ),
    ("DKK", re.compile(r"\b(?:København|Copenhagen|Aarhus|Odense|Aalborg)\b|\bDanmark\b|\bDenmark\b|\bCVR\b")),
    ("NOK", re.compile(r"\b(?:Oslo|Bergen|Trondheim|Stavanger)\b|\bNorge\b|\bNorway\b|\bMVA\b|\bOrg\.?\s?nr\b.*MVA")),
    ("CNY", re.compile(r"[\u4e00-\u9fff]*(?:人民币|发票)|\bRMB\b|\bChina\b")),
    ("COP", re.compile(r"\bColombia\b|\bBogot[áa]\b|\bMedell[ií]n\b|\bCOP\b|\bpesos colombianos\b", re.IGNORECASE)),
    ("CLP", re.compile(r"\bChile\b|\bCLP\b|\bR\.?U\.?T\b|\bpesos chilenos\b", re.IGNORECASE)),
    ("ARS", re.compile(r"\bArgentina\b|\bCUIT\b|\bARS\b|\bpesos argentinos\b", re.IGNORECASE)),
    ("TWD", re.compile(r"\bTaiwan\b|\bTaipei\b|統一編號")),
    ("PKR", re.compile(r"\bPakistan\b")),
    ("LKR", re.compile(r"\bSri Lanka\b")),
)


def read_currency(labels: Labels, sums: Found) -> Reading | None:
    """The currency by votes: beside a sum most, beside any amount less, alone least. None when no currency is printed."""
    labelled = best(labels, "currency", FieldKind.CURRENCY)
    if (
        labelled is not None
        and codes_of(labelled.pieces[0][0].text[labelled.pieces[0][1] : labelled.pieces[0][2]])[1:] == ()
    ):
        return labelled
    votes: Counter[tuple[str, ...]] = Counter()
    places: dict[tuple[str, ...], Reading] = {}
    sum_cells = {cell.index for reading in sums.values() for cell, _, _ in reading.pieces}
    labelled_cells = {cell.index for cell in _cells_of_sum_labels(labels, sums)}
    near = sum_cells | labelled_cells
    for cell in labels.layout.cells:
        for codes, start, end, at_amount in _currencies_in(cell):
            weight = _BESIDE_SUM if cell.index in near else _BESIDE_AMOUNT if at_amount else _ALONE
            votes[codes] += weight
            if codes not in places or (cell.index in near and places[codes].cell.index not in near):
                places[codes] = of_span(cell, start, end, codes[0])
    for reading in sums.values():
        beside = next(iter(labels.layout.right_of(reading.cell)), None)
        if beside is not None and beside.text in NOT_ALONE:
            votes[beside.text,] += _BESIDE_SUM  # `145,250.50 | ALL` in cells of their own
            places.setdefault((beside.text,), of_span(beside, 0, len(beside.text), beside.text))
    if ("ZAR",) in votes and not any(_SOUTH_AFRICAN.search(cell.text) for cell in labels.layout.cells[:1500]):
        del votes["ZAR",]  # elsewhere a lone R is a tax mark, or half of RM
    if not votes:
        return labelled
    codes, _ = max(votes.items(), key=lambda each: (each[1], -len(each[0])))
    exact = [each for each in votes if len(each) == 1 and each[0] in codes]
    if len(codes) > 1 and exact:
        codes = max(exact, key=votes.__getitem__)
    place = places[codes]
    return of_span(place.cell, place.pieces[0][1], place.pieces[0][2], _meant(codes, labels.layout))


def _cells_of_sum_labels(labels: Labels, sums: Found) -> list[Cell]:
    """The cells left of a sum: `Total EUR`."""
    return [cell for reading in sums.values() for cell in labels.layout.left_of(reading.cell)[:2]]


def _currencies_in(cell: Cell) -> list[tuple[tuple[str, ...], int, int, bool]]:
    found: list[tuple[tuple[str, ...], int, int, bool]] = []
    for number in cell.numbers:
        written = cell.text[number.start : number.end]
        # `SDN BHD 447188`: a code that is a word too wants an amount beside it, with cents or grouped.
        is_a_word = NOT_ALONE.issuperset(number.currency) and not re.search(r"\d[.,'’]\d\d", written)
        if number.currency and not is_a_word:
            sign = re.sub(r"[\d.,'’\s()+−–-]+", " ", written).strip()
            at = number.start + max(0, written.find(sign))
            found.append((number.currency, at, at + len(sign), True))
    taken = [(start, end) for _, start, end, _ in found]
    alone = [
        each
        for each in find_currencies(cell.text)
        if all(each.end <= start or each.start >= end for start, end in taken)
    ]
    return found + [(each.codes, each.start, each.end, False) for each in alone]


def _meant(codes: tuple[str, ...], layout: Layout) -> str:
    """The one currency that a sign means here: the country the document names first decides, for the sender stands above the
    recipient; else the sign's usual one."""
    if len(codes) == 1:
        return codes[0]
    if codes in (DOLLARS, KRONER, RUPEES) or len(codes) > 1:
        text = "\n".join(cell.text for cell in layout.cells[:1500])
        named = [
            (match.start(), code) for code, sign in _COUNTRY_SIGNS if code in codes and (match := sign.search(text))
        ]
        if named:
            return min(named)[1]
    return codes[0]
