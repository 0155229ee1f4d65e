"""Names on a page: a party of a document, and how a cell is read as one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ingestio.extraction.layout import Cell, Layout
from ingestio.extraction.local import blocks as lines
from ingestio.extraction.local.blocks import blocks_of
from ingestio.extraction.local.labels import Labels
from ingestio.extraction.local.reading import Reading, of_span
from ingestio.extraction.local.vocabulary import any_of, words
from ingestio.extraction.tokens import compact

SEPARATORS = re.compile(r"\s+[|•●·∙–—-]\s+|\s*[|•●·∙]\s*|,\s+|\u2003")
"""Between the parts of an address that is printed on one line."""

NAME_LABEL = re.compile(rf"^{any_of('address', 'name_label')}\s*:\s*", re.IGNORECASE)
# How a German letter addresses somebody, or a firm, and for whom an Indian clerk signs: no part of the name.
_ADDRESSED_AS = re.compile(r"^(?:Herrn?|Frau|Firma|Fa\.|[Ff]or)\s+(?=[A-ZÄÖÜ])")
_CARE_OF = re.compile(r"^(?:c/[o-]|p/a|z\.\s?hd\.?)\s", re.IGNORECASE)
# `TX 78701`, `BS1 4TR`, `H2W 2M4`, `ON M5H 1J9`, `59100` alone: what stands before it is the town.
_BEHIND_A_TOWN = re.compile(
    r"^(?:[A-Z]{2}(?:\s+\d{5}(?:-\d{4})?)?|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|(?:[A-Z]{2}\s+)?[A-Z]\d[A-Z]\s?\d[A-Z]\d|\d{4,6})$"
)
TITLE_FROM = re.compile(
    r"^(?:receipt|invoice|statement|order|bill|rechnung|facture|factura|fattura|factuur|fatura)\s+(?:from|von|de|di|van)\s+",
    re.IGNORECASE,
)
# `Amazon Web Services Invoice`: the firm and the title in one line.
_TITLE_BEHIND = re.compile(
    r"(?:(?<=[^\W\d_])|(?<=[^\W\d_]\.))\s+(?:tax\s+)?(?:invoice|receipt|rechnung|facture|factura|fattura|factuur|fatura)$",
    re.IGNORECASE,
)


_BEFORE_TITLE = frozenset(compact(word) for word in words("address", "before_title"))


@dataclass(slots=True)
class Party:
    """A name with its score, and the lines below it that are its address."""

    name: Reading
    score: float
    cells: tuple[Cell, ...] = ()
    labelled: bool = False
    reasons: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return compact(self.name.value)


def share_first_word(first: Party, second: Party) -> bool:
    """`MICROSOFT CORPORATION` and `Microsoft Corp` are one firm."""
    one, other = (
        [token.key for token in party.name.cell.tokens if token.start >= party.name.pieces[0][1]]
        for party in (first, second)
    )
    return bool(one) and bool(other) and one[0] == other[0] and len(one[0]) >= 4


def is_part_of(short: Party, full: Party) -> bool:
    """`Alphabet` in `Alphabet Fuhrparkmanagement GmbH`, `De Waterlinie` in `Drukkerij De Waterlinie B.V.`"""
    return full.key.startswith(short.key) if len(short.key) < 6 else short.key in full.key


def with_lines(name: Reading, cells: Iterable[Cell]) -> Party:
    """A name with the lines of its block."""
    return Party(name, 0.0, tuple(cells))


class Page:
    """The first page's blocks, with the labels of the whole document. `skip`: cells of tables, where no party stands."""

    def __init__(self, labels: Labels, skip: frozenset[int] = frozenset()) -> None:
        self.labels = labels
        self.layout: Layout = labels.layout
        self.skip = skip
        first = self.layout.sheets[0] if self.layout.sheets else None
        self.blocks = blocks_of(first) if first else []
        self.block_of = {cell.index: block for block in self.blocks for cell in block.cells}

    def name_in(self, cell: Cell, start: int, end: int) -> Reading | None:
        """The name in some characters of a cell, without a label before it and an address behind it; None when it is none."""
        text = cell.text[start:end]
        offset = len(text) - len(text.lstrip(" \u2003:：.-–|•"))
        if _CARE_OF.match(text[offset:]):
            return None
        prefix = (
            NAME_LABEL.match(text[offset:]) or TITLE_FROM.match(text[offset:]) or _ADDRESSED_AS.match(text[offset:])
        )
        offset += prefix.end() if prefix else 0
        value = text[offset:].rstrip(" \u2003,;|-–")
        parts = [part for part in SEPARATORS.split(value) if part and part.strip()]
        if len(parts) > 1 and lines.is_country(parts[0].strip()):
            return None  # `Albania, Tirana`
        if len(parts) > 1 and any(lines.is_town_line(part) or lines.is_street_line(part) for part in parts[1:]):
            if len(parts) == 2 and _BEHIND_A_TOWN.match(parts[1].strip()):
                return None  # `Boise, ID 83702`
            value = parts[0]
        value = lines.up_to_legal_form(lines.without_register_number(value))
        if not lines.is_title(value):
            value = _TITLE_BEHIND.sub("", value)
            if value != text[offset:].rstrip(" \u2003,;|-–") and compact(value) in _BEFORE_TITLE:
                return None  # `RETAIL RECEIPT` is all heading
        if not lines.could_be_name(value):
            return None
        name = of_span(cell, start + offset, start + offset + len(value))
        reaches_end = start + offset + len(value) >= len(cell.text.rstrip(" \u2003,;|-–"))
        return self._with_its_rest(name) if reaches_end else name

    def _with_its_rest(self, name: Reading) -> Reading:
        """A name that goes on in the line below: in large letters, behind an `&`, or with nothing but its legal form."""
        cell = name.cell
        below = next(iter(self.layout.below(cell, reach=0.9)), None)
        if below is None or lines.has_legal_form(name.value) or abs(below.box[0] - cell.box[0]) > 4:
            return name
        if abs(below.height - cell.height) > 0.15 * cell.height:
            return name
        text = below.text.strip()
        large = cell.height > 1.25 * self.layout.line_height
        goes_on = name.value.endswith(("&", "+", "-")) or (
            large and len(text.split()) <= 3 and lines.could_be_name(text) and not lines.is_attention_line(text)
        )
        if not goes_on and not (len(text.split()) <= 1 + large and lines.ends_with_legal_form(text)):
            return name
        pieces = (*name.pieces, (below, 0, len(below.text)))
        return Reading(f"{name.value} {text}", pieces, name.score)

    def block_below(self, cell: Cell) -> list[Cell]:
        """The lines of a cell's block from it downwards, up to a label or seven lines."""
        block = self.block_of.get(cell.index)
        cells = list(block.cells) if block else [cell, *self.layout.below(cell, reach=1.2)]
        following = cells[cells.index(cell) :] if cell in cells else [cell]
        return following[:8]

    def names_a_field(self, cell: Cell) -> bool:
        """`Client n° 4410`: a label with its value, or a label alone."""
        first = self.labels.begins(cell)
        return first is not None and (
            self.labels.is_label(cell) or (bool(first.names[0].concept) and any(map(str.isdigit, cell.text)))
        )

    def is_sender_line(self, cell: Cell) -> bool:
        """`Firm - Street 1 - 12345 Town`, or `Firm GmbH, 12345 Town`; `Austin, TX 78701` is none."""
        parts = [part.strip() for part in SEPARATORS.split(cell.text) if part and part.strip()]
        if len(parts) < 2 or not any(lines.is_town_line(part) for part in parts[1:]):
            return False
        return (len(parts) > 2 and not _BEHIND_A_TOWN.match(parts[1])) or lines.has_legal_form(parts[0])
