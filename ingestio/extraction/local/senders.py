"""Who wrote a document, where no label says it: sender lines, firms by their legal form, letterheads, web domains."""

import re
from collections import defaultdict
from collections.abc import Iterable

from ingestio.extraction.layout import Cell
from ingestio.extraction.local import blocks as lines
from ingestio.extraction.local.names import SEPARATORS, Page, Party, is_part_of, share_first_word, with_lines
from ingestio.extraction.local.reading import Reading, of_span
from ingestio.extraction.local.totals import SUMS
from ingestio.extraction.local.vocabulary import any_of, words
from ingestio.extraction.tokens import compact

_DOMAIN = re.compile(r"(?:www\.|https?://(?:www\.)?|@)([\w-]{3,})\.", re.IGNORECASE)
_FREE_MAIL = frozenset(words("address", "free_mail"))
_FROM = re.compile(r"^(?:[Ff]or|.*\b(?:from|by|issued by|on behalf of))\s+(?=[A-Z])")
# `Harcourt Vane LLP is a limited liability partnership`: what a footer says of the firm.
_SAYS_OF_ITSELF = re.compile(r"\s(?:is|are|ist|est|è|é|es|is een)\s(?=[a-zà-ÿ])")
_OF_A_REGISTER = re.compile(any_of("address", "register"), re.IGNORECASE)
_BRAND_OF = re.compile(rf"(?:^|\s){any_of('address', 'brand_of')}\s?", re.IGNORECASE)
_AFTER_A_NAME = re.compile(r"\s[-–—|•·]\s|[;|•·]|(?<=\w{3})\.\s(?=[A-Z])")
_ABBREVIATED = re.compile(r"(?<!\w)\w{1,3}\.$")
_REGISTER_NUMBER = re.compile(r"\d[\d .]{4,}\d")
_GOES_ON = frozenset(words("address", "conjunctions"))
_OF_A_FIRM = frozenset(compact(word) for word in words("address", "name_label_of_a_firm"))
_SENDER_LINE, _LEGAL, _TOP_BLOCK = 0.85, 0.5, 0.42
_WEB_DOMAIN, _NAMED_AGAIN, _PAYEE, _PERSON, _LEFT = 0.25, 0.15, 0.3, 0.25, 0.12
_BELOW_A_LETTERHEAD = 0.2
_IMPRINT, _GOES_TO, _HEADS_THE_PAGE = 0.2, 0.1, 0.1
_BRAND_OWNER = 1.2
_SHORTEST_BRAND, _SHORTEST_ADDRESS, _FOOT = 3, 8, 0.75
_BESIDE_AN_AMOUNT = 0.15
_NEAR_ITS_LABEL = 8.0
_SET_APART = 2.4
_HEAD = 0.35


