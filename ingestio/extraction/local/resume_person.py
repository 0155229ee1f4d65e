"""The person of a résumé, from the head of its first page."""

import re

from ingestio.domain.fields import FieldKind
from ingestio.extraction.dates import find_months
from ingestio.extraction.layout import Cell, Layout, plain
from ingestio.extraction.local import scalars
from ingestio.extraction.local.blocks import could_be_name, has_legal_form, is_street_line, is_title, is_town_line
from ingestio.extraction.local.labels import Labels
from ingestio.extraction.local.reading import Found, Reading, of_cells, of_span
from ingestio.extraction.local.sections import Section, is_heading
from ingestio.extraction.local.vocabulary import any_of
from ingestio.extraction.tokens import fold
from ingestio.extraction.values import find_emails, find_phones

POSITION = re.compile(rf"\b{any_of('resume', 'position')}\b", re.IGNORECASE)
"""What people are called at work."""

PARTS = re.compile(r"\s+[|•·∙–—-]\s+|\s*[|•∙]\s*|\u2003+|\s·\s")
"""Between the parts of a line: bars, dots, dashes, wide gaps."""

_URL = re.compile(
    r"(?<![@\w.])(?:https?://|www\.)?(?:[\w-]+\.)+(?:com|org|net|io|dev|me|de|fr|es|it|nl|pt|co|ai|app|eu|ch|at|be|uk|example|no|se|dk|fi|pl|info|tech)(?:/[\w./%~-]*)?(?![\w@])",
    re.IGNORECASE,
)
_TOWN = re.compile(r"[^\W\d_][^\W\d_.'’-]*(?:[ -][^\W\d_.'’-]+){0,3}")
# Sections whose sites are those of employers, schools and works.
_OF_OTHERS = frozenset(
    {"work", "education", "projects", "publications", "volunteer", "awards", "certificates", "references"}
)
_AGE = re.compile(r"\d{2}\s(?:ans|years?|jahre|años|anni|jaar|anos|år|lat)\b", re.IGNORECASE)
_MUCH_LARGER = 1.5
_RUN_TOGETHER = re.compile(r"[A-ZÀ-Þ][a-zà-ÿ]+(?:[A-ZÀ-Þ][a-zà-ÿ]+){1,2}")
_LINES_OF_AN_ADDRESS = 4
# A town goes on with its other word and a comma, or with its region and postal code.
_GOES_ON = re.compile(r"(?:[^\W\d_][^\d@|:/]*,\s?[^@|:]*|[A-Z]{2}\s[\dA-Z]{4,5}(?:-\d{4})?)$")
_PLACE = re.compile(r"^[^\W\d_][^\d@|:/]{1,40},\s*[^\W\d_][^\d@|:/]{1,30}$")


def head_of(layout: Layout, sections: list[Section]) -> list[Cell]:
    """The lines of the first page before the first section, or its upper quarter."""
    if not layout.sheets:
        return []
    sheet = layout.sheets[0]
    tops = [each.heading.box[1] for each in sections if each.heading.page == sheet.number]
    limit = max(min(tops, default=sheet.height), 0.12 * sheet.height)
    return [cell for cell in sheet.cells if cell.box[1] < limit] or sheet.cells[:12]


def add_person(found: Found, layout: Layout, labels: Labels, top: list[Cell], sections: list[Section]) -> None:
    name = _name(layout, labels, top)
    if name is not None:
        found["name"] = name
    for concept, finder in (("email", find_emails), ("phone", find_phones)):
        readings = [
            of_span(cell, each.start, each.end, each.value)
            for cell in [*top, *layout.cells]
            for each in finder(cell.text)
        ]
        if concept == "phone":
            readings = [each for each in readings if not _numbers_a_house(each)]
        if readings:
            found[concept] = readings[0]
    email = found.get("email")
    of_others = {cell.index for each in sections if each.name in _OF_OTHERS for cell in each.cells}
    for cell in [*top, *(each for each in layout.cells[:60] if each.index not in of_others)]:
        match = _URL.search(cell.text)
        if (
            match
            and "@" not in match.group()
            and not (email and email.cell is cell and match.group() in email.value)
            and not _ends_an_email(layout, cell)
            and not _is_a_profile(cell.text[: match.start()], match.group())
        ):
            found["url"] = of_span(cell, match.start(), match.end(), score=0.8)
            break
    _location(found, layout, labels, top)
    if name is not None:
        _headline(found, layout, name, top)
    for name_of, kind in (("date_of_birth", FieldKind.DATE), ("nationality", FieldKind.TEXT)):
        extra = scalars.best(labels, name_of, kind)
        if extra is not None:
            found[name_of] = extra


