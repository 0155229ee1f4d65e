"""What kind of document it is, from the words of its first pages (R76). Rules only: no model is asked here."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from ingestio.domain.text import DocumentText
from ingestio.extraction.base import OTHER, Classification
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.layout import Cell, Layout, Sheet
from ingestio.extraction.local.blocks import is_copy_mark
from ingestio.extraction.local.lives import is_of_a_person, looks_like_a_life
from ingestio.extraction.local.vocabulary import any_of, words
from ingestio.extraction.tokens import Runs, compact, known_runs

__all__ = ["Classification", "classify_layout", "classify_text"]

FIRST_PAGES = 3
_MAX_TOKENS = 6
_SPACED = 5
_HEADLINE = 1.4
_TITLE, _TITLE_START, _TITLE_LATER = 6.0, 3.5, 1.5
_CUE, _MANY_CUES, _MORE_CUE, _AGAINST = 1.0, 8, 0.25, -0.8
_LEAST, _OTHER = 3.0, 0.9
# Resumes are set in headings and short lines: in a line of prose, experience and languages are anybody's.
_OF_A_RESUME = 8
_HEADED = 0.5
# An advertisement, a programme and a firm's page have a résumé's words, but neither a person at the head nor years from and to.
_NOBODY_S = 2.0
# Nor so many of its headings: those whose names and years were taken out keep them.
_HEADED_THROUGHOUT = 4
# A contract's title without a word by which it binds may head anything.
_NOBODY_IS_BOUND = 0.4
# Some invoices say what they are nowhere but in the label of their number or total.
_OWN_NUMBER = 1.0
_INVOICE_WORDS = ("invoice", "rechnung", "facture", "factura", "fattura", "factuur", "fatura", "faktur")
_COMMERCIAL = ("invoice", "receipt", "purchase_order")
_TOP = 0.55
# `TAX INVOICE (ORIGINAL FOR RECIPIENT)`: which copy of the title's paper it is.
_ASIDE = re.compile(r"\s\([^()]*\)\s*$")
# `DEVIS n° 118`, `Delivery note   DN-77`: a quotation, a delivery note, or the one that an invoice answers.
_OTHER_OR_REFERENCE = "other, or a reference to one"
_STANDS_OUT = 1.15
# `Numéro de facture`; in small letters behind more words a title is a word of a sentence: `Let it cool for 30 minutes`.
_BEFORE_SMALL_LETTERS = 3
# An identity document says at its head what it is.
_TITLE_ROWS, _FAR = 5, 0.4
# Titles of identity documents that are names of cards too.
_CARDS = ("visa",)
_BLANK, _MANY_BLANKS = re.compile("_{4,}|[☐☑☒]"), 3
_PROSE = 0.6
_CONFORMED = re.compile(r"(?<!\S)/s/\s")
_SHEET_POINTS, _ACROSS, _ROWS_ACROSS = 500, 0.7, 4
# `Rechnung   Datum   Fällig   Betrag`: what heads a column of many is less of a title.
_MANY_COLUMNS, _HEADS_A_COLUMN = 4, 0.5
_ROLL_CHARACTERS, _ROLL_POINTS = 48, 320
_STRIP_CHARACTERS, _STRIP_ROWS = 54, 6
_ROLL_ROWS = 4
# No sheet of paper is that much higher than wide; a picture of a till roll is.
_TALL = 1.7
_TIME = re.compile(
    r"(?<![\d:.,])(?:[01]?\d|2[0-3])[:h][0-5]\d(?::[0-5]\d)?(?:\s?[ap]\.?m\b)?(?![\d:%.,])", re.IGNORECASE
)
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[.,]\d{3})+(?![\d.,])")
_TOTAL = re.compile(rf"^\W*(?:grand |invoice )?{any_of('receipt', 'total')}(?![^\W_])", re.IGNORECASE)
# `Beitragsrechnung`, `Stromrechnung`, `Untermietvertrag`
_COMPOUNDS = {
    "invoice": re.compile(r"[a-z]{3,}(?:rechnung|abrechnung|gutschrift|faktura|factuur)$"),
    "contract": re.compile(r"[a-z]{3,}(?:vertrag|vereinbarung|overeenkomst|avtal)$"),
}
_SALUTATION = re.compile(rf"^{any_of('letter', 'salutation')}", re.IGNORECASE)
_CLOSING = re.compile(rf"^{any_of('letter', 'closing')}", re.IGNORECASE)
_GIVEN_BACK = re.compile(rf"^\W*{any_of('receipt', 'handed_back')}(?![^\W_])", re.IGNORECASE)
_PAID_FIRST = re.compile(rf"^\W*{any_of('receipt', 'paid_by')}(?![^\W_])", re.IGNORECASE)
_IN_CASH = re.compile(
    rf"^\W*(?:{any_of('receipt', 'in_cash')}|{any_of('receipt', 'handed_back')})(?![^\W_])", re.IGNORECASE
)
_CASH_CUSTOMER = re.compile(rf"^\W*{any_of('receipt', 'cash_customer')}\W*$", re.IGNORECASE)
_TENDERED = re.compile(
    rf"(?<![^\W_])(?:{'|'.join(any_of('receipt', name) for name in ('paid_by', 'handed_over', 'handed_back', 'by_card'))})(?![^\W_])",
    re.IGNORECASE,
)


def classify_text(text: DocumentText) -> Classification:
    """The type with the best evidence among the first three pages' headings and words; `other` when there is too little."""
    first = DocumentText(text.pages[:FIRST_PAGES], text.truncated)
    return classify_layout(Layout(first))


