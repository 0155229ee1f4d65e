"""Labels on paper: which words of a document name a field."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ingestio.domain.fields import FieldKind
from ingestio.domain.text import Box
from ingestio.extraction.catalogue import DOCUMENT_TYPES, Concept
from ingestio.extraction.layout import Cell, Layout
from ingestio.extraction.local.sum_names import WITH_TAX, WITHOUT_TAX, sum_name
from ingestio.extraction.tokens import Runs, compact

# Behind a label, before its colon: a unit or a hint on the form, `Total (EUR):`, `Date (DD/MM/YYYY):`, `Total in EUR:`; or where goods are
# handed over, `Total FOB Ningbo:`.
_ASIDE = re.compile(
    r"\s+(?:EXW|FCA|FAS|FOB|CFR|C&F|CNF|CIF|CPT|CIP|DAP|DPU|DDP)\b(?:\s[^\W\d_]+){0,2}|"
    r"\s*(?:\([^()]{0,24}\)|\[[^\[\]]{0,24}\]|(?:in|en|à|at|@)\s+[A-Z€$£]{1,4}|/\s?[^\s:]{1,20}(?:\s[^\s:]{1,12}){0,2}(?=\s*:))"
)
# Between two labels that share a value.
_JOINED = re.compile(r"\s?(?:/|&|\+)\s?")
_COLON = re.compile(r"\s*[:：]")
# Before the name of a sum: `zzgl. 19 % MwSt.`, `plus VAT`, `20% Sales tax`.
_BEFORE_SUM = re.compile(
    r"\W*(?:zzgl|zuzügl\w*|plus|add|incl|inkl|davon|dont|di cui|waarvan|abzgl|abzügl\w*|less|minus|enth\w*)?"
    r"\W*(?:\d{1,2}(?:[.,]\d{1,3})?\s?%)?\W*",
    re.IGNORECASE,
)
# `PI/22-23/014`, `PO-5561`, `PO-BE-5561`, `PI-NB0419`: letters that begin a code are no label.
_IN_CODE = re.compile(r"[A-Za-z]{1,3}[-/](?:[A-Z]{1,4}[-/]?)?\d")
# `QT77/INV`: nor are letters that go on with one.
_CODE_BEFORE = re.compile(r"\d\w*[-/]\Z")
# Names put together from known words rank behind those that are known as a whole.
_COMPOSED = 40
_SAME_HEADING, _SAME_EDGE, _BROKEN_WORDS = 0.9, 4, 4
_NUMBERED = frozenset({"invoice", "receipt", "purchase_order"})
# Words that are labels on any paper, so that no text value runs into them.
_COMMON = (
    "page", "seite", "pagina", "tel", "telephone", "phone", "fax", "mobile", "email", "e mail", "website", "web", "www", "internet",
    "po box", "telefon", "telefax", "telefono", "telefoon", "telefone", "url", "date", "datum", "fecha", "number", "subject", "reference",
    # The Argentine authority's approval of an invoice expires on a date of its own.
    "fecha de vto de cae", "fecha de vencimiento de cae", "fecha vto cae", "vto de cae", "vto cae", "vencimiento de cae", "vencimiento cae",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    """A concept that a label names. Weak labels (`Total`) also name other things."""

    concept: str
    weak: bool
    rank: int


@dataclass(frozen=True, slots=True)
class Label:
    """A label where it stands. `end` is behind its colon; `leading`: nothing stands before it in its cell.

    `partial`: other words follow before the colon, so that the label on paper is longer than the one known.
    """

    cell: Cell
    start: int
    end: int
    key: str
    names: tuple[Named, ...]
    closed: bool
    leading: bool
    partial: bool

    @property
    def box(self) -> Box:
        return self.cell.box_between(self.start, max(self.start + 1, self.end))

    @property
    def fills_cell(self) -> bool:
        return self.leading and not self.cell.text[self.end :].strip(" .:;-–_…*#")

    def named(self, concept: str) -> Named | None:
        return next((each for each in self.names if each.concept == concept), None)


class Lexicon:
    """Labels by compact key. A key may name several concepts."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self._names: dict[str, list[Named]] = defaultdict(list)
        for concept in concepts:
            weak = {compact(label) for label in concept.weak_labels}
            for rank, label in enumerate(concept.spec.labels):
                key = compact(label)
                if key:
                    self.add(key, Named(concept.name, key in weak, rank))
        self._runs: Runs | None = None

    def add(self, key: str, name: Named) -> None:
        if all(each.concept != name.concept for each in self._names[key]):
            self._names[key].append(name)

    @property
    def runs(self) -> Runs:
        if self._runs is None:
            self._runs = Runs(self._names)
        return self._runs

    def get(self, key: str) -> tuple[Named, ...]:
        return tuple(self._names.get(key, ()))

    @cached_property
    def has_sums(self) -> bool:
        """Whether sums with and without tax are told apart here."""
        return {WITH_TAX, WITHOUT_TAX} <= {each.concept for names in self._names.values() for each in names}

    def __contains__(self, key: str) -> bool:
        return key in self._names


