"""Blocks of lines that belong together on a page, and what kind of line each is: name, street, town, contact."""

import re
from dataclasses import dataclass
from functools import lru_cache

from ingestio.domain.text import Box, union
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.dates import find_dates
from ingestio.extraction.layout import Cell, Sheet, plain
from ingestio.extraction.local.vocabulary import any_of, words
from ingestio.extraction.tokens import compact, fold, tokens

LEGAL_FORM = re.compile(
    rf"(?<![^\W_])(?:(?i:{any_of('address', 'legal_forms_in_any_case')})|{any_of('address', 'legal_forms_as_written')})(?![^\W_])"
)
_POST_TOWN = re.compile(any_of("address", "town"))
# `(519537-X)`, `(CO. NO. 867388U)`, ` 789417-W`: Malaysian, Singaporean and Australian firms print it behind their names.
_REGISTERED = re.compile(
    r"\s*\([^()\d]{0,20}\d{4,12}\s?[-–]?\s?[A-Z]?\s?\)?\s*$|(?<=\w)\s+\d{5,8}\s?-\s?[A-Z](?:\s\([A-Z]{2,5}\))?$|(?<=\w)\s+(?:store\s?)?#\s?\d{2,6}$"
    # `Energía Levante, S.A. Unipersonal. CIF A81948077`: a tax id on the name's own line.
    r"|(?<=[\w.])[.,;\s–-]+(?:c\.?i\.?f|n\.?i\.?f|vat|p\.?\s?iva|siret|siren|tva|kvk|btw|abn|gstin|uid|cvr|rfc|cnpj|nip)\b"
    r"(?:\s?(?:no|nr|n°|reg|id)\b)?\W{0,3}[a-z]{0,3}\d.*$",
    re.IGNORECASE,
)
_STREET = re.compile(any_of("address", "street"), re.IGNORECASE)
# Words of telephones, banks and registers count before a number or colon: `Free Mobile` is a name.
_CONTACT = re.compile(any_of("address", "contact"), re.IGNORECASE)
_PAGE = re.compile(r"^(?:page|seite|pagina|página|p\.|blatt|sheet)\s*\d", re.IGNORECASE)
_TITLED_PERSON = re.compile(rf"^{any_of('address', 'person_titles')}\s+[A-Z]")
_ATTENTION = re.compile(rf"\s*{any_of('address', 'attention')}", re.IGNORECASE)
_OF_A_CAPITAL = ("au capital", "à capital", "con capital", "com capital", "mit stammkapital", "unipersonnelle")
# `PLAYER ID`, `Serial No`: what stands below it is a number.
_CAPTION = re.compile(r"\s(?:ID|[Nn]o|NO|[Nn]r|Number|NUMBER)\.?$")
# Whose shop it is, not what it is called.
_OWNER = re.compile(
    r"^(?:inh(?:aber(?:in)?)?\b\.?|prop(?:rietor|rietario)?\b\.?|titolare\b|owner:)\s*\S", re.IGNORECASE
)
_SALUTATIONS = frozenset(compact(word) for word in words("address", "salutations"))
_COPY_MARKS = frozenset(compact(mark) for mark in words("address", "copy_marks"))
_COUNTRIES = frozenset(compact(name) for name in words("address", "countries"))


@dataclass(frozen=True, slots=True)
class Block:
    """Lines set below each other with the same left edge (or middle, or right edge), top to bottom."""

    cells: tuple[Cell, ...]

    @property
    def box(self) -> Box:
        return union(tuple(cell.box for cell in self.cells))


def blocks_of(sheet: Sheet) -> list[Block]:
    """The page's blocks, in reading order of their first line. Every cell is in exactly one."""
    blocks: list[list[Cell]] = []
    for row in sheet.rows:
        for cell in row:
            home = next((block for block in reversed(blocks[-24:]) if _continues(block[-1], cell)), None)
            if home is None:
                blocks.append([cell])
            else:
                home.append(cell)
    return [Block(tuple(block)) for block in blocks]


def _continues(above: Cell, cell: Cell) -> bool:
    gap = cell.box[1] - above.box[3]
    height = max(above.height, cell.height)
    if above.row == cell.row or gap > 0.9 * height or gap < -0.5 * height:
        return False
    if max(above.height, cell.height) > 1.9 * min(above.height, cell.height):
        return False
    middles = abs((above.box[0] + above.box[2]) - (cell.box[0] + cell.box[2])) / 2
    return abs(above.box[0] - cell.box[0]) < 4 or abs(above.box[2] - cell.box[2]) < 2 or middles < 2


def has_legal_form(text: str) -> bool:
    """Whether a text names a firm by its legal form. In a text all in capitals, two letters (`AS`, `SE`) prove nothing."""
    capitals = text.isupper()
    return any(
        _follows_a_word(text, match)
        and not (capitals and len(re.sub(r"\W", "", match.group())) < 3 and "." not in match.group())
        for match in LEGAL_FORM.finditer(text)
    )


def begins_with_legal_form(text: str) -> bool:
    """`SARL au capital de 40 000 €`: the form of a firm whose name stands before it."""
    first = LEGAL_FORM.match(text.lstrip())
    return first is not None and text.lstrip()[first.end() :].lstrip().casefold().startswith(_OF_A_CAPITAL)


def _follows_a_word(text: str, form: re.Match[str]) -> bool:
    """`(Co. No. 4711)` is no firm."""
    return any(map(str.isalnum, text[: form.start()]))