def classify_layout(layout: Layout) -> Classification:
    """As `classify_text`, on a layout that is there already; further pages are not looked at."""
    scores: dict[str, float] = defaultdict(float)
    cues: dict[str, set[str]] = defaultdict(set)
    against: dict[str, set[str]] = defaultdict(set)
    headed: set[str] = set()
    for sheet in layout.sheets[:FIRST_PAGES]:
        for cell in sheet.cells:
            for key in known_runs([token.key for token in cell.label_tokens], _words()):
                for name in _cues().get(key, ()):
                    if name != "resume" or len(cell.words) <= _OF_A_RESUME:
                        cues[name].add(key)
                    if name == "resume" and key == "".join(token.key for token in cell.label_tokens):
                        headed.add(key)
                for name in _againsts().get(key, ()):
                    against[name].add(key)
    if layout.sheets:
        _add_titles(layout.sheets[0], layout.line_height, scores)
        says_resume = scores["resume"] > 0
        if max(scores.values(), default=0.0) <= 0 and cues["invoice"] & _own_names():
            scores["invoice"] += _OWN_NUMBER
        if cues["contract"] <= _spoken_of() and not _is_signed(layout):
            # An article about contracts, a warranty, a letter that gives notice: none of the words by which one binds.
            cues["contract"].clear()
            scores["contract"] *= _NOBODY_IS_BOUND
        _add_shape(layout, scores)
        _add_counter_sale(layout.sheets[0], scores)
        scores["resume"] += _HEADED * len(headed)
    _add_words(scores, cues, against)
    told = says_resume or len(headed) >= _HEADED_THROUGHOUT
    if layout.sheets and not told and not is_of_a_person(layout.sheets[:FIRST_PAGES]):
        scores["resume"] = min(scores["resume"], _NOBODY_S)
    return _decide(scores)


def _add_words(scores: dict[str, float], cues: dict[str, set[str]], against: dict[str, set[str]]) -> None:
    for name in DOCUMENT_TYPES:
        count = len(cues[name])
        scores[name] += (
            _CUE * min(count, _MANY_CUES) + _MORE_CUE * max(0, count - _MANY_CUES) + _AGAINST * len(against[name])
        )


def _decide(scores: dict[str, float]) -> Classification:
    ranked = sorted((name for name in DOCUMENT_TYPES if name != OTHER), key=lambda name: -scores[name])
    best, second = ranked[0], ranked[1]
    if scores[best] < _LEAST:
        # The nearer another type's evidence comes to enough, the more doubtful it is that the document is none of them.
        doubt = max(0.0, scores[best]) / _LEAST
        return Classification(OTHER, round(_OTHER - (_OTHER - 0.5) * doubt, 3), best if scores[best] > 0 else None)
    lead = (scores[best] - max(0.0, scores[second])) / scores[best]
    confidence = min(0.99, 0.5 + 0.5 * lead) * min(1.0, 0.6 + scores[best] / 20)
    return Classification(best, round(confidence, 3), second if scores[second] > 0 else OTHER)


