"""Who sends a document and to whom: by labels, by the sender line of a letter, by address blocks, by legal forms and web domains."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ingestio.extraction.layout import Cell, Layout, plain
from ingestio.extraction.local import blocks as lines
from ingestio.extraction.local.blocks import blocks_of
from ingestio.extraction.local.labels import Label, Labels
from ingestio.extraction.local.reading import Reading, of_span
from ingestio.extraction.tokens import compact

_SEPARATORS = re.compile(r"\s+[|•●·∙–—-]\s+|\s*[|•●·∙]\s*|,\s+|\u2003")
_DOMAIN = re.compile(r"(?:www\.|https?://(?:www\.)?|@)([\w-]{3,})\.", re.IGNORECASE)
_FREE_MAIL = frozenset(
    "gmail googlemail hotmail outlook yahoo gmx web icloud live aol localhost example mail t-online orange wanadoo free".split(
        " "
    )
)
_PREPOSITIONS = frozenset("by to from an a par por da von para aan van".split(" "))
_NAME_LABEL = re.compile(
    r"^(?:company|firm|firma|name|nom|nombre|nome|naam|société|empresa|ragione sociale|razón social|attn\.?|attention|z\.\s?hd\.?|a/h)\s*:\s*",
    re.IGNORECASE,
)
_STATE = re.compile(r"^[A-Z]{2}(?:\s+\d{5}(?:-\d{4})?)?$")
_TITLE_FROM = re.compile(
    r"^(?:receipt|invoice|statement|order|bill|rechnung|facture|factura|fattura|factuur|fatura)\s+(?:from|von|de|di|van)\s+",
    re.IGNORECASE,
)
_FROM = re.compile(r"^.*\b(?:from|by|issued by|on behalf of)\s+(?=[A-Z])")
_LABELLED, _LABELLED_WEAKLY, _SENDER_LINE = 0.95, 0.5, 0.85
_LEGAL, _TOP_BLOCK = 0.5, 0.42
_WEB_DOMAIN, _NAMED_AGAIN, _PAYEE, _PERSON, _LEFT = 0.25, 0.15, 0.3, 0.25, 0.12
_BEFORE_TOWN, _BETWEEN_LINES = 2.4, 1.3


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


class Parties:
    """The candidates for sender and recipient of one document."""

    def __init__(self, labels: Labels, skip: frozenset[int] = frozenset()) -> None:
        self.labels = labels
        self.layout: Layout = labels.layout
        self._skip = skip
        first = self.layout.sheets[0] if self.layout.sheets else None
        self.blocks = blocks_of(self.layout, first) if first else []
        self._block_of = {cell.index: block for block in self.blocks for cell in block.cells}
        self._domains = self._web_domains()
        self._by_word: dict[str, list[Cell]] = defaultdict(list)

    def labelled(self, concepts: Iterable[str]) -> list[Party]:
        """Names that labels of these concepts claim, best first."""
        found: list[Party] = []
        for concept in concepts:
            for label in self.labels.of(concept):
                named = label.named(concept)
                party = self._of_label(label) if label.leading else None
                if party is not None and named is not None:
                    party.score = (
                        (_LABELLED_WEAKLY if named.weak else _LABELLED)
                        - 0.02 * min(label.cell.page - 1, 5)
                        - 0.0005 * named.rank
                    )
                    party.score -= 0.3 if label.partial else 0.0
                    party.labelled = True
                    party.reasons.append(f"label {label.key}")
                    found.append(party)
        return sorted(found, key=lambda each: -each.score)

    def senders(self, recipient: Party | None, payees: Iterable[Party] = ()) -> list[Party]:
        """Unlabelled candidates for the sender, best first; what belongs to the recipient is not among them.

        `payees` are the names that weak labels give (account holder, beneficiary): they speak for a candidate of the same name.
        """
        paid = {each.key for each in payees}
        found = [*self._sender_lines(), *self._firms(), *self._top_blocks()]
        taken = {cell.index for cell in recipient.cells} | {recipient.name.cell.index} if recipient else set()
        kept: list[Party] = []
        for party in found:
            if party.name.cell.index in taken or (recipient and party.key == recipient.key):
                continue
            if recipient and _share_first_word(recipient, party):
                continue
            self._weigh(party)
            if party.key in paid:
                party.score += _PAYEE
            if lines.is_titled_person(party.name.value):
                party.score -= _PERSON
            kept.append(party)
        self._lend_scores(kept)
        self._prefer_left(kept)
        return sorted(kept, key=lambda each: -each.score)

    def recipients(self, sender: Party | None) -> list[Party]:
        """Address blocks in the upper half of the first page that are not the sender's: name, street, town and nothing else."""
        sheet = self.layout.sheets[0]
        sender_lines = [each.name.cell for each in self._sender_lines()]
        found: list[Party] = []
        for town in sheet.cells:
            if town.index in self._skip or town.box[1] > 0.5 * sheet.height or not lines.is_town_line(town.text):
                continue
            party = self._addressee_above(town)
            if party is None or (
                sender and (sender.name.cell in party.cells or _is_part_of(sender, party) or _is_part_of(party, sender))
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

    def _other_firms(self, sender: Party) -> list[Party]:
        """Another firm by legal form in the upper half of the first page, where no block is an address."""
        half = 0.5 * self.layout.sheets[0].height
        others = [each for each in self._firms() if each.name.cell.page == 1 and each.name.cell.box[1] < half]
        return [each for each in others if not (_is_part_of(sender, each) or _is_part_of(each, sender))]

    def address_of(self, party: Party) -> Reading | None:
        """Street, town and country below a name, on one line."""
        kept: list[Cell] = []
        for cell in party.cells:
            text = plain(cell.text)
            if cell is party.name.cell or lines.is_salutation(text):
                continue
            if (lines.is_contact_line(text) or self.labels.is_label(cell)) and not (
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
        if not lines.is_town_line(rest):
            return None
        start = end + len(rest) - len(rest.lstrip(" ,|•●·∙–—-\u2003"))
        parts = [part.strip() for part in _SEPARATORS.split(cell.text[start:]) if part and part.strip()]
        return Reading(", ".join(parts), ((cell, start, len(cell.text)),))

    def _of_label(self, label: Label) -> Party | None:
        """The name behind, beside or below a label, with the lines of its block."""
        cell = label.cell
        rest = cell.text[label.end : self.labels.after(label)]
        if rest.strip(" .:-–"):
            if not (label.closed or self._ends_with_preposition(label)):
                return None
            name = self._name_in(cell, label.end, label.end + len(rest))
            return (
                self._with_lines(name, [each for each in self._block_below(cell) if each is not cell]) if name else None
            )
        if not (label.closed or label.fills_cell):
            return None
        for other in self.layout.right_of(cell)[:1]:
            if label.closed or other.box[0] - cell.box[2] < 120:
                name = None if self.labels.is_label(other) else self._name_in(other, 0, len(other.text))
                if name is not None and not self._heads_a_column(label):
                    return self._with_lines(name, self._block_below(other))
        passed = False
        for other in self.layout.below(cell, label.box, reach=2.6):
            if self.labels.is_label(other) and not _NAME_LABEL.match(other.text):
                return None
            if abs(other.box[0] - label.box[0]) > 30:
                continue
            if lines.is_salutation(other.text):
                continue
            name = self._name_in(other, 0, len(other.text))
            if name is not None and not (lines.is_attention_line(other.text) and self._name_follows(other)):
                return self._with_lines(name, self._block_below(other))
            if name is not None:
                continue
            if passed or lines.is_contact_line(other.text) or lines.is_town_line(other.text):
                return None
            passed = True  # one line that is no name may come first: a department, a contact
        return None

    def _name_follows(self, cell: Cell) -> bool:
        """Whether the line below `Attn: John Smith` is the firm's name."""
        below = next(iter(self.layout.below(cell, reach=1.2)), None)
        return (
            below is not None
            and abs(below.box[0] - cell.box[0]) < 6
            and self._name_in(below, 0, len(below.text)) is not None
        )

    def _heads_a_column(self, label: Label) -> bool:
        """Whether the row consists of labels (`BUYER  VENDOR  SHIP TO`), so that values stand below."""
        others = [cell for cell in self.layout.row_of(label.cell) if cell is not label.cell]
        return bool(others) and all(self.labels.is_label(cell) for cell in others)

    def _ends_with_preposition(self, label: Label) -> bool:
        words = [token.key for token in label.cell.tokens if label.start <= token.start < label.end]
        behind = label.cell.text[label.end :].strip()
        return (
            label.leading
            and bool(words)
            and words[-1] in _PREPOSITIONS
            and behind[:1].isupper()
            and len(behind.split()) <= 6
        )

    def _name_in(self, cell: Cell, start: int, end: int) -> Reading | None:
        text = cell.text[start:end]
        offset = len(text) - len(text.lstrip(" \u2003:：.-–|•"))
        prefix = _NAME_LABEL.match(text[offset:]) or _TITLE_FROM.match(text[offset:])
        offset += prefix.end() if prefix else 0
        value = text[offset:].rstrip(" \u2003,;|-–")
        parts = [part for part in _SEPARATORS.split(value) if part and part.strip()]
        if len(parts) > 1 and any(lines.is_town_line(part) or lines.is_street_line(part) for part in parts[1:]):
            value = parts[0]
        if not lines.could_be_name(value):
            return None
        return of_span(cell, start + offset, start + offset + len(value))

    def _block_below(self, cell: Cell) -> list[Cell]:
        """The lines of a cell's block from it downwards, up to a label or seven lines."""
        block = self._block_of.get(cell.index)
        cells = list(block.cells) if block else [cell, *self.layout.below(cell, reach=1.2)]
        following = cells[cells.index(cell) :] if cell in cells else [cell]
        return following[:8]

    @staticmethod
    def _with_lines(name: Reading, cells: Iterable[Cell]) -> Party:
        return Party(name, 0.0, tuple(cells))

    def _sender_lines(self) -> list[Party]:
        """The small line above an address window: `Firm GmbH - Street 1 - 12345 Town`."""
        found: list[Party] = []
        sheet = self.layout.sheets[0]
        for cell in sheet.cells:
            if cell.box[1] > 0.5 * sheet.height or cell.index in self._skip or self.labels.begins(cell):
                continue
            if not self._is_sender_line(cell):
                continue
            parts = [part.strip() for part in _SEPARATORS.split(cell.text) if part and part.strip()]
            above = next(iter(self.layout.above(cell, reach=1.0)), None)
            if above is not None and above.height > 1.15 * cell.height and lines.could_be_name(above.text):
                continue  # the address line of a letterhead
            name = parts[0] if re.search(r"[^\W\d_]{2}", parts[0]) else ""
            if (
                not name
                or lines.is_street_line(name)
                or (lines.is_town_line(name) and not lines.has_legal_form(name))
                or len(name) > 60
            ):
                continue
            at = cell.text.find(name)
            score = _SENDER_LINE if len(parts) > 2 else _SENDER_LINE - 0.25
            found.append(Party(of_span(cell, at, at + len(name)), score, (cell,), reasons=["sender line"]))
        return found

    def _firms(self) -> list[Party]:
        """Names with a legal form, on the first and the last page."""
        found: list[Party] = []
        pages = {1, self.layout.sheets[-1].number}
        for cell in self.layout.cells:
            if cell.page not in pages or cell.index in self._skip or not lines.has_legal_form(cell.text):
                continue
            name = self._firm_in(cell)
            if name is None:
                continue
            party = self._with_lines(name, self._block_below(cell) if cell.page == 1 else (cell,))
            party.score = _LEGAL
            sheet = self.layout.sheet(cell)
            if cell.box[1] < 0.25 * sheet.height and cell.page == 1:
                party.score += _NAMED_AGAIN
            elif cell.box[1] > 0.8 * sheet.height:
                party.score += 0.1
            elif 0.3 * sheet.height < cell.box[1] < 0.8 * sheet.height:
                party.score -= 0.15
            party.reasons.append("legal form")
            found.append(party)
        return found

    def _firm_in(self, cell: Cell) -> Reading | None:
        """The firm's name in a cell: the part between separators that holds the legal form, up to it."""
        position = 0
        for part in re.split(
            r"(\s+[|•●·∙–—]\s+|\s*[|•●·∙]\s*|\s-\s|:\s|,\s(?!(?i:inc|llc|l\.l|ltd|limited|llp|plc|lda|ltda|s\.|sa\b|sl\b|gmbh|corp|co\.|bv|b\.v|nv|n\.v))|\u2003)",
            cell.text,
        ):
            start, position = position, position + len(part)
            if not lines.has_legal_form(part):
                continue
            ends = [match.end() for match in lines.LEGAL_FORM.finditer(part) if match.start() > 0]
            value = part[: ends[-1]].strip() if ends else ""
            value = _FROM.sub("", value)
            if 1 <= len(value.split()) <= 8 and lines.could_be_name(value):
                at = start + part.find(value)
                return of_span(cell, at, at + len(value))
        return None

    def _top_blocks(self) -> list[Party]:
        """The first line of the blocks at the head of the first page: letterheads."""
        found: list[Party] = []
        sheet = self.layout.sheets[0]
        usual = self.layout.line_height
        for block in self.blocks:
            if block.box[1] > 0.3 * sheet.height:
                continue
            for place, cell in enumerate(block.cells[:3]):
                if cell.index in self._skip or self._names_a_field(cell):
                    continue
                name = self._name_in(cell, 0, len(cell.text))
                if name is None or sum(char.isalpha() for char in name.value) < 3:
                    continue
                score = _TOP_BLOCK - 0.04 * place - 0.25 * cell.box[1] / sheet.height
                score += min(0.18, 0.12 * max(0.0, cell.height / usual - 1.0))
                score += 0.05 if place == 0 and cell is sheet.rows[0][0] else 0.0
                party = Party(name, score, tuple(block.cells[place:][:8]), reasons=["top block"])
                if any(lines.is_town_line(each.text) for each in block.cells):
                    party.score += 0.08
                found.append(party)
        return found

    def _addressee_above(self, town: Cell) -> Party | None:
        """The name above a town's line: lines with the same left edge, set loosely as letters do, down to the country."""
        if self._is_sender_line(town) or self.labels.is_label(town):
            return None
        column = [town]
        for cell in self.layout.above(town, reach=14.0):
            gap = column[0].box[1] - cell.box[3]
            # A blank line may set off the town, as older letters have it, but nothing else.
            widest = (_BEFORE_TOWN if len(column) == 1 else _BETWEEN_LINES) * max(cell.height, column[0].height)
            if abs(cell.box[0] - town.box[0]) > 4 or gap > widest or len(column) > 6 or lines.is_town_line(cell.text):
                break
            text = plain(cell.text)
            address = lines.is_street_line(text) or lines.is_salutation(text) or lines.is_attention_line(text)
            if self._is_sender_line(cell) or self._names_a_field(cell) or not (address or lines.could_be_name(text)):
                break
            column.insert(0, cell)
        while len(column) > 1 and lines.is_salutation(plain(column[0].text)):
            column.pop(0)
        name = self._name_in(column[0], 0, len(column[0].text)) if len(column) > 1 else None
        if name is None:
            return None
        after = next(iter(self.layout.below(town, reach=1.2)), None)
        country = (after,) if after is not None and lines.is_country(after.text) else ()
        return Party(name, 0.0, (*column, *country))

    def _names_a_field(self, cell: Cell) -> bool:
        """`Client n° 4410`: a label with its value, or a label alone."""
        first = self.labels.begins(cell)
        return first is not None and (
            self.labels.is_label(cell) or (bool(first.names[0].concept) and any(map(str.isdigit, cell.text)))
        )

    def _is_sender_line(self, cell: Cell) -> bool:
        """`Firm - Street 1 - 12345 Town`, or `Firm GmbH, 12345 Town`; `Austin, TX 78701` is none."""
        parts = [part.strip() for part in _SEPARATORS.split(cell.text) if part and part.strip()]
        if len(parts) < 2 or not any(lines.is_town_line(part) for part in parts[1:]):
            return False
        return len(parts) > 2 and not _STATE.match(parts[1]) or lines.has_legal_form(parts[0])

    def _web_domains(self) -> set[str]:
        found: set[str] = set()
        for cell in self.layout.cells:
            if "@" in cell.text or "www." in cell.text.casefold() or "http" in cell.text.casefold():
                found |= {match[1].casefold() for match in _DOMAIN.finditer(cell.text)}
        return {compact(each) for each in found if each not in _FREE_MAIL}

    def _weigh(self, party: Party) -> None:
        """What speaks for a sender besides its place: its web domain, contact lines in its block, being named again."""
        key = re.sub(r"(?:gmbh|ag|kg|ltd|limited|inc|llc|bv|nv|sas|sarl|sa|srl|spa|co|corp|plc)$", "", party.key)
        same = [
            min(len(key), len(domain)) / max(len(key), len(domain))
            for domain in self._domains
            if self._same_firm(key, domain)
        ]
        if same:
            party.score += _WEB_DOMAIN * max(same)
            party.reasons.append("web domain")
        if any(lines.is_contact_line(cell.text) for cell in party.cells):
            party.score += 0.08
        if self._named_again(party):
            party.score += _NAMED_AGAIN
        if party.name.cell.box[1] > 0 and lines.is_title(party.name.value):
            party.score -= 0.5

    def _named_again(self, party: Party) -> bool:
        """Whether the name stands in another line too: in the footer, as account holder, behind a label."""
        cell, start, end = party.name.pieces[0]
        words = [token.key for token in cell.tokens if start <= token.start < end]
        if not words:
            return False
        for other in self._cells_with(words[0]):
            keys = [token.key for token in other.tokens]
            if other is not cell and any(
                keys[at : at + len(words)] == words for at in range(len(keys) - len(words) + 1)
            ):
                return True
        return False

    def _cells_with(self, key: str) -> list[Cell]:
        if not self._by_word:
            for cell in self.layout.cells[:3000]:
                for token in cell.tokens:
                    self._by_word[token.key].append(cell)
        return self._by_word.get(key, [])

    @staticmethod
    def _same_firm(key: str, domain: str) -> bool:
        if len(key) < 3 or len(domain) < 3:
            return False
        return (
            key.startswith(domain)
            or domain.startswith(key)
            or (len(domain) > 5 and domain in key)
            or (len(key) > 5 and key in domain)
        )

    @staticmethod
    def _prefer_left(parties: list[Party]) -> None:
        """Of two firms side by side without labels the left one sends."""
        firms = [each for each in parties if lines.has_legal_form(each.name.value) and each.name.cell.page == 1]
        for each in firms:
            cell = each.name.cell
            beside = [other.name.cell for other in firms if other.key != each.key and other.name.cell.row == cell.row]
            if beside and all(cell.box[0] < other.box[0] for other in beside):
                each.score += _LEFT

    @staticmethod
    def _lend_scores(parties: list[Party]) -> None:
        """`Alphabet` on the sender line speaks for `Alphabet Fuhrparkmanagement GmbH` in the head."""
        for full in parties:
            if not lines.has_legal_form(full.name.value):
                continue
            prose = len(full.name.cell.words) > 10
            for short in parties:
                if short is not full and short.key != full.key and len(short.key) >= 3 and _is_part_of(short, full):
                    if prose and not full.key.startswith(short.key):
                        continue
                    full.score = max(full.score, short.score + 0.04)


def _share_first_word(first: Party, second: Party) -> bool:
    """`MICROSOFT CORPORATION` and `Microsoft Corp` are one firm."""
    one, other = (
        [token.key for token in party.name.cell.tokens if token.start >= party.name.pieces[0][1]]
        for party in (first, second)
    )
    return bool(one) and bool(other) and one[0] == other[0] and len(one[0]) >= 4


def _is_part_of(short: Party, full: Party) -> bool:
    """`Alphabet` in `Alphabet Fuhrparkmanagement GmbH`, `De Waterlinie` in `Drukkerij De Waterlinie B.V.`"""
    return full.key.startswith(short.key) if len(short.key) < 6 else short.key in full.key