def _numbers_a_house(phone: Reading) -> bool:
    """`118-2004, Garden Apt. 86, Lime Road`: the number with which an address begins."""
    cell, start, end = phone.pieces[0]
    return (
        not cell.text[:start].strip() and bool(re.match(r",\s[^\W\d_]", cell.text[end:])) and phone.value[:1].isdigit()
    )


def _is_a_profile(before: str, url: str) -> bool:
    """`janedoe · https://network.example/janedoe`: the name that somebody has on a network stands before it."""
    last = url.rstrip("/").rpartition("/")[2].casefold()
    return "/" in url and last in re.findall(r"[\w.-]+", before.casefold())


def _ends_an_email(layout: Layout, cell: Cell) -> bool:
    """`l.com` below `jane.doe@mai`: an address that its column was too narrow for."""
    above = next(iter(layout.above(cell, reach=1.2)), None)
    return above is not None and "@" in above.text and not find_emails(above.text)


def _name(layout: Layout, labels: Labels, top: list[Cell]) -> Reading | None:
    """Behind a label, else the largest line at the head that reads as a person's name."""
    for candidate in scalars.candidates(labels, "name", FieldKind.TEXT):
        label, value = candidate.label, candidate.reading.value
        in_table = label.fills_cell and candidate.relation == "right" and len(value.split()) > 1
        if label.leading and (label.closed or in_table) and could_be_name(value):
            return candidate.reading
    ranked: list[tuple[float, Cell, str]] = []
    for place, cell in enumerate(top[:15]):
        value = PARTS.split(plain(cell.text))[0].strip(" ,")
        words = value.split()
        if (
            not 2 <= len(words) <= 5
            or any(char.isdigit() for char in value)
            or is_title(value)
            or is_heading(value)
            or not could_be_name(value)
            or has_legal_form(value)
            or any(POSITION.fullmatch(each) for each in (words[0], words[-1]))  # `HR ADMINISTRATOR`
        ):
            continue
        if not all(
            word[:1].isupper()
            or fold(word) in ("de", "da", "van", "von", "der", "den", "di", "la", "le", "el", "bin", "al")
            for word in words
        ):
            continue
        score = cell.height / layout.line_height - 0.05 * place - (0.4 if POSITION.search(value) else 0.0)
        ranked.append((score, cell, value))
    largest = max((each for each in top[:15] if not _is_no_name(each)), key=lambda each: each.height, default=None)
    tallest = max([each.height for _, each, _ in ranked], default=0.0)
    if largest is not None and largest.height > _MUCH_LARGER * tallest and largest.text.strip().isalpha():
        # One word larger than any other line is a name that was set without a blank, or half of one.
        if _RUN_TOGETHER.fullmatch(largest.text.strip()):
            return of_cells([largest], score=0.7)
        return _over_two_lines(layout, largest)
    if not ranked:
        return None
    score, cell, value = max(ranked, key=lambda each: each[0])
    at = cell.text.find(value.split()[0])
    return of_span(cell, at, min(len(cell.text), at + len(value)), value, 0.9 if score > 1.15 else 0.7)


