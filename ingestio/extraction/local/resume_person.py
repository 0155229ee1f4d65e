"""The person of a résumé, from the head of its first page."""

import re

from ingestio.domain.fields import FieldKind
from ingestio.extraction.layout import Cell, Layout, plain
from ingestio.extraction.local import scalars
from ingestio.extraction.local.blocks import could_be_name, has_legal_form, is_street_line, is_title, is_town_line
from ingestio.extraction.local.labels import Labels
from ingestio.extraction.local.reading import Found, Reading, of_span
from ingestio.extraction.local.sections import Section
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
_PLACE = re.compile(r"^[^\W\d_][^\d@|:/]{1,40},\s*[^\W\d_][^\d@|:/]{1,30}$")


def head_of(layout: Layout, sections: list[Section]) -> list[Cell]:
    """The lines of the first page before the first section, or its upper quarter."""
    if not layout.sheets:
        return []
    sheet = layout.sheets[0]
    tops = [each.heading.box[1] for each in sections if each.heading.page == sheet.number]
    limit = max(min(tops, default=sheet.height), 0.12 * sheet.height)
    return [cell for cell in sheet.cells if cell.box[1] < limit] or sheet.cells[:12]


def add_person(found: Found, layout: Layout, labels: Labels, top: list[Cell]) -> None:
    name = _name(layout, labels, top)
    if name is not None:
        found["name"] = name
    for concept, finder in (("email", find_emails), ("phone", find_phones)):
        reading = next(
            (
                of_span(cell, each.start, each.end, each.value)
                for cell in [*top, *layout.cells]
                for each in finder(cell.text)
            ),
            None,
        )
        if reading is not None:
            found[concept] = reading
    email = found.get("email")
    for cell in [*top, *layout.cells[:60]]:
        match = _URL.search(cell.text)
        if match and "@" not in match.group() and not (email and email.cell is cell and match.group() in email.value):
            found["url"] = of_span(cell, match.start(), match.end(), score=0.8)
            break
    _location(found, labels, top)
    if name is not None:
        _headline(found, layout, name, top)
    for name_of, kind in (("date_of_birth", FieldKind.DATE), ("nationality", FieldKind.TEXT)):
        extra = scalars.best(labels, name_of, kind)
        if extra is not None:
            found[name_of] = extra


def _name(layout: Layout, labels: Labels, top: list[Cell]) -> Reading | None:
    """Behind a label, else the largest line at the head that reads as a person's name."""
    for candidate in scalars.candidates(labels, "name", FieldKind.TEXT):
        if candidate.label.leading and candidate.label.closed and could_be_name(candidate.reading.value):
            return candidate.reading
    ranked: list[tuple[float, Cell, str]] = []
    for place, cell in enumerate(top[:15]):
        value = PARTS.split(plain(cell.text))[0].strip(" ,")
        words = value.split()
        if (
            not 2 <= len(words) <= 5
            or any(char.isdigit() for char in value)
            or is_title(value)
            or not could_be_name(value)
            or has_legal_form(value)
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
    if not ranked:
        return None
    score, cell, value = max(ranked, key=lambda each: each[0])
    at = cell.text.find(value.split()[0])
    return of_span(cell, at, min(len(cell.text), at + len(value)), value, 0.9 if score > 1.15 else 0.7)


def _location(found: Found, labels: Labels, top: list[Cell]) -> None:
    labelled = [
        each
        for each in scalars.candidates(labels, "location", FieldKind.TEXT)
        if each.label.leading and each.label.closed
    ]
    if labelled:
        found["location"] = labelled[0].reading
        return
    for cell in top:
        position = 0
        for part in re.split(f"({PARTS.pattern})", cell.text):
            start, position = position, position + len(part)
            value = part.strip(" ,")
            if (
                not value
                or (found.get("name") and value == found["name"].value)
                or find_emails(value)
                or find_phones(value)
            ):
                continue
            if (
                (_PLACE.match(value) and not POSITION.search(value) and len(value.split()) <= 6)
                or is_town_line(value)
                or is_street_line(value)
            ):
                at = start + part.find(value)
                found["location"] = of_span(cell, at, at + len(value), score=0.8)
                return


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
        if _PLACE.match(value) and not POSITION.search(value):
            continue
        found["label"] = of_span(cell, 0, len(cell.text), score=0.8 if POSITION.search(value) else 0.6)
        return