class Senders:
    """Candidates for the sender, weighed."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._domains = self._web_domains()
        self._by_word: dict[str, list[Cell]] = defaultdict(list)

    def best_first(self, recipient: Party | None, payees: Iterable[Party] = ()) -> list[Party]:
        """Unlabelled candidates for the sender, best first; what belongs to the recipient is not among them.

        `payees` are the names that weak labels give (account holder, beneficiary): they speak for a candidate of the same name.
        """
        paid = {each.key for each in payees}
        firms = self.firms()
        stated = any(self._is_at_the_head(each.name.cell) or "imprint" in each.reasons for each in firms)
        found = [*self._brand_owners(), *self.sender_lines(), *firms, *self._top_blocks()]
        taken = {cell.index for cell in recipient.cells} | {recipient.name.cell.index} if recipient else set()
        kept: list[Party] = []
        for party in found:
            if party.name.cell.index in taken or (recipient and party.key == recipient.key):
                continue
            if recipient and share_first_word(recipient, party):
                continue
            self._weigh(party)
            if party.key in paid and (lines.has_legal_form(party.name.value) or not stated):
                party.score += _PAYEE  # on a firm's bill `Titular` is a customer
            if lines.is_titled_person(party.name.value):
                party.score -= _PERSON
            kept.append(party)
        self._lend_scores(kept)
        self._prefer_left(kept)
        self._prefer_reachable(kept)
        return sorted(kept, key=lambda each: -each.score)

    def sender_lines(self) -> list[Party]:
        """The small line above an address window: `Firm GmbH - Street 1 - 12345 Town`."""
        found: list[Party] = []
        sheet = self._page.layout.sheets[0]
        for cell in sheet.cells:
            if cell.box[1] > 0.5 * sheet.height or cell.index in self._page.skip or self._page.labels.begins(cell):
                continue
            if not self._page.is_sender_line(cell):
                continue
            parts = [part.strip() for part in SEPARATORS.split(cell.text) if part and part.strip()]
            above = next(iter(self._page.layout.above(cell, reach=1.0)), None)
            if above is not None and lines.could_be_name(above.text):
                firm = lines.has_legal_form(above.text) and not lines.has_legal_form(parts[0])
                if above.height > 1.15 * cell.height or (firm and abs(above.box[0] - cell.box[0]) < 4):
                    continue  # the address line of a letterhead
            # `Firm Ltd. Registered office: Firm House, Lane 1`, `Return with payment. Remit to: Firm, P.O. Box 1`
            firm_named = self._firm_in(cell) if ": " in parts[0] else None
            name = firm_named.value if firm_named is not None else parts[0].rpartition(": ")[2]
            name = lines.up_to_legal_form(name) if re.search(r"[^\W\d_]{2}", name) else ""
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

    def _brand_owners(self) -> list[Party]:
        """`Quayline is a trading name of Atlantic Fibre Ltd`, where Quayline heads the page: the firm bills, the brand only sells."""
        found: list[Party] = []
        for cell in self._page.layout.sheets[0].cells:
            says = _BRAND_OF.search(cell.text)
            if says is None or not self._heads_the_page(cell, says.start()):
                continue
            holder, start = cell, says.end()
            if not cell.text[start:].strip():
                line_below = next(iter(self._page.layout.below(cell, reach=1.0)), None)
                if line_below is None:
                    continue
                holder, start = line_below, 0
            named = _AFTER_A_NAME.split(holder.text[start:])[0]
            firm = (lines.up_to_legal_form(named) if lines.has_legal_form(named) else named.split(",")[0]).strip()
            firm = firm if _ABBREVIATED.search(firm) else firm.rstrip(".")
            if lines.could_be_name(firm):
                at = holder.text.find(firm, start)
                name = of_span(holder, at, at + len(firm))
                found.append(Party(name, _BRAND_OWNER, (holder,), reasons=["owns the brand"]))
        return found

    def _heads_the_page(self, cell: Cell, end: int) -> bool:
        """Whether what stands before this place in a cell, or else in a line above it, is a name at the head of the page."""
        before = SEPARATORS.split(cell.text[:end])[-1].strip()
        if not before:
            above = self._page.layout.above(cell, reach=2.5)
            return self._is_at_the_head(cell) and any(lines.could_be_name(each.text) for each in above)
        brand = compact(before)
        heads = (compact(each.text) for each in self._page.layout.cells if self._is_at_the_head(each))
        return len(brand) >= _SHORTEST_BRAND and any(head.startswith(brand) for head in heads)

    def firms(self) -> list[Party]:
        """Names with a legal form, on the first and the last page."""
        found: list[Party] = []
        pages = {1, self._page.layout.sheets[-1].number}
        for cell in self._page.layout.cells:
            if cell.page not in pages or cell.index in self._page.skip or not lines.has_legal_form(cell.text):
                continue
            if self._names_a_sum(cell):
                continue
            name = self._firm_in(cell)
            if name is None:
                continue
            name = self._with_its_beginning(name)
            party = with_lines(name, self._page.block_below(cell) if cell.page == 1 else (cell,))
            party.score = _LEGAL
            sheet = self._page.layout.sheet(cell)
            if cell.box[1] < 0.25 * sheet.height and cell.page == 1:
                party.score += _NAMED_AGAIN
                party.score += _HEADS_THE_PAGE if cell is sheet.rows[0][0] else 0.0
            elif cell.box[1] > 0.8 * sheet.height:
                party.score += 0.1
            elif 0.3 * sheet.height < cell.box[1] < 0.8 * sheet.height:
                party.score -= 0.15
            party.reasons.append("legal form")
            imprint = _OF_A_REGISTER.search(cell.text, name.pieces[-1][2])
            if imprint and not self._is_registered_at_the_head(cell, cell.text[imprint.start() :]):
                # What the law has a firm say of itself on its papers: `Firm Ltd. Registered in England no. 1234567`.
                party.score += _IMPRINT
                party.reasons.append("imprint")
            found.append(party)
        return found

    def _is_registered_at_the_head(self, imprint: Cell, register: str) -> bool:
        """Whether the register's number stands at the head too: the name that is printed there is the one the firm trades under."""
        numbers = [compact(each) for each in _REGISTER_NUMBER.findall(register)]
        heads = [
            compact(cell.text) for cell in self._page.layout.cells if cell is not imprint and self._is_at_the_head(cell)
        ]
        return any(number in head for number in numbers for head in heads)

    def _with_its_beginning(self, name: Reading) -> Reading:
        """`Company:   Rift Valley Oven`, below it `Works Ltd`; `MARMARA SANAYİ`, below it `VE TİC. LTD. ŞTİ.`: a name that its column was
        too narrow for."""
        layout, cell = self._page.layout, name.cell
        above = next(iter(layout.above(cell, reach=0.9)), None)
        if above is None or abs(above.box[0] - cell.box[0]) > 4:
            return name
        label = next(iter(layout.left_of(above)), None)
        captioned = (
            label is not None
            and len(name.value.split()) <= 3
            and compact(label.text) in _OF_A_FIRM
            and all(other.box[2] <= label.box[0] for other in layout.left_of(cell))
        )
        if not captioned and name.value.split()[0].casefold() not in _GOES_ON:
            return name
        if lines.has_legal_form(above.text) or not lines.could_be_name(above.text):
            return name
        return Reading(f"{above.text.strip()} {name.value}", ((above, 0, len(above.text)), *name.pieces), name.score)

    def _names_a_sum(self, cell: Cell) -> bool:
        """`Summe der Telefon GmbH (netto)   29,41`: a sum that names the firm is no letterhead."""
        first = self._page.labels.begins(cell)
        return (
            first is not None
            and any(each.concept in SUMS for each in first.names)
            and any(number.looks_like_money for other in self._page.layout.right_of(cell) for number in other.numbers)
        )

    def _firm_in(self, cell: Cell) -> Reading | None:
        """The firm's name in a cell: the part between separators that holds the legal form, up to it."""
        position, before = 0, ""
        for part in re.split(
            r"(\s+[|•●·∙–—]\s+|\s*[|•●·∙]\s*|\s-\s|:\s|,\s(?!(?i:inc|llc|l\.l|ltd|limited|llp|plc|lda|ltda|s\.|sa\b|sl\b|gmbh|corp|co\.|bv|b\.v|nv|n\.v))|\u2003)",
            cell.text,
        ):
            start, position = position, position + len(part)
            named = _SAYS_OF_ITSELF.split(_BRAND_OF.split(part)[-1], 1)[0]
            part = named if lines.has_legal_form(named) else part
            if not lines.LEGAL_FORM.search(part):
                before = part.strip() if any(map(str.isalnum, part)) else before
                continue
            ends = [
                match.end() for match in lines.LEGAL_FORM.finditer(part) if any(map(str.isalnum, part[: match.start()]))
            ]
            value = part[: ends[-1]].strip() if ends else ""
            if not ends and lines.begins_with_legal_form(part):
                at, value = cell.text.find(before), before  # `Name - SARL au capital de 10 000 €`
                return of_span(cell, at, at + len(value)) if lines.could_be_name(value) else None
            value = _FROM.sub("", value)
            if value.count("(") > value.count(")"):
                value = value[value.rfind("(") + 1 :].strip()  # `BIC: ABNANL2A (Tulip Data B.V.)`
            if 1 <= len(value.split()) <= 8 and lines.could_be_name(value):
                at = cell.text.find(value, start)
                return of_span(cell, at, at + len(value))
        return None

    def _top_blocks(self) -> list[Party]:
        """The first line of the blocks at the head of the first page: letterheads."""
        found: list[Party] = []
        sheet = self._page.layout.sheets[0]
        usual = self._page.layout.line_height
        for block in self._page.blocks:
            if block.box[1] > 0.3 * sheet.height:
                continue
            for place, cell in enumerate(block.cells[:3]):
                if cell.index in self._page.skip or self._page.names_a_field(cell) or self._is_heading(cell):
                    continue
                if self._is_a_value(cell):
                    continue
                name = self._page.name_in(cell, 0, len(cell.text))
                letters = sum(char.isalpha() for char in name.value) if name is not None else 0
                if name is None or letters < 3 or (letters == 3 and cell.row > 1):
                    continue  # `JNB`: a code in some column, unless it heads the page as `IBM` does
                score = _TOP_BLOCK - 0.04 * place - 0.25 * cell.box[1] / sheet.height
                score += min(0.18, 0.12 * max(0.0, cell.height / usual - 1.0))
                score += 0.05 if place == 0 and cell is sheet.rows[0][0] else 0.0
                if any(lines.is_titled_person(each.text) for each in block.cells[:place]):
                    score -= _PERSON  # his firm, below `Mr. Otto Lindgren` in an address
                if any(n.looks_like_money for other in self._page.layout.right_of(cell) for n in other.numbers):
                    score -= _BESIDE_AN_AMOUNT
                party = Party(name, score, tuple(block.cells[place:][:8]), reasons=["top block"])
                if any(lines.is_town_line(each.text) for each in block.cells) or self._is_letterhead(cell):
                    party.score += 0.08
                found.append(party)
        return found

    def _is_at_the_head(self, cell: Cell) -> bool:
        return cell.page == 1 and cell.middle < _HEAD * self._page.layout.sheets[0].height

    def _is_letterhead(self, cell: Cell) -> bool:
        """The page's first cell, with an address below that is set apart from it."""
        if cell is not self._page.layout.sheets[0].rows[0][0]:
            return False
        below = next(iter(self._page.layout.below(cell, reach=_SET_APART)), None)
        return below is not None and abs(below.box[0] - cell.box[0]) < 4 and lines.is_town_line(below.text)

    def _is_heading(self, cell: Cell) -> bool:
        """`JOB SITE   BILLING ADDRESS   DATE`: among two labels or more that fill their cells it heads a column of its own, unless a street
        follows at once."""
        following = self._page.block_below(cell)[1:2]
        if any(lines.is_street_line(each.text) or lines.is_town_line(each.text) for each in following):
            return False
        labels = [self._page.labels.begins(other) for other in self._page.layout.row_of(cell) if other is not cell]
        return (
            sum(label is not None and label.fills_cell and not lines.is_title(label.cell.text) for label in labels) > 1
        )

    def _is_a_value(self, cell: Cell) -> bool:
        """`Condición frente al IVA:   Monotributo`: it answers what stands before it, whatever that is."""
        before = next(iter(self._page.layout.left_of(cell)), None)
        return re.search(r"[^\W\d_]:\s", cell.text) is not None or (
            before is not None
            and before.text.rstrip().endswith(":")
            and cell.box[0] - before.box[2] < _NEAR_ITS_LABEL * cell.height
        )

    def _web_domains(self) -> set[str]:
        found: set[str] = set()
        for cell in self._page.layout.cells:
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
        if any(lines.is_attention_line(cell.text) for cell in party.cells[1:]):
            party.score -= _GOES_TO
        if self._named_again(party):
            party.score += _NAMED_AGAIN
        if self._is_registered_where_it_lives(party):
            party.score += _IMPRINT
            party.reasons.append("registered office")
        if party.name.cell.box[1] > 0 and lines.is_title(party.name.value):
            party.score -= 0.5

    def _is_registered_where_it_lives(self, party: Party) -> bool:
        """`Registered Office: 14 Aire Business Park, Keighley` at the foot, and a street or town of it below the name."""
        addresses = [
            compact(cell.text)
            for cell in party.cells[1:]
            if lines.is_town_line(cell.text) or lines.is_street_line(cell.text)
        ]
        return any(
            address in office and len(address) >= _SHORTEST_ADDRESS
            for office in self._registered_offices()
            for address in addresses
        )

    def _registered_offices(self) -> list[str]:
        """What the foot of the first page says behind the word for a register."""
        sheet = self._page.layout.sheets[0]
        found = ((cell, _OF_A_REGISTER.search(cell.text)) for cell in sheet.cells if cell.box[1] > _FOOT * sheet.height)
        return [compact(cell.text[register.end() :]) for cell, register in found if register is not None]

    def _named_again(self, party: Party) -> bool:
        """Whether the name stands in another line too: in the footer, as account holder, behind a label."""
        cell, start, end = party.name.pieces[0]
        name = [token.key for token in cell.tokens if start <= token.start < end]
        if not name:
            return False
        for other in self._cells_with(name[0]):
            keys = [token.key for token in other.tokens]
            if other is not cell and any(keys[at : at + len(name)] == name for at in range(len(keys) - len(name) + 1)):
                return True
        return False

    def _cells_with(self, key: str) -> list[Cell]:
        if not self._by_word:
            for cell in self._page.layout.cells[:3000]:
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
    def _prefer_reachable(parties: list[Party]) -> None:
        """Below a letterhead with a telephone or a register's number, a mere name and address is where the letter goes."""
        reachable = [any(lines.is_contact_line(cell.text) for cell in each.cells) for each in parties]
        heads = [
            each.cells[0].box[3]
            for each, is_reachable in zip(parties, reachable, strict=True)
            if is_reachable and each.name.cell.page == 1 and len(each.cells) > 1
        ]
        for each, is_reachable in zip(parties, reachable, strict=True):
            if is_reachable or not heads or len(each.cells) < 2:
                continue
            if any(lines.is_town_line(cell.text) for cell in each.cells) and each.name.cell.box[1] > min(heads):
                each.score -= _BELOW_A_LETTERHEAD

    @staticmethod
    def _lend_scores(parties: list[Party]) -> None:
        """`Alphabet` on the sender line speaks for `Alphabet Fuhrparkmanagement GmbH` in the head."""
        for full in parties:
            if not lines.has_legal_form(full.name.value):
                continue
            prose = len(full.name.cell.words) > 10
            for short in parties:
                if short is not full and short.key != full.key and len(short.key) >= 3 and is_part_of(short, full):
                    if prose and not full.key.startswith(short.key):
                        continue
                    full.score = max(full.score, short.score + 0.04)