def _add_titles(sheet: Sheet, usual_height: float, scores: dict[str, float]) -> None:
    """Headings: a cell that is a title, or begins with one. The first large one counts most; each type at most once."""
    best: dict[str, float] = {}
    for cell in sheet.cells:
        aside = _ASIDE.search(cell.text)
        tokens = [token for token in cell.tokens if aside is None or token.end <= aside.start()]
        keys = _without_gaps([token.key for token in tokens])
        if not keys or len(keys) > 12 or cell.text.rstrip().endswith("?"):
            continue  # `When is a handshake a contract?`
        for name, compound in _COMPOUNDS.items():
            if compound.search(keys[0]) and len(keys) <= 8:
                best[name] = max(best.get(name, 0.0), _TITLE if len(keys) == 1 else _TITLE_START)
        size = min(1.6, max(0.7, cell.height / max(usual_height, 1.0)))
        place = 1.0 if cell.box[1] < _TOP * sheet.height else 0.4
        place *= _HEADS_A_COLUMN if _heads_a_column(sheet.rows[cell.row]) else 1.0
        heads_the_page = cell.row <= 1
        headline = _HEADLINE if heads_the_page and _is_heading(keys) else 1.0
        stands_out = heads_the_page or len(sheet.rows[cell.row]) == 1 or cell.height > _STANDS_OUT * usual_height
        for name, weight in _titled(keys, [cell.text[token.start].islower() for token in tokens]):
            name = _OTHER_OR_REFERENCE if name == OTHER and not stands_out else name
            # `Driving licence: B` ends many a résumé.
            far = _FAR if name == "id_document" and cell.row > _TITLE_ROWS else 1.0
            best[name] = max(best.get(name, 0.0), weight * size * place * headline * far)
        if heads_the_page and "".join(keys) in _general_terms():
            best[OTHER] = max(best.get(OTHER, 0.0), _TITLE * size * _HEADLINE)
    referred = best.pop(_OTHER_OR_REFERENCE, 0.0)
    if referred and not any(best.get(name, 0.0) >= _TITLE_LATER for name in _COMMERCIAL):
        best[OTHER] = max(best.get(OTHER, 0.0), referred)
    for name, weight in best.items():
        scores[name] += weight
    if best.get(OTHER, 0.0) > max(best.get(name, 0.0) for name in _COMMERCIAL):
        # A quotation or a delivery note has all of an invoice but its title.
        for name in _COMMERCIAL:
            scores[name] -= best[OTHER]
    # So has a privacy policy of a contract.
    if best.get(OTHER, 0.0) > best.get("contract", 0.0):
        scores["contract"] -= best[OTHER]


def _heads_a_column(row: list[Cell]) -> bool:
    return len(row) >= _MANY_COLUMNS and not any(char.isdigit() for cell in row for char in cell.text)


def _without_gaps(keys: list[str]) -> list[str]:
    """`R E C H N U N G` is a word."""
    return ["".join(keys)] if len(keys) >= _SPACED and all(len(key) == 1 and key.isalpha() for key in keys) else keys


def _is_heading(keys: list[str]) -> bool:
    """Nothing but a title, in the first line of a page: a receipt that names its invoice further down is a receipt."""
    return "".join(keys) in _titles()


def _titled(keys: list[str], small: list[bool]) -> Iterator[tuple[str, float]]:
    """The types whose title the words of a cell are, or else begin or end with; `small` says which begin with a small letter.

    What the whole cell is, no part of it is: a privacy notice is no notice. Another paper's title counts only where the cell says
    nothing else: an invoice names the delivery note that it answers, with its number."""
    if whole := _titles().get("".join(keys)):
        yield from ((name, _TITLE * (1.1 if len(keys) > 1 else 1.0)) for name in whole)
        return
    yield from _titled_at_the_start(keys, in_a_sentence=small[0])
    for first in range(1, len(keys) if len(keys) <= 8 else 0):
        for name in _titles().get("".join(keys[first:]), ()):
            if name != OTHER and not (small[first] and first > _BEFORE_SMALL_LETTERS):
                yield name, _TITLE_START


def _titled_at_the_start(keys: list[str], *, in_a_sentence: bool) -> Iterator[tuple[str, float]]:
    """`minutes are unpaid.` goes on with a sentence; `invoice no. 12` and `Invoice ORIGINAL` do not."""
    for length in range(1, min(_MAX_TOKENS, len(keys) - 1) + 1):
        start = "".join(keys[:length])
        if _number_follows(keys[length:]) or is_copy_mark("".join(keys[length:])):
            weight = _TITLE
        elif in_a_sentence:
            continue
        elif len(keys) <= length + 4:
            weight = _TITLE_START
        else:
            weight = _TITLE_LATER * 0.5
        for name in _titles().get(start, ()):
            if name == "id_document" and start in _CARDS:
                continue  # `Visa ••••8821`
            if name == "purchase_order" and length == 1:
                yield name, min(weight, _TITLE_START)  # `Order ID 10982` stands on invoices too
            elif name != OTHER:
                yield name, weight * (1.1 if length > 1 else 1.0)
            elif weight == _TITLE:
                yield _OTHER_OR_REFERENCE, weight