@lru_cache(maxsize=64)
def lexicon_of(document_type: str) -> Lexicon:
    """The labels of a type's own fields, with the common ones that name none of them."""
    kind = DOCUMENT_TYPES[document_type]
    lexicon = Lexicon(kind.concepts)
    number = next((each.name for each in kind.concepts if each.spec.kind is FieldKind.IDENTIFIER), None)
    if number is not None and document_type in _NUMBERED:
        for rank, title in enumerate(kind.titles):  # a title is followed by its number: `PARCELLA N. 31/2021`
            if compact(title) not in lexicon:
                lexicon.add(compact(title), Named(number, True, rank))
    for label in _COMMON:
        key = compact(label)
        if key not in lexicon:
            lexicon.add(key, Named("", True, 0))
    return lexicon


@lru_cache(maxsize=64)
def columns_of(document_type: str, name: str) -> Lexicon:
    """The headings of the columns of a type's list."""
    concept = next(each for each in DOCUMENT_TYPES[document_type].concepts if each.name == name)
    return Lexicon(concept.children)


def labels_in(cell: Cell, lexicon: Lexicon) -> list[Label]:
    """The labels of one cell, left to right; where one is part of another, the longer."""
    found: list[Label] = []
    runs = lexicon.runs
    position, count = 0, len(cell.label_tokens)
    while position < count:
        best, best_key, key = 0, "", ""
        for length in range(1, count - position + 1):
            key += cell.label_tokens[position + length - 1].key
            if key not in runs.beginnings:
                break
            if key in runs.keys:
                best, best_key = length, key
        composed = sum_name(cell.read_as, cell.label_tokens[position:]) if lexicon.has_sums else None
        if composed is not None and composed[0] > best:
            best, concept = composed
            names: tuple[Named, ...] = (Named(concept, False, _COMPOSED),)
            best_key = "".join(token.key for token in cell.label_tokens[position : position + best])
        else:
            names = lexicon.get(best_key)
        if best and not _is_in_a_value(cell, cell.label_tokens[position].start, position + best - 1, best_key):
            found.append(_label(cell, position, position + best - 1, best_key, names))
        position += max(1, best)
    return found


def _is_in_a_value(cell: Cell, start: int, last: int, key: str) -> bool:
    """Whether what reads like a label is a part of a code, or of a date: `28 de junio del 2023`."""
    in_code = _CODE_BEFORE.search(cell.text, 0, start) or _IN_CODE.match(
        cell.text, cell.label_tokens[last].end - len(key)
    )
    return in_code is not None or any(date.start < start < date.end for date in cell.dates)


