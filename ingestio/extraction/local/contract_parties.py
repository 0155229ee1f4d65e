"""The parties of a contract and who signed it."""

import re

from ingestio.extraction.layout import Layout, plain
from ingestio.extraction.local.blocks import LEGAL_FORM, could_be_name, has_legal_form
from ingestio.extraction.local.prose import Prose
from ingestio.extraction.local.reading import Entry, Reading, of_cells, of_span
from ingestio.extraction.local.vocabulary import any_of

_BETWEEN = re.compile(rf"\b{any_of('contract', 'between')}\b\s*:?", re.IGNORECASE)
_PARTIES_END = re.compile(rf"\b{any_of('contract', 'after_parties')}\b|\s1\.\s(?=[A-ZÄÖÜ])")
# `(the “Client”)`, `(hereinafter "Licensor")`, `– nachfolgend „Auftraggeber“ genannt –`, `ci-après « le Prestataire »`.
_QUOTE, _UNQUOTE = "[“\"„«‘']", "[”\"“»’']"
_DEFINED = re.compile(
    rf"[(\[–-]?\s*(?:{any_of('contract', 'defining')}[\s,:]*)*{_QUOTE}\s?(?:the |der |die |le |la |el |il |de |o |a )?"
    rf"(?P<role>[A-ZÄÖÜÉ][\w\s/-]{{1,40}}?)\s?{_UNQUOTE}(?:\s*(?:or|and|und)\s*{_QUOTE}[^”\"“]{{2,30}}{_UNQUOTE})?"
    r"[^()\[\]]{0,40}?[)\]–-]?"
)
_ROLE_LABEL = re.compile(
    rf"^(?:the\s)?(?P<role>{any_of('contract', 'roles')})\s*(?:name)?\s*:\s*(?P<name>\S.*)?$", re.IGNORECASE
)
# A legal form belongs to the name, though a comma stands before it.
_FORMS = (
    r"Inc|LLC|L\.L\.C|Ltd|Limited|LLP|L\.L\.P|LP|L\.P|PLC|P\.L\.C|P\.C|N\.A|N\.V|B\.V|Corp|Co|S\.|GmbH|Lda|Incorporated"
)
_NAME_END = re.compile(rf",\s(?!(?i:{_FORMS})\b)|\s\(|;|\s[–-]\s|\b{any_of('contract', 'after_name')}\b")
_NAME_START = re.compile(rf"^(?:[,;:.)\]–\"-]|{any_of('contract', 'before_name')}(?![^\W_]))[\s,]*", re.IGNORECASE)
_HEAD = 3000
_IN_FIRST_PERSON = re.compile(
    r"\bI,\s(?P<name>[A-Z][\w.’'-]*(?:\s[A-Z][\w.’'-]*){1,3}),?\s(?:\w+\s){0,4}(?:agree|acknowledge|promise|undertake|certify)"
)
_TOWARDS = re.compile(r"\b(?:with|by|to|for|of|from)\s(?=[A-Z])")
_SIGNER = re.compile(
    r"^(?:name|print(?:ed)? name|nom|nombre|nome|naam|by)\s*:\s*(?:/s/\s*)?(?P<value>[^_:]{3,60}?)\s*$", re.IGNORECASE
)
_SIGNER_TITLE = re.compile(
    r"^(?:title|its|position|funktion|fonction|qualité|cargo|qualifica|functie|carica)\s*:\s*(?P<value>[^_:]{2,60}?)\s*$",
    re.IGNORECASE,
)


def parties_of(layout: Layout, prose: Prose) -> list[Entry]:
    """Between `between` and the recitals; else labelled by role; else the firms of the signature blocks."""
    text = prose.text
    for opening in list(_BETWEEN.finditer(text[:6000]))[:4]:
        stop = _PARTIES_END.search(text, opening.end())
        end = min(stop.start() if stop else len(text), opening.end() + 1800)
        entries = _defined_parties(prose, opening.end(), end) or _named_parties(
            prose, opening.end(), min(end, opening.end() + 500)
        )
        if len(entries) >= 2:
            return entries
    return _labelled_parties(layout) or _declared_parties(prose) or _signing_firms(layout)


def _defined_parties(prose: Prose, start: int, end: int) -> list[Entry]:
    """Names before their defined terms."""
    entries: list[Entry] = []
    position = start
    for match in _DEFINED.finditer(prose.text, start, end):
        role = match["role"].strip()
        if role.casefold() in (
            "agreement",
            "effective date",
            "party",
            "parties",
            "vertrag",
            "contract",
            "parteien",
            "les parties",
            "partes",
            "le parti",
        ):
            if "date" in role.casefold() or role.casefold() in ("agreement", "vertrag", "contract"):
                position = match.end()
            continue
        name = _leading_name(prose, position, match.start())
        position = match.end()
        if name is not None:
            entries.append(
                {
                    "name": name,
                    "role": prose.reading(match.start("role"), match.start("role") + len(match["role"].rstrip())),
                }
            )
    return entries


