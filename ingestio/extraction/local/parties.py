"""Who sends a document and to whom: by labels, by address blocks, and by what `senders` weighs."""

import re
from collections.abc import Iterable

from ingestio.extraction.layout import Cell, plain
from ingestio.extraction.local import blocks as lines
from ingestio.extraction.local.labels import Label, Labels
from ingestio.extraction.local.names import NAME_LABEL, SEPARATORS, Page, Party, is_part_of, with_lines
from ingestio.extraction.local.reading import Reading
from ingestio.extraction.local.senders import Senders
from ingestio.extraction.local.vocabulary import any_of, words
from ingestio.extraction.tokens import compact

__all__ = ["Parties", "Party"]

_PREPOSITIONS = frozenset(words("address", "prepositions"))
_ON_BEHALF = re.compile(rf"\b{any_of('address', 'on_behalf')}\s*:\s*$", re.IGNORECASE)
_LABELLED, _LABELLED_WEAKLY = 0.95, 0.5
_PREPOSITION = 0.88
# `From: BLR   To: BOM`, `From: Ningbo To: Gothenburg` in one breath
_JOURNEY, _LIKE_AN_AIRPORT, _OF_A_JOURNEY = frozenset({"from", "to"}), re.compile(r"[A-Z]{3}"), 0.4
_HEADS_SENDER = re.compile(r"\s*(?:de|da|von|van|od|fra|från)\s*:\s*", re.IGNORECASE)
_HEADS_RECIPIENT = re.compile(r"\s*(?:para|an|aan|à|per|pour|til|till|dla)\s*:\s*", re.IGNORECASE)
_BEFORE_TOWN, _BETWEEN_LINES = 2.4, 1.3
_HEADING_CELLS = 5
_PAYMENT_SLIPS = frozenset(compact(each) for each in words("address", "payment_slips"))
_ANOTHER_COLUMN = 6.0
_SECTION_ROWS = 3