def _number_follows(keys: list[str]) -> bool:
    """`# RE-2026/503`, `No. 42`: a number at once, or behind short words."""
    for key in keys[:4]:
        if any(char.isdigit() for char in key):
            return True
        if len(key) > 3 and key not in ("number", "nummer", "numero", "order"):
            return False
    return False


def _add_shape(layout: Layout, scores: dict[str, float]) -> None:
    """What the page looks like: till rolls are narrow, letters and contracts are prose, invoices and statements are tables."""
    sheet = layout.sheets[0]
    if (sheet.width < _ROLL_POINTS and sheet.height > sheet.width) or _is_tall_picture(sheet):
        scores["receipt"] += 3.0
    if _is_till_roll(sheet):
        _add_purchase(sheet, scores)
    elif _is_recognised(sheet) and any(
        _IN_CASH.match(row[0].read_as) for row in sheet.rows if any(map(_is_priced, row))
    ):
        scores["receipt"] += 3.0  # a cash bill on a whole sheet of paper
        scores["invoice"] -= 2.0
    counts = [len(cell.words) for cell in sheet.cells]
    prose = sum(count for count in counts if count >= 8) / max(1, sum(counts))
    amounts = sum(1 for cell in sheet.cells for number in cell.numbers if number.looks_like_money)
    amounts = amounts or len({cell.row for cell in sheet.cells if _GROUPED.search(cell.text)})
    amounts = amounts or sum(
        bool(_TOTAL.match(row[0].read_as)) for row in sheet.rows if any(cell.amounts for cell in row)
    )
    # `TAX  .52  BAL  41.88`: behind the total stands what it is. Where a till prints no cents, thousands are money.
    is_priced = _is_priced if _is_till_roll(sheet) else _is_money
    totalled = any(any(_TOTAL.match(cell.read_as) for cell in row) and any(map(is_priced, row)) for row in sheet.rows)
    if totalled:
        for name in ("invoice", "receipt", "purchase_order"):
            scores[name] += 1.5
    dates = sum(1 for cell in sheet.cells if cell.dates and len(cell.words) <= 4)
    if amounts <= 2 and prose > _PROSE:
        scores["letter"] += 1.0
        scores["contract"] += 1.0
        scores["report"] += 1.0
    if amounts == 0:
        scores["invoice"] -= 3.0
        scores["receipt"] -= 6.0
        scores["bank_statement"] -= 2.0
    if amounts <= 2:
        scores["resume"] += looks_like_a_life(sheet)
    if dates >= 8 and amounts >= 8:
        scores["bank_statement"] += 3.0
    if not totalled:
        scores["letter"] += _shape_of_a_letter(layout)
    blanks = sum(len(_BLANK.findall(cell.text)) for cell in sheet.cells)
    if blanks >= _MANY_BLANKS:
        # Below prose they are where it is signed; those of a form stand beside its labels.
        scores["contract" if prose > _PROSE else "form"] += 3.0


def _is_signed(layout: Layout) -> bool:
    """`By: /s/ Ruth Kessel`: how an agreement that was typed anew says who signed it."""
    return any(_CONFORMED.search(cell.text) for sheet in layout.sheets[:FIRST_PAGES] for cell in sheet.cells)


def _shape_of_a_letter(layout: Layout) -> float:
    """A salutation and a closing, each in a line of its own."""
    greets = any(_SALUTATION.match(cell.text) and len(cell.words) <= 8 for cell in layout.sheets[0].cells)
    closes = any(
        _CLOSING.match(cell.text) and len(cell.words) <= 8 for page in layout.sheets[:2] for cell in page.cells
    )
    return 1.5 * (greets + closes)


def _add_counter_sale(sheet: Sheet, scores: dict[str, float]) -> None:
    """`TAX INVOICE   Bill To: CASH`: sold over the counter to whoever stood there."""
    if any(_CASH_CUSTOMER.match(cell.read_as) for cell in sheet.cells):
        scores["receipt"] += 3.0
        scores["invoice"] -= 3.0


def _is_money(cell: Cell) -> bool:
    return any(number.looks_like_money for number in cell.numbers)


def _is_priced(cell: Cell) -> bool:
    return _is_money(cell) or bool(_GROUPED.search(cell.text))