def _over_two_lines(layout: Layout, first: Cell) -> Reading | None:
    """`Rosalind`, as large below it `Achterberg`: one word each, edge under edge."""
    below = next(iter(layout.below(first, reach=0.9)), None)
    if below is None or not below.text.strip().isalpha() or abs(below.height - first.height) > 0.15 * first.height:
        return None
    middles = abs((below.box[0] + below.box[2]) - (first.box[0] + first.box[2])) / 2
    if min(abs(below.box[0] - first.box[0]), middles) > 4 or _is_no_name(below):
        return None
    return of_cells([first, below], score=0.7)


def _is_no_name(cell: Cell) -> bool:
    """`Lebenslauf`, `Zur Person`."""
    return is_title(cell.text) or is_heading(cell.text)


def _location(found: Found, layout: Layout, labels: Labels, top: list[Cell]) -> None:
    labelled = [
        each
        for each in scalars.candidates(labels, "location", FieldKind.TEXT)
        if each.label.leading and each.label.closed
    ]
    if labelled:
        found["location"] = labelled[0].reading
        return
    for cell in top:
        if any(find_months(other.text) for other in layout.row_of(cell) if other is not cell):
            continue  # a position beside its years
        position = 0
        for part in re.split(f"({PARTS.pattern})", cell.text):
            start, position = position, position + len(part)
            value = part.strip(" ,")
            if (
                not value
                or (found.get("name") and value == found["name"].value)
                or find_emails(value)
                or find_phones(value)
                or _AGE.match(value)
            ):
                continue
            if (
                (_PLACE.match(value) and not POSITION.search(value) and len(value.split()) <= 6)
                or is_town_line(value)
                or is_street_line(value)
            ):
                at = start + part.find(value)
                found["location"] = _with_its_rest(layout, of_span(cell, at, at + len(value), score=0.8))
                return


def _with_its_rest(layout: Layout, place: Reading) -> Reading:
    """An address that a narrow column broke into lines: `418 Alderwood St, San`, below it `Francisco, California, US`."""
    cell, start, end = place.pieces[0]
    pieces, text = [(cell, start, end)], place.value
    if is_street_line(text) and not is_town_line(text) and end == len(cell.text.rstrip()):
        below = next(iter(layout.below(cell, reach=0.9)), None)
        if below is not None and _is_its_town(cell, below):
            return Reading(
                f"{text}, {plain(below.text)}", ((cell, start, end), (below, 0, len(below.text))), place.score
            )
    while "," in text and end == len(cell.text.rstrip()) and len(pieces) < _LINES_OF_AN_ADDRESS:
        below = next(iter(layout.below(cell, reach=0.9)), None)
        if below is None or abs(below.height - cell.height) > 0.15 * cell.height:
            break
        written = plain(below.text)
        if not _GOES_ON.match(written) or find_emails(written) or find_phones(written):
            break
        text = f"{text} {written}"
        cell, end = below, len(below.text.rstrip())
        pieces.append((cell, 0, end))
    return Reading(text, tuple(pieces), place.score)


def _is_its_town(street: Cell, below: Cell) -> bool:
    """Whether the line below a street, edge under edge, is a town: with its postal code, or a few words with capitals."""
    text = plain(below.text)
    if abs(below.height - street.height) > 0.15 * street.height or find_emails(text) or find_phones(text):
        return False
    edges = (abs(below.box[0] - street.box[0]), abs(below.box[2] - street.box[2]))
    return min(edges) < 4 and (is_town_line(text) or (text[:1].isupper() and bool(_TOWN.fullmatch(text))))


def _headline(found: Found, layout: Layout, name: Reading, top: list[Cell]) -> None:
    """The line below the name when it says what the person does."""
    for cell in layout.below(name.cell, reach=2.0):
        value = plain(cell.text)
        if (
            cell not in top
            or len(value.split()) > 10
            or find_emails(value)
            or find_phones(value)
            or _URL.search(value)
            or value.endswith(".")
        ):
            return
        if is_heading(value):
            return
        if is_street_line(value):
            return  # what follows is its town
        if is_town_line(value) or (_PLACE.match(value) and not POSITION.search(value)):
            continue
        found["label"] = of_span(cell, 0, len(cell.text), score=0.8 if POSITION.search(value) else 0.6)
        return