def _leading_name(prose: Prose, start: int, end: int) -> Reading | None:
    """The party's name at the start of its description."""
    while True:
        chunk = prose.text[start:end]
        blanks = len(chunk) - len(chunk.lstrip())
        trimmed = _NAME_START.match(chunk.lstrip())
        if not trimmed or not trimmed.end():
            start += blanks
            break
        start += blanks + trimmed.end()
    chunk = prose.text[start:end]
    stop = _NAME_END.search(chunk)
    name = chunk[: stop.start()] if stop else chunk
    name = name.rstrip(" ,;:–-")
    if not name or len(name.split()) > 10 or not any(char.isalpha() for char in name) or not name[0].isupper():
        return None
    return prose.reading(start, start + len(name))


def _named_parties(prose: Prose, start: int, end: int) -> list[Entry]:
    """`between X and Y` without defined terms."""
    region = prose.text[start:end]
    first_stop = re.search(r"\.\s|;\s", region)
    region = region[: first_stop.start()] if first_stop else region
    joint = re.search(r"\s(?:and|und|et|y|en|e)\s(?=[A-ZÄÖÜ])", region)
    if not joint:
        return []
    names = [
        _leading_name(prose, start, start + joint.start()),
        _leading_name(prose, start + joint.end(), start + len(region)),
    ]
    return [
        {"name": name}
        for name in names
        if name is not None and (has_legal_form(name.value) or could_be_name(name.value))
    ]


def _declared_parties(prose: Prose) -> list[Entry]:
    """Who promises in the first person, `I, Karen L. Hollis, agree`, and the firm that is named before its own defined term."""
    person = _IN_FIRST_PERSON.search(prose.text, 0, _HEAD)
    if person is None:
        return []
    firm: Entry | None = None
    for match in _DEFINED.finditer(prose.text, 0, _HEAD):
        openings = [each.end() for each in _TOWARDS.finditer(prose.text, max(0, match.start() - 200), match.start())]
        names = (_leading_name(prose, start, match.start()) for start in openings)
        name = next((each for each in names if each is not None and has_legal_form(each.value)), None)
        if name is not None:
            role = prose.reading(match.start("role"), match.start("role") + len(match["role"].rstrip()))
            firm = {"name": name, "role": role}
            break
    return [firm, {"name": prose.reading(person.start("name"), person.end("name"), score=0.8)}] if firm else []


def _labelled_parties(layout: Layout) -> list[Entry]:
    entries: list[Entry] = []
    for sheet in layout.sheets[:2]:
        for cell in sheet.cells:
            match = _ROLE_LABEL.match(cell.text)
            if match is None:
                continue
            role = of_span(cell, match.start("role"), match.end("role"), score=0.8)
            if match["name"]:
                name = match["name"].split("\u2003")[0]
                stop = _NAME_END.search(name)
                name = (name[: stop.start()] if stop else name).rstrip(" ,;")
                entries.append(
                    {
                        "name": of_span(cell, match.start("name"), match.start("name") + len(name), score=0.8),
                        "role": role,
                    }
                )
                continue
            beside = next(iter(layout.right_of(cell)), None) or next(iter(layout.below(cell, reach=1.8)), None)
            if beside is None or _ROLE_LABEL.match(beside.text):
                continue
            stop = _NAME_END.search(beside.text)
            name = (beside.text[: stop.start()] if stop else beside.text).rstrip(" ,;")
            if could_be_name(name):
                entries.append({"name": of_span(beside, 0, len(name), score=0.75), "role": role})
    unique: dict[str, Entry] = {}
    for entry in entries:
        unique.setdefault(entry["name"].value.casefold(), entry)
    return list(unique.values())


def _signing_firms(layout: Layout) -> list[Entry]:
    """Firms that stand alone on lines of the last pages, where contracts are signed."""
    names: dict[str, Entry] = {}
    for sheet in layout.sheets[-2:]:
        for cell in sheet.cells:
            if (
                not cell.text[0].islower()
                and has_legal_form(cell.text)
                and could_be_name(cell.text)
                and len(cell.words) <= 8
                and LEGAL_FORM.search(cell.text)
            ):
                names.setdefault(plain(cell.text).casefold(), {"name": of_cells([cell], score=0.6)})
    return list(names.values()) if 2 <= len(names) <= 6 else []


def signatories_of(layout: Layout) -> list[Entry]:
    """`Name:` with `Title:` below it, in any number of columns."""
    entries: list[Entry] = []
    for sheet in layout.sheets[-3:]:
        for cell in sheet.cells:
            match = _SIGNER.match(cell.text)
            if match is None or not could_be_name(match["value"]):
                continue
            if any(_SIGNER.match(below.text) for below in layout.below(cell, reach=1.5)):
                continue  # `By:` is the signature, and `Name:` below it says whose
            entry: Entry = {"name": of_span(cell, match.start("value"), match.end("value"), score=0.85)}
            for below in layout.below(cell, reach=2.0):
                title = _SIGNER_TITLE.match(below.text)
                if title and abs(below.box[0] - cell.box[0]) < 6:
                    entry["title"] = of_span(below, title.start("value"), title.end("value"), score=0.85)
                    break
            entries.append(entry)
    return entries