def without_register_number(text: str) -> str:
    """`AEON CO. (M) BHD (126926-H)` without the number under which the firm is registered."""
    return _REGISTERED.sub("", text)


def up_to_legal_form(text: str) -> str:
    """`Elektro Brandt e.K., Inhaber Jens Brandt` without what stands behind the legal form and a comma or bracket, `Kabel B.V. Ringweg 8`
    without the street, `Rive SA au capital de 40 000 €` without what the firm is worth."""
    for match in LEGAL_FORM.finditer(text):
        behind = text[match.end() :].lstrip(". ")
        named = bool(re.search(r"\w[.,]?\s+$", text[: match.start()]))
        if named and (is_street_line(behind) or behind.casefold().startswith(_OF_A_CAPITAL)):
            return text[: match.end()] + ("." if text[match.end() : match.end() + 1] == "." else "")
        if (
            match.start() > 0
            and re.match(r"\.?\s*[,;(]\s*(?!\s*$)(?![A-Z]{2,3}\)\W*$)", text[match.end() :])
            and not LEGAL_FORM.search(text[match.end() :])
        ):
            return text[: match.end()] + ("." if text[match.end() : match.end() + 1] == "." else "")
    return text


def is_town_line(text: str) -> bool:
    """A postal code with a town."""
    return bool(_POST_TOWN.search(text)) and not re.search(r"[€$£]|\d[.,]\d{2}\b", text)


def is_street_line(text: str) -> bool:
    return bool(_STREET.search(text)) and not re.search(r"[€$£%]|\d[.,]\d{2}\b", text)


def is_contact_line(text: str) -> bool:
    """Telephone, e-mail, web, registers and banks."""
    return bool(_CONTACT.search(text))


def is_country(text: str) -> bool:
    return compact(text) in _COUNTRIES


def is_copy_mark(text: str) -> bool:
    """`ORIGINAL`, `Duplicado`, `Customer copy`: which copy of a paper it is."""
    return compact(text) in _COPY_MARKS


def is_salutation(text: str) -> bool:
    """`Herr`, `Firma`, `Attn:`: a line of its own before a name."""
    keys = [token.key for token in tokens(text)]
    if len(keys) > 4 and all(len(key) == 1 for key in keys):
        keys = ["".join(keys)]  # `E I N S C H R E I B E N`
    return bool(keys) and all(key in _SALUTATIONS for key in keys)


def is_attention_line(text: str) -> bool:
    """`c/o`, `Attn:`, `z. Hd.`: a person at the firm above."""
    return bool(_ATTENTION.match(text))


def could_be_department(text: str) -> bool:
    """`Accounts office`, `Service comptabilité`: a few words that are no sentence, between a name and its street."""
    return (
        1 <= len(text.split()) <= 4 and text[:1].isupper() and all(char.isalpha() or char in " -&'’/." for char in text)
    )


def ends_with_legal_form(text: str) -> bool:
    """`LLP`, `Korenaar VOF`: the last word is a legal form."""
    return any(match.end() >= len(text.rstrip(" .")) for match in LEGAL_FORM.finditer(text))


def is_titled_person(text: str) -> bool:
    """`M. Paul Girard`, `Frau Meier`: a person as letters address them."""
    return bool(_TITLED_PERSON.match(text))


@lru_cache(maxsize=1)
def title_keys() -> frozenset[str]:
    """The headings of all document types, as compact keys."""
    return frozenset(compact(title) for each in DOCUMENT_TYPES.values() for title in (*each.titles, each.title))


def is_title(text: str) -> bool:
    """A heading such as `INVOICE`, perhaps with a number behind it."""
    letters = re.sub(r"[^\W\d_]*\d[\w/.-]*", "", text)
    return compact(letters.strip(" .:#")) in title_keys()


def could_be_name(text: str) -> bool:
    """Whether a line can be the name of a firm or person: few words, mostly letters, no address, contact, title or sentence."""
    if text.rstrip().endswith((":", "：")):
        return False
    value = plain(text).strip(" ,;:|-–•·*")
    letters = sum(char.isalpha() for char in value)
    digits = sum(char.isdigit() for char in value)
    parts = value.split()
    if letters < 2 or digits > max(4, letters // 2) or len(parts) > 9 or len(value) > 80:
        return False
    if (len(parts) == 1 and digits >= letters) or (value[0] == "(" and value[-1] == ")"):
        return False  # `PO/118`, `(ORIGINAL FOR RECIPIENT)`
    if is_title(value) or is_salutation(value) or is_country(value) or is_copy_mark(value) or _PAGE.match(value):
        return False
    if _OWNER.match(value) or _CAPTION.search(value):
        return False
    if re.search(r"[€$£%]|\d[.,]\d{2}\b", value) or find_dates(value) or re.fullmatch(r"[-_=*.\s]+", value):
        return False
    legal = has_legal_form(value)
    if (is_town_line(value) or is_street_line(value) or is_contact_line(value)) and not legal:
        return False
    named = LEGAL_FORM.sub("", value).split() if legal else parts
    lower = sum(
        1
        for word in named
        if word[:1].islower()
        and fold(word)
        not in (
            "de",
            "der",
            "den",
            "van",
            "von",
            "und",
            "and",
            "of",
            "la",
            "le",
            "di",
            "da",
            "do",
            "the",
            "et",
            "y",
            "e",
            "du",
            "des",
            "del",
            "for",
            "für",
            "in",
            "z",
            "o.o.",
        )
    )
    return lower <= max(2 if ends_with_legal_form(value) else int(legal), len(parts) // 3)