def _label(cell: Cell, first: int, last: int, key: str, names: tuple[Named, ...]) -> Label:
    start, end = cell.label_tokens[first].start, cell.label_tokens[last].end
    end += 1 if cell.text[end : end + 1] in (")", "]") else 0
    rest = cell.text[end:]
    aside = _ASIDE.match(rest)
    colon = _COLON.match(rest) or (_COLON.match(rest, aside.end()) if aside else None)
    partial = False
    if colon is None:
        later = re.match(r"([^:：\d]{1,40})[:：](?!//)", rest)
        words = re.findall(r"[^\W\d_]{2,}", later[1]) if later else []
        partial = bool(words) and len(words) <= 4 and not re.match(r"\s*[.\-–#°]*\s*[:：]", rest)
    stop = end + colon.end() if colon else end + (aside.end() if aside else 0)
    return Label(
        cell,
        start,
        stop,
        key,
        names,
        colon is not None,
        first == 0 or _BEFORE_SUM.fullmatch(cell.text[:start]) is not None,
        partial,
    )


def _broken_label(layout: Layout, cell: Cell, lexicon: Lexicon) -> Label | None:
    """`Invoice   Invoice`, below them `Number   Date`: a heading of several that their columns broke over two lines is the label that both
    of its lines together are."""
    above = next(iter(layout.above(cell, reach=_SAME_HEADING)), None)
    if above is None or abs(above.box[0] - cell.box[0]) > _SAME_EDGE:
        return None
    keys = [token.key for each in (above, cell) for token in each.tokens]
    key = "".join(keys)
    if len(keys) > _BROKEN_WORDS or key not in lexicon:
        return None
    rows = (layout.row_of(above), layout.row_of(cell))
    if min(map(len, rows)) < 2 or any(
        char.isdigit() or char in ":：" for row in rows for each in row for char in each.text
    ):
        return None  # `VAT   10.00`, below it `Total   60.00`: each has its own value
    return Label(cell, 0, len(cell.text), key, lexicon.get(key), closed=False, leading=True, partial=False)


class Labels:
    """Every label of a document, with a lookup by cell and by concept. `skip` cells (headings and bodies of tables) have none."""

    def __init__(self, layout: Layout, lexicon: Lexicon, skip: frozenset[int] = frozenset()) -> None:
        self.layout = layout
        self.skip = skip
        self.by_cell: dict[int, list[Label]] = {}
        self._by_concept: dict[str, list[Label]] = defaultdict(list)
        for cell in layout.cells:
            if cell.index in skip:
                continue
            broken = _broken_label(layout, cell, lexicon)
            labels = [broken] if broken is not None else labels_in(cell, lexicon)
            if labels:
                self.by_cell[cell.index] = labels
                for label in labels:
                    for name in label.names:
                        self._by_concept[name.concept].append(label)

    def of(self, concept: str) -> list[Label]:
        """The labels of a concept, in reading order."""
        return self._by_concept.get(concept, [])

    def after(self, label: Label) -> int:
        """Where in the cell the next label begins, or the cell's end: how far the value of `label` can reach.

        `Invoice date / Delivery date 4 March` gives one value to both.
        """
        text, end, joined = label.cell.text, label.end, False
        for each in self.by_cell[label.cell.index]:
            if each.start >= end:
                behind = text[each.end :].strip()
                if label.closed and not each.closed and behind and not any(map(str.isdigit, behind)):
                    continue  # `Razón Social: Cliente del Sur S.R.L.`: words of a value that are labels elsewhere
                joined = joined or bool(_JOINED.fullmatch(text, end, each.start))
                if not joined or any(map(str.isdigit, text[end : each.start])):
                    return each.start
                end = each.end
        return len(text)

    def begins(self, cell: Cell) -> Label | None:
        """The label with which a cell begins, if it does."""
        first = next(iter(self.by_cell.get(cell.index, ())), None)
        return first if first is not None and first.leading else None

    def is_label(self, cell: Cell) -> bool:
        """Whether a cell is a label and nothing else, or a label closed by a colon: never the value of another one."""
        first = self.begins(cell)
        return first is not None and (first.closed or first.fills_cell)