def _is_till_roll(sheet: Sheet) -> bool:
    """Nearly all rows are as short as a till prints them, whatever the size of the picture; on a sheet of paper with words of its own
    they do not reach across it."""
    across = [row for row in sheet.rows if row[-1].box[2] - row[0].box[0] > _ACROSS * sheet.width]
    if not _is_recognised(sheet) and sheet.width > _SHEET_POINTS and len(across) >= _ROWS_ACROSS:
        return False
    lengths = sorted(sum(len(cell.text) + 1 for cell in row) for row in sheet.rows)
    return len(lengths) >= _ROLL_ROWS and lengths[int(0.92 * (len(lengths) - 1))] <= _ROLL_CHARACTERS


def _is_recognised(sheet: Sheet) -> bool:
    """Whether the words come from a picture, not from text in the file."""
    return any(cell.is_recognised for cell in sheet.cells[:1])


def _is_tall_picture(sheet: Sheet) -> bool:
    return _is_recognised(sheet) and sheet.height > _TALL * sheet.width


def _is_photographed_strip(sheet: Sheet) -> bool:
    """Print that was recognised in a picture and is nowhere wider than a till roll's line, whatever paper size the picture claims."""
    cells = [cell for cell in sheet.cells if cell.width >= cell.height]
    if len(sheet.rows) < _STRIP_ROWS or not cells or not _is_recognised(sheet):
        return False
    widths = sorted(cell.width / len(cell.text) for cell in cells)
    across = max(cell.box[2] for cell in cells) - min(cell.box[0] for cell in cells)
    return across < _STRIP_CHARACTERS * widths[len(widths) // 2]


def _add_purchase(sheet: Sheet, scores: dict[str, float]) -> None:
    """A till prints the time of day, and how it was paid: an invoice's number or an order's among it makes no other paper of it."""
    priced = [row for row in sheet.rows if any(map(_is_priced, row))]
    timed = any(_TIME.search(cell.undated) for cell in sheet.cells)
    given_back = any(_GIVEN_BACK.match(row[0].read_as) for row in priced)
    narrow = sheet.width < _ROLL_POINTS or _is_tall_picture(sheet) or _is_photographed_strip(sheet)
    summed = any(_TOTAL.match(row[0].read_as) or _TENDERED.search(row[0].read_as) for row in priced)
    paid = any(_PAID_FIRST.match(row[0].read_as) for row in priced)
    if not (summed or len(priced) > 1) or not (timed or given_back or narrow or paid):
        return  # a time beside one sum is anybody's message
    scores["receipt"] += 2.5
    at_a_moment = any(
        any(cell.dates for cell in row) and any(_TIME.search(cell.undated) for cell in row) for row in sheet.rows
    )
    if at_a_moment or any(_TENDERED.search(row[0].read_as) for row in priced):
        scores["receipt"] += 3.0
        scores["invoice"] -= 3.0
        scores["purchase_order"] -= 3.0


def _index(attribute: str) -> dict[str, tuple[str, ...]]:
    index: dict[str, dict[str, None]] = defaultdict(dict)
    for each in DOCUMENT_TYPES.values():
        for phrase in getattr(each, attribute):
            index[compact(phrase)].setdefault(each.name, None)
    return {key: tuple(names) for key, names in index.items()}


@lru_cache(maxsize=1)
def _titles() -> dict[str, tuple[str, ...]]:
    return _index("titles")


@lru_cache(maxsize=1)
def _general_terms() -> frozenset[str]:
    return frozenset(compact(phrase) for phrase in words("contract", "general_terms"))


@lru_cache(maxsize=1)
def _spoken_of() -> frozenset[str]:
    return frozenset(compact(phrase) for phrase in words("contract", "spoken_of"))


@lru_cache(maxsize=1)
def _cues() -> dict[str, tuple[str, ...]]:
    return _index("cues")


@lru_cache(maxsize=1)
def _own_names() -> frozenset[str]:
    """The cues that are labels of an invoice's number, and those that call its date or total the invoice's: `Rechnungsbetrag`."""
    kind = DOCUMENT_TYPES["invoice"]
    labels = {
        compact(label)
        for each in kind.concepts
        if each.name in ("invoice_number", "invoice_date", "total_amount")
        for label in each.spec.labels
        if each.name == "invoice_number" or any(word in compact(label) for word in _INVOICE_WORDS)
    }
    return frozenset(labels & {compact(cue) for cue in kind.cues})


@lru_cache(maxsize=1)
def _againsts() -> dict[str, tuple[str, ...]]:
    return _index("against")


@lru_cache(maxsize=1)
def _words() -> Runs:
    return Runs((*_cues(), *_againsts()))