class Parties:
    """The candidates for sender and recipient of one document."""

    def __init__(self, labels: Labels, skip: frozenset[int] = frozenset()) -> None:
        self._page = Page(labels, skip)
        self._senders = Senders(self._page)

    def labelled(self, concepts: Iterable[str]) -> list[Party]:
        """Names that labels of these concepts claim, best first."""
        found: list[Party] = []
        for concept in concepts:
            for label in self._page.labels.of(concept):
                named = label.named(concept)
                party = self._of_label(label) if label.leading else None
                if party is not None and named is not None and not self._is_on_a_payment_slip(label):
                    party.score = (
                        (_LABELLED_WEAKLY if named.weak else _LABELLED)
                        - 0.02 * min(label.cell.page - 1, 5)
                        - 0.0005 * named.rank
                    )
                    party.score -= 0.3 if label.partial else 0.0
                    party.score -= _OF_A_JOURNEY if self._is_of_a_journey(label, party) else 0.0
                    party.labelled = True
                    party.reasons.append(f"label {label.key}")
                    found.append(party)
            found.extend(self._behind_a_preposition(concept))
        return sorted(found, key=lambda each: -each.score)

    def _is_of_a_journey(self, label: Label, party: Party) -> bool:
        name = party.name.value
        both = {each.key for each in self._page.labels.by_cell[label.cell.index]} >= _JOURNEY
        between_places = both and not lines.has_legal_form(name)
        return label.key in _JOURNEY and (between_places or bool(_LIKE_AN_AIRPORT.fullmatch(name)))

    def _is_on_a_payment_slip(self, label: Label) -> bool:
        """`PAYMENT ADVICE`, below it `To: Firm`: it does not say who is billed."""
        above = next(iter(self._page.layout.above(label.cell, reach=2.0)), None)
        return above is not None and compact(above.text) in _PAYMENT_SLIPS

    def _behind_a_preposition(self, concept: str) -> Iterable[Party]:
        """`De:`, `Para:` alone in a cell head the sender's and the recipient's address."""
        headings = _HEADS_SENDER if concept.startswith("vendor") else _HEADS_RECIPIENT
        for cell in self._page.layout.sheets[0].cells if concept in ("vendor_name", "customer_name") else ():
            below = (
                next(iter(self._page.layout.below(cell, reach=1.6)), None) if headings.fullmatch(cell.text) else None
            )
            if below is None or abs(below.box[0] - cell.box[0]) > 4:
                continue
            name = self._page.name_in(below, 0, len(below.text))
            if name is not None:
                party = with_lines(name, self._page.block_below(below))
                party.score, party.labelled, party.reasons = _PREPOSITION, True, [f"heading {cell.text}"]
                yield party

    def on_behalf(self) -> Party | None:
        """`Issued by Rides B.V. on behalf of:` stands over the sender, whoever wrote the paper for him."""
        for cell in self._page.layout.sheets[0].cells:
            below = next(iter(self._page.layout.below(cell, reach=1.6)), None) if _ON_BEHALF.search(cell.text) else None
            name = self._page.name_in(below, 0, len(below.text)) if below is not None else None
            if below is not None and name is not None:
                party = with_lines(name, self._page.block_below(below))
                party.score, party.labelled, party.reasons = _LABELLED, True, ["on behalf of"]
                return party
        return None

    def senders(self, recipient: Party | None, payees: Iterable[Party] = ()) -> list[Party]:
        """Unlabelled candidates for the sender, best first (see `Senders.best_first`)."""
        return self._senders.best_first(recipient, payees)

    def recipients(self, sender: Party | None) -> list[Party]:
        """Address blocks in the upper half of the first page that are not the sender's: name, street, town and nothing else."""
        sheet = self._page.layout.sheets[0]
        sender_lines = [each.name.cell for each in self._senders.sender_lines()]
        found: list[Party] = []
        for town in sheet.cells:
            if town.index in self._page.skip or town.box[1] > 0.5 * sheet.height or not lines.is_town_line(town.text):
                continue
            party = self._addressee_above(town)
            if party is None or (
                sender and (sender.name.cell in party.cells or is_part_of(sender, party) or is_part_of(party, sender))
            ):
                continue
            party.score = 0.5
            if not any(lines.is_contact_line(cell.text) for cell in party.cells):
                party.score += 0.2
            top = party.cells[0]
            if any(0 <= top.box[1] - cell.box[3] < 60 and abs(top.box[0] - cell.box[0]) < 40 for cell in sender_lines):
                party.score += 0.3
            party.reasons.append("address block")
            found.append(party)
        if not found and sender is not None:
            found = self._other_firms(sender)
        return sorted(found, key=lambda each: -each.score)

    def addressed(self) -> Party | None:
        """Whoever stands below `Firma`, `Herrn`, `An`, `Spett.le` gets the document, whoever else has a firm's name."""
        return next((each for each in self.recipients(None) if "addressed" in each.reasons), None)

    def _other_firms(self, sender: Party) -> list[Party]:
        """Another firm by legal form in the upper half of the first page, where no block is an address."""
        half = 0.5 * self._page.layout.sheets[0].height
        others = [each for each in self._senders.firms() if each.name.cell.page == 1 and each.name.cell.box[1] < half]
        return [each for each in others if not (is_part_of(sender, each) or is_part_of(each, sender))]

    def address_of(self, party: Party) -> Reading | None:
        """Street, town and country below a name, on one line."""
        kept: list[Cell] = []
        for cell in party.cells:
            text = plain(cell.text)
            if cell is party.name.cell or lines.is_salutation(text):
                continue
            if (lines.is_contact_line(text) or self._page.labels.is_label(cell)) and not (
                lines.is_town_line(text) or lines.is_street_line(text)
            ):
                if kept:
                    break
                continue
            kept.append(cell)
            if lines.is_country(text):
                break
        while kept and not (lines.is_street_line(kept[0].text) or lines.is_town_line(kept[0].text)) and len(kept) > 2:
            kept.pop(0)
        if not any(lines.is_town_line(cell.text) or lines.is_street_line(cell.text) for cell in kept):
            return self._address_behind(party)
        last = max(
            index for index, cell in enumerate(kept) if lines.is_town_line(cell.text) or lines.is_street_line(cell.text)
        )
        if last + 1 < len(kept) and lines.is_country(kept[last + 1].text):
            last += 1
        kept = kept[: last + 1]
        text = ", ".join(plain(cell.text).strip(" ,;") for cell in kept)
        return Reading(text, tuple((cell, 0, len(cell.text)) for cell in kept))

    def _address_behind(self, party: Party) -> Reading | None:
        """An address on the name's own line: `Firm, Street 1, 12345 Town`."""
        cell, _, end = party.name.pieces[0]
        rest = cell.text[end:]
        if not lines.is_town_line(rest) or lines.is_contact_line(rest):
            return None  # `Firm · VAT DE811569869 · HRB 98765` is no address
        start = end + len(rest) - len(rest.lstrip(" ,|•●·∙–—-\u2003"))
        parts = [part.strip() for part in SEPARATORS.split(cell.text[start:]) if part and part.strip()]
        return Reading(", ".join(parts), ((cell, start, len(cell.text)),))

    def _of_label(self, label: Label) -> Party | None:
        """The name behind, beside or below a label, with the lines of its block."""
        cell = label.cell
        rest = cell.text[label.end : self._page.labels.after(label)]
        if rest.strip(" .:-–"):
            if not (label.closed or self._ends_with_preposition(label)):
                return None
            name = self._page.name_in(cell, label.end, label.end + len(rest))
            return (
                with_lines(name, [each for each in self._page.block_below(cell) if each is not cell]) if name else None
            )
        if not (label.closed or label.fills_cell) or (
            not label.closed and len(self._page.layout.row_of(cell)) >= _HEADING_CELLS
        ):
            return None  # `Waybill   Date   From   To   Kg   Amount` heads a table
        if self._heads_a_block(label):
            return self._below(label) or self._beside(label)
        return self._beside(label) or self._below(label) or self._named_in_section(label)

    def _named_in_section(self, label: Label) -> Party | None:
        """`DATOS DEL RECEPTOR`, below it `CUIT: 30-7   Razón Social: El Faro S.R.L.`: a heading over labels, one of them of a name."""
        layout, cell = self._page.layout, label.cell
        if not label.fills_cell:
            return None
        beside = next((each for each in layout.right_of(cell) if self._page.labels.is_label(each)), None)
        edge = beside.box[0] - 4 if beside else layout.sheet(cell).width  # another party's section begins there
        for row in layout.sheet(cell).rows[cell.row + 1 : cell.row + 1 + _SECTION_ROWS]:
            for other in row:
                prefix = NAME_LABEL.match(other.text)
                if prefix is None or not cell.box[0] - 4 <= other.box[0] < edge:
                    continue
                named, start = other, prefix.end()
                if not other.text[start:].strip():
                    named, start = next(iter(layout.right_of(other)), other), 0
                name = self._page.name_in(named, start, len(named.text)) if named is not other or start else None
                if name is not None:
                    return with_lines(name, self._page.block_below(named))
        return None

    def _heads_a_block(self, label: Label) -> bool:
        """`Bill to Address:` right over the lines of an address, where what stands in its row belongs to another column of the page."""
        layout, cell = self._page.layout, label.cell
        beside = next(iter(layout.right_of(cell)), None)
        below = next(iter(layout.below(cell, label.box, reach=1.2)), None)
        if beside is None or below is None or beside.box[0] - cell.box[2] < _ANOTHER_COLUMN * cell.height:
            return False
        block = self._page.block_below(below)
        return (
            abs(below.box[0] - label.box[0]) < 4
            and (lines.is_attention_line(below.text) or not self._page.names_a_field(below))
            and any(lines.is_town_line(each.text) or lines.is_street_line(each.text) for each in block[1:5])
        )

    def _beside(self, label: Label) -> Party | None:
        for other in self._page.layout.right_of(label.cell)[:1]:
            near = label.closed or other.box[0] - label.cell.box[2] < 120
            if near and not self._page.labels.is_label(other) and not self._heads_a_column(label):
                name = self._page.name_in(other, 0, len(other.text))
                return with_lines(name, self._page.block_below(other)) if name else None
        return None

    def _below(self, label: Label) -> Party | None:
        """The first name below a label; a salutation, a contact person or one other line may come before it."""
        passed = False
        for other in self._page.layout.below(label.cell, label.box, reach=2.6):
            if other.index in self._page.skip or (
                self._page.labels.is_label(other) and not NAME_LABEL.match(other.text)
            ):
                return None
            if abs(other.box[0] - label.box[0]) > 30 or lines.is_salutation(other.text):
                continue
            name = self._page.name_in(other, 0, len(other.text))
            if name is not None:
                if lines.is_attention_line(other.text) and self._name_follows(other):
                    continue
                return with_lines(name, self._page.block_below(other))
            if passed or lines.is_contact_line(other.text) or lines.is_town_line(other.text):
                return None
            passed = True
        return None

    def _name_follows(self, cell: Cell) -> bool:
        """Whether the line below `Attn: John Smith` is the firm's name."""
        below = next(iter(self._page.layout.below(cell, reach=1.2)), None)
        return (
            below is not None
            and abs(below.box[0] - cell.box[0]) < 6
            and self._page.name_in(below, 0, len(below.text)) is not None
        )

    def _heads_a_column(self, label: Label) -> bool:
        """Whether the row consists of labels (`BUYER  VENDOR  SHIP TO`), so that values stand below."""
        others = [cell for cell in self._page.layout.row_of(label.cell) if cell is not label.cell]
        return bool(others) and all(self._page.labels.is_label(cell) for cell in others)

    def _ends_with_preposition(self, label: Label) -> bool:
        keys = [token.key for token in label.cell.tokens if label.start <= token.start < label.end]
        behind = label.cell.text[label.end :].strip()
        return (
            label.leading
            and bool(keys)
            and keys[-1] in _PREPOSITIONS
            and behind[:1].isupper()
            and len(behind.split()) <= 6
        )

    def _letterheads(self) -> set[str]:
        """The names with which the first page's sender lines begin, at the head or at the foot."""
        cells = self._page.layout.sheets[0].cells
        return {compact(SEPARATORS.split(cell.text)[0]) for cell in cells if self._page.is_sender_line(cell)}

    def _addressee_above(self, town: Cell) -> Party | None:
        """The name above a town's line: lines with the same left edge, set loosely as letters do, down to the country."""
        if self._page.is_sender_line(town) or self._page.labels.is_label(town):
            return None
        column, letterheads = [town], self._letterheads()
        for cell in self._page.layout.above(town, reach=14.0):
            gap = column[0].box[1] - cell.box[3]
            # A blank line may set off the town, as older letters have it, but nothing else.
            widest = (_BEFORE_TOWN if len(column) == 1 else _BETWEEN_LINES) * max(cell.height, column[0].height)
            if abs(cell.box[0] - town.box[0]) > 4 or gap > widest or len(column) > 6 or lines.is_town_line(cell.text):
                break
            text = plain(cell.text)
            address = lines.is_street_line(text) or lines.is_salutation(text) or lines.is_attention_line(text)
            if (
                self._page.is_sender_line(cell)
                or compact(text) in letterheads
                or (self._page.names_a_field(cell) and not lines.is_attention_line(text))
                or not (address or lines.could_be_name(text) or lines.could_be_department(text))
            ):
                break
            column.insert(0, cell)
        addressed = False
        while len(column) > 1 and (
            lines.is_salutation(plain(column[0].text)) or not lines.could_be_name(plain(column[0].text))
        ):
            addressed |= lines.is_salutation(plain(column.pop(0).text))
        addressed |= any(lines.is_attention_line(plain(cell.text)) for cell in column[1:])
        name = self._page.name_in(column[0], 0, len(column[0].text)) if len(column) > 1 else None
        if name is None:
            return None
        after = next(iter(self._page.layout.below(town, reach=1.2)), None)
        country = (after,) if after is not None and lines.is_country(after.text) else ()
        return Party(name, 0.0, (*column, *country), reasons=["addressed"] if addressed else [])
