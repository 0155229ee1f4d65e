"""Blocks of lines that belong together on a page, and what kind of line each is: name, street, town, contact."""

import re
from dataclasses import dataclass
from functools import lru_cache

from ingestio.domain.text import Box, union
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.dates import find_dates
from ingestio.extraction.layout import Cell, Layout, Sheet, plain
from ingestio.extraction.tokens import compact, fold, tokens

_FORMS_IN_ANY_CASE = (
    r"gmbh(?:\s?&\s?co\.?\s?kg(?:aa)?)?", r"ggmbh", "mbh", r"ltd\.?", "limited", "llp", r"l\.?l\.?c\.?", "plc", r"inc\.?",
    "incorporated", r"corp\.?", "corporation", r"pty\.?(?:\sltd\.?)?", r"pvt\.?(?:\sltd\.?)?", "sarl", r"s\.a\.r\.l\.?", "eurl",
    "sasu", r"s\.\s?p\.\s?a\.?", r"s\.\s?r\.\s?l\.?(?:\s?s\.?)?", r"s\.\s?n\.\s?c\.?", r"b\.\s?v\.?(?:\s?b\.\s?a\.?)?", "bvba",
    r"n\.\s?v\.?", r"v\.\s?o\.\s?f\.?", r"lda\.?", r"ltda\.?", "unipessoal", "a/s", "aps", r"sp\.\s?z\s?o\.\s?o\.?",
    r"s\.\s?r\.\s?o\.?", r"kft\.?", r"zrt\.?", r"d\.o\.o\.?", r"s\.\s?à\s?r\.?\s?l\.?", r"e\.\s?k\.", r"e\.\s?v\.", "kgaa",
    "partgmbb", r"s\.\s?a\.\s?s\.?", r"s\.\s?l\.\s?u?\.?", "company", "trust", "association", "foundation", "university",
    "stiftung",
)  # fmt: skip
_FORMS_AS_WRITTEN = (
    "AG", "KG", "OHG", "GbR", "UG", "SE", "eG", "PBC", "SAS", "SNC", "SCI", r"S\.?A\.?", r"S\.?L\.?U?\.?", "SpA", "Srl", "SRL",
    "SPA", "BV", "NV", "VOF", r"C\.V\.", "AS", "ASA", "AB", "Oyj?", r"a\.\s?s\.", r"Co\.", r"S\.?G\.?P\.?S\.?", r"L\.?P\.",
    "Verein", "Bank",
)  # fmt: skip
LEGAL_FORM = re.compile(rf"(?<![^\W_])(?:(?i:{'|'.join(_FORMS_IN_ANY_CASE)})|{'|'.join(_FORMS_AS_WRITTEN)})(?![^\W_])")
_POST_TOWN = re.compile(
    r"(?<![\w-])(?:[A-Z]{1,3}[-–\s])?\d{4,6}(?:\s?[A-Z]{2})?\s+[^\W\d_]{2,}|(?<!\d)\d{5}[A-Z][a-zäöüß]{2,}|\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b|\b[A-Z]{2},?\s+\d{5}(?:-\d{4})?\b|\b[A-Z]\d[A-Z]\s?\d[A-Z]\d\b"
    r"|\b\d{2}-\d{3}\s+[^\W\d_]{2,}|\b\d{4}-\d{3}\s+[^\W\d_]{2,}|[^\W\d_]{3,}\s*[-–]\s*\d{6}\b|[^\W\d_]{3,},?\s+\d{5,6}$|\b\d{3}\s\d{2}\s+[^\W\d_]{2,}"
)
_STREET = re.compile(
    r"(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|\bring|damm|ufer|chaussee|straat|laan|plein|gracht|kade|singel|dijk|gränd|gatan|vägen|veien|vej|gade)\s*\d+|\d+\s?[a-z]?,?\s+(?:bis\s|ter\s)?(?:rue|avenue|av\.|boulevard|bd|"
    r"chemin|place|quai|allée|impasse|route|cours|passage)\b|\b(?:rue|avenue|calle|c/|avda\.?|avenida|plaza|paseo|carrer|camino|ronda|vía|via|viale|piazza|corso|largo|vicolo|strada|rua|praça|travessa|estrada|alameda|polígono)\s|"
    r"^\d+[A-Za-z]?[-/\d]*,?\s+[^\W\d_].*\b(?:street|st\.?|road|rd\.?|avenue|ave\.?|lane|ln\.?|drive|dr\.?|way|court|ct\.?|boulevard|blvd\.?|square|sq\.?|place|pl\.?|close|crescent|terrace|row|park|parkway|highway|hwy|gardens?|grove|hill|house|steps|yard|view|walk|circle|trail|plaza)\b|"
    r"^\d+[A-Za-z]?(?:[-/]\d+)?\s+[A-Z][^\W\d_]+(?:\s[A-Z][^\W\d_]+)*,?$|^[^\W\d_][^\d,]{2,40}[\s.]\d{1,4}\s?[a-zA-Z]?(?:[-–/]\d+[a-z]?)?$|\b(?:suite|floor|unit|apt|p\.?o\.? box|postfach|bp|apartado|postbus|level)\b",
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"@|https?:|\bwww\.|\b[\w-]+\.(?:com|de|net|org|fr|nl|it|es|pt|co\.uk|eu|io|ch|at|be|example)\b"
    # Words of telephones, banks and registers count before a number or colon: `Free Mobile` is a name.
    r"|\b(?:tel|fon|phone|fax|mobile|mobil|telefon|telephone|telefax|e-?mail|iban|bic|ust|vat|tva|btw|kvk|siret|siren|gln|hrb|steuer|cif|nif|"
    r"ein|abn|gstin?|p\.?\s?iva|cvr|org)\b[\w\s./-]{0,12}?[:+(\d]",
    re.IGNORECASE,
)
_PAGE = re.compile(r"^(?:page|seite|pagina|página|p\.|blatt|sheet)\s*\d", re.IGNORECASE)
_TITLED_PERSON = re.compile(
    r"^(?:M\.|Mme|Mlle|Mr\.?|Mrs\.?|Ms\.?|Miss|Herrn?|Frau|Familie|Sig\.|Sig\.ra|Sr\.|Sra\.|Dhr\.?|Mevr\.?|Dna\.)\s+[A-Z]"
)
_ATTENTION = re.compile(
    r"\s*(?:c/o|attn\b|attention\b|att\.|f\.?a\.?o\.?|z\.\s?hd\.?|zu händen|t\.?\s?a\.?\s?v\.?\b|ter attentie|à l['’]attention|a la atenci[oó]n|"
    r"alla c\.|alla cortese|a/c\b|a/at\.?\b|dept\.?\b|department\b|abteilung\b|service\s)",
    re.IGNORECASE,
)
_SALUTATIONS = frozenset(
    "herr herrn frau firma fa familie an mr mrs ms miss mx dr to attn attention z hd zhd sehr geehrte damen und herren monsieur madame m mme sr sra sres srl sig signor signora dhr mevr mevrouw de heer exmo sr exmos srs from s exma exmas sra".split(
        " "
    )
)
_COUNTRIES = frozenset(
    compact(name)
    for name in "Germany|Deutschland|France|Frankreich|Italy|Italia|Italien|Spain|España|Spanien|Netherlands|Nederland|The Netherlands|Niederlande|Portugal|United Kingdom|UK|Great Britain|England|Scotland|Wales|"
    "United States|United States of America|USA|US|Austria|Österreich|Switzerland|Schweiz|Suisse|Svizzera|Belgium|België|Belgique|Belgien|Ireland|Luxembourg|Luxemburg|Poland|Polska|Polen|Denmark|Danmark|Sweden|Sverige|Norway|"
    "Norge|Finland|Suomi|India|Canada|Australia|Singapore|Hong Kong|China|Japan|Brazil|Brasil|Mexico|México|Deutschland / Germany|Czech Republic|Hungary|Romania|Greece|New Zealand|South Africa|Israel|Turkey|Estonia".split(
        "|"
    )
)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines set below each other with the same left edge (or middle, or right edge), top to bottom."""

    cells: tuple[Cell, ...]

    @property
    def box(self) -> Box:
        return union(tuple(cell.box for cell in self.cells))


def blocks_of(layout: Layout, sheet: Sheet) -> list[Block]:
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
        match.start() > 0 and not (capitals and len(re.sub(r"\W", "", match.group())) < 3 and "." not in match.group())
        for match in LEGAL_FORM.finditer(text)
    )


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


def is_salutation(text: str) -> bool:
    """`Herr`, `Firma`, `Attn:`: a line of its own before a name."""
    keys = [token.key for token in tokens(text)]
    return bool(keys) and all(key in _SALUTATIONS for key in keys)


def is_attention_line(text: str) -> bool:
    """`c/o`, `Attn:`, `z. Hd.`: a person at the firm above."""
    return bool(_ATTENTION.match(text))


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
    value = plain(text).strip(" ,;:|-–•·*")
    letters = sum(char.isalpha() for char in value)
    digits = sum(char.isdigit() for char in value)
    words = value.split()
    if letters < 2 or digits > max(4, letters // 2) or len(words) > 9 or len(value) > 80 or value.endswith(":"):
        return False
    if is_title(value) or is_salutation(value) or is_country(value) or _PAGE.match(value):
        return False
    if re.search(r"[€$£%]|\d[.,]\d{2}\b", value) or find_dates(value) or re.fullmatch(r"[-_=*.\s]+", value):
        return False
    legal = has_legal_form(value)
    if (is_town_line(value) or is_street_line(value) or is_contact_line(value)) and not legal:
        return False
    lower = sum(
        1
        for word in words
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
    return lower <= max(0, len(words) // 3)
