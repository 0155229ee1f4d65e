"""Reports: title, authors, organization, date, summary, keywords and headings."""

import re

from ingestio.domain.fields import FieldKind
from ingestio.extraction.layout import Cell, Layout, plain
from ingestio.extraction.local import scalars
from ingestio.extraction.local.blocks import could_be_name, has_legal_form
from ingestio.extraction.local.labels import Labels, lexicon_of
from ingestio.extraction.local.parties import Parties
from ingestio.extraction.local.prose import Prose, title_of
from ingestio.extraction.local.reading import Entry, Found, Reading, of_cells, of_span
from ingestio.extraction.local.sections import sections_of

_NUMBERED = re.compile(r"^(?:\d{1,2}(?:\.\d{1,2})*\.?|[IVX]{1,5}\.|[A-Z]\.)\s+[^\W\d_]")
_PERSON = re.compile(
    r"^(?:(?:Dr|Prof|Mr|Mrs|Ms|Ing)\.?\s)*[A-ZÀ-Ý][\w'’.-]+(?:\s(?:[A-ZÀ-Ý][\w'’.-]*|de|van|von|der|da|di|la)){1,4}$"
)
_KEYWORDS = re.compile(
    r"\b(?:keywords|key words|index terms|schlagworte|schlüsselwörter|mots[- ]clés|palabras clave|parole chiave|trefwoorden|"
    r"palavras[- ]chave)\s*[:—–-]\s*([^.]{3,300})",
    re.IGNORECASE,
)
_SUMMARY_ROWS = 60


def read_report(layout: Layout) -> tuple[Found, dict[str, list[Entry]]]:
    """Readings by concept; authors, keywords and headings as lists."""
    labels = Labels(layout, lexicon_of("report"))
    title = title_of(layout)
    found = _named(labels)
    if title is not None:
        found["title"] = title
        _add_subtitle(found, labels, title)
    authors, organization = _authors(labels)
    if organization is not None:
        found.setdefault("organization", organization)
    if "organization" not in found and layout.sheets:
        firm = next((each for each in Parties(labels).senders(None) if has_legal_form(each.name.value)), None)
        if firm is not None:
            found["organization"] = firm.name
    for section in sections_of(layout, "report"):
        if section.name == "summary" and "summary" not in found:
            cells = _until_heading(section.rows[:_SUMMARY_ROWS], layout)
            if cells:
                found["summary"] = of_cells(cells, score=0.8)
    lists = {"authors": authors, "keywords": _keywords(layout), "headings": _headings(layout, title)}
    return found, {name: entries for name, entries in lists.items() if entries}


def _named(labels: Labels) -> Found:
    """Date, number and organization behind their labels; a date without one from the head of the first page."""
    found: Found = {}
    wanted = (
        ("report_date", FieldKind.DATE),
        ("report_number", FieldKind.IDENTIFIER),
        ("organization", FieldKind.TEXT),
    )
    for concept, kind in wanted:
        for candidate in scalars.candidates(labels, concept, kind):
            if candidate.label.leading and (candidate.label.closed or candidate.label.fills_cell):
                found[concept] = candidate.reading
                break
    date = _early_date(labels.layout) if "report_date" not in found else None
    if date is not None:
        found["report_date"] = date
    return found


def _add_subtitle(found: Found, labels: Labels, title: Reading) -> None:
    below = next(iter(labels.layout.below(title.pieces[-1][0], reach=1.5)), None)
    if below is None or not 2 <= len(below.words) <= 20 or labels.begins(below) is not None:
        return
    if below.height > 1.05 * labels.layout.line_height:
        found["subtitle"] = of_cells([below], score=0.7)


def _early_date(layout: Layout) -> Reading | None:
    for cell in layout.sheets[0].cells if layout.sheets else ():
        if len(cell.dates) == 1 and len(cell.words) <= 6:
            date = cell.dates[0]
            return of_span(cell, date.start, date.end, date.value, 0.7)
    return None


def _authors(labels: Labels) -> tuple[list[Entry], Reading | None]:
    """`Author: Ines Okafor, Slowlane Research`: persons, and what follows them as their organization."""
    for label in labels.of("authors"):
        if not label.leading or not (label.closed or label.fills_cell):
            continue
        cell, start = label.cell, label.end
        if label.fills_cell:
            beside = next(iter(labels.layout.right_of(cell)), None) or next(
                iter(labels.layout.below(cell, label.box, reach=2.0)), None
            )
            if beside is None:
                continue
            cell, start = beside, 0
        people: list[Entry] = []
        organization: Reading | None = None
        position = start
        for part in re.split(r"(,\s+|\s+(?:and|und|et|y|e|en|&)\s+|;\s*)", cell.text[start:]):
            value = part.strip(" ,;")
            at = position + part.find(value) if value else position
            if value and _PERSON.match(value) and not has_legal_form(value) and not _names_organization(value):
                people.append({"": of_span(cell, at, at + len(value), score=0.85)})
            elif (
                value
                and people
                and could_be_name(value)
                and organization is None
                and re.search(r"[^\W_]", value)
                and value not in ("and", "und", "et", "y", "e", "en", "&")
            ):
                organization = of_span(cell, at, at + len(value), score=0.75)
            position += len(part)
        if people:
            return people, organization
    return [], None


def _names_organization(value: str) -> bool:
    words = re.compile(
        r"\b(?:research|institute|university|institut|universität|université|agency|council|department|ministry|group|consulting|partners|associates|team|laboratory|labs?|centre|center|office|bank|commission|foundation|society|authority)\b",
        re.IGNORECASE,
    )
    return bool(words.search(value))


def _keywords(layout: Layout) -> list[Entry]:
    prose = Prose(layout)
    match = _KEYWORDS.search(prose.text[:8000])
    if match is None:
        return []
    entries: list[Entry] = []
    position = match.start(1)
    for part in re.split(r"([,;·•]\s*)", match[1]):
        value = part.strip(" ,;·•\n")
        if value and len(value.split()) <= 5 and any(char.isalpha() for char in value):
            at = position + part.find(value)
            entries.append({"": prose.reading(at, at + len(value))})
        elif value and len(value.split()) > 5:
            break
        position += len(part)
    return entries[:20]


def _headings(layout: Layout, title: Reading | None) -> list[Entry]:
    """Numbered lines that stand alone, or lines clearly larger than the text; the title is none."""
    own = {piece[0].index for piece in title.pieces} if title is not None else set()
    entries: list[Entry] = []
    for cell in layout.cells:
        if (
            cell.index in own
            or len(cell.words) > 14
            or plain(cell.text).endswith((".", ",", ";", ":"))
            or len(layout.row_of(cell)) > 1
        ):
            continue
        larger = cell.height > 1.15 * layout.line_height and sum(char.isalpha() for char in cell.text) >= 4
        numbered = bool(_NUMBERED.match(cell.text)) and cell.height > 1.02 * layout.line_height
        below_title = title is None or cell.page > 1 or cell.middle > title.cell.middle + 3 * title.cell.height
        if (larger or numbered) and below_title:
            entries.append({"": of_cells([cell], score=0.75)})
    return entries[:200]


def _until_heading(rows: list[list[Cell]], layout: Layout) -> list[Cell]:
    cells: list[Cell] = []
    for row in rows:
        if (
            len(row) == 1
            and (row[0].height > 1.15 * layout.line_height or _NUMBERED.match(row[0].text))
            and len(row[0].words) <= 10
            and not plain(row[0].text).endswith(".")
        ):
            break
        cells.extend(row)
    return cells
